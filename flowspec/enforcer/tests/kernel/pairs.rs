//! Every component with every action, IPv4 and IPv6: a packet that the rule hits and one that it
//! just misses go through the router.

use std::time::Instant;

use sark_enforcer::{Kernel, Program, Rule};
use sark_flowspec::{Action, Afi, Fragment, Nlri, Packet, Rate};

use crate::frame::dscp;
use crate::namespace::{in_namespace, wait};
use crate::nflog::Nflog;
use crate::topology::{Out, Topology, VRFS, next_hop, options, syn};

/// A rule, a packet that it hits and one that it misses.
struct Case {
    rule: &'static str,
    hit: Packet,
    miss: Packet,
}

fn cases(afi: Afi) -> Vec<Case> {
    let v4 = afi == Afi::Ipv4;
    let of = |edit: &dyn Fn(&mut Packet)| {
        let mut packet = syn(afi);
        edit(&mut packet);
        packet
    };
    let no_ports = |packet: &mut Packet| {
        (packet.source_port, packet.destination_port, packet.tcp_flags) = (None, None, None);
    };
    let udp = |packet: &mut Packet| (packet.protocol, packet.tcp_flags) = (17, None);
    let icmp = |kind: u8, code: u8| {
        of(&|packet| {
            no_ports(packet);
            packet.protocol = if v4 { 1 } else { 58 };
            (packet.icmp_type, packet.icmp_code) = (Some(kind), Some(code));
        })
    };
    let fragment = |more, offset| {
        of(&|packet| {
            packet.fragment = Fragment { more, offset, ..Fragment::default() };
            if offset {
                no_ports(packet);
            }
        })
    };
    let to = |text: &str| of(&|packet| packet.destination = text.parse().unwrap());
    let from = |text: &str| of(&|packet| packet.source = text.parse().unwrap());
    let case = |rule, hit, miss| Case { rule, hit, miss };
    let mut cases = vec![
        case("proto =17|>=200", of(&udp), syn(afi)),
        case("port =443", syn(afi), of(&|p| p.destination_port = Some(80))),
        case("port =51000", syn(afi), of(&|p| p.source_port = Some(51_001))),
        case("dport >=440&<=450", syn(afi), of(&|p| p.destination_port = Some(451))),
        case("dport =443", of(&udp), fragment(false, true)),
        case("sport !=51000", of(&|p| p.source_port = Some(5)), syn(afi)),
        case("icmp-type =3|=128", icmp(128, 0), icmp(8, 0)),
        case("icmp-code =1", icmp(8, 1), icmp(8, 0)),
        case("tcp-flags =2&!16", syn(afi), of(&|p| p.tcp_flags = Some(0x12))),
        case("tcp-flags 5", of(&|p| p.tcp_flags = Some(0x14)), syn(afi)),
        case("length >=1001", syn(afi), of(&|p| p.length = 1000)),
        case("dscp =10|=46", of(&|p| p.dscp = 46), syn(afi)),
        case("fragment 2", fragment(true, true), fragment(true, false)),
        case("fragment =4", fragment(true, false), fragment(true, true)),
        case("fragment =8", fragment(false, true), fragment(true, true)),
        case("fragment !14", syn(afi), fragment(true, false)),
    ];
    if v4 {
        cases.extend([
            case("dst 10.80.0.0/24", syn(afi), to("10.80.1.80")),
            case("src 192.0.2.0/25", syn(afi), from("192.0.2.129")),
            case("dst 10.80.0.80/32 proto =6 dport =443", syn(afi), to("10.80.0.81")),
            case("fragment =1", of(&|p| p.fragment.dont = true), syn(afi)),
        ]);
    } else {
        cases.extend([
            case("dst 2001:db8:80::/64", syn(afi), to("2001:db8:80:1::80")),
            case("dst ::80/128-96", syn(afi), to("2001:db8:80::81")),
            case("src 2001:db8:1::/125", from("2001:db8:1::7"), syn(afi)),
            case("src ::1:0:0:0:0:9/128-40", syn(afi), from("2001:db8:1::8")),
            case("dst 2001:db8:80::80/128 proto =6 dport =443", syn(afi), to("2001:db8:80::81")),
            case("flow-label =5", of(&|p| p.flow_label = Some(5)), syn(afi)),
        ]);
    }
    cases
}

fn actions(afi: Afi) -> Vec<Vec<Action>> {
    let rate = |rate| Rate::new(rate).unwrap();
    vec![
        vec![],
        vec![Action::TrafficRateBytes { asn: 0, rate: Rate::DROP }],
        vec![Action::TrafficRatePackets { asn: 0, rate: Rate::DROP }],
        vec![Action::TrafficRateBytes { asn: 0, rate: rate(1000.0) }],
        vec![Action::TrafficRatePackets { asn: 0, rate: rate(2.0) }],
        vec![Action::RedirectIp { address: next_hop(afi), copy: false }],
        vec![Action::RedirectVrf(VRFS[0].0)],
        vec![Action::TrafficMarking { dscp: 11 }],
        vec![Action::TrafficAction { sample: true, terminal: false }],
        // Several at once.
        vec![
            Action::TrafficAction { sample: true, terminal: true },
            Action::TrafficMarking { dscp: 11 },
            Action::RedirectIp { address: next_hop(afi), copy: false },
        ],
    ]
}

#[test]
fn every_component_with_every_action_ipv4() {
    every_pair(Afi::Ipv4);
}

#[test]
fn every_component_with_every_action_ipv6() {
    every_pair(Afi::Ipv6);
}

fn every_pair(afi: Afi) {
    in_namespace(|| {
        let topology = Topology::new();
        let nflog = Nflog::bind(options().sample.group);
        let mut pairs = 0;
        for case in cases(afi) {
            let nlri = Nlri::parse(afi, case.rule).unwrap();
            assert!(nlri.matches(&case.hit), "{nlri} {:?}", case.hit);
            assert!(!nlri.matches(&case.miss), "{nlri} {:?}", case.miss);
            for actions in actions(afi) {
                pairs += 1;
                check(&topology, &nflog, &case, Rule::new(nlri.clone(), actions), pairs);
            }
        }
        println!("{afi}: {pairs} pairs of component and action");
    });
}

fn check(topology: &Topology, nflog: &Nflog, case: &Case, rule: Rule, number: u64) {
    let program = Program::compile(std::slice::from_ref(&rule), &options(), None).unwrap();
    let place = format!("{} {:?}", rule.nlri, rule.actions);
    assert_eq!(program.refusals(), [], "{place}");
    let kernel = Kernel::default();
    let began = Instant::now();
    let applied = wait(kernel.apply(&program)).unwrap();
    assert_eq!(applied.unreachable.len(), 0, "{place}: {applied:?}");
    // As many as show the rate: of bytes the bucket holds 65,535 and a second of the rate.
    let count = match rule.actions.first() {
        Some(Action::TrafficRateBytes { rate, .. }) if rate.get() > 0.0 => 80,
        Some(Action::TrafficRatePackets { rate, .. }) if rate.get() > 0.0 => 10,
        _ => 1,
    };
    let (hit, miss) = (number * 2, number * 2 + 1);
    for _ in 0..count {
        topology.send(&case.hit, hit);
    }
    topology.send(&case.miss, miss);
    let came = topology.until(miss);
    // Buckets fill up meanwhile.
    let seconds = began.elapsed().as_secs() as usize + 1;
    let of = |wanted| came.iter().filter(move |(_, marker, _)| *marker == wanted);
    let missed: Vec<_> = of(miss).map(|(out, ..)| *out).collect();
    assert_eq!(missed, [Out::Server], "{place}: the packet that it misses");
    assert!(of(miss).all(|(.., octets)| dscp(octets) == case.miss.dscp), "{place}");
    let hits: Vec<_> = of(hit).map(|(out, _, octets)| (*out, dscp(octets))).collect();
    let unchanged = case.hit.dscp;
    match *rule.actions.first().unwrap_or(&Action::TrafficMarking { dscp: unchanged }) {
        Action::TrafficRateBytes { rate, .. } | Action::TrafficRatePackets { rate, .. }
            if rate == Rate::DROP =>
        {
            assert_eq!(hits, [], "{place}");
        }
        Action::TrafficRateBytes { .. } => {
            let length = usize::from(case.hit.length);
            let (least, most) = (66_535 / length, (66_535 + 1000 * seconds) / length + 1);
            assert!((least..=most).contains(&hits.len()), "{place}: {} came", hits.len());
        }
        Action::TrafficRatePackets { .. } => {
            assert!((2..=3 + 2 * seconds).contains(&hits.len()), "{place}: {} came", hits.len());
        }
        Action::RedirectIp { .. } => assert_eq!(hits, [(Out::Proxy, unchanged)], "{place}"),
        Action::RedirectVrf(_) => assert_eq!(hits, [(Out::Vrf, unchanged)], "{place}"),
        Action::TrafficMarking { dscp } => assert_eq!(hits, [(Out::Server, dscp)], "{place}"),
        Action::TrafficAction { terminal, .. } => {
            let expected = if terminal { (Out::Proxy, 11) } else { (Out::Server, unchanged) };
            assert_eq!(hits, [expected], "{place}");
            let sample = nflog.next().unwrap_or_else(|| panic!("{place}: no sample"));
            let holds = |wanted: &[u8]| sample.windows(wanted.len()).any(|part| part == wanted);
            assert!(holds(b"sark_flowspec r0\0"), "{place}");
            let start = case.hit.source.to_string();
            let source = match case.hit.source {
                std::net::IpAddr::V4(address) => address.octets().to_vec(),
                std::net::IpAddr::V6(address) => address.octets().to_vec(),
            };
            assert!(holds(&source), "{place}: a sample of another packet than {start}'s");
        }
    }
    let counted = wait(kernel.counters(&program)).unwrap();
    assert_eq!(counted[0].packets, count, "{place}");
    assert_eq!(counted[0].bytes, count * u64::from(case.hit.length), "{place}");
}
