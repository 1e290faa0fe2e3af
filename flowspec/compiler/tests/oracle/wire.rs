//! A second, naive reading of RFC 8955 and RFC 8956 from octets: matching and section 5.1.
//! It shares nothing with the codec or the compiler.

use std::cmp::Ordering;
use std::net::IpAddr;

use sark_flowspec::Packet;

/// A rule as its octets say it.
pub struct WireRule {
    pub v6: bool,
    /// Type, octets after the type.
    components: Vec<(u8, Vec<u8>)>,
}

impl WireRule {
    /// Reads the octets of one NLRI; panics on anything unexpected, as only our encoder feeds it.
    pub fn read(v6: bool, octets: &[u8]) -> Self {
        let (length, mut rest) = if octets[0] < 0xf0 {
            (usize::from(octets[0]), &octets[1..])
        } else {
            ((usize::from(octets[0] & 0x0f) << 8) | usize::from(octets[1]), &octets[2..])
        };
        assert_eq!(length, rest.len(), "length octets");
        let mut components = Vec::new();
        while let Some((&kind, after)) = rest.split_first() {
            let size = if kind <= 2 {
                let bits = usize::from(after[0]);
                if v6 {
                    2 + (bits - usize::from(after[1])).div_ceil(8)
                } else {
                    1 + bits.div_ceil(8)
                }
            } else {
                let mut at = 0;
                loop {
                    let op = after[at];
                    at += 1 + (1 << ((op >> 4) & 3));
                    if op & 0x80 != 0 {
                        break at;
                    }
                }
            };
            components.push((kind, after[..size].to_vec()));
            rest = &after[size..];
        }
        assert!(components.windows(2).all(|w| w[0].0 < w[1].0), "ascending types");
        Self { v6, components }
    }

    pub fn matches(&self, packet: &Packet) -> bool {
        self.v6 == packet.destination.is_ipv6()
            && self
                .components
                .iter()
                .all(|(kind, data)| self.component_matches(*kind, data, packet))
    }

    fn component_matches(&self, kind: u8, data: &[u8], p: &Packet) -> bool {
        let first = !p.fragment.offset;
        let ports = first && (p.protocol == 6 || p.protocol == 17);
        let icmp = first && p.protocol == if self.v6 { 58 } else { 1 };
        let number = |field: Option<u64>| field.is_some_and(|f| numeric(data, f));
        match kind {
            1 => self.prefix_matches(data, p.destination),
            2 => self.prefix_matches(data, p.source),
            3 => number(Some(p.protocol.into())),
            4 => {
                ports
                    && (number(p.source_port.map(u64::from))
                        || number(p.destination_port.map(u64::from)))
            }
            5 => ports && number(p.destination_port.map(u64::from)),
            6 => ports && number(p.source_port.map(u64::from)),
            7 => icmp && number(p.icmp_type.map(u64::from)),
            8 => icmp && number(p.icmp_code.map(u64::from)),
            9 => {
                first
                    && p.protocol == 6
                    && p.tcp_flags.is_some_and(|f| bitmask(data, (f & 0x0fff).into()))
            }
            10 => number(Some(p.length.into())),
            11 => number(Some(p.dscp.into())),
            12 => bitmask(data, fragment_bits(p, self.v6)),
            13 => number(p.flow_label.map(u64::from)),
            _ => panic!("type {kind}"),
        }
    }

    fn prefix_matches(&self, data: &[u8], address: IpAddr) -> bool {
        let (length, offset, pattern) = if self.v6 {
            (usize::from(data[0]), usize::from(data[1]), &data[2..])
        } else {
            (usize::from(data[0]), 0, &data[1..])
        };
        let octets: Vec<u8> = match address {
            IpAddr::V4(a) => a.octets().to_vec(),
            IpAddr::V6(a) => a.octets().to_vec(),
        };
        let bit = |of: &[u8], i: usize| (of[i / 8] >> (7 - i % 8)) & 1;
        (offset..length).all(|i| bit(&octets, i) == bit(pattern, i - offset))
    }
}

fn fragment_bits(p: &Packet, v6: bool) -> u64 {
    u64::from(p.fragment.dont && !v6)
        | u64::from(p.fragment.offset) << 1
        | u64::from(!p.fragment.offset && p.fragment.more) << 2
        | u64::from(p.fragment.offset && !p.fragment.more) << 3
}

/// `(operator octet, value)` pairs.
fn items(data: &[u8]) -> Vec<(u8, u64)> {
    let mut at = 0;
    let mut found = Vec::new();
    while at < data.len() {
        let op = data[at];
        let width = 1 << ((op >> 4) & 3);
        let value = data[at + 1..at + 1 + width].iter().fold(0, |v, o| (v << 8) | u64::from(*o));
        found.push((op, value));
        at += 1 + width;
    }
    found
}

/// OR of AND groups.
fn any_group(data: &[u8], holds: impl Fn(u8, u64) -> bool) -> bool {
    let mut any = false;
    let mut group = false;
    for (i, (op, value)) in items(data).into_iter().enumerate() {
        if i > 0 && op & 0x40 != 0 {
            group = group && holds(op, value);
        } else {
            any = any || group;
            group = holds(op, value);
        }
    }
    any || group
}

fn numeric(data: &[u8], field: u64) -> bool {
    any_group(data, |op, value| {
        (op & 4 != 0 && field < value)
            || (op & 2 != 0 && field > value)
            || (op & 1 != 0 && field == value)
    })
}

fn bitmask(data: &[u8], field: u64) -> bool {
    any_group(data, |op, value| {
        let hit = if op & 1 != 0 { field & value == value } else { field & value != 0 };
        hit != (op & 2 != 0)
    })
}

/// RFC 8955 section 5.1, as its Appendix A reads it.
pub fn order(a: &WireRule, b: &WireRule) -> Ordering {
    for i in 0.. {
        match (a.components.get(i), b.components.get(i)) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Greater,
            (Some(_), None) => return Ordering::Less,
            (Some((ka, _)), Some((kb, _))) if ka != kb => return ka.cmp(kb),
            (Some((kind, da)), Some((_, db))) if *kind <= 2 => match prefix_order(a.v6, da, db) {
                Ordering::Equal => {}
                other => return other,
            },
            (Some((_, da)), Some((_, db))) => {
                let common = da.len().min(db.len());
                match da[..common].cmp(&db[..common]).then(db.len().cmp(&da.len())) {
                    Ordering::Equal => {}
                    other => return other,
                }
            }
        }
    }
    unreachable!()
}

fn prefix_order(v6: bool, a: &[u8], b: &[u8]) -> Ordering {
    let (offset_a, offset_b) = if v6 { (a[1], b[1]) } else { (0, 0) };
    if offset_a != offset_b {
        return offset_a.cmp(&offset_b);
    }
    let skip = if v6 { 2 } else { 1 };
    let bits = |d: &[u8]| -> Vec<u8> {
        let count = usize::from(d[0]) - if v6 { usize::from(d[1]) } else { 0 };
        (0..count).map(|i| (d[skip + i / 8] >> (7 - i % 8)) & 1).collect()
    };
    let (bits_a, bits_b) = (bits(a), bits(b));
    let common = bits_a.len().min(bits_b.len());
    bits_a[..common].cmp(&bits_b[..common]).then(bits_b.len().cmp(&bits_a.len()))
}

/// The rule that a router applies: the first in its order that matches.
pub fn winner(rules: &[WireRule], packet: &Packet) -> Option<usize> {
    (0..rules.len())
        .filter(|&i| rules[i].matches(packet))
        .min_by(|&i, &j| order(&rules[i], &rules[j]))
}
