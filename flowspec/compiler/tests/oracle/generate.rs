//! Random worlds small enough that policies meet.

use ipnet::IpNet;

use super::model::{Act, Place, Rule, To, World, hop};
use super::random::Random;

const WHEN_DOWN: [&str; 3] = ["withdraw", "drop", "keep"];

fn nets(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().map(|t| t.parse().expect("a prefix")).collect()
}

/// Destinations: nested and disjoint, both families.
fn destinations() -> Vec<IpNet> {
    nets(&[
        "198.51.100.0/24",
        "198.51.100.0/25",
        "198.51.100.64/26",
        "198.51.100.10/32",
        "198.51.100.11/32",
        "198.51.100.200/32",
        "203.0.113.0/24",
        "203.0.113.128/25",
        "203.0.113.7/32",
        "2001:db8:100::/48",
        "2001:db8:100:8000::/49",
        "2001:db8:100::10/128",
        "2001:db8:200::/48",
        "2001:db8:200::7/128",
    ])
}

fn sources() -> Vec<IpNet> {
    nets(&[
        "10.20.0.0/16",
        "10.20.3.0/24",
        "10.20.3.4/32",
        "10.20.4.0/24",
        "10.0.0.0/8",
        "10.30.0.0/16",
        "2001:db8:20::/48",
        "2001:db8:20:3::/64",
        "2001:db8:20:3::4/128",
    ])
}

pub fn world(r: &mut Random) -> World {
    let profile = if r.chance(80) { "frr" } else { *r.pick(&["strict", "bird"]) };
    let endpoints: Vec<Place> = (0..3 + r.below(5)).map(|i| place(r, i)).collect();
    let mut world = World {
        policies: Vec::new(),
        protected: if r.chance(40) { protected(r) } else { Vec::new() },
        sessions: sessions(r),
        proxies: Vec::new(),
        up: (0..1 + r.below(4)).map(|_| r.chance(60)).collect(),
        endpoints,
        profile,
    };
    for n in (0..).zip(&world.up).map(|(n, _)| n) {
        world.proxies.extend([hop(n, false), hop(n, true)].map(IpNet::from));
    }
    if r.chance(40) {
        world.proxies.extend(nets(&["10.20.3.5/32", "2001:db8:20:3::5/128"]));
    }
    let count = 2 + r.below(5);
    let mut priorities: Vec<u16> = (1..=6).map(|i| 100 + 10 * i).collect();
    for i in 0..count {
        let priority = priorities.remove(r.below(priorities.len()));
        // Now and then two share one.
        let priority = if r.chance(2) { 100 } else { priority };
        let rule = rule(r, &world, i, priority);
        world.policies.push(rule);
    }
    world
}

fn protected(r: &mut Random) -> Vec<IpNet> {
    let choices = nets(&[
        "198.51.100.96/28",
        "198.51.100.97/32",
        "10.20.3.128/25",
        "10.20.4.1/32",
        "2001:db8:100::100/120",
        "2001:db8:20:3::80/121",
        "192.0.2.53/32",
    ]);
    r.some(&choices, 1, 3)
}

fn sessions(r: &mut Random) -> Vec<(std::net::IpAddr, std::net::IpAddr)> {
    let ip = |t: &str| t.parse().expect("an address");
    let mut found = vec![(ip("192.0.2.1"), ip("192.0.2.2"))];
    if r.chance(30) {
        found.push((ip("10.20.3.9"), ip("198.51.100.9")));
        found.push((ip("2001:db8:20:3::9"), ip("2001:db8:100::9")));
    }
    found
}

fn place(r: &mut Random, i: usize) -> Place {
    let kind = *r.pick(&["api", "api", "chat", "tor", "vpn", "doh"]);
    Place {
        provider: format!("p{}", r.below(4)),
        service: format!("s{i}"),
        kind,
        role: if r.chance(98) { ["ingress", "relay"][r.below(2)] } else { "egress" },
        sharedness: if r.chance(98) {
            "dedicated"
        } else {
            ["provider", "cloud", "cdn"][r.below(3)]
        },
        verified: r.chance(99),
        prefixes: r.some(&destinations(), 1, 4),
        name: format!("h{i}.example.com"),
    }
}

/// Of both families, nearly always.
fn some_sources(r: &mut Random) -> Vec<IpNet> {
    let (v4, v6): (Vec<IpNet>, Vec<IpNet>) =
        sources().into_iter().partition(|net| net.addr().is_ipv4());
    let mut some = r.some(&v4, 1, 2);
    if r.chance(95) {
        some.extend(r.some(&v6, 1, 2));
    }
    some
}

fn ranges(r: &mut Random, choices: &[(u16, u16)], most: usize) -> Vec<(u16, u16)> {
    r.some(choices, 1, most)
}

fn rule(r: &mut Random, world: &World, i: usize, priority: u16) -> Rule {
    let act = match (world.profile, r.below(10)) {
        (_, 0..=1) => Act::Accept,
        (_, 2..=3) => Act::Drop,
        (_, 4) => Act::Bytes(1_000_000),
        (_, 5) => Act::Vrf(1 + r.below(2) as u32),
        ("strict", _) => *r.pick(&[Act::Drop, Act::Bytes(5_000), Act::Accept, Act::Vrf(7)]),
        (_, 6..=7) => Act::Pool,
        _ => *r.pick(&[
            Act::Packets(500),
            Act::Mark(46),
            Act::Mark(0),
            Act::Sample,
            Act::MarkSample(10),
            Act::Pool,
        ]),
    };
    let to = if r.chance(80) { Some(destination(r, world)) } else { None };
    let from = if to.is_none() || r.chance(55) { some_sources(r) } else { Vec::new() };
    let mut rule = Rule {
        name: format!("policy-{i}"),
        priority,
        from,
        to,
        protocols: Vec::new(),
        ports: Vec::new(),
        source_ports: Vec::new(),
        lengths: Vec::new(),
        dscp: Vec::new(),
        flags: Vec::new(),
        fragment: Vec::new(),
        act,
        when_down: r.pick::<&str>(&WHEN_DOWN),
    };
    match r.below(8) {
        0..=2 => {
            rule.protocols = vec!["tcp"];
            rule.ports =
                ranges(r, &[(443, 443), (80, 80), (8000, 8100), (8050, 9000), (179, 179)], 3);
        }
        3 => {
            rule.ports =
                ranges(r, &[(443, 443), (444, 500), (0, 1023), (1024, 65535), (53, 53)], 3);
            if r.chance(50) {
                rule.protocols = vec!["tcp", "udp"];
            }
        }
        4 => rule.protocols = r.some(&["tcp", "udp", "icmp", "gre"], 1, 3),
        5 => {
            rule.protocols = vec!["udp"];
            rule.source_ports = ranges(r, &[(53, 53), (1000, 2000), (1500, 1600)], 2);
        }
        _ => {}
    }
    if world.profile != "strict" {
        if r.chance(12) {
            rule.lengths = ranges(r, &[(0, 128), (100, 1000), (1400, 65535), (128, 128)], 2);
        }
        if r.chance(12) {
            rule.dscp = ranges(r, &[(46, 46), (0, 7), (8, 63), (10, 10)], 2);
        }
        if r.chance(10) && rule.source_ports.is_empty() {
            rule.protocols = vec!["tcp"];
            rule.flags =
                r.some(&[("syn", true), ("ack", false), ("rst", true), ("fin", false)], 1, 2);
        }
    }
    if r.chance(8) && rule.ports.is_empty() && rule.source_ports.is_empty() && rule.flags.is_empty()
    {
        rule.fragment = if world.profile == "strict" {
            vec![("is", true)]
        } else {
            r.some(&[("is", true), ("first", true), ("last", true), ("is", false)], 1, 2)
        };
    }
    rule
}

fn destination(r: &mut Random, world: &World) -> To {
    let mut to = To::default();
    match r.below(7) {
        0..=1 => {
            to.providers = vec![r.pick(&world.endpoints).provider.clone()];
            if r.chance(30) {
                let provider = to.providers[0].clone();
                let kinds: Vec<_> = world
                    .endpoints
                    .iter()
                    .filter(|e| e.provider == provider)
                    .map(|e| e.kind)
                    .collect();
                to.kinds = vec![*r.pick(&kinds)];
            }
        }
        2 => {
            let e = r.pick(&world.endpoints);
            to.services = vec![format!("{}/{}", e.provider, e.service)];
        }
        3 => to.kinds = vec![r.pick(&world.endpoints).kind],
        4 => to.names = vec![r.pick(&world.endpoints).name.clone()],
        _ => to.prefixes = r.some(&destinations(), 1, 4),
    }
    if r.chance(15) {
        let extra = r.some(&destinations(), 1, 2);
        to.prefixes.extend(extra);
        to.prefixes.sort();
        to.prefixes.dedup();
    }
    to
}
