//! How things are, for metrics.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sark_enforcer::Counter;
use sark_flowspec::{Afi, Nlri};

/// A rule and what it has counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Text form.
    pub rule: String,
    /// `ipv4` or `ipv6`.
    pub family: &'static str,
    /// Octets of the NLRI.
    pub octets: Vec<u8>,
    /// All there is.
    pub counter: Counter,
}

impl Counted {
    /// A rule with its text.
    #[must_use]
    pub fn new(nlri: &Nlri, counter: Counter) -> Self {
        let family = match nlri.afi() {
            Afi::Ipv4 => "ipv4",
            Afi::Ipv6 => "ipv6",
        };
        Self { rule: nlri.to_string(), family, octets: nlri.encode(), counter }
    }
}

/// After a round.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// Rules of the table, in order.
    pub rules: Arc<Vec<Counted>>,
    /// Rules that are not enforced, and octets that are no rule.
    pub refused: usize,
    /// Next hops that cannot be reached.
    pub unreachable: usize,
    /// Rules that gobgpd does not have and that are kept.
    pub kept: usize,
    /// Rounds that ended well.
    pub rounds: u64,
    /// Rounds in which gobgpd did not answer.
    pub unanswered: u64,
    /// Rounds in which the kernel did not do as it was told.
    pub failed: u64,
    /// Tables that were applied.
    pub applies: u64,
    /// How long the last one took, counters and compiling included.
    pub last_apply: Option<Duration>,
    /// `fresh`, `settling` or `stale`.
    pub phase: &'static str,
    /// Since when gobgpd has not answered.
    pub stale_since: Option<Instant>,
}
