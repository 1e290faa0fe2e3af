//! Rules and packets for the properties. Rules come as octets, written here and not by the crate,
//! with every width that the RFC allows; packets come from around a rule's own values.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use sark_flowspec::{Afi, Fragment, Packet};

use crate::naive;

/// What values a generated rule has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// Those the fields can have, in widths that a sender should use.
    InField,
    /// All that the octets can say: longer widths, values beyond the field.
    Any,
}

pub fn family() -> impl Strategy<Value = Afi> {
    select(vec![Afi::Ipv4, Afi::Ipv6])
}

/// Octets of a well-formed rule without bits that a decoder ignores.
pub fn rule(afi: Afi, values: Values) -> impl Strategy<Value = Vec<u8>> {
    let types: Vec<u8> = (1..=if afi == Afi::Ipv4 { 12 } else { 13 }).collect();
    // Few types are the usual rule, and the one where two rules share a prefix of components.
    let few = subsequence(types.clone(), 1..=3);
    let many = subsequence(types, 1..=12);
    prop_oneof![3 => few, 1 => many]
        .prop_flat_map(move |types| {
            types.into_iter().map(|kind| component(afi, kind, values)).collect::<Vec<_>>()
        })
        .prop_map(|components| with_length(components.concat()))
}

pub fn with_length(body: Vec<u8>) -> Vec<u8> {
    let length = body.len() as u16;
    let mut octets = match length {
        0..240 => vec![length as u8],
        _ => (0xf000 | length).to_be_bytes().to_vec(),
    };
    octets.extend(body);
    octets
}

/// One component, its type in front.
pub fn component(afi: Afi, kind: u8, values: Values) -> BoxedStrategy<Vec<u8>> {
    let data = match kind {
        1 | 2 if afi == Afi::Ipv4 => ipv4_prefix().boxed(),
        1 | 2 => ipv6_prefix().boxed(),
        _ => items(afi, kind, values).boxed(),
    };
    data.prop_map(move |data| [vec![kind], data].concat()).boxed()
}

/// Few networks, so that prefixes often overlap.
fn ipv4_prefix() -> impl Strategy<Value = Vec<u8>> {
    (select(vec![0_u32, 0x0a00_0000, 0xc000_0200, 0xc000_02ff, u32::MAX]), 0..=32_u8).prop_map(
        |(address, length)| {
            let kept = address & (u64::from(u32::MAX) << (32 - length)) as u32;
            let octets = usize::from(length).div_ceil(8);
            [vec![length], kept.to_be_bytes()[..octets].to_vec()].concat()
        },
    )
}

fn ipv6_prefix() -> impl Strategy<Value = Vec<u8>> {
    let address = select(vec![
        0_u128,
        0x2001_0db8 << 96,
        (0x2001_0db8 << 96) | 0xffff,
        0x1234_5678_9abc_def0,
        u128::MAX,
    ]);
    let bounds = (0..=128_u8).prop_flat_map(|length| {
        let offset = if length == 0 {
            Just(0).boxed()
        } else {
            prop_oneof![3 => Just(0), 1 => 0..length].boxed()
        };
        (Just(length), offset)
    });
    (address, bounds).prop_map(|(address, (length, offset))| {
        // Bit by bit: the pattern is bits offset..length, with zeros to the full octet.
        let bit = |index: u8| address >> (127 - index) & 1 == 1;
        let mut pattern = vec![0_u8; usize::from(length - offset).div_ceil(8)];
        for (index, from) in (offset..length).enumerate() {
            if bit(from) {
                pattern[index / 8] |= 0x80 >> (index % 8);
            }
        }
        [vec![length, offset], pattern].concat()
    })
}

/// Largest value (or all bits) of a field, and the most octets of its values.
fn field(afi: Afi, kind: u8) -> (u64, u32) {
    match kind {
        3 | 7 | 8 => (0xff, 1),
        4 | 5 | 6 | 10 => (0xffff, 2),
        9 => (0x0fff, 2),
        11 => (0x3f, 1),
        12 => (if afi == Afi::Ipv4 { 0xf } else { 0xe }, 1),
        _ => (0xf_ffff, 4),
    }
}

fn items(afi: Afi, kind: u8, values: Values) -> impl Strategy<Value = Vec<u8>> {
    let (max, octets) = field(afi, kind);
    let must = matches!(kind, 9 | 11 | 12);
    let is_bits = matches!(kind, 9 | 12);
    let widest: u8 = match (values, must, octets) {
        (Values::Any, false, _) | (_, _, 8) => 3,
        (_, _, 4) => 2,
        (_, _, 2) => 1,
        _ => 0,
    };
    let value = match values {
        Values::InField => prop_oneof![0..=max, 0..=max.min(3), Just(max)].boxed(),
        Values::Any if matches!(kind, 11 | 12) => (0..=max).boxed(),
        Values::Any => prop_oneof![0..=max, 0..=3_u64, max - 1..=max + 1, any::<u64>()].boxed(),
    };
    let value =
        if is_bits { value.prop_map(move |v| masked(v, max, values)).boxed() } else { value };
    let operator = (any::<bool>(), 0..8_u8, 0..=widest);
    vec((operator, value), 1..6).prop_map(move |items| {
        let mut out = Vec::new();
        let last = items.len() - 1;
        for (index, ((and, op, width), value)) in items.into_iter().enumerate() {
            let op = if is_bits { op & 3 } else { op };
            let fits = |width: u8| width == 3 || value >> (8 << width) == 0;
            let width = (width..=widest).find(|width| fits(*width)).unwrap_or(widest);
            let mut operator = op | width << 4;
            operator |= if and && index > 0 { 0x40 } else { 0 };
            operator |= if index == last { 0x80 } else { 0 };
            out.push(operator);
            out.extend(&value.to_be_bytes()[8 - (1 << width)..]);
        }
        out
    })
}

fn masked(value: u64, max: u64, values: Values) -> u64 {
    match values {
        // Bits that the component may hold although no packet has them: the data offset.
        Values::Any if max == 0x0fff => value & 0xffff,
        _ => value & max,
    }
}

/// What a packet is made of: choices that are resolved against a rule.
#[derive(Debug, Clone)]
pub struct Seed {
    picks: Vec<(Index, i8)>,
    fragment: (bool, bool, bool),
    protocol: u8,
}

pub fn seed() -> impl Strategy<Value = Seed> {
    let pick = (any::<Index>(), -1..=1_i8);
    (vec(pick, 10), any::<(bool, bool, bool)>(), select(vec![1_u8, 6, 6, 6, 17, 17, 58, 47, 0]))
        .prop_map(|(picks, fragment, protocol)| Seed { picks, fragment, protocol })
}

/// A packet around the rule: for every field one of the rule's own values, or one beside it.
pub fn packet(afi: Afi, nlri: &[u8], seed: &Seed) -> Packet {
    let components = naive::components(afi, nlri);
    let pick = |slot: usize, kinds: &[u8]| -> u64 {
        let (index, step) = seed.picks[slot];
        let mut values: Vec<u64> = vec![0];
        for (_, data) in components.iter().filter(|(kind, _)| kinds.contains(kind)) {
            values.extend(values_of(data));
        }
        index.get(&values).wrapping_add_signed(i64::from(step))
    };
    let address = |slot: usize, kind: u8| -> IpAddr {
        let (index, step) = seed.picks[slot];
        let data = components.iter().find(|(found, _)| *found == kind).map(|(_, data)| data);
        near(afi, data.map(Vec::as_slice), index, step)
    };
    // Half of the packets have the protocol that the rule asks for.
    let protocol = match pick(2, &[3]) {
        value if seed.picks[2].1 == 0 && value != 0 => value as u8,
        _ => seed.protocol,
    };
    let ports = matches!(protocol, 6 | 17);
    let icmp = matches!(protocol, 1 | 58);
    let (dont, more, offset) = seed.fragment;
    Packet {
        source: address(0, 2),
        destination: address(1, 1),
        protocol,
        source_port: ports.then(|| pick(3, &[4, 6]) as u16),
        destination_port: ports.then(|| pick(4, &[4, 5]) as u16),
        icmp_type: icmp.then(|| pick(5, &[7]) as u8),
        icmp_code: icmp.then(|| pick(6, &[8]) as u8),
        tcp_flags: (protocol == 6).then(|| pick(7, &[9]) as u16 & 0x0fff),
        length: pick(8, &[10]) as u16,
        dscp: pick(9, &[11]) as u8 & 0x3f,
        fragment: Fragment { dont, more, offset },
        flow_label: (afi == Afi::Ipv6).then(|| pick(9, &[13]) as u32 & 0xf_ffff),
    }
}

fn values_of(data: &[u8]) -> Vec<u64> {
    let (mut values, mut rest) = (Vec::new(), data);
    while let Some(operator) = rest.first() {
        let end = 1 + (1 << ((operator >> 4) & 3));
        values.push(rest[1..end].iter().fold(0, |value, octet| value << 8 | u64::from(*octet)));
        rest = &rest[end..];
    }
    values
}

/// The first or last address of the prefix, or the one before or after it.
fn near(afi: Afi, prefix: Option<&[u8]>, index: Index, step: i8) -> IpAddr {
    let (width, skip) = if afi == Afi::Ipv4 { (32_u32, 1) } else { (128, 2) };
    let (length, offset, pattern) = match prefix {
        Some(data) => (u32::from(data[0]), if skip == 2 { data[1] } else { 0 }, &data[skip..]),
        None => (0, 0, &[][..]),
    };
    let mut bits = 0_u128;
    for (position, octet) in pattern.iter().enumerate() {
        bits |= u128::from(*octet) << (120 - 8 * position);
    }
    bits >>= offset;
    let mut address = bits >> (128 - width);
    let host = width - length;
    if index.index(2) == 1 && host > 0 {
        address |= if host == 128 { u128::MAX } else { (1 << host) - 1 };
    }
    address = address.wrapping_add_signed(i128::from(step));
    match afi {
        Afi::Ipv4 => IpAddr::V4(Ipv4Addr::from_bits(address as u32)),
        Afi::Ipv6 => IpAddr::V6(Ipv6Addr::from_bits(address)),
    }
}
