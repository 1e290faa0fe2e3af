//! What is not enforced, and why.

use std::net::IpAddr;

use sark_flowspec::{ActionError, ComponentType, ExtendedCommunity, Nlri, Rate, RouteTarget};

/// A rule that is not enforced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The rule.
    pub nlri: Nlri,
    /// Why.
    pub reason: Reason,
    /// Whether the rule keeps its place: its packets are counted and pass as if it had no action,
    /// so that no rule behind it acts on them (unless the T bit says that it should). Otherwise it
    /// is as if it were not there.
    pub in_place: bool,
}

/// Why a rule is not enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message says each field")]
pub enum Reason {
    /// Of the kind that FlowSpec actions have, but none that we know.
    #[error("unknown action {0}")]
    UnknownAction(ExtendedCommunity),
    /// An action that says nothing.
    #[error("{community}: {error}")]
    BadAction { community: ExtendedCommunity, error: ActionError },
    /// One that is not known to say nothing of packets, as that of tunnels does (RFC 9012).
    #[error("path attribute {0} is not known")]
    UnknownAttribute(u8),
    #[error("a path attribute cannot be read")]
    BadAttribute,
    /// Two actions of one kind that differ (RFC 8955 section 7.7).
    #[error("two {0} that contradict each other")]
    Contradiction(&'static str),
    /// nftables counts whole bytes per second, and whole packets per second, minute, hour or day.
    #[error("nftables cannot say a rate of {rate} {unit} per second")]
    Rate { rate: Rate, unit: &'static str },
    #[error("a DSCP of {0}; the largest is 63")]
    Dscp(u8),
    /// The C bit: nftables duplicates packets in tables of one family only.
    #[error("a copy to {0}: packets can be redirected, not copied")]
    Copy(IpAddr),
    #[error("next hop {0} is of the other family")]
    NextHopFamily(IpAddr),
    #[error("next hop {0} is not the address of a host")]
    NextHop(IpAddr),
    #[error("no routing table is configured for route target {0}")]
    NoTable(RouteTarget),
    #[error("the mark has room for {0} next hops and VRFs, all taken")]
    TooManyTargets(u32),
    /// See [`crate::Options::merged_segments`].
    #[error("{0} is not that of single packets while interfaces merge segments")]
    Merged(&'static str),
    /// A bitmask of many bits.
    #[error("{kind} comes to {count} ranges of values; at most {most} are taken")]
    TooManyValues { kind: ComponentType, count: usize, most: usize },
    /// Rules that are written with sets of their own: the kernel takes long to make many.
    #[error("a list of many values, and {0} rules before it have such lists of their own")]
    TooManyLists(usize),
    /// The same NLRI is there again with other actions.
    #[error("the same NLRI is there with other actions")]
    Repeated,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.nlri, self.reason)
    }
}
