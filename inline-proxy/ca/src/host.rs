//! Whom a leaf is for.

use std::fmt;
use std::net::IpAddr;

use rustls::pki_types::DnsName;

/// Why there is no leaf for a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Not what RFC 1035 §2.3.1 and RFC 5890 §2.3.1 call a name; underscores pass, they are in use.
    #[error("it is no DNS name")]
    Name,
    /// A name with its root is another text than the one that clients compare with.
    #[error("it ends in a dot")]
    TrailingDot,
    /// An address, or what some readers take for one: a last label that is a number.
    #[error("it is an IP address, and not a name")]
    Address,
}

/// A DNS name in lower case, or an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Host(Kind);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Dns(Box<str>),
    Ip(IpAddr),
}

impl Host {
    /// Of a name as clients ask for it (SNI, RFC 6066 §3). No wildcard is a host.
    pub fn dns(name: &str) -> Result<Self, HostError> {
        if name.ends_with('.') {
            return Err(HostError::TrailingDot);
        }
        let last = name.rsplit('.').next().unwrap_or_default();
        if is_number(last) || name.parse::<IpAddr>().is_ok() {
            return Err(HostError::Address);
        }
        DnsName::try_from(name).map_err(|_| HostError::Name)?;
        Ok(Self(Kind::Dns(name.to_ascii_lowercase().into_boxed_str())))
    }

    pub(crate) const fn kind(&self) -> &Kind {
        &self.0
    }
}

/// In any of the ways in which old resolvers read numbers; no top-level domain is one.
fn is_number(label: &str) -> bool {
    let hex = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    !label.is_empty()
        && hex.map_or_else(
            || label.bytes().all(|octet| octet.is_ascii_digit()),
            |hex| hex.bytes().all(|octet| octet.is_ascii_hexdigit()),
        )
}

/// An IPv4 address that came as IPv6 is IPv4: that is what the client asked for.
impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        Self(Kind::Ip(address.to_canonical()))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Dns(name) => f.write_str(name),
            Kind::Ip(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let name = Host::dns("API.OpenAI.com").unwrap();
        assert_eq!(name.to_string(), "api.openai.com");
        let (label, long) =
            ("a".repeat(63), format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(61)));
        for name in ["localhost", "xn--bcher-kva.example", "_acme.a_b.example", &label, &long] {
            assert!(Host::dns(name).is_ok(), "{name}");
        }
        let (label, long) = (format!("a{label}"), format!("{long}b"));
        for name in [
            "",
            "a..b",
            ".a",
            "*.example",
            "a b",
            "b\u{fc}cher.example",
            "a\0b",
            "-a",
            "a-.b",
            "a/b",
            &label,
            &long,
        ] {
            assert_eq!(Host::dns(name), Err(HostError::Name), "{name}");
        }
        for name in ["127.0.0.1", "::1", "1", "a.0x7f", "256.1.1.1"] {
            assert_eq!(Host::dns(name), Err(HostError::Address), "{name}");
        }
        assert_eq!(Host::dns("a.example."), Err(HostError::TrailingDot));
    }

    #[test]
    fn addresses() {
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(Host::from(mapped), Host::from(IpAddr::from([192, 0, 2, 1])));
        assert_ne!(Host::from(IpAddr::from([192, 0, 2, 1])), Host::dns("a.example").unwrap());
    }
}
