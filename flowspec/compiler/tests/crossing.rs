//! Policies that cross each other in one small corner of addresses and ports, where the order has
//! most to do: what the routers' order gives is what the priorities mean. The far larger test on
//! whole worlds, with a reader of its own, is `oracle`.

mod support;

use std::fmt::Write as _;

use proptest::prelude::*;
use sark_compiler::{Environment, simulate};
use sark_flowspec::Packet;
use support::{compile_in, environment, policies};

fn spec() -> impl Strategy<Value = String> {
    let list = |what: &'static [&'static str]| {
        proptest::option::weighted(0.6, proptest::sample::subsequence(what, 1..=what.len().min(3)))
    };
    (
        list(&["10.0.0.0/30", "10.0.0.0/31", "10.0.0.1/32", "10.0.0.2/31"]),
        proptest::sample::subsequence(
            &["198.18.0.0/30", "198.18.0.0/31", "198.18.0.1/32", "198.18.0.2/31"][..],
            1..=2,
        ),
        list(&["tcp", "udp", "icmp"]),
        list(&["1-4", "3", "4-6", "5", "7-9"]),
        list(&["1-3", "2", "3-5"]),
        proptest::sample::select(
            &[
                "accept",
                "drop",
                "{ rateLimit: { bytesPerSecond: 1000 } }",
                "{ redirect: { vrf: '64500:1' } }",
            ][..],
        ),
    )
        .prop_map(|(from, to, protocol, ports, source_ports, action)| {
            let mut spec = format!("to: {{ prefixes: [{}] }}, action: {action}", to.join(", "));
            let ports = ports.filter(|_| protocol.as_ref().is_none_or(|p| !p.contains(&"icmp")));
            let source_ports = source_ports.filter(|_| ports.is_some());
            for (key, value) in [
                ("from", from),
                ("protocol", protocol),
                ("ports", ports),
                ("sourcePorts", source_ports),
            ] {
                if let Some(value) = value {
                    let _ = write!(spec, ", {key}: [{}]", value.join(", "));
                }
            }
            spec
        })
}

fn quiet(profile: &str) -> Environment {
    Environment {
        pools: Vec::new(),
        protected: Vec::new(),
        sessions: Vec::new(),
        ..environment(profile)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn order_is_as_intended(
        specs in proptest::collection::vec(spec(), 2..6),
        strict in any::<bool>(),
    ) {
        let specs: Vec<(String, String)> = (1..)
            .zip(specs)
            .map(|(i, spec)| (format!("p{i}"), format!("{{ priority: {i}, {spec} }}")))
            .collect();
        let given: Vec<(&str, &str)> = specs.iter().map(|(n, s)| (n.as_str(), s.as_str())).collect();
        let profile = if strict { "strict" } else { "frr" };
        let compiled = compile_in(&policies(&given), &quiet(profile)).unwrap();
        prop_assert_eq!(&compiled.refused, &[]);
        for to in 0..4 {
            for from in 0..4 {
                for what in ["tcp", "udp"] {
                    for (sport, dport) in (1..=6).flat_map(|s| (1..=9).map(move |d| (s, d))) {
                        let text = format!("{what} 10.0.0.{from}:{sport} > 198.18.0.{to}:{dport}");
                        let told = simulate(&compiled, &Packet::parse(&text).unwrap());
                        prop_assert!(told.agrees, "{text}: {told:#?}\n{given:#?}");
                    }
                }
                let text = format!("icmp 10.0.0.{from} > 198.18.0.{to} type 8");
                prop_assert!(simulate(&compiled, &Packet::parse(&text).unwrap()).agrees, "{}", text);
            }
        }
    }
}
