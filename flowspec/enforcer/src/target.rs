//! Where redirected packets go: a mark for each target, and the policy routing behind it.

use std::net::IpAddr;

use sark_flowspec::Afi;

use crate::Options;

/// What a redirect names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A next hop, of its own family (draft-ietf-idr-flowspec-redirect-ip).
    NextHop(IpAddr),
    /// The routing table of a VRF, and the family of the packets (RFC 8955 section 7.4).
    Vrf {
        /// Number of the routing table.
        table: u32,
        /// Routing tables of a number are two, one for each family.
        afi: Afi,
    },
}

/// A target, the mark that leads to it and the routing table behind that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redirect {
    /// Where to.
    pub target: Target,
    /// The redirect bits of the packet mark: from 1.
    pub slot: u32,
    /// The packet mark, under [`Options::redirect_mask`].
    pub mark: u32,
    /// Routing table. Of a next hop it is ours and has one default route; of a VRF it is not.
    pub table: u32,
}

impl Target {
    /// Family of the packets that go there.
    #[must_use]
    pub fn afi(&self) -> Afi {
        match self {
            Self::NextHop(IpAddr::V4(_)) => Afi::Ipv4,
            Self::NextHop(IpAddr::V6(_)) => Afi::Ipv6,
            Self::Vrf { afi, .. } => *afi,
        }
    }
}

/// Gives marks to targets.
pub(crate) struct Marks<'o> {
    options: &'o Options,
    /// What the program before had: nobody else gets these marks, for packets may be under way
    /// with them.
    before: &'o [Redirect],
    given: Vec<Redirect>,
}

impl<'o> Marks<'o> {
    pub fn new(options: &'o Options, before: &'o [Redirect]) -> Self {
        Self { options, before, given: Vec::new() }
    }

    /// The mark of this target; `None` when there is none left.
    pub fn give(&mut self, target: Target) -> Option<Redirect> {
        if let Some(given) = self.given.iter().find(|given| given.target == target) {
            return Some(*given);
        }
        let kept = self.before.iter().find(|before| before.target == target);
        let slots = self.options.slots();
        let slot = match kept.map(|before| before.slot).filter(|slot| (1..=slots).contains(slot)) {
            Some(slot) => slot,
            None => {
                let taken =
                    |slot: &u32| self.before.iter().chain(&self.given).any(|r| r.slot == *slot);
                (1..=slots).find(|slot| !taken(slot))?
            }
        };
        let redirect = Redirect {
            target,
            slot,
            mark: slot << self.options.redirect_mask.trailing_zeros(),
            table: match target {
                Target::NextHop(_) => self.options.first_table + slot,
                Target::Vrf { table, .. } => table,
            },
        };
        self.given.push(redirect);
        Some(redirect)
    }

    pub fn given(mut self) -> Vec<Redirect> {
        self.given.sort_unstable_by_key(|redirect| redirect.slot);
        self.given
    }
}
