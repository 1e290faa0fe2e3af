//! Prefix components (RFC 8955 section 4.2.2.1, RFC 8956 section 3.1).

use ipnet::{IpNet, Ipv4Net};

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
        todo!()
    }
}
