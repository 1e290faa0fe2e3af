//! Paths as a peer may send them. The tests with a kernel use them, too.

use proptest::prelude::*;
use sark_flowspec::{Afi, ExtendedCommunity, Nlri, Observed};

/// Octets that are a rule rather often: components of the right shape with any items.
pub fn octets(afi: Afi) -> impl Strategy<Value = Vec<u8>> {
    let types = proptest::sample::subsequence((1..=13_u8).collect::<Vec<_>>(), 1..=4);
    (types, proptest::collection::vec(any::<u8>(), 200)).prop_map(move |(types, random)| {
        let mut random = random.into_iter().cycle();
        let mut next = || random.next().unwrap_or_default();
        let mut body = Vec::new();
        for kind in types {
            body.push(kind);
            if kind <= 2 {
                let length = next() % if afi == Afi::Ipv4 { 33 } else { 129 };
                body.push(length);
                let offset = match (afi, length) {
                    (Afi::Ipv4, _) => None,
                    (Afi::Ipv6, 0) => Some(0),
                    (Afi::Ipv6, length) => Some((next() % length) * (next() % 2)),
                };
                body.extend(offset);
                let bits = length - offset.unwrap_or(0);
                body.extend((0..bits.div_ceil(8)).map(|_| next()));
                continue;
            }
            let items = 1 + next() % 4;
            for index in 1..=items {
                let mut operator = next() & 0x7f;
                if index == 1 {
                    operator &= !0x40;
                }
                if matches!(kind, 9 | 11 | 12) {
                    operator &= if kind == 9 { !0x20 } else { !0x30 };
                }
                operator |= if index == items { 0x80 } else { 0 };
                body.push(operator);
                body.extend((0..1 << ((operator >> 4) & 3)).map(|_| next()));
            }
        }
        let mut octets = match body.len() {
            length @ 0..240 => vec![length as u8],
            length => vec![0xf0 | (length >> 8) as u8, length as u8],
        };
        octets.extend(body);
        octets
    })
}

fn community() -> impl Strategy<Value = ExtendedCommunity> {
    let known = proptest::sample::select(vec![
        [0x80, 0x06],
        [0x80, 0x07],
        [0x80, 0x08],
        [0x80, 0x09],
        [0x80, 0x0c],
        [0x01, 0x0c],
        [0x82, 0x08],
        [0x80, 0x55],
    ]);
    let basic = (known, any::<[u8; 6]>()).prop_map(|([a, b], [c, d, e, f, g, h])| {
        ExtendedCommunity::Basic([a, b, c, d, e, f, g, h])
    });
    let long = (any::<[u8; 18]>(), 0x0b..0x0f_u8).prop_map(|(rest, subtype)| {
        let mut octets = [0; 20];
        octets[1] = subtype;
        octets[2..].copy_from_slice(&rest);
        ExtendedCommunity::Ipv6(octets)
    });
    prop_oneof![4 => basic, 1 => long]
}

/// What a peer may have sent.
pub fn path(afi: Afi) -> impl Strategy<Value = Observed> {
    (octets(afi), proptest::collection::vec(community(), 0..4)).prop_map(
        move |(octets, communities)| {
            let nlri = Nlri::decode(afi, &octets);
            Observed { afi, octets, nlri, communities, large_communities: Vec::new(), local: false }
        },
    )
}
