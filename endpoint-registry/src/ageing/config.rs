//! How long addresses are kept, how many, and how often names are asked.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// Limits of [`Ageing`](super::Ageing). Times are in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Config {
    /// A shorter TTL counts as this long.
    pub floor_seconds: u32,
    /// A longer TTL counts as this long: a resolver may say 68 years.
    pub longest_ttl_seconds: u32,
    /// How long after its TTL an address stays active: clients outlive TTLs.
    pub grace_seconds: u32,
    /// The same for an address that comes back: it stays twice as long as it once stayed away, up to
    /// this, for which it is also remembered after it left. No longer than `graceSeconds` remembers
    /// nothing.
    pub longest_grace_seconds: u32,
    /// How long it is then draining, at least, before it leaves.
    pub drain_seconds: u32,
    /// How long it stays at least once active, so that it is never announced and withdrawn twice
    /// within that time.
    pub hold_seconds: u32,
    /// How long a report of a live flow keeps the flow's address from leaving.
    pub flow_seconds: u32,
    /// How many pollers must agree on an address that no client was seen to be given. At most 8; 1
    /// makes any answer count, for a site with one resolver that its clients use too.
    pub agreeing_pollers: u8,
    /// Shortest time between two questions for a name.
    pub ask_after_seconds: u32,
    /// Longest time between two questions for a name.
    pub ask_within_seconds: u32,
    /// A name seen under a wildcard is asked for this long after a client last asked for it.
    pub observed_for_seconds: u32,
    /// Most addresses of one name; the one unanswered longest makes room.
    pub addresses_per_name: u32,
    /// Most addresses in all, and as many that left and are remembered. Names seen under wildcards
    /// take at most three quarters of each.
    pub addresses: u32,
    /// Most names that are asked because an endpoint lists them; those after it are learned from
    /// clients only.
    pub listed_names: u32,
    /// Most names seen under wildcards; the one that clients have not asked for longest makes room.
    pub observed_names: u32,
    /// Private and other special addresses that may be learned all the same: a closed network's own,
    /// a lab's.
    pub allow: Vec<IpNet>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            floor_seconds: 60,
            longest_ttl_seconds: 24 * 3600,
            grace_seconds: 600,
            longest_grace_seconds: 6 * 3600,
            drain_seconds: 60,
            hold_seconds: 600,
            flow_seconds: 600,
            agreeing_pollers: 2,
            ask_after_seconds: 30,
            ask_within_seconds: 3600,
            observed_for_seconds: 24 * 3600,
            addresses_per_name: 256,
            addresses: 65_536,
            listed_names: 20_000,
            observed_names: 10_000,
            allow: Vec::new(),
        }
    }
}

/// A limit that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// As in the configuration.
    pub field: &'static str,
    /// As written.
    pub value: u32,
    /// What it may be.
    pub range: String,
}

impl Config {
    /// Limits that cannot be meant; empty if there are none.
    #[must_use]
    pub fn mistakes(&self) -> Vec<Mistake> {
        const YEAR: u32 = 366 * 24 * 3600;
        let within = [
            ("floorSeconds", self.floor_seconds, 0, 24 * 3600),
            ("longestTtlSeconds", self.longest_ttl_seconds, self.floor_seconds.max(1), YEAR),
            ("graceSeconds", self.grace_seconds, 0, YEAR),
            ("longestGraceSeconds", self.longest_grace_seconds, 0, YEAR),
            ("drainSeconds", self.drain_seconds, 0, YEAR),
            ("holdSeconds", self.hold_seconds, 0, YEAR),
            ("flowSeconds", self.flow_seconds, 0, YEAR),
            ("agreeingPollers", self.agreeing_pollers.into(), 1, 8),
            ("askAfterSeconds", self.ask_after_seconds, 1, 24 * 3600),
            ("askWithinSeconds", self.ask_within_seconds, self.ask_after_seconds.max(1), YEAR),
            ("observedForSeconds", self.observed_for_seconds, 1, YEAR),
            ("addressesPerName", self.addresses_per_name, 1, 65_536),
            ("addresses", self.addresses, 1, 1_000_000),
            ("listedNames", self.listed_names, 0, 1_000_000),
            ("observedNames", self.observed_names, 0, 1_000_000),
        ];
        let out =
            within.into_iter().filter(|(_, value, least, most)| !(least..=most).contains(&value));
        out.map(|(field, value, least, most)| Mistake {
            field,
            value,
            range: format!("{least} to {most}"),
        })
        .collect()
    }

    /// How long an answer with this TTL counts as fresh, in seconds.
    pub(super) fn fresh(&self, ttl: u32) -> u64 {
        ttl.min(self.longest_ttl_seconds).max(self.floor_seconds).into()
    }

    /// The grace of an address that came back so many seconds after it was fresh.
    pub(super) fn grace_after(&self, away: u64) -> u32 {
        let twice = u32::try_from(away.saturating_mul(2)).unwrap_or(u32::MAX);
        twice.min(self.longest_grace_seconds).max(self.grace_seconds)
    }

    /// Whether an address that left is remembered.
    pub(super) fn remembers(&self) -> bool {
        self.longest_grace_seconds > self.grace_seconds
    }

    /// Seconds until the next question, after an answer with this TTL.
    pub(super) fn interval(&self, ttl: u32) -> u64 {
        let least = self.ask_after_seconds.max(1);
        u64::from(ttl.clamp(least, self.ask_within_seconds.max(least)))
    }

    /// Seconds until the next question, after this many failures in a row.
    pub(super) fn retry(&self, failures: u32) -> u64 {
        let least = u64::from(self.ask_after_seconds.max(1));
        let most = u64::from(self.ask_within_seconds).clamp(least, 900.max(least));
        least.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(most)
    }

    /// Pollers that have to agree.
    pub(super) fn agreeing(&self) -> usize {
        usize::from(self.agreeing_pollers.clamp(1, 8))
    }

    /// See [`Config::addresses`]; as many that left are remembered.
    pub(super) fn most_addresses(&self, listed: bool) -> usize {
        let all = self.addresses as usize;
        if listed { all } else { all / 4 * 3 }
    }
}
