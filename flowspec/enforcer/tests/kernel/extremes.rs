//! Rule sets that no operator would write, and a peer may send.

use sark_enforcer::{Kernel, Program, Rule};
use sark_flowspec::{
    Action, Afi, Component, Nlri, NumericItem, NumericOp, Packet, PrefixMatch, Rate,
};

use crate::namespace::{in_namespace, wait};
use crate::topology::{Out, Topology, options, syn};

const DROP: Action = Action::TrafficRateBytes { asn: 0, rate: Rate::DROP };

/// The counters after these packets and one that passes.
fn counted(topology: &Topology, rules: &[Rule], packets: &[Packet], passes: &Packet) -> Vec<u64> {
    let program = Program::compile(rules, &options(), None).unwrap();
    assert_eq!(program.refusals(), []);
    wait(Kernel::default().apply(&program)).unwrap();
    for packet in packets {
        topology.send(packet, 1);
    }
    topology.send(passes, 2);
    let came = topology.until(2);
    assert!(came.iter().all(|(out, marker, _)| *out != Out::Server || *marker != 1));
    let counters = wait(Kernel::default().counters(&program)).unwrap();
    counters.iter().map(|counter| counter.packets).collect()
}

#[test]
fn prefixes_as_nested_as_can_be() {
    in_namespace(|| {
        let topology = Topology::new();
        for (afi, longest) in [(Afi::Ipv4, 32), (Afi::Ipv6, 128)] {
            let host = syn(afi).destination;
            // The length 0 would match what has to pass.
            let rules: Vec<Rule> = (1..=longest)
                .map(|length| {
                    let net = ipnet::IpNet::new(host, length).unwrap();
                    let nlri = Nlri::new(afi, vec![Component::Destination(net.into())]).unwrap();
                    Rule::new(nlri, vec![DROP])
                })
                .collect();
            // Differs from the host in the bit behind the prefix.
            let beside = |length: u8| {
                let mut packet = syn(afi);
                packet.destination = match host {
                    std::net::IpAddr::V4(host) => {
                        (std::net::Ipv4Addr::from_bits(host.to_bits() ^ 1 << (31 - length))).into()
                    }
                    std::net::IpAddr::V6(host) => {
                        (std::net::Ipv6Addr::from_bits(host.to_bits() ^ 1 << (127 - length))).into()
                    }
                };
                packet
            };
            let mut packets: Vec<Packet> = (8..longest).map(beside).collect();
            packets.push(syn(afi));
            // The other half of the address space.
            let mut passes = syn(afi);
            let other = if afi == Afi::Ipv4 { "150.0.0.1" } else { "8000:db8::1" };
            passes.destination = other.parse().unwrap();
            let found = counted(&topology, &rules, &packets, &passes);
            // Most specific first: one packet each down to length 8.
            let expected: Vec<u64> = (1..=longest).rev().map(|l| u64::from(l >= 8)).collect();
            assert_eq!(found, expected, "{afi}");
        }
    });
}

#[test]
fn a_rule_as_long_as_can_be() {
    in_namespace(|| {
        let topology = Topology::new();
        for afi in [Afi::Ipv4, Afi::Ipv6] {
            let ports = |from: u64| {
                (0..600).map(|i| NumericItem::new(NumericOp::Equal, from + 2 * i)).collect()
            };
            let nlri = Nlri::new(
                afi,
                vec![
                    Component::Protocol(vec![NumericItem::new(NumericOp::NotEqual, 17)]),
                    Component::Port(ports(51_000)),
                    Component::SourcePort(ports(50_000)),
                ],
            );
            let mut passes = syn(afi);
            passes.source_port = Some(51_001);
            let rules = [Rule::new(nlri.unwrap(), vec![DROP])];
            assert_eq!(counted(&topology, &rules, &[syn(afi)], &passes), [1]);
        }
    });
}

#[test]
fn thousands_of_rules_without_a_prefix() {
    in_namespace(|| {
        let topology = Topology::new();
        for afi in [Afi::Ipv4, Afi::Ipv6] {
            let rules: Vec<Rule> = (0..5000)
                .map(|i| {
                    let text = format!("proto =6 dport ={}", 400 + i);
                    Rule::new(Nlri::parse(afi, &text).unwrap(), vec![DROP])
                })
                .collect();
            let mut passes = syn(afi);
            passes.destination_port = Some(399);
            let found = counted(&topology, &rules, &[syn(afi)], &passes);
            assert_eq!((found[43], found.iter().sum()), (1, 1_u64));
        }
    });
}

#[test]
fn as_many_next_hops_as_there_are_marks() {
    in_namespace(|| {
        let topology = Topology::new();
        let rules: Vec<Rule> = (0..255_u8)
            .map(|i| {
                let nlri = Nlri::parse(Afi::Ipv4, &format!("dst 10.80.{i}.0/24")).unwrap();
                // 203.0.113.9 is the only neighbour that answers.
                let address = std::net::IpAddr::from([203, 0, 113, if i == 0 { 9 } else { i }]);
                let address = if i == 9 { "198.51.100.10".parse().unwrap() } else { address };
                let address = if i == 1 { "10.4.0.9".parse().unwrap() } else { address };
                Rule::new(nlri, vec![Action::RedirectIp { address, copy: false }])
            })
            .collect();
        let program = Program::compile(&rules, &options(), None).unwrap();
        assert_eq!(program.refusals(), []);
        assert_eq!(program.redirects().len(), 255);
        let began = std::time::Instant::now();
        let applied = wait(Kernel::default().apply(&program)).unwrap();
        println!("255 next hops applied in {:.0?}", began.elapsed());
        assert_eq!(applied.unreachable.len(), 0, "{applied:?}");
        for (third, out) in [(0, Out::Proxy), (1, Out::Vrf), (9, Out::Server)] {
            let mut packet = syn(Afi::Ipv4);
            packet.destination = std::net::IpAddr::from([10, 80, third, 80]);
            topology.send(&packet, u64::from(third) + 1);
            let came = topology.until(u64::from(third) + 1);
            assert!(came.iter().any(|(o, marker, _)| *o == out && *marker == u64::from(third) + 1));
        }
    });
}

/// A pattern of bits in the middle comes behind all prefixes and before rules without destination.
#[test]
fn patterns_come_behind_prefixes() {
    in_namespace(|| {
        let topology = Topology::new();
        let afi = Afi::Ipv6;
        let pattern =
            PrefixMatch::V6 { pattern: "0:0:80::80".parse().unwrap(), length: 128, offset: 32 };
        let goes_on = Action::TrafficAction { sample: false, terminal: true };
        let rules = [
            Rule::new(Nlri::parse(afi, "dst 2000::/3").unwrap(), vec![goes_on]),
            Rule::new(Nlri::new(afi, vec![Component::Destination(pattern)]).unwrap(), vec![DROP]),
            Rule::new(Nlri::parse(afi, "src 2001:db8:1::9/128").unwrap(), vec![]),
        ];
        let mut passes = syn(afi);
        passes.destination = "2001:db8:80::81".parse().unwrap();
        assert_eq!(counted(&topology, &rules, &[syn(afi)], &passes), [2, 1, 1]);
    });
}

#[test]
fn nft_takes_whatever_peers_send() {
    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    let seed = std::env::var("SARK_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1_u64);
    in_namespace(|| {
        let mut runner = proptest::test_runner::TestRunner::new_with_rng(
            ProptestConfig::default(),
            proptest::test_runner::TestRng::from_seed(
                proptest::test_runner::RngAlgorithm::ChaCha,
                &[seed.to_le_bytes(); 4].concat(),
            ),
        );
        let path = prop_oneof![crate::paths::path(Afi::Ipv4), crate::paths::path(Afi::Ipv6)];
        let strategy = proptest::collection::vec(path, 1..40);
        let (mut rules, mut enforced) = (0, 0);
        for _ in 0..150 {
            let paths = strategy.new_tree(&mut runner).unwrap().current();
            let set: Vec<Rule> = paths.iter().filter_map(|p| Rule::observed(p).ok()).collect();
            let program = Program::compile(&set, &options(), None).unwrap();
            if let Err(error) = wait(Kernel::default().apply(&program)) {
                panic!("{error}\n{}", program.ruleset());
            }
            wait(Kernel::default().counters(&program)).unwrap();
            rules += program.rules().len();
            enforced += program.rules().iter().filter(|rule| rule.enforced).count();
        }
        println!("{rules} rules, {enforced} enforced");
        assert!(enforced > rules / 4);
    });
}
