//! Policy routing behind marks, and what several rules do together.

use sark_enforcer::{Kernel, Options, Program, Rule};
use sark_flowspec::{Action, Afi, Nlri, RouteTarget};

use crate::frame::dscp;
use crate::namespace::{await_carrier, in_namespace, ip, run, wait};
use crate::topology::{Came, Out, Topology, VRFS, next_hop, options, syn};

const BOTH: [Afi; 2] = [Afi::Ipv4, Afi::Ipv6];

fn rule(afi: Afi, nlri: &str, actions: Vec<Action>) -> Rule {
    Rule::new(Nlri::parse(afi, nlri).unwrap(), actions)
}

fn redirect(address: &str) -> Action {
    Action::RedirectIp { address: address.parse().unwrap(), copy: false }
}

fn outs(came: &[Came], wanted: u64) -> Vec<Out> {
    came.iter().filter(|(_, marker, _)| *marker == wanted).map(|(out, ..)| *out).collect()
}

/// Sends a SYN that the rules are about and one that they are not, and says where the first came
/// out.
fn send(topology: &Topology, afi: Afi, number: u64) -> Vec<Came> {
    let mut other = syn(afi);
    other.destination_port = Some(81);
    topology.send(&syn(afi), number);
    topology.send(&other, number + 1000);
    let came = topology.until(number + 1000);
    assert_eq!(outs(&came, number + 1000), [Out::Server]);
    came
}

fn apply(rules: &[Rule], options: &Options, before: Option<&Program>) -> Program {
    let program = Program::compile(rules, options, before).unwrap();
    assert_eq!(program.refusals(), []);
    let applied = wait(Kernel::default().apply(&program)).unwrap();
    assert_eq!(applied.unreachable.len(), 0, "{applied:?}");
    program
}

#[test]
fn a_next_hop_that_cannot_be_reached_is_told_and_packets_go_their_way() {
    in_namespace(|| {
        let topology = Topology::new();
        for (afi, nowhere, own) in
            [(Afi::Ipv4, "172.16.0.1", "192.0.2.1"), (Afi::Ipv6, "fd00:16::1", "2001:db8:1::1")]
        {
            ip(if afi == Afi::Ipv4 {
                "route add unreachable 172.16.0.0/12"
            } else {
                "-6 route add unreachable fd00:16::/32"
            });
            for address in [nowhere, own] {
                let rules = [rule(afi, "dport =443", vec![redirect(address)])];
                let program = Program::compile(&rules, &options(), None).unwrap();
                let applied = wait(Kernel::default().apply(&program)).unwrap();
                let told: Vec<_> = applied.unreachable.keys().map(ToString::to_string).collect();
                assert_eq!(told, [address]);
                assert_eq!(outs(&send(&topology, afi, 1), 1), [Out::Server], "{address}");
            }
        }
    });
}

#[test]
fn a_next_hop_behind_another_router_is_reached_through_it() {
    in_namespace(|| {
        let topology = Topology::new();
        for (afi, address, route) in [
            (Afi::Ipv4, "172.16.0.1", "route add 172.16.0.0/24 via 203.0.113.10"),
            (Afi::Ipv6, "fd00:16::1", "-6 route add fd00:16::/64 via 2001:db8:3::10"),
        ] {
            ip(route);
            apply(&[rule(afi, "dport =443", vec![redirect(address)])], &options(), None);
            assert_eq!(outs(&send(&topology, afi, 1), 1), [Out::Proxy]);
        }
    });
}

#[test]
fn a_vrf_without_a_route_leaks_nothing() {
    in_namespace(|| {
        let topology = Topology::new();
        for afi in BOTH {
            // Table 102 is empty.
            let program = apply(
                &[rule(afi, "dport =443", vec![Action::RedirectVrf(VRFS[1].0)])],
                &options(),
                None,
            );
            let came = send(&topology, afi, 1);
            let forwarded = outs(&came, 1).into_iter().filter(|out| *out != Out::Client).count();
            assert_eq!(forwarded, 0, "{afi}: {came:?}");
            assert_eq!(wait(Kernel::default().counters(&program)).unwrap()[0].packets, 1);
        }
    });
}

#[test]
fn rules_that_continue_act_together_and_the_first_decides() {
    in_namespace(|| {
        let topology = Topology::new();
        for afi in BOTH {
            let goes_on = Action::TrafficAction { sample: false, terminal: true };
            let other = if afi == Afi::Ipv4 { "10.4.0.9" } else { "2001:db8:4::9" };
            let rules = [
                // Given from last to first.
                rule(afi, "tcp-flags 2", vec![Action::TrafficMarking { dscp: 12 }]),
                // Sees the packet as it came, and is not the last that acts.
                rule(afi, "proto =6 dscp =0", vec![redirect(other), goes_on]),
                rule(afi, "proto =6 dscp =11", vec![redirect(other)]),
                rule(
                    afi,
                    "proto =6 dport =443",
                    vec![Action::TrafficMarking { dscp: 11 }, goes_on],
                ),
                rule(
                    afi,
                    if afi == Afi::Ipv4 {
                        "dst 10.80.0.0/16 dport =443"
                    } else {
                        "dst 2001:db8:80::/48 dport =443"
                    },
                    vec![Action::RedirectIp { address: next_hop(afi), copy: false }, goes_on],
                ),
            ];
            let program = apply(&rules, &options(), None);
            topology.send(&syn(afi), 1);
            let came = topology.until(1);
            let found: Vec<_> = came
                .iter()
                .filter(|(_, marker, _)| *marker == 1)
                .map(|(out, _, octets)| (*out, dscp(octets)))
                .collect();
            assert_eq!(found, [(Out::Proxy, 11)], "{afi}");
            let counted = wait(Kernel::default().counters(&program)).unwrap();
            let packets: Vec<u64> = counted.iter().map(|counter| counter.packets).collect();
            // In order: destination, port, DSCP 0, DSCP 11 that was only written, flags.
            assert_eq!(packets, [1, 1, 1, 0, 1], "{afi}: {:?}", program.rules());
        }
    });
}

#[test]
fn marks_stay_with_their_next_hops() {
    in_namespace(|| {
        let topology = Topology::new();
        let afi = Afi::Ipv4;
        let first = [rule(afi, "dport =80", vec![redirect("203.0.113.9")])];
        let before = apply(&first, &options(), None);
        // It sorts before the other.
        let both = [
            rule(afi, "dst 10.80.0.80/32 dport =443", vec![redirect("10.4.0.9")]),
            first[0].clone(),
        ];
        let program = apply(&both, &options(), Some(&before));
        let mark = |program: &Program, address: &str| {
            let address: std::net::IpAddr = address.parse().unwrap();
            let target = sark_enforcer::Target::NextHop(address);
            program.redirects().iter().find(|r| r.target == target).map(|r| r.mark)
        };
        assert_eq!(mark(&program, "203.0.113.9"), mark(&before, "203.0.113.9"));
        assert_ne!(mark(&program, "10.4.0.9"), mark(&before, "203.0.113.9"));
        assert_eq!(outs(&send(&topology, afi, 1), 1), [Out::Vrf]);
        // One leaves: its rule and its table go, and its mark is nobody's in the next program.
        let last = [rule(afi, "dport =443", vec![redirect("203.0.113.10")])];
        let after = apply(&last, &options(), Some(&program));
        assert_ne!(mark(&after, "203.0.113.10"), mark(&program, "203.0.113.9"));
        assert_eq!(outs(&send(&topology, afi, 2), 2), [Out::Proxy]);
        assert_eq!(ip("rule show").matches("lookup 830").count(), 1);
        assert_eq!(ip("-N route show table all proto 83").lines().count(), 1);
    });
}

#[test]
fn only_the_interfaces_named_are_looked_at() {
    in_namespace(|| {
        let topology = Topology::new();
        let drop = Action::TrafficRateBytes { asn: 0, rate: sark_flowspec::Rate::DROP };
        // The first is not there yet.
        let mut options = options();
        options.interfaces = ["later0", "px0", "px0"].map(str::to_owned).to_vec();
        for afi in BOTH {
            apply(&[rule(afi, "dport =443", vec![drop])], &options, None);
            assert_eq!(outs(&send(&topology, afi, 1), 1), [Out::Server]);
            topology.proxy.send(&crate::frame::octets(&syn(afi), Default::default(), 2));
            let came = send(&topology, afi, 3);
            assert_eq!((outs(&came, 2), outs(&came, 3)), (vec![], vec![Out::Server]));
        }
        run("ip", "link set in0 down");
        run("ip", "link set in0 name later0");
        run("ip", "link set later0 up");
        await_carrier(&["later0", "in0-far"]);
        let mut other = syn(Afi::Ipv6);
        other.destination_port = Some(81);
        topology.send(&syn(Afi::Ipv6), 4);
        topology.send(&other, 5);
        let came = topology.until(5);
        assert_eq!((outs(&came, 4), outs(&came, 5)), (vec![], vec![Out::Server]));
    });
}

#[test]
fn a_rule_that_is_refused_keeps_others_from_its_packets() {
    in_namespace(|| {
        let topology = Topology::new();
        for afi in BOTH {
            let unknown = RouteTarget::As2 { asn: 65001, value: 99 };
            let drop = Action::TrafficRateBytes { asn: 0, rate: sark_flowspec::Rate::DROP };
            let own = if afi == Afi::Ipv4 { "10.80.0.80/32" } else { "2001:db8:80::80/128" };
            let rules = [
                rule(afi, &format!("dst {own} dport =443"), vec![Action::RedirectVrf(unknown)]),
                rule(afi, "dport =443", vec![drop]),
            ];
            let program = Program::compile(&rules, &options(), None).unwrap();
            assert_eq!(program.refusals().len(), 1);
            wait(Kernel::default().apply(&program)).unwrap();
            assert_eq!(outs(&send(&topology, afi, 1), 1), [Out::Server]);
        }
    });
}
