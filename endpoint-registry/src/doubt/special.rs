//! Ranges that no public list holds (RFC 6890, RFC 8190 and later entries of IANA's registries).

use ipnet::IpNet;

/// What a range is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    /// Nobody's own: no feed may hold it.
    Special(&'static str),
    /// Private, shared or for documentation: only feeds of one's own.
    Private(&'static str),
}

use Range::{Private, Special};

const RANGES: [(&str, Range); 31] = [
    ("0.0.0.0/8", Special("this network")),
    ("10.0.0.0/8", Private("private")),
    ("100.64.0.0/10", Private("shared by carriers")),
    ("127.0.0.0/8", Special("loopback")),
    ("169.254.0.0/16", Special("link-local")),
    ("172.16.0.0/12", Private("private")),
    ("192.0.0.0/24", Special("protocol assignments")),
    ("192.0.2.0/24", Private("documentation")),
    ("192.88.99.0/24", Special("6to4 relays, gone")),
    ("192.168.0.0/16", Private("private")),
    ("198.18.0.0/15", Private("benchmarks")),
    ("198.51.100.0/24", Private("documentation")),
    ("203.0.113.0/24", Private("documentation")),
    ("224.0.0.0/4", Special("multicast")),
    ("240.0.0.0/4", Special("reserved")),
    // Outside 2000::/3 nothing is given out; named where it has a name.
    ("::/96", Special("unspecified, loopback")),
    ("::ffff:0:0/96", Special("IPv4 inside IPv6")),
    ("64:ff9b::/96", Special("NAT64")),
    ("64:ff9b:1::/48", Special("NAT64")),
    ("100::/64", Special("discard")),
    ("2001::/32", Special("Teredo")),
    ("2001:2::/48", Private("benchmarks")),
    ("2001:10::/28", Special("ORCHID")),
    ("2001:20::/28", Special("ORCHIDv2")),
    ("2001:db8::/32", Private("documentation")),
    ("2002::/16", Special("6to4")),
    ("3fff::/20", Private("documentation")),
    ("fc00::/7", Private("unique local")),
    ("fe80::/10", Special("link-local")),
    ("fec0::/10", Special("site-local, gone")),
    ("ff00::/8", Special("multicast")),
];

/// Ready to ask.
#[derive(Debug)]
pub(super) struct Ranges(Vec<(IpNet, Range)>);

impl Ranges {
    pub fn new() -> Self {
        Self(RANGES.iter().filter_map(|(net, what)| Some((net.parse().ok()?, *what))).collect())
    }

    /// What a prefix lies in or holds; the worst of several.
    pub fn of(&self, prefix: IpNet) -> Option<Range> {
        let overlaps = |net: &IpNet| net.contains(&prefix) || prefix.contains(net);
        let mut found = None;
        for (_, what) in self.0.iter().filter(|(net, _)| overlaps(net)) {
            match what {
                Special(_) => return Some(*what),
                Private(_) => found = Some(*what),
            }
        }
        let global = match prefix {
            IpNet::V4(_) => true,
            IpNet::V6(net) => net.network().segments()[0] >> 13 == 1,
        };
        if found.is_none() && !global {
            return Some(Special("not given out to anybody"));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_is_one_and_both_sides_of_it_count() {
        let ranges = Ranges::new();
        assert_eq!(ranges.0.len(), RANGES.len());
        for (net, what) in &ranges.0 {
            assert_eq!(net.trunc(), *net);
            assert_eq!(ranges.of(*net), Some(*what), "{net}");
        }
        let of = |text: &str| ranges.of(text.parse().unwrap());
        for (text, private) in [
            ("10.1.2.3/32", true),
            ("8.0.0.0/6", true),
            ("192.0.0.0/16", false),
            ("fd00::/48", true),
            ("4000::/16", false),
            ("::/0", false),
            ("100::1/128", false),
        ] {
            let found = of(text).unwrap();
            assert_eq!(matches!(found, Private(_)), private, "{text}: {found:?}");
        }
        for text in ["1.1.1.0/24", "104.16.0.0/13", "2606:4700::/32", "2a06:98c0::/29"] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
