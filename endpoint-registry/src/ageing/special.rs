//! Addresses that a public name has no business leading to.
//!
//! A name that answers with a private address makes a rule about the inside of a network: DNS
//! rebinding. Closed networks and labs allow their own prefixes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Not globally reachable: IANA's special-purpose address registries (RFC 6890 and what amends it),
/// multicast (RFC 5771, RFC 4291) and reserved space.
const RANGES: [(&str, &str); 30] = [
    ("0.0.0.0/8", "this network"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared address space of carriers"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "protocol assignments"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "6to4 relays"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("::/96", "IPv4 inside IPv6"),
    ("64:ff9b:1::/48", "local NAT64"),
    ("100::/64", "discard"),
    ("2001::/23", "protocol assignments"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "6to4"),
    ("3fff::/20", "documentation"),
    ("5f00::/16", "segment routing"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
    ("::ffff:0:0/96", "IPv4 inside IPv6"),
];

/// The table above, read once.
#[derive(Debug, Clone)]
pub struct Special(Vec<(IpNet, &'static str)>);

impl Default for Special {
    fn default() -> Self {
        Self::new()
    }
}

impl Special {
    /// Reads it.
    #[must_use]
    pub fn new() -> Self {
        let parsed = RANGES.iter().filter_map(|(net, what)| Some((net.parse().ok()?, *what)));
        Self(parsed.collect())
    }

    /// What the address is instead of a destination on the internet; `None` if it can be one. Behind
    /// the well-known NAT64 prefix (RFC 6052) the IPv4 address decides.
    #[must_use]
    pub fn what(&self, address: IpAddr) -> Option<&'static str> {
        let address = match address {
            IpAddr::V6(six) => nat64(six).map_or(address, IpAddr::V4),
            IpAddr::V4(_) => address,
        };
        self.0.iter().find(|(net, _)| net.contains(&address)).map(|(_, what)| *what)
    }
}

fn nat64(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let bits = address.to_bits();
    let is_well_known = bits >> 32 == 0x0064_ff9b_0000_0000_0000_0000;
    is_well_known.then(|| Ipv4Addr::from_bits(u32::try_from(bits & 0xffff_ffff).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_is_a_prefix() {
        assert_eq!(Special::new().0.len(), RANGES.len());
    }

    #[test]
    fn addresses_that_are_not_destinations() {
        let special = Special::new();
        for (address, what) in [
            ("10.1.2.3", Some("private")),
            ("172.31.255.255", Some("private")),
            ("172.32.0.0", None),
            ("192.168.0.1", Some("private")),
            ("100.100.100.100", Some("shared address space of carriers")),
            ("127.0.0.1", Some("loopback")),
            ("0.0.0.0", Some("this network")),
            ("169.254.169.254", Some("link-local")),
            ("192.0.2.7", Some("documentation")),
            ("255.255.255.255", Some("reserved")),
            ("8.8.8.8", None),
            ("::", Some("unspecified")),
            ("::1", Some("loopback")),
            ("::ffff:10.0.0.1", Some("IPv4 inside IPv6")),
            ("fe80::1", Some("link-local")),
            ("fd00::1", Some("private")),
            ("2001:db8::1", Some("documentation")),
            ("2002:a00:1::", Some("6to4")),
            ("64:ff9b::a00:1", Some("private")),
            ("64:ff9b::808:808", None),
            ("2606:4700::1111", None),
        ] {
            assert_eq!(special.what(address.parse().unwrap()), what, "{address}");
        }
    }
}
