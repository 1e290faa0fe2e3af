//! Rules and packets at random, from few values, so that they meet.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;
use sark_enforcer::Rule;
use sark_flowspec::{
    Action, Afi, BitmaskItem, Component, ComponentType, Fragment, Nlri, NumericItem, NumericOp,
    Packet, PrefixMatch, Rate,
};

use crate::frame::{MARKER, Shape, headers};
use crate::topology::VRFS;

/// SplitMix64: the same numbers on every machine.
pub struct Random(pub u64);

impl Random {
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end
    }

    pub fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }
}

const V4: [&str; 9] = [
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.1.0.0/16",
    "10.1.1.0/24",
    "10.1.1.1/32",
    "10.1.1.2/32",
    "10.2.0.0/15",
    "10.1.1.128/25",
    "192.0.2.0/24",
];
const V6: [&str; 9] = [
    "::/0",
    "2001:db8::/32",
    "2001:db8:1::/48",
    "2001:db8:1:1::/64",
    "2001:db8:1:1::1/128",
    "2001:db8:1:1::2/128",
    "2001:db8:2::/47",
    "2001:db8:1:1:8000::/65",
    "2001:db9::/32",
];
const V4_HOSTS: [&str; 8] = [
    "10.1.1.1",
    "10.1.1.2",
    "10.1.1.200",
    "10.1.9.9",
    "10.2.3.4",
    "10.9.9.9",
    "192.0.2.7",
    "198.51.100.1",
];
const V6_HOSTS: [&str; 8] = [
    "2001:db8:1:1::1",
    "2001:db8:1:1::2",
    "2001:db8:1:1:9::1",
    "2001:db8:1:9::9",
    "2001:db8:2:3::4",
    "2001:db8:9:9::9",
    "2001:db9::7",
    "2001:dba::1",
];
const PROTOCOLS: [u8; 7] = [6, 6, 6, 17, 17, 1, 58];

/// The values that rules ask for and packets have.
fn values(kind: ComponentType) -> &'static [u64] {
    match kind {
        ComponentType::Protocol => &[6, 6, 17, 1, 58, 47, 0, 255],
        ComponentType::IcmpType => &[0, 3, 8, 128, 255],
        ComponentType::IcmpCode => &[0, 1, 4, 255],
        ComponentType::TcpFlags => &[0, 0x02, 0x12, 0x10, 0x04, 0x11, 0x100, 0xfff],
        ComponentType::PacketLength => &[0, 60, 100, 101, 1000, 65535],
        ComponentType::Dscp => &[0, 10, 46, 63],
        ComponentType::Fragment => &[2, 4, 8, 10, 0],
        ComponentType::FlowLabel => &[0, 1, 5, 0xf_ffff],
        _ => &[0, 53, 80, 81, 443, 65535],
    }
}

/// Networks of a wide set: more than a layer puts into maps by address.
const WIDE: u64 = 64;

/// Some rules, or in a `wide` set a few hundred.
pub fn rules(random: &mut Random, afi: Afi, wide: bool) -> Vec<Rule> {
    let count = 1 + random.below(30);
    let mut rules: Vec<Rule> = Vec::new();
    let mut nlris: Vec<Nlri> = (0..count).map(|_| nlri(random, afi)).collect();
    if wide {
        nlris.extend((0..4 * WIDE).map(|_| alike(random, afi)));
    }
    if random.one_in(3) {
        // Without the others there is a gate.
        let is_address =
            |c: &Component| matches!(c, Component::Destination(_) | Component::Source(_));
        nlris.retain(|nlri| nlri.components().first().is_some_and(is_address));
    }
    for nlri in nlris {
        if rules.iter().all(|rule| rule.nlri != nlri) {
            let actions = actions(random, afi);
            rules.push(Rule::new(nlri, actions));
        }
    }
    rules
}

/// A rule of many that differ in their addresses only.
fn alike(random: &mut Random, afi: Afi) -> Nlri {
    let destination = network(random, afi);
    let source = random.pick(match afi {
        Afi::Ipv4 => &["", "", "src 10.1.0.0/16 ", "src 10.0.0.0/8 "],
        Afi::Ipv6 => &["", "", "src 2001:db8:1::/48 ", "src 2001:db8::/32 "],
    });
    let rest =
        random.pick(&["", "proto =6 dport =80|=443", "port =80", "tcp-flags 2", "length >=100"]);
    Nlri::parse(afi, &format!("dst {destination} {source}{rest}")).unwrap()
}

/// One of many networks, or the host in it that packets go to.
fn network(random: &mut Random, afi: Afi) -> String {
    let (number, host) = (random.below(WIDE), random.one_in(3));
    match (afi, host) {
        (Afi::Ipv4, false) => format!("10.3.{number}.0/24"),
        (Afi::Ipv4, true) => format!("10.3.{number}.1/32"),
        (Afi::Ipv6, false) => format!("2001:db8:3:{number:x}::/64"),
        (Afi::Ipv6, true) => format!("2001:db8:3:{number:x}::1/128"),
    }
}

fn nlri(random: &mut Random, afi: Afi) -> Nlri {
    use ComponentType as T;
    let kinds: Vec<T> = match random.below(10) {
        // What most rules look like, and maps are made for.
        0 => vec![T::Destination],
        1 | 2 => vec![T::Destination, T::Protocol, T::DestinationPort],
        3 => vec![T::Destination, T::Source, T::Protocol, T::DestinationPort],
        4 => vec![T::Source, T::DestinationPort],
        5 => vec![T::Protocol, T::DestinationPort],
        6 => vec![T::Destination, T::SourcePort],
        _ => {
            let few = 1 + random.below(4);
            let mut all = T::ALL.to_vec();
            all.retain(|kind| *kind != T::FlowLabel || afi == Afi::Ipv6);
            let mut kinds: Vec<T> = (0..few).map(|_| random.pick(&all)).collect();
            kinds.sort();
            kinds.dedup();
            kinds
        }
    };
    let components = kinds.into_iter().map(|kind| component(random, afi, kind)).collect();
    let nlri = Nlri::new(afi, components).unwrap();
    if random.one_in(4) { widened(random, &nlri) } else { nlri }
}

/// The rule as a peer may send it: with a component whose values are longer than its field.
fn widened(random: &mut Random, nlri: &Nlri) -> Nlri {
    let octets = nlri.encode();
    let mut body = octets[if octets[0] < 240 { 1 } else { 2 }..].to_vec();
    let last = nlri.components().last().unwrap().component_type() as u8;
    if last < ComponentType::PacketLength as u8 {
        body.push(ComponentType::PacketLength as u8);
        for end in [0, 0x80] {
            let and = if end == 0 { 0 } else { random.pick(&[0, 0x40]) };
            // Eight octets.
            body.push(0x30 | and | end | random.below(8) as u8);
            let value = random.pick(&[0, 60, 1000, 65_535, 65_536, 1 << 40, u64::MAX]);
            body.extend(value.to_be_bytes());
        }
    }
    let mut octets = vec![u8::try_from(body.len()).unwrap()];
    octets.extend(body);
    Nlri::decode(nlri.afi(), &octets).unwrap()
}

fn component(random: &mut Random, afi: Afi, kind: ComponentType) -> Component {
    use ComponentType as T;
    match kind {
        T::Destination => Component::Destination(prefix(random, afi)),
        T::Source => Component::Source(prefix(random, afi)),
        T::Protocol => Component::Protocol(numeric(random, kind)),
        T::Port => Component::Port(numeric(random, kind)),
        T::DestinationPort => Component::DestinationPort(numeric(random, kind)),
        T::SourcePort => Component::SourcePort(numeric(random, kind)),
        T::IcmpType => Component::IcmpType(numeric(random, kind)),
        T::IcmpCode => Component::IcmpCode(numeric(random, kind)),
        T::TcpFlags => Component::TcpFlags(bitmask(random, kind)),
        T::PacketLength => Component::PacketLength(numeric(random, kind)),
        T::Dscp => Component::Dscp(numeric(random, kind)),
        T::Fragment => Component::Fragment(bitmask(random, kind)),
        T::FlowLabel => Component::FlowLabel(numeric(random, kind)),
    }
}

fn prefix(random: &mut Random, afi: Afi) -> PrefixMatch {
    if afi == Afi::Ipv6 && random.one_in(6) {
        let (offset, length) = random.pick(&[(32, 48), (48, 64), (120, 128), (1, 32)]);
        let host: Ipv6Addr = random.pick(&V6_HOSTS).parse().unwrap();
        let mask = (u128::MAX << (128 - length)) & (u128::MAX >> offset);
        let pattern = Ipv6Addr::from_bits(host.to_bits() & mask);
        return PrefixMatch::V6 { pattern, length, offset };
    }
    let text = random.pick(if afi == Afi::Ipv4 { &V4 } else { &V6 });
    text.parse::<IpNet>().unwrap().into()
}

fn numeric(random: &mut Random, kind: ComponentType) -> Vec<NumericItem> {
    use NumericOp as Op;
    let ops = [
        Op::False,
        Op::Greater,
        Op::GreaterOrEqual,
        Op::Less,
        Op::LessOrEqual,
        Op::NotEqual,
        Op::True,
    ];
    let count = if random.one_in(2) { 1 } else { 1 + random.below(3) };
    let item = |index| {
        let op = if random.one_in(2) { random.pick(&ops) } else { Op::Equal };
        let item = NumericItem::new(op, random.pick(values(kind)));
        if index > 0 && random.one_in(2) { item.and() } else { item }
    };
    (0..count).map(item).collect()
}

fn bitmask(random: &mut Random, kind: ComponentType) -> Vec<BitmaskItem> {
    let count = 1 + random.below(3);
    let item = |index| {
        let value = random.pick(values(kind));
        let item = if random.one_in(2) { BitmaskItem::all(value) } else { BitmaskItem::any(value) };
        let item = if random.one_in(3) { item.not() } else { item };
        if index > 0 && random.one_in(2) { item.and() } else { item }
    };
    (0..count).map(item).collect()
}

fn actions(random: &mut Random, afi: Afi) -> Vec<Action> {
    let mut actions = Vec::new();
    let rate = |rate| Rate::new(rate).unwrap();
    if random.one_in(4) {
        actions.push(Action::TrafficRateBytes { asn: 0, rate: Rate::DROP });
    } else if random.one_in(4) {
        // More than the test sends.
        actions.push(Action::TrafficRateBytes { asn: 0, rate: rate(1e9) });
    }
    if random.one_in(6) {
        actions.push(Action::TrafficRatePackets { asn: 0, rate: rate(1e6) });
    }
    if random.one_in(3) {
        let terminal = !random.one_in(3);
        actions.push(Action::TrafficAction { sample: random.one_in(3), terminal });
    }
    if random.one_in(3) {
        let hops = match afi {
            Afi::Ipv4 => ["203.0.113.1", "203.0.113.2"],
            Afi::Ipv6 => ["2001:db8:f::1", "2001:db8:f::2"],
        };
        actions.push(if random.one_in(2) {
            Action::RedirectVrf(random.pick(&VRFS).0)
        } else {
            Action::RedirectIp { address: random.pick(&hops).parse().unwrap(), copy: false }
        });
    }
    if random.one_in(3) {
        actions.push(Action::TrafficMarking { dscp: random.pick(&[0, 10, 46, 63]) });
    }
    actions
}

pub fn packet(random: &mut Random, afi: Afi, wide: bool) -> (Packet, Shape) {
    let protocol = if random.one_in(8) { 47 } else { random.pick(&PROTOCOLS) };
    let more = random.one_in(5);
    let offset = random.one_in(5);
    let fragment = Fragment { dont: afi == Afi::Ipv4 && random.one_in(4), more, offset };
    let mut near = |kind: ComponentType, max: u64| {
        let value = random.pick(values(kind));
        if random.one_in(4) { value.wrapping_add(1) & max } else { value & max }
    };
    let ports = matches!(protocol, 6 | 17) && !offset;
    let icmp = protocol == if afi == Afi::Ipv4 { 1 } else { 58 };
    let mut packet = Packet {
        source: IpAddr::from([0; 4]),
        destination: IpAddr::from([0; 4]),
        protocol,
        source_port: ports.then(|| near(ComponentType::SourcePort, 0xffff) as u16),
        destination_port: ports.then(|| near(ComponentType::DestinationPort, 0xffff) as u16),
        icmp_type: (icmp && !offset).then(|| near(ComponentType::IcmpType, 0xff) as u8),
        icmp_code: (icmp && !offset).then(|| near(ComponentType::IcmpCode, 0xff) as u8),
        tcp_flags: (protocol == 6 && !offset).then(|| near(ComponentType::TcpFlags, 0xfff) as u16),
        length: near(ComponentType::PacketLength, 0xfff) as u16,
        dscp: near(ComponentType::Dscp, 0x3f) as u8,
        fragment,
        flow_label: (afi == Afi::Ipv6).then(|| near(ComponentType::FlowLabel, 0xf_ffff) as u32),
    };
    let hosts = if afi == Afi::Ipv4 { &V4_HOSTS } else { &V6_HOSTS };
    packet.source = random.pick(hosts).parse().unwrap();
    packet.destination = random.pick(hosts).parse().unwrap();
    if wide && !random.one_in(3) {
        let number = random.below(WIDE);
        let host = match afi {
            Afi::Ipv4 => format!("10.3.{number}.1"),
            Afi::Ipv6 => format!("2001:db8:3:{number:x}::1"),
        };
        packet.destination = host.parse().unwrap();
    }
    let shape = Shape {
        options: random.one_in(5),
        atomic: random.one_in(5),
        // Looks like ports that rules ask for.
        fill: random.pick(&[[0, 80, 1, 187], [0, 53, 0, 80], [0x50, 0x02, 0, 0]]),
    };
    // The longest length of the rules is longer than a frame.
    let least = (headers(&packet, shape) + MARKER) as u16;
    packet.length = packet.length.clamp(least, 2000);
    (packet, shape)
}
