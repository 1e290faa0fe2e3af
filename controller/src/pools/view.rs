//! Pools as the API shows them.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use sark_api::config::{CheckKind, HealthConfig, PoolConfig};
use sark_api::{
    PoolPolicyView, PoolProxyView, PoolState, PoolView, PoolsResponse, ProxyAnswer, ProxyState,
};
use sark_compiler::Steering;

use super::{Member, Pools};

impl Pools {
    /// All, with what policies do (`steering`) if that is known. `asks` is whether proxies are asked at
    /// all: by a leader.
    pub fn view(&self, steering: &[Steering], asks: bool) -> PoolsResponse {
        let pool = |(place, pool): (usize, &PoolConfig)| {
            let steering: Vec<&Steering> =
                steering.iter().filter(|steering| steering.pool == pool.name).collect();
            let proxies: Vec<PoolProxyView> =
                (0..pool.proxies.len()).map(|n| self.proxy(place, n, &steering, asks)).collect();
            let is_up = |proxy: &&PoolProxyView| proxy.state != ProxyState::Down;
            let state = match proxies.iter().filter(is_up).count() {
                0 => PoolState::Down,
                up if up < proxies.len() => PoolState::Degraded,
                _ => PoolState::Up,
            };
            let policy = |it: &&Steering| PoolPolicyView {
                policy: it.policy.clone(),
                afi: it.afi,
                fate: it.fate,
            };
            PoolView {
                name: pool.name.clone(),
                state,
                proxies,
                policies: steering.iter().map(policy).collect(),
            }
        };
        let would_refuse = self.refusals.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let pools = self.config.iter().enumerate().map(pool).collect();
        PoolsResponse { asks, pools, would_refuse }
    }

    fn proxy(
        &self,
        place: usize,
        number: usize,
        steering: &[&Steering],
        asks: bool,
    ) -> PoolProxyView {
        let config = &self.config[place];
        let proxy = &config.proxies[number];
        let member = self.members.iter().find(|it| (it.pool, it.proxy) == (place, number));
        let seen = member.filter(|_| asks).map(|member| {
            (member.seen.lock().unwrap_or_else(PoisonError::into_inner).clone(), member)
        });
        let state = match (&seen, member) {
            (None, None) => ProxyState::Unasked,
            (Some((seen, _)), _) if !seen.health.is_up() => ProxyState::Down,
            (Some((seen, _)), _) if seen.health.is_known() => ProxyState::Up,
            _ => ProxyState::Unknown,
        };
        let held = |seen: &super::Seen| -> Option<Timestamp> {
            let held = match self.is_needed(place, number) {
                true => return None,
                false => seen.health.held_for(self.elapsed()),
            };
            let held = SignedDuration::try_from(held).ok().filter(|held| !held.is_zero())?;
            self.clock.now().checked_add(held).ok()
        };
        let cannot_ask = seen.as_ref().and_then(|(seen, _)| seen.cannot_ask.clone());
        let (share, sources) = share(&proxy.name, steering);
        PoolProxyView {
            name: proxy.name.clone(),
            state,
            since: seen
                .as_ref()
                .map(|(seen, _)| seen.since)
                .filter(|_| state != ProxyState::Unknown),
            held_until: seen.as_ref().and_then(|(seen, _)| held(seen)),
            next_hop4: proxy.next_hop4,
            next_hop6: proxy.next_hop6,
            check: member.zip(config.health.as_ref()).map(|(member, health)| words(member, health)),
            answer: seen.and_then(|(seen, _)| seen.last).map(|last| ProxyAnswer {
                works: last.works,
                words: last.words,
                at: last.at,
                milliseconds: u64::try_from(last.took.as_millis()).unwrap_or(u64::MAX),
            }),
            cannot_ask,
            share,
            sources,
        }
    }
}

/// `http 192.0.2.10:9467/readyz`.
fn words(member: &Member, health: &HealthConfig) -> String {
    let path = match health.check {
        CheckKind::Http => health.path.as_deref().unwrap_or("/readyz"),
        CheckKind::Tcp | CheckKind::Tls => "",
    };
    format!("{} {}{path}", health.check, member.at)
}

/// Percent of the policies' sources, each policy and family counted alike, and which they are.
fn share(proxy: &str, steering: &[&Steering]) -> (Option<f64>, Vec<IpNet>) {
    let steering = steering.iter().filter(|it| it.fate.is_redirected());
    let own: Vec<_> =
        steering.map(|it| it.shares.iter().find(|share| share.proxy == proxy)).collect();
    if own.is_empty() {
        return (None, Vec::new());
    }
    let parts: f64 = own.iter().flatten().map(|share| share.part).sum();
    let percent = (parts * 1000.0 / own.len() as f64).round() / 10.0;
    let sources: BTreeSet<IpNet> =
        own.iter().flatten().flat_map(|share| share.sources.iter().copied()).collect();
    (Some(percent), sources.into_iter().collect())
}
