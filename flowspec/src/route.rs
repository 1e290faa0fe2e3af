//! A rule as it is announced, and as it is seen in a speaker's table.

use crate::{Action, Afi, DecodeError, ExtendedCommunity, Nlri};

/// A large community (RFC 8092).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LargeCommunity {
    /// Global administrator: an AS number.
    pub global: u32,
    /// Local data 1.
    pub local1: u32,
    /// Local data 2.
    pub local2: u32,
}

/// A rule to announce.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Route {
    /// What it matches; its identity.
    pub nlri: Nlri,
    /// What is done; empty accepts.
    pub actions: Vec<Action>,
    /// Says whose it is.
    pub large_community: LargeCommunity,
}

/// A path of a speaker's FlowSpec table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// Address family.
    pub afi: Afi,
    /// The octets as the speaker would send them, length included.
    pub octets: Vec<u8>,
    /// The same, decoded.
    pub nlri: Result<Nlri, DecodeError>,
    /// All extended communities, attribute 16 first, in their order.
    pub communities: Vec<ExtendedCommunity>,
    /// All large communities.
    pub large_communities: Vec<LargeCommunity>,
    /// Originated by this speaker, not learned from a peer.
    pub local: bool,
}

impl std::fmt::Display for LargeCommunity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.global, self.local1, self.local2)
    }
}
