//! What is asked of a packet first keeps none away from the rules that are about it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use sark_enforcer::{Kernel, Program, Rule};
use sark_flowspec::{Action, Afi, Component, Nlri, Packet, Rate, acting};

use crate::frame::{Shape, octets};
use crate::namespace::{in_namespace, run, wait};
use crate::topology::{Out, Topology, options, syn};

const DROP: Action = Action::TrafficRateBytes { asn: 0, rate: Rate::DROP };
const GOES_ON: Action = Action::TrafficAction { sample: false, terminal: true };

pub fn has_gate(program: &Program, afi: Afi) -> bool {
    let tables = program.ruleset().split_once("table ip6 sark_flowspec {").unwrap();
    let table = if afi == Afi::Ipv4 { tables.0 } else { tables.1 };
    table.contains("  chain rules {")
}

/// The address with one bit turned over; the first is 0.
fn turned(address: IpAddr, bit: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() ^ 1 << (31 - bit)).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() ^ 1 << (127 - bit)).into(),
    }
}

/// Sends them, and checks that the rules' counters are what the order of section 5.1 says and that
/// what no rule drops comes out.
fn check(topology: &Topology, rules: &[Rule], packets: &[Packet]) -> Program {
    let program = Program::compile(rules, &options(), None).unwrap();
    assert_eq!(program.refusals(), []);
    wait(Kernel::default().apply(&program)).unwrap();
    let mut expected = vec![0; rules.len()];
    let mut passing = Vec::new();
    for (marker, packet) in (1..).zip(packets) {
        topology.send(packet, marker);
        let acting = acting(rules, packet);
        for rule in &acting {
            expected[program.rules().iter().position(|p| p.nlri == rule.nlri).unwrap()] += 1;
        }
        if acting.iter().all(|rule| !rule.actions.contains(&DROP)) {
            passing.push((Out::Server, marker));
        }
    }
    let last = passing.last().unwrap().1;
    let came = topology.until(last);
    let came: Vec<_> = came.iter().map(|(out, marker, _)| (*out, *marker)).collect();
    assert_eq!(came, passing, "{}", program.ruleset());
    let counters = wait(Kernel::default().counters(&program)).unwrap();
    let counted: Vec<u64> = counters.iter().map(|counter| counter.packets).collect();
    assert_eq!(counted, expected, "{}", program.ruleset());
    program
}

/// Prefixes, and packets whose addresses differ from theirs in one bit: within the prefix they are the
/// rule's, and beyond they are not, whichever part of the address the gate looks at.
#[test]
fn every_bit_of_an_address() {
    in_namespace(|| {
        let topology = Topology::new();
        for (afi, host, bits, lengths) in [
            (Afi::Ipv4, "10.80.1.3", 32, &[32, 31, 24, 9][..]),
            (Afi::Ipv6, "2001:db8:80:2::90:4", 128, &[128, 96, 64, 48, 33, 20]),
        ] {
            let host: IpAddr = host.parse().unwrap();
            for (&length, of_source) in lengths.iter().flat_map(|l| [(l, false), (l, true)]) {
                let packet = |address| match of_source {
                    true => Packet { source: address, ..syn(afi) },
                    false => Packet { destination: address, ..syn(afi) },
                };
                let mut packets: Vec<_> = (0..bits).map(|bit| packet(turned(host, bit))).collect();
                packets.extend([packet(host), syn(afi)]);
                for from in (0..length).step_by(32) {
                    // Each word of an address is once the one with the most values. Some of the
                    // prefixes are longer.
                    let others = (from.max(3)..length.min(from + 32)).map(|bit| {
                        let length = if bit % 2 == 0 { length } else { bits };
                        prefix(turned(host, bit), length, of_source)
                    });
                    let rules: Vec<_> = others.chain([prefix(host, length, of_source)]).collect();
                    let program = check(&topology, &rules, &packets);
                    assert!(has_gate(&program, afi), "{host}/{length}");
                }
            }
        }
    });
}

fn prefix(address: IpAddr, length: u8, of_source: bool) -> Rule {
    let net = IpNet::new(address, length).unwrap().trunc();
    let component = if of_source { Component::Source } else { Component::Destination };
    let afi = if address.is_ipv4() { Afi::Ipv4 } else { Afi::Ipv6 };
    Rule::new(Nlri::new(afi, vec![component(net.into())]).unwrap(), vec![DROP])
}

/// Rules by destination, by source and by neither beside each other. One more of the last kind, and
/// they are asked without a gate; it decides nothing.
#[test]
fn beside_rules_without_a_prefix_and_without_it() {
    in_namespace(|| {
        let topology = Topology::new();
        for (afi, host, other, texts) in [
            (
                Afi::Ipv4,
                "10.80.0.80",
                "10.80.1.80",
                ["dst 10.80.0.80/32 proto =6", "dst 10.80.0.0/24", "src 192.0.2.8/29 dport =443"],
            ),
            (
                Afi::Ipv6,
                "2001:db8:80::80",
                "2001:db9:80::80",
                [
                    "dst 2001:db8:80::80/128 proto =6",
                    "dst 2001:db8:80::/48",
                    "src 2001:db8:1::8/125 dport =443",
                ],
            ),
        ] {
            let without = ["proto =17 dport =53", "dscp =10", "fragment =8"];
            let rule = |text: &str| Rule::new(Nlri::parse(afi, text).unwrap(), vec![GOES_ON]);
            let mut rules: Vec<Rule> = texts.iter().chain(&without).map(|t| rule(t)).collect();
            let mut packets = Vec::new();
            for destination in [host, other] {
                for source in [syn(afi).source, destination.parse().unwrap()] {
                    for (port, dscp) in [(443, 0), (80, 0), (443, 10), (80, 10)] {
                        let destination = destination.parse().unwrap();
                        let destination_port = Some(port);
                        let tcp =
                            Packet { destination, source, dscp, destination_port, ..syn(afi) };
                        let udp = Packet { protocol: 17, tcp_flags: None, ..tcp.clone() };
                        packets.extend([tcp, Packet { destination_port: Some(53), ..udp }]);
                    }
                }
            }
            let later = packets.iter().map(|packet| {
                let mut later = packet.clone();
                (later.source_port, later.destination_port, later.tcp_flags) = (None, None, None);
                later.fragment.offset = true;
                later
            });
            packets.extend(later.collect::<Vec<_>>());
            let gate = check(&topology, &rules, &packets);
            rules.push(rule("dport =1|=3|=5|=7"));
            let none = check(&topology, &rules, &packets);
            assert_eq!((has_gate(&gate, afi), has_gate(&none, afi)), (true, false), "{afi}");
        }
    });
}

/// Bits of the mark that are ours are cleared in packets of the interface that no rule is about, and
/// those of others are left alone.
#[test]
fn marks_of_packets_that_no_rule_is_about() {
    in_namespace(|| {
        let topology = Topology::new();
        let nft = |words: &str| run("nft", words);
        nft("add table inet around");
        for (name, priority) in [("before", -460), ("after", -440)] {
            nft(&format!(
                "add chain inet around {name} {{ type filter hook prerouting priority {priority} ; }}"
            ));
        }
        nft("add rule inet around before meta mark set 0xffffffff");
        nft("add rule inet around after meta mark 0x8000ffff counter");
        nft("add rule inet around after meta mark 0xffffffff counter");
        for afi in [Afi::Ipv4, Afi::Ipv6] {
            let far = if afi == Afi::Ipv4 { "10.9.9.9/32" } else { "2001:db8:9::9/128" };
            let nlri = Nlri::parse(afi, &format!("dst {far}")).unwrap();
            check(&topology, &[Rule::new(nlri, vec![DROP])], &[syn(afi), syn(afi)]);
            topology.vrf.send(&octets(&syn(afi), Shape::default(), 3));
            topology.until(3);
        }
        let listed = nft("list chain inet around after");
        let counted: Vec<&str> = listed
            .lines()
            .filter_map(|line| line.split_once("packets ")?.1.split(' ').next())
            .collect();
        assert_eq!(counted, ["4", "2"], "{listed}");
    });
}
