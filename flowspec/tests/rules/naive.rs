//! RFC 8955 and RFC 8956 read once more, slowly, from encoded octets alone: walks the octets,
//! orders with lists of bits and byte strings, matches by interpreting operators bit by bit.

use std::cmp::Ordering;
use std::net::IpAddr;

use sark_flowspec::{Afi, Packet};

/// Type, and all octets behind the type.
pub type RawComponent = (u8, Vec<u8>);

/// The components of an NLRI that is known to be well formed.
pub fn components(afi: Afi, nlri: &[u8]) -> Vec<RawComponent> {
    let mut rest = if nlri[0] >= 0xf0 { &nlri[2..] } else { &nlri[1..] };
    let mut found = Vec::new();
    while !rest.is_empty() {
        let kind = rest[0];
        let mut end = 1;
        if kind <= 2 {
            let length = usize::from(rest[1]);
            end += match afi {
                Afi::Ipv4 => 1 + length.div_ceil(8),
                Afi::Ipv6 => 2 + (length - usize::from(rest[2])).div_ceil(8),
            };
        } else {
            loop {
                let operator = rest[end];
                end += 1 + (1 << ((operator & 0x30) >> 4));
                if operator & 0x80 != 0 {
                    break;
                }
            }
        }
        found.push((kind, rest[1..end].to_vec()));
        rest = &rest[end..];
    }
    found
}

/// Section 5.1: who is evaluated first is less.
pub fn order(afi: Afi, a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (components(afi, a), components(afi, b));
    let mut index = 0;
    loop {
        match (a.get(index), b.get(index)) {
            (None, None) => return Ordering::Equal,
            // The rule that does not contain the component has lower precedence.
            (None, Some(_)) => return Ordering::Greater,
            (Some(_), None) => return Ordering::Less,
            (Some((kind_a, data_a)), Some((kind_b, data_b))) => {
                if kind_a != kind_b {
                    return kind_a.cmp(kind_b);
                }
                let order = if *kind_a <= 2 {
                    order_of_prefixes(afi, data_a, data_b)
                } else {
                    order_of_strings(data_a, data_b)
                };
                if order != Ordering::Equal {
                    return order;
                }
            }
        }
        index += 1;
    }
}

fn order_of_strings(a: &[u8], b: &[u8]) -> Ordering {
    let common = a.len().min(b.len());
    match a[..common].cmp(&b[..common]) {
        Ordering::Equal => b.len().cmp(&a.len()),
        order => order,
    }
}

fn order_of_prefixes(afi: Afi, a: &[u8], b: &[u8]) -> Ordering {
    let (offset_a, bits_a) = prefix_bits(afi, a);
    let (offset_b, bits_b) = prefix_bits(afi, b);
    if offset_a != offset_b {
        return offset_a.cmp(&offset_b);
    }
    if bits_a.starts_with(&bits_b) || bits_b.starts_with(&bits_a) {
        // One is a more specific prefix of the other.
        return bits_b.len().cmp(&bits_a.len());
    }
    bits_a.cmp(&bits_b)
}

/// Offset, and the bits that must match.
fn prefix_bits(afi: Afi, data: &[u8]) -> (usize, Vec<bool>) {
    let length = usize::from(data[0]);
    let (offset, pattern) = match afi {
        Afi::Ipv4 => (0, &data[1..]),
        Afi::Ipv6 => (usize::from(data[1]), &data[2..]),
    };
    (offset, bits(pattern)[..length - offset].to_vec())
}

fn bits(octets: &[u8]) -> Vec<bool> {
    octets.iter().flat_map(|octet| (0..8).map(move |bit| octet & (0x80 >> bit) != 0)).collect()
}

/// Whether the rule of these octets applies to the packet.
pub fn matches(afi: Afi, nlri: &[u8], packet: &Packet) -> bool {
    components(afi, nlri).iter().all(|(kind, data)| component_matches(afi, *kind, data, packet))
}

fn component_matches(afi: Afi, kind: u8, data: &[u8], packet: &Packet) -> bool {
    let later_fragment = packet.fragment.offset;
    let tcp_or_udp = (packet.protocol == 6 || packet.protocol == 17) && !later_fragment;
    let icmp_number = if afi == Afi::Ipv4 { 1 } else { 58 };
    let icmp = packet.protocol == icmp_number && !later_fragment;
    let when = |there: bool, field: Option<u64>| if there { field } else { None };
    let field = match kind {
        1 => return address_matches(afi, data, packet.destination),
        2 => return address_matches(afi, data, packet.source),
        3 => Some(u64::from(packet.protocol)),
        4 => {
            return [packet.source_port, packet.destination_port]
                .into_iter()
                .any(|port| numbers_match(data, when(tcp_or_udp, port.map(u64::from))));
        }
        5 => when(tcp_or_udp, packet.destination_port.map(u64::from)),
        6 => when(tcp_or_udp, packet.source_port.map(u64::from)),
        7 => when(icmp, packet.icmp_type.map(u64::from)),
        8 => when(icmp, packet.icmp_code.map(u64::from)),
        9 => {
            let flags = packet.tcp_flags.map(|flags| u64::from(flags) & 0x0fff);
            return bits_match(data, when(packet.protocol == 6 && !later_fragment, flags));
        }
        10 => Some(u64::from(packet.length)),
        11 => Some(u64::from(packet.dscp)),
        12 => {
            let mut data_bits = 0;
            if packet.fragment.dont && afi == Afi::Ipv4 {
                data_bits |= 1;
            }
            if packet.fragment.offset {
                data_bits |= 2;
            }
            if packet.fragment.more && !packet.fragment.offset {
                data_bits |= 4;
            }
            if packet.fragment.offset && !packet.fragment.more {
                data_bits |= 8;
            }
            return bits_match(data, Some(data_bits));
        }
        13 => packet.flow_label.map(u64::from),
        _ => unreachable!("unknown type"),
    };
    numbers_match(data, field)
}

fn address_matches(afi: Afi, data: &[u8], address: IpAddr) -> bool {
    let address = match address {
        IpAddr::V4(address) => bits(&address.octets()),
        IpAddr::V6(address) => bits(&address.octets()),
    };
    let (offset, wanted) = prefix_bits(afi, data);
    address[offset..offset + wanted.len()] == wanted[..]
}

fn numbers_match(data: &[u8], field: Option<u64>) -> bool {
    let Some(field) = field else { return false };
    expression(data, |operator, value| {
        let less = operator & 4 != 0 && field < value;
        let greater = operator & 2 != 0 && field > value;
        let equal = operator & 1 != 0 && field == value;
        less || greater || equal
    })
}

fn bits_match(data: &[u8], field: Option<u64>) -> bool {
    let Some(field) = field else { return false };
    expression(data, |operator, value| {
        let exact = operator & 1 != 0;
        let hit = if exact { field & value == value } else { field & value > 0 };
        if operator & 2 != 0 { !hit } else { hit }
    })
}

/// A disjunction of conjunctions, built whole before it is looked at.
fn expression(data: &[u8], term: impl Fn(u8, u64) -> bool) -> bool {
    let mut groups: Vec<Vec<bool>> = Vec::new();
    let mut rest = data;
    while !rest.is_empty() {
        let operator = rest[0];
        let width = 1 << ((operator >> 4) & 3);
        let value = rest[1..=width].iter().fold(0, |value, octet| value * 256 + u64::from(*octet));
        let holds = term(operator, value);
        match groups.last_mut() {
            Some(group) if operator & 0x40 != 0 => group.push(holds),
            _ => groups.push(vec![holds]),
        }
        rest = &rest[1 + width..];
    }
    groups.iter().any(|group| group.iter().all(|holds| *holds))
}
