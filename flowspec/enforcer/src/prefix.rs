//! Prefixes of both families as one value.

use std::fmt::{Display, Formatter, Result};
use std::net::{Ipv4Addr, Ipv6Addr};

use sark_flowspec::{Afi, PrefixMatch};

/// The first `length` bits of an address; `bits` stands at the top, all others are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Prefix {
    pub bits: u128,
    pub length: u8,
    pub afi: Afi,
}

impl Prefix {
    /// `None` for a pattern with an offset (RFC 8956 section 3.1).
    pub fn of(prefix: &PrefixMatch) -> Option<Self> {
        match *prefix {
            PrefixMatch::V4(net) => Some(Self {
                bits: u128::from(net.network().to_bits()) << 96,
                length: net.prefix_len(),
                afi: Afi::Ipv4,
            }),
            PrefixMatch::V6 { pattern, length, offset: 0 } => {
                Some(Self { bits: pattern.to_bits(), length, afi: Afi::Ipv6 })
            }
            PrefixMatch::V6 { .. } => None,
        }
    }

    pub fn is_host(self) -> bool {
        self.length == host_length(self.afi)
    }

    /// The prefix of this length that it lies in; a longer length changes nothing.
    pub fn shortened(self, length: u8) -> Self {
        let length = length.min(self.length);
        Self { bits: self.bits & ones(length), length, ..self }
    }

    pub fn contains(self, other: Self) -> bool {
        self.length <= other.length && other.shortened(self.length) == self
    }

    /// The largest value that `bits` has in a prefix within this one.
    pub fn last(self) -> u128 {
        self.bits | !ones(self.length)
    }
}

/// Ones at the first `count` bits.
pub(crate) fn ones(count: u8) -> u128 {
    u128::MAX.checked_shl(128_u32.saturating_sub(u32::from(count))).unwrap_or(0)
}

/// Bits of an address.
fn host_length(afi: Afi) -> u8 {
    if afi == Afi::Ipv4 { 32 } else { 128 }
}

/// What cuts addresses to this length, as nftables reads it; none for hosts.
pub(crate) fn mask(afi: Afi, length: u8) -> Option<String> {
    let ones = Prefix { bits: ones(length), length: host_length(afi), afi };
    (length < host_length(afi)).then(|| ones.to_string())
}

/// A host without its length, as nftables wants it in a set that has no intervals; `{:#}` is
/// without a length always.
impl Display for Prefix {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.afi {
            // The upper 32 bits.
            Afi::Ipv4 => Ipv4Addr::from_bits((self.bits >> 96) as u32).fmt(f)?,
            Afi::Ipv6 => groups(self.bits).fmt(f)?,
        }
        if self.is_host() || f.alternate() { Ok(()) } else { write!(f, "/{}", self.length) }
    }
}

/// Hexadecimal groups only: no dotted quad at the end, which `Ipv6Addr` prints for some.
pub(crate) fn groups(bits: u128) -> String {
    let address = Ipv6Addr::from_bits(bits);
    if bits >> 32 == 0 || address.to_ipv4_mapped().is_some() {
        let groups: Vec<String> = address.segments().iter().map(|g| format!("{g:x}")).collect();
        return groups.join(":");
    }
    address.to_string()
}
