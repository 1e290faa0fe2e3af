//! Clients that believe one certificate only: found by what they say, not by configuration.
//!
//! A client that breaks off a handshake with `unknown_ca`, `bad_certificate` or `certificate_unknown`
//! (RFC 8446 §6.2) either does not know our authority, or pins. One alert proves nothing; several of one
//! client for one name within a while, none of which ended well, do.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::AlertDescription;
use serde::{Deserialize, Serialize};

/// Pairs of client and name that are remembered: beyond these, the oldest is forgotten.
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
#[derive(Debug, Clone, Copy)]
pub struct PinSettings {
    /// What happens then.
    pub policy: PinPolicy,
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
    seen: Mutex<HashMap<(IpAddr, String), Seen>>,
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
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST
            && let Some(oldest) =
                all.iter().min_by_key(|(_, seen)| seen.since).map(|(key, _)| key.clone())
        {
            all.remove(&oldest);
        }
        let key = (client.to_canonical(), name.to_owned());
        let seen = all.entry(key).or_insert(Seen { alerts: 0, since: now, pinned: None });
        if now.duration_since(seen.since) > self.settings.within && seen.pinned.is_none() {
            (seen.alerts, seen.since) = (0, now);
        }
        seen.alerts += 1;
        if seen.alerts < self.settings.alerts || seen.pinned.is_some() {
            return false;
        }
        seen.pinned = Some(now);
        true
    }

    /// The client took our certificate for the name.
    pub fn trusts(&self, client: IpAddr, name: &str) {
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.is_empty() {
            all.remove(&(client.to_canonical(), name.to_owned()));
        }
    }

    /// Whether its connections to the name are spliced.
    #[must_use]
    pub fn is_spliced(&self, client: IpAddr, name: &str, now: Instant) -> bool {
        if self.settings.policy == PinPolicy::Deny {
            return false;
        }
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if all.is_empty() {
            return false;
        }
        let key = (client.to_canonical(), name.to_owned());
        let Some(since) = all.get(&key).and_then(|seen| seen.pinned) else { return false };
        if now.duration_since(since) < self.settings.holds {
            return true;
        }
        all.remove(&key);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pins(policy: PinPolicy) -> Pins {
        let (within, holds) = (Duration::from_secs(600), Duration::from_secs(900));
        Pins::new(PinSettings { policy, alerts: 3, within, holds })
    }

    fn client() -> IpAddr {
        "192.0.2.7".parse().unwrap()
    }

    #[test]
    fn several_alerts_of_one_client_for_one_name() {
        let (pins, now) = (pins(PinPolicy::Splice), Instant::now());
        assert!(!pins.distrusts(client(), "a", now));
        assert!(!pins.distrusts(client(), "a", now));
        assert!(!pins.distrusts(client(), "b", now));
        assert!(!pins.is_spliced(client(), "a", now));
        assert!(pins.distrusts(client(), "a", now), "now it is");
        assert!(!pins.distrusts(client(), "a", now), "and is told once");
        assert!(pins.is_spliced(client(), "a", now));
        assert!(!pins.is_spliced(client(), "b", now));
        let later = now + Duration::from_secs(901);
        assert!(!pins.is_spliced(client(), "a", later), "it is over");
    }

    #[test]
    fn a_handshake_that_ends_well_and_time_clear_it() {
        let (pins, now) = (pins(PinPolicy::Splice), Instant::now());
        for _ in 0..2 {
            pins.distrusts(client(), "a", now);
        }
        pins.trusts(client(), "a");
        assert!(!pins.distrusts(client(), "a", now));
        assert!(!pins.distrusts(client(), "a", now));
        let later = now + Duration::from_secs(601);
        assert!(!pins.distrusts(client(), "a", later));
    }

    #[test]
    fn denied_clients_are_never_spliced() {
        let (pins, now) = (pins(PinPolicy::Deny), Instant::now());
        let told: Vec<_> = (0..4).map(|_| pins.distrusts(client(), "a", now)).collect();
        assert_eq!(told, [false, false, true, false]);
        assert!(!pins.is_spliced(client(), "a", now));
    }
}
