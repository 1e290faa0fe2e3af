//! How many addresses prefixes cover together.

use ipnet::IpNet;

/// IPv4 addresses and IPv6 networks of 64 bits (at least one for a narrower prefix), each counted
/// once.
pub(super) fn covered(prefixes: impl Iterator<Item = IpNet>) -> (u128, u128) {
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for prefix in prefixes {
        match prefix {
            IpNet::V4(net) => {
                v4.push((net.network().to_bits().into(), net.broadcast().to_bits().into()));
            }
            IpNet::V6(net) => {
                v6.push((net.network().to_bits() >> 64, net.broadcast().to_bits() >> 64));
            }
        }
    }
    (sum(v4), sum(v6))
}

fn sum(mut ranges: Vec<(u128, u128)>) -> u128 {
    ranges.sort_unstable();
    let (mut total, mut next) = (0_u128, 0_u128);
    for (first, last) in ranges {
        let first = first.max(next);
        if last >= first {
            total = total.saturating_add((last - first).saturating_add(1));
            next = last.saturating_add(1);
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_counts_once() {
        let of = |texts: &[&str]| covered(texts.iter().map(|text| text.parse().unwrap()));
        assert_eq!(of(&[]), (0, 0));
        assert_eq!(of(&["192.0.2.0/24", "192.0.2.0/25", "192.0.2.7/32"]), (256, 0));
        assert_eq!(of(&["192.0.2.128/25", "192.0.2.0/25", "198.51.100.1/32"]), (257, 0));
        assert_eq!(of(&["0.0.0.0/0", "::/0"]), (1 << 32, 1 << 64));
        assert_eq!(of(&["2001:db8::/48", "2001:db8::1/128", "2001:db8:1::1/128"]), (0, 65537));
    }
}
