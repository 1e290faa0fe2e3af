//! Route targets (RFC 4360 section 4, RFC 5668 section 2).

use std::fmt::{Display, Formatter};
use std::net::Ipv4Addr;
use std::str::FromStr;

use crate::TextError;
use crate::text::unexpected;

/// Route target of a redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RouteTarget {
    /// Two-octet AS.
    As2 {
        /// AS number.
        asn: u16,
        /// Local part.
        value: u32,
    },
    /// IPv4 address.
    Ipv4 {
        /// Address.
        address: Ipv4Addr,
        /// Local part.
        value: u16,
    },
    /// Four-octet AS.
    As4 {
        /// AS number.
        asn: u32,
        /// Local part.
        value: u16,
    },
}

/// `65001:100`, `192.0.2.1:100`, `4200000001:100`. A four-octet AS that would fit into two octets
/// is marked: `65001L:100`.
impl Display for RouteTarget {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::As2 { asn, value } => write!(f, "{asn}:{value}"),
            Self::Ipv4 { address, value } => write!(f, "{address}:{value}"),
            Self::As4 { asn, value } if *asn > u32::from(u16::MAX) => write!(f, "{asn}:{value}"),
            Self::As4 { asn, value } => write!(f, "{asn}L:{value}"),
        }
    }
}

impl FromStr for RouteTarget {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        read(text).ok_or_else(|| {
            let expected = "a route target such as 65001:100 (local part up to 4294967295), \
                            192.0.2.1:100 or 4200000001:100 (local part up to 65535)";
            unexpected(0, expected, text)
        })
    }
}

fn read(text: &str) -> Option<RouteTarget> {
    let (admin, value) = text.split_once(':')?;
    if let Ok(address) = admin.parse() {
        return Some(RouteTarget::Ipv4 { address, value: number(value)? });
    }
    if let Some(asn) = admin.strip_suffix('L') {
        return Some(RouteTarget::As4 { asn: number(asn)?, value: number(value)? });
    }
    match number(admin) {
        Some(asn) => Some(RouteTarget::As2 { asn, value: number(value)? }),
        None => Some(RouteTarget::As4 { asn: number(admin)?, value: number(value)? }),
    }
}

/// Digits only: `str::parse` alone would take a plus sign.
fn number<N: FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
