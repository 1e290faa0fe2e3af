//! Clients that believe one certificate only: found by what they say, not by configuration.
//!
//! A client that breaks off a handshake with `unknown_ca`, `bad_certificate` or `certificate_unknown`
//! (RFC 8446 §6.2) either does not know our authority, or pins. One alert proves nothing; several of one
//! client for one name within a while, none of which ended well, while others take our certificate, do.
//! Whoever wants to be taken for pinned can be: only names that the configuration gives are ever spliced.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::AlertDescription;
use sark_registry::NamePattern;
use serde::{Deserialize, Serialize};

/// Pairs of client and name, and names, that are remembered: beyond these, what is old is forgotten.
const MOST: usize = 10_000;

/// What happens to a pinned client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PinPolicy {
    /// Its connections go on to fail.
    #[default]
    Deny,
    /// Its connections to that name are spliced for a while.
    Splice,
}

/// When a client is taken for pinned.
#[derive(Debug, Clone)]
pub struct PinSettings {
    /// What happens then.
    pub policy: PinPolicy,
    /// Names that may be spliced because of it.
    pub names: Vec<NamePattern>,
    /// Alerts it takes.
    pub alerts: u32,
    /// Within which.
    pub within: Duration,
    /// How long it holds.
    pub holds: Duration,
}

/// What was seen of handshakes.
#[derive(Debug)]
pub struct Pins {
    settings: PinSettings,
    seen: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    distrust: HashMap<(IpAddr, String), Seen>,
    /// Who took our certificate for a name last.
    trust: HashMap<String, (IpAddr, Instant)>,
}

#[derive(Debug)]
struct Seen {
    alerts: u32,
    since: Instant,
    pinned: Option<Instant>,
}

/// Whether a failed handshake is the client's word against our certificate.
#[must_use]
pub fn is_distrust(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(
        inner,
        Some(rustls::Error::AlertReceived(
            AlertDescription::UnknownCA
                | AlertDescription::BadCertificate
                | AlertDescription::CertificateUnknown
        ))
    )
}

impl Pins {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(settings: PinSettings) -> Self {
        Self { settings, seen: Mutex::default() }
    }

    /// The client distrusts our certificate for the name; whether it is taken for pinned because of
    /// that, now and not before.
    pub fn distrusts(&self, client: IpAddr, name: &str, now: Instant) -> bool {
        let PinSettings { alerts, within, holds, .. } = self.settings;
        let client = client.to_canonical();
        let mut table = self.table();
        let others = table
            .trust
            .get(name)
            .is_some_and(|(who, when)| *who != client && now.duration_since(*when) <= within);
        let key = (client, name.to_owned());
        if table.distrust.len() >= MOST && !table.distrust.contains_key(&key) {
            table.distrust.retain(|_, seen| now.duration_since(seen.since) <= within.max(holds));
            if table.distrust.len() >= MOST {
                return false;
            }
        }
        let fresh = Seen { alerts: 0, since: now, pinned: None };
        let seen = table.distrust.entry(key).or_insert(fresh);
        if seen.pinned.is_some_and(|since| now.duration_since(since) > holds) {
            *seen = Seen { alerts: 0, since: now, pinned: None };
        }
        if seen.pinned.is_none() && now.duration_since(seen.since) > within {
            (seen.alerts, seen.since) = (0, now);
        }
        seen.alerts = seen.alerts.saturating_add(1);
        if seen.alerts < alerts || seen.pinned.is_some() || !others {
            return false;
        }
        seen.pinned = Some(now);
        true
    }

    /// The client took our certificate for the name.
    pub fn trusts(&self, client: IpAddr, name: &str, now: Instant) {
        let client = client.to_canonical();
        let mut table = self.table();
        if !table.distrust.is_empty() {
            table.distrust.remove(&(client, name.to_owned()));
        }
        match table.trust.get_mut(name) {
            Some(last) => *last = (client, now),
            None => {
                if table.trust.len() >= MOST {
                    table.trust.clear();
                }
                table.trust.insert(name.to_owned(), (client, now));
            }
        }
    }

    /// Whether its connections to the name are spliced.
    #[must_use]
    pub fn is_spliced(&self, client: IpAddr, name: &str, now: Instant) -> bool {
        let PinSettings { policy, names, holds, .. } = &self.settings;
        if *policy == PinPolicy::Deny || !names.iter().any(|pattern| pattern.matches(name)) {
            return false;
        }
        let table = self.table();
        let seen = table.distrust.get(&(client.to_canonical(), name.to_owned()));
        seen.and_then(|seen| seen.pinned).is_some_and(|since| now.duration_since(since) < *holds)
    }

    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pins(policy: PinPolicy) -> Pins {
        let (within, holds) = (Duration::from_secs(600), Duration::from_secs(900));
        let names = vec!["a.example".parse().unwrap()];
        Pins::new(PinSettings { policy, names, alerts: 3, within, holds })
    }

    const NAME: &str = "a.example";
    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 8));

    #[test]
    fn several_alerts_of_one_client_while_another_trusts() {
        let (pins, now) = (pins(PinPolicy::Splice), Instant::now());
        for _ in 0..5 {
            assert!(!pins.distrusts(CLIENT, NAME, now), "nobody trusts us: it may be ours to mend");
        }
        pins.trusts(OTHER, NAME, now);
        assert!(pins.distrusts(CLIENT, NAME, now), "now it is");
        assert!(!pins.distrusts(CLIENT, NAME, now), "and is told once");
        assert!(pins.is_spliced(CLIENT, NAME, now));
        assert!(!pins.is_spliced(OTHER, NAME, now));
        let later = now + Duration::from_secs(901);
        assert!(!pins.is_spliced(CLIENT, NAME, later), "it is over");
        pins.trusts(OTHER, NAME, later);
        let told: Vec<_> = (0..3).map(|_| pins.distrusts(CLIENT, NAME, later)).collect();
        assert_eq!(told, [false, false, true], "and begins anew");
    }

    #[test]
    fn a_handshake_that_ends_well_and_time_clear_it() {
        let (pins, now) = (pins(PinPolicy::Splice), Instant::now());
        pins.trusts(OTHER, NAME, now);
        for _ in 0..2 {
            pins.distrusts(CLIENT, NAME, now);
        }
        pins.trusts(CLIENT, NAME, now);
        pins.trusts(OTHER, NAME, now);
        assert!(!pins.distrusts(CLIENT, NAME, now));
        assert!(!pins.distrusts(CLIENT, NAME, now));
        let later = now + Duration::from_secs(601);
        pins.trusts(OTHER, NAME, later);
        assert!(!pins.distrusts(CLIENT, NAME, later));
    }

    #[test]
    fn only_names_that_are_given_are_ever_spliced() {
        for (policy, name) in [(PinPolicy::Deny, NAME), (PinPolicy::Splice, "b.example")] {
            let (pins, now) = (pins(policy), Instant::now());
            pins.trusts(OTHER, name, now);
            let told: Vec<_> = (0..4).map(|_| pins.distrusts(CLIENT, name, now)).collect();
            assert_eq!(told, [false, false, true, false]);
            assert!(!pins.is_spliced(CLIENT, name, now));
        }
    }
}
