//! A pool as it is now → what becomes of a policy that redirects to it.

use ipnet::IpNet;
use sark_flowspec::{Action, Afi};
use sark_policy::{Policy, WhenProxyDown};
use serde::{Deserialize, Serialize};

use crate::net::Net;
use crate::share::{Sharer, shares};
use crate::wish::Wish;
use crate::{Pool, Warning};

/// A proxy that a family of a policy can be sent to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lane {
    pub proxy: String,
    pub is_up: bool,
    pub actions: Vec<Action>,
}

/// What a policy does now in one family, to a pool.
#[derive(Debug, Clone, PartialEq)]
pub struct Steering {
    /// The policy.
    pub policy: String,
    /// Its pool.
    pub pool: String,
    /// The family.
    pub afi: Afi,
    /// What becomes of its packets.
    pub fate: Fate,
    /// What each proxy gets, in the order of the pool; nobody gets anything unless the packets are
    /// redirected.
    pub shares: Vec<ProxyShare>,
}

/// What becomes of a policy's packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// They go to proxies that are up.
    Redirected,
    /// The pool is down and the rules stay: they go to proxies that do not answer.
    Kept,
    /// The pool is down: they are dropped.
    Dropped,
    /// The pool is down: the policy has no rules, and they go on unseen.
    Withdrawn,
}

impl Fate {
    /// Whether rules lead to proxies, that answer or not.
    #[must_use]
    pub fn is_redirected(self) -> bool {
        matches!(self, Self::Redirected | Self::Kept)
    }
}

/// What one proxy gets of a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct ProxyShare {
    /// The proxy.
    pub proxy: String,
    /// Sources; all addresses of a family are `0.0.0.0/0` or `::/0`.
    pub sources: Vec<IpNet>,
    /// Part of the policy's source addresses, from 0 to 1.
    pub part: f64,
}

impl Pool {
    /// Whether no proxy with a next hop of the family is up; not where there is none at all.
    pub(crate) fn is_down(&self, afi: Afi) -> bool {
        let mut able = self.proxies.iter().filter(|proxy| proxy.next_hop(afi).is_some()).peekable();
        able.peek().is_some() && able.all(|proxy| !proxy.is_up)
    }
}

/// Actions for these sources; `None` is all.
pub(crate) type Course = (Vec<Action>, Option<Vec<Net>>);

/// What is done with which sources (sorted and disjoint), and for a pool why.
pub(crate) fn steer(
    policy: &Policy,
    pool: Option<&Pool>,
    wish: &Wish,
    afi: Afi,
    sources: Option<Vec<Net>>,
) -> (Vec<Course>, Option<Steering>) {
    let Some(pool) = pool else { return (vec![(wish.actions.clone(), sources)], None) };
    let fate = match (pool.is_down(afi), policy.when_proxy_down) {
        (false, _) => Fate::Redirected,
        (true, WhenProxyDown::Keep) => Fate::Kept,
        (true, WhenProxyDown::Drop) => Fate::Dropped,
        (true, WhenProxyDown::Withdraw) => Fate::Withdrawn,
    };
    let is_taken = |lane: &Lane| lane.is_up || fate == Fate::Kept;
    let sharers: Vec<Sharer<'_>> =
        wish.lanes.iter().map(|lane| Sharer { name: &lane.proxy, is_up: is_taken(lane) }).collect();
    let given =
        if fate.is_redirected() { shares(sources.as_deref(), afi, &sharers) } else { Vec::new() };
    let report = |(place, lane): (usize, &Lane)| {
        let share = given.get(place).cloned().unwrap_or_default();
        ProxyShare {
            proxy: lane.proxy.clone(),
            sources: share.sources.iter().map(|net| net.to_ipnet(afi)).collect(),
            part: share.part,
        }
    };
    let steering = Steering {
        policy: policy.name.clone(),
        pool: pool.name.clone(),
        afi,
        fate,
        shares: wish.lanes.iter().enumerate().map(report).collect(),
    };
    let courses = match (fate, wish.lanes.len()) {
        (Fate::Withdrawn, _) => Vec::new(),
        (Fate::Dropped, _) => vec![(wish.discard.clone(), sources)],
        // Nothing to share: as ever.
        (_, 1) => vec![(wish.actions.clone(), sources)],
        _ => {
            let lanes = wish.lanes.iter().zip(given).filter(|(_, share)| !share.sources.is_empty());
            lanes.map(|(lane, share)| (lane.actions.clone(), Some(share.sources))).collect()
        }
    };
    (courses, Some(steering))
}

/// Code of the warning that a pool is down and what becomes of a policy.
pub const POOL_DOWN: &str = "pool-down";

/// What a person should know of it.
pub(crate) fn warnings(policy: &Policy, steering: &Steering) -> Vec<Warning> {
    let warn =
        |code: &str, message| Warning { policy: policy.name.clone(), code: code.into(), message };
    let pool = &steering.pool;
    let family = match steering.afi {
        Afi::Ipv4 => "IPv4",
        Afi::Ipv6 => "IPv6",
    };
    let consequence = match steering.fate {
        Fate::Redirected if steering.shares.len() > 1 && policy.from.is_empty() => {
            let message = format!(
                "without `from` the proxies of the pool {pool} share all addresses by their first \
                 bits: clients that are near each other get the same one"
            );
            return vec![warn("shared-coarsely", message)];
        }
        Fate::Redirected => return Vec::new(),
        Fate::Kept => "its rules stay and lead to proxies that do not answer (whenProxyDown: keep)",
        Fate::Dropped => "its packets are dropped (whenProxyDown: drop)",
        Fate::Withdrawn => {
            "it has no rules, and its packets go on unseen (whenProxyDown: withdraw)"
        }
    };
    let message = format!("no proxy of the pool {pool} is up for {family}: {consequence}");
    vec![warn(POOL_DOWN, message)]
}
