//! Prefix components (RFC 8955 section 4.2.2.1, RFC 8956 section 3.1).

use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::Afi;

/// What types 1 and 2 hold. Host bits are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PrefixMatch {
    /// An IPv4 prefix.
    V4(Ipv4Net),
    /// An IPv6 pattern: bits `offset..length` of the address must equal those of `pattern`.
    /// `offset` 0 is an ordinary prefix; both 0 is any; else `offset < length <= 128`.
    V6 {
        /// The address with all bits outside `offset..length` zero.
        pattern: std::net::Ipv6Addr,
        /// First bit after the match.
        length: u8,
        /// First bit that matters.
        offset: u8,
    },
}

impl From<IpNet> for PrefixMatch {
    fn from(net: IpNet) -> Self {
        match net {
            IpNet::V4(net) => Self::V4(net.trunc()),
            IpNet::V6(net) => {
                Self::V6 { pattern: net.network(), length: net.prefix_len(), offset: 0 }
            }
        }
    }
}

impl PrefixMatch {
    /// The ordinary prefix, or `None` when the offset is not zero.
    #[must_use]
    pub fn to_net(&self) -> Option<IpNet> {
        match *self {
            Self::V4(net) => Some(IpNet::V4(net)),
            Self::V6 { pattern, length, offset: 0 } => {
                Ipv6Net::new(pattern, length).ok().map(IpNet::V6)
            }
            Self::V6 { .. } => None,
        }
    }

    /// Whether the address matches; an address of the other family never does.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (*self, address) {
            (Self::V4(net), IpAddr::V4(address)) => net.contains(&address),
            (Self::V6 { pattern, length, offset }, IpAddr::V6(address)) => {
                address.to_bits() & mask(offset, length) == pattern.to_bits()
            }
            _ => false,
        }
    }

    pub(crate) fn afi(&self) -> Afi {
        match self {
            Self::V4(_) => Afi::Ipv4,
            Self::V6 { .. } => Afi::Ipv6,
        }
    }

    /// The same with every bit that does not matter zero.
    pub(crate) fn masked(self) -> Self {
        match self {
            Self::V4(net) => Self::V4(net.trunc()),
            Self::V6 { pattern, length, offset } => {
                let bits = pattern.to_bits() & mask(offset, length);
                Self::V6 { pattern: Ipv6Addr::from_bits(bits), length, offset }
            }
        }
    }

    /// Whether length and offset agree (RFC 8956 section 3.1).
    pub(crate) fn is_well_formed(&self) -> bool {
        match *self {
            Self::V4(_) => true,
            Self::V6 { length, offset, .. } => {
                (length == 0 && offset == 0) || (offset < length && length <= 128)
            }
        }
    }
}

/// Ones at bits `offset..length`, counted from the most significant.
fn mask(offset: u8, length: u8) -> u128 {
    ones(length) & !ones(offset)
}

/// Ones at the first `count` bits.
fn ones(count: u8) -> u128 {
    u128::MAX.checked_shl(128_u32.saturating_sub(u32::from(count))).unwrap_or(0)
}

/// `ADDR/LEN`, or `ADDR/LEN-OFFSET` when the offset is not zero.
impl std::fmt::Display for PrefixMatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::V4(net) => write!(f, "{net}"),
            Self::V6 { pattern, length, offset: 0 } => write!(f, "{pattern}/{length}"),
            Self::V6 { pattern, length, offset } => write!(f, "{pattern}/{length}-{offset}"),
        }
    }
}
