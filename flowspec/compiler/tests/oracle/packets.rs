//! Packets from the edges of what policies and guards say.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use sark_flowspec::{Fragment, Packet};

use super::model::World;
use super::random::Random;

/// The values worth trying in this world.
pub struct Edges {
    v4: (Vec<IpAddr>, Vec<IpAddr>),
    v6: (Vec<IpAddr>, Vec<IpAddr>),
    ports: Vec<u16>,
    source_ports: Vec<u16>,
    lengths: Vec<u16>,
    dscp: Vec<u8>,
    sessions: Vec<(IpAddr, IpAddr)>,
    /// Sources and destinations of each policy, by family; empty where it names none.
    ends: Vec<[(Vec<IpAddr>, Vec<IpAddr>); 2]>,
}

fn shifted(address: IpAddr, by: i128) -> IpAddr {
    match address {
        IpAddr::V4(a) => Ipv4Addr::from((i128::from(u32::from(a)) + by) as u32).into(),
        IpAddr::V6(a) => Ipv6Addr::from(u128::from(a).wrapping_add_signed(by)).into(),
    }
}

fn corners(nets: impl Iterator<Item = IpNet>) -> (Vec<IpAddr>, Vec<IpAddr>) {
    let mut all = Vec::new();
    for net in nets {
        let (first, last) = (net.network(), net.broadcast());
        all.extend([first, last, shifted(first, -1), shifted(last, 1), shifted(first, 1)]);
    }
    all.sort();
    all.dedup();
    all.into_iter().partition(IpAddr::is_ipv4)
}

impl Edges {
    pub fn of(world: &World) -> Self {
        let to = world.policies.iter().filter_map(|p| p.to.as_ref());
        let guards = world.protected.iter().chain(&world.proxies).copied();
        let extra: Vec<IpNet> = ["192.0.2.99/32", "2001:db8:eeee::1/128"]
            .iter()
            .map(|t| t.parse().expect("a prefix"))
            .collect();
        let destinations = to
            .flat_map(|t| t.prefixes(world).copied().collect::<Vec<_>>())
            .chain(guards.clone())
            .chain(extra.clone());
        let sources = world.policies.iter().flat_map(|p| p.from.clone()).chain(guards).chain(extra);
        let (d4, d6) = corners(destinations);
        let (s4, s6) = corners(sources);
        let ends = |all: Vec<(u16, u16)>, always: &[u16]| {
            let mut found = always.to_vec();
            for (a, b) in all {
                found.extend([a, b, a.saturating_sub(1), b.saturating_add(1)]);
            }
            found.sort_unstable();
            found.dedup();
            found
        };
        let gather = |f: fn(&super::model::Rule) -> &Vec<(u16, u16)>| {
            world.policies.iter().flat_map(|p| f(p).clone()).collect::<Vec<_>>()
        };
        Self {
            v4: (s4, d4),
            v6: (s6, d6),
            ports: ends(gather(|p| &p.ports), &[443, 179]),
            source_ports: ends(gather(|p| &p.source_ports), &[51_000, 179]),
            lengths: ends(gather(|p| &p.lengths), &[60, 1500]),
            dscp: ends(gather(|p| &p.dscp), &[0])
                .into_iter()
                .filter_map(|d| u8::try_from(d).ok().filter(|d| *d < 64))
                .collect(),
            sessions: world.sessions.clone(),
            ends: world
                .policies
                .iter()
                .map(|policy| {
                    let (s4, s6) = corners(policy.from.iter().copied());
                    let to = policy.to.iter().flat_map(|t| t.prefixes(world)).copied();
                    let (d4, d6) = corners(to);
                    [(s4, d4), (s6, d6)]
                })
                .collect(),
        }
    }

    pub fn packet(&self, r: &mut Random) -> Packet {
        let (sources, destinations) = if r.chance(60) { &self.v4 } else { &self.v6 };
        let (mut source, mut destination) = (*r.pick(sources), *r.pick(destinations));
        if r.chance(75) && !self.ends.is_empty() {
            let (from, to) = &r.pick(&self.ends)[usize::from(source.is_ipv6())];
            if !from.is_empty() {
                source = *r.pick(from);
            }
            if !to.is_empty() {
                destination = *r.pick(to);
            }
        }
        let mut protocol = *r.pick(&[6, 6, 6, 17, 17, 1, 58, 47]);
        if r.chance(6) {
            (source, destination) = *r.pick(&self.sessions);
            protocol = 6;
            if r.chance(50) {
                (source, destination) = (destination, source);
            }
        }
        let v6 = destination.is_ipv6();
        let fragment = match r.below(8) {
            0 => Fragment { dont: false, more: true, offset: false },
            1 => Fragment { dont: false, more: true, offset: true },
            2 => Fragment { dont: false, more: false, offset: true },
            3 => Fragment { dont: !v6, more: false, offset: false },
            _ => Fragment::default(),
        };
        let whole = !fragment.offset;
        let ports = whole && (protocol == 6 || protocol == 17);
        let icmp = whole && protocol == if v6 { 58 } else { 1 };
        Packet {
            source,
            destination,
            protocol,
            source_port: ports.then(|| *r.pick(&self.source_ports)),
            destination_port: ports.then(|| *r.pick(&self.ports)),
            icmp_type: icmp.then(|| r.below(256) as u8),
            icmp_code: icmp.then(|| r.below(256) as u8),
            tcp_flags: (whole && protocol == 6).then(|| r.below(32) as u16),
            length: *r.pick(&self.lengths),
            dscp: *r.pick(&self.dscp),
            fragment,
            flow_label: v6.then(|| r.below(1 << 20) as u32),
        }
    }
}
