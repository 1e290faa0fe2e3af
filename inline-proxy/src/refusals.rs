//! Refusals that no decision stands behind, as the trail bears them: each is on record by itself as long as
//! a client has few of them, and the rest of a minute is one record with a number. So garbage, which costs a
//! client nothing, does not fill the spool in which decisions have to have room.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clients::OneClient;
use crate::flow::Flow;

/// Of one client and reason, in one interval: so many are records of their own.
const SINGLE: u64 = 10;
/// How long an interval is.
const INTERVAL: Duration = Duration::from_secs(60);
/// Names of one client and reason that are told apart in one interval; beyond, all others are one.
const NAMES: usize = 32;
/// Pairs of client and reason, and names, that are told apart; beyond,
/// all clients are one.
const MOST: usize = 4096;
/// Stands for all clients that are not told apart.
const OTHERS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Why something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A connection beyond a limit.
    Connections,
    /// A beginning that cannot be read, or a connection whose course is `deny`.
    Denied,
    /// TLS was not agreed on.
    Handshake,
    /// What was sent is no HTTP, or too much of it, or too slow.
    Http,
    /// A head that can be read in two ways.
    Head,
    /// A body that cannot be read.
    Body,
    /// Too much to do.
    Overload,
    /// A request for another host than its connection's.
    Fronted,
    /// A server that nobody may reach through here.
    Forbidden,
    /// A server that does not answer, or is not who it should be.
    Unreachable,
    /// What comes before a connection on behalf of another (the PROXY protocol) is not as it should be.
    Header,
}

impl Reason {
    /// As records name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Denied => "denied",
            Self::Handshake => "handshake",
            Self::Http => "http",
            Self::Head => "head",
            Self::Body => "body",
            Self::Overload => "overload",
            Self::Fronted => "fronted",
            Self::Forbidden => "forbidden",
            Self::Unreachable => "unreachable",
            Self::Header => "proxy-header",
        }
    }

    /// Whether it counts by name: many for one name do not hide the first for another.
    const fn is_by_name(self) -> bool {
        matches!(self, Self::Denied | Self::Fronted | Self::Forbidden)
    }

    /// The event of its records.
    #[must_use]
    pub const fn event(self) -> &'static str {
        match self {
            Self::Denied => "proxy.flow",
            Self::Fronted => "proxy.fronted",
            Self::Forbidden | Self::Unreachable => "proxy.unreachable",
            _ => "proxy.refused",
        }
    }
}

/// Counts refusals.
#[derive(Debug)]
pub struct Refusals {
    who: OneClient,
    /// Names are hashed, so that long ones take no more room.
    hasher: RandomState,
    seen: Mutex<HashMap<Key, Seen>>,
}

/// Whose, why, and, of those that are told apart, for which name.
type Key = (IpAddr, Reason, Option<u64>);

#[derive(Debug)]
struct Seen {
    since: Instant,
    count: u64,
    /// How many names of the same client and reason count by themselves.
    names: usize,
    /// The last of those that are no record of their own.
    last: Option<Flow>,
}

impl Seen {
    const fn new(since: Instant) -> Self {
        Self { since, count: 0, names: 0, last: None }
    }
}

/// Those of an interval that are no records of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct More {
    /// Why.
    pub reason: Reason,
    /// How many.
    pub count: u64,
    /// Within which time.
    pub within: Duration,
    /// The last one.
    pub last: Flow,
    /// Whether they are of clients that were too many to be told apart.
    pub of_several: bool,
}

impl Refusals {
    /// None yet.
    #[must_use]
    pub fn new(who: OneClient) -> Self {
        Self { who, hasher: RandomState::new(), seen: Mutex::default() }
    }

    /// Whether this one, for this name, is a record of its own; if it is not, it was counted.
    pub fn is_single(&self, flow: &Flow, reason: Reason, name: &str, now: Instant) -> bool {
        let client = self.who.of(flow.client);
        let name = reason.is_by_name().then(|| self.hasher.hash_one(name));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut key, named) = ((client, reason, None), (client, reason, name));
        if seen.contains_key(&named) {
            key = named;
        } else if name.is_some() && seen.len() + 2 <= MOST {
            let names = &mut seen.entry(key).or_insert(Seen::new(now)).names;
            if *names < NAMES {
                *names += 1;
                key = named;
            }
        }
        if seen.len() >= MOST && !seen.contains_key(&key) {
            key = (OTHERS, reason, None);
        }
        let seen = seen.entry(key).or_insert(Seen::new(now));
        seen.count = seen.count.saturating_add(1);
        if seen.count <= SINGLE {
            return true;
        }
        seen.last = Some(flow.clone());
        false
    }

    /// Those that were counted in intervals that are over; `None`, and all are.
    pub fn over(&self, now: Option<Instant>) -> Vec<More> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |seen: &Seen| {
            now.is_none_or(|now| now.saturating_duration_since(seen.since) >= INTERVAL)
        };
        let over = seen.extract_if(|_, seen| is_over(seen));
        over.filter_map(|((client, reason, _), seen)| {
            let count = seen.count.saturating_sub(SINGLE);
            let of_several = client == OTHERS;
            Some(More { reason, count, within: INTERVAL, last: seen.last?, of_several })
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::flow::{Entrance, Target};

    fn flow(client: IpAddr) -> Flow {
        let local: SocketAddr = "192.0.2.1:443".parse().unwrap();
        let client = SocketAddr::new(client, 40_000);
        Flow { client, local, target: Target::Address(local), entrance: Entrance::Transparent }
    }

    #[test]
    fn a_few_are_single_and_the_rest_is_a_number() {
        let (refusals, now) = (Refusals::new(OneClient::default()), Instant::now());
        let one = flow("192.0.2.7".parse().unwrap());
        let single = (0..1000).filter(|_| refusals.is_single(&one, Reason::Head, "", now)).count();
        assert_eq!(single, 10);
        let other = flow("192.0.2.8".parse().unwrap());
        assert!(refusals.is_single(&other, Reason::Head, "", now), "another client's");
        assert!(refusals.is_single(&one, Reason::Body, "", now), "another reason");
        assert_eq!(refusals.over(Some(now)), []);
        let over = refusals.over(Some(now + INTERVAL));
        let more = More {
            reason: Reason::Head,
            count: 990,
            within: INTERVAL,
            last: one.clone(),
            of_several: false,
        };
        assert_eq!(over, [more]);
        assert!(refusals.is_single(&one, Reason::Head, "", now + INTERVAL), "it begins anew");
        assert_eq!(refusals.over(None), [], "what is single is on record already");
    }

    #[test]
    fn however_many_clients_there_are() {
        let (refusals, now) = (Refusals::new(OneClient::default()), Instant::now());
        let client = |n: u32| flow(IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + n)));
        let single =
            (0..100_000).filter(|n| refusals.is_single(&client(*n), Reason::Http, "", now));
        assert_eq!(single.count(), MOST + 10);
        let over = refusals.over(None);
        assert_eq!(over.len(), 1);
        assert_eq!((over[0].count, over[0].of_several), (100_000 - 4096 - 10, true));
    }

    #[test]
    fn many_for_one_name_hide_no_other() {
        let (refusals, now) = (Refusals::new(OneClient::default()), Instant::now());
        let one = flow("192.0.2.7".parse().unwrap());
        let single = |reason, name: &str| refusals.is_single(&one, reason, name, now);
        for reason in [Reason::Denied, Reason::Fronted, Reason::Forbidden] {
            assert_eq!((0..100).filter(|_| single(reason, "harmless")).count(), 10);
            assert!(single(reason, "telling"), "{reason:?}");
            // So many, and then the rest is one more.
            let names = (0..1000).filter(|n| single(reason, &n.to_string())).count();
            assert_eq!(names, NAMES - 2 + 10);
        }
        assert_eq!((0..100).filter(|n| single(Reason::Overload, &n.to_string())).count(), 10);
        let counts: Vec<_> = refusals.over(None).iter().map(|more| more.count).collect();
        assert_eq!(counts.iter().sum::<u64>(), 3 * (90 + 1000 - 40) + 90);
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let (refusals, now) = (Refusals::new(OneClient::default()), Instant::now());
        let client = |n: u128| flow(IpAddr::from(((0x2001_0db8_u128) << 96 | n).to_be_bytes()));
        let single = (0..500).filter(|n| refusals.is_single(&client(*n), Reason::Http, "", now));
        assert_eq!(single.count(), 10);
    }
}
