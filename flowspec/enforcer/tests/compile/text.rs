//! The tables as a reader sees them.

use sark_flowspec::{Action, Afi};

use crate::{DROP, compile, options, rate_bytes, rate_packets, redirect, rule};

fn shown(rules: &[sark_enforcer::Rule]) -> String {
    let program = compile(rules, &options());
    assert_eq!(program.refusals(), []);
    let placed = program.rules().iter().enumerate().map(|(index, rule)| {
        let actions: Vec<String> = rule.actions.iter().map(ToString::to_string).collect();
        format!("r{index} {} → {}\n", rule.nlri, actions.join(", "))
    });
    let redirects = program
        .redirects()
        .iter()
        .map(|r| format!("mark {:#x} → table {}: {:?}\n", r.mark, r.table, r.target));
    placed.chain(redirects).chain([program.ruleset().to_owned()]).collect()
}

#[test]
fn rules_of_every_kind() {
    let (v4, v6) = (Afi::Ipv4, Afi::Ipv6);
    let goes_on = Action::TrafficAction { sample: false, terminal: true };
    let sampled = Action::TrafficAction { sample: true, terminal: false };
    insta::assert_snapshot!(shown(&[
        rule(v4, "dst 192.0.2.1/32 proto =6 dport =443", &[redirect("203.0.113.9")]),
        rule(v4, "dst 192.0.2.2/32 proto =6 dport =443", &[redirect("203.0.113.9")]),
        rule(v4, "dst 192.0.2.0/24 proto =6 dport =443", &[DROP]),
        rule(v4, "dst 192.0.2.0/24", &[rate_bytes(1e6), sampled]),
        rule(v4, "dst 192.0.2.0/24 port =53", &[rate_packets(0.5)]),
        rule(v4, "src 198.51.100.0/24 fragment 2", &[DROP]),
        rule(v4, "proto =1 icmp-type =8", &[Action::TrafficMarking { dscp: 8 }]),
        rule(v4, "tcp-flags =2&!16 dscp !=0", &[Action::TrafficMarking { dscp: 0 }, goes_on]),
        rule(
            v6,
            "dst 2001:db8::/32 dport =443",
            &[Action::RedirectVrf("65001:1".parse().unwrap())]
        ),
        rule(v6, "dst ::5/128-64", &[]),
        rule(v6, "fragment !14 flow-label <=5 length >1280", &[DROP]),
        // Never matches: it has a place in the list and none in the table.
        rule(v6, "proto =17 tcp-flags 2", &[DROP]),
    ]));
}

#[test]
fn no_rules_are_an_empty_table() {
    insta::assert_snapshot!(shown(&[]));
}

#[test]
fn the_order_of_the_input_changes_nothing() {
    let mut rules = vec![
        rule(Afi::Ipv4, "dst 10.0.0.0/8 proto =6", &[redirect("203.0.113.9")]),
        rule(Afi::Ipv4, "dst 10.0.0.0/8", &[redirect("203.0.113.10")]),
        rule(Afi::Ipv4, "dst 10.1.0.0/16", &[DROP]),
        rule(Afi::Ipv6, "dport =53", &[redirect("2001:db8::1")]),
        // The same twice is once.
        rule(Afi::Ipv6, "dport =53", &[redirect("2001:db8::1")]),
    ];
    let before = compile(&rules, &options());
    assert_eq!(before.rules().len(), 4);
    for _ in 0..rules.len() {
        rules.rotate_left(1);
        assert_eq!(compile(&rules, &options()), before);
    }
}

#[test]
fn many_rules_are_few_lookups() {
    let rules: Vec<_> = (0..10_000_u32)
        .map(|i| {
            let host = std::net::Ipv4Addr::from(0x0a00_0000 + i);
            rule(Afi::Ipv4, &format!("dst {host}/32 proto =6 dport =443"), &[DROP])
        })
        .collect();
    let program = compile(&rules, &options());
    let lookups = program.ruleset().lines().filter(|line| line.contains("vmap @")).count();
    assert_eq!(lookups, 1);
    assert_eq!(program.ruleset().matches("  chain ").count(), 3, "two bases, later fragments");
}

/// Prefixes that do not overlap: a hash table for each length, or one set of intervals.
#[test]
fn few_lengths_are_hash_tables_and_many_are_intervals() {
    let of_lengths = |lengths: &[u8]| {
        let rules: Vec<_> = (0..400_u32)
            .map(|i| {
                let kind = i as usize % lengths.len();
                let length = lengths[kind];
                let net = (kind as u32 + 10) << 24 | i << (32 - length);
                let net = std::net::Ipv4Addr::from(net);
                rule(Afi::Ipv4, &format!("dst {net}/{length} proto =6 dport =443"), &[DROP])
            })
            .collect();
        let program = compile(&rules, &options());
        let count = |text: &str| program.ruleset().matches(text).count();
        (count("vmap @"), count("ip daddr & "), count("flags interval"))
    };
    assert_eq!(of_lengths(&[32]), (1, 0, 0));
    assert_eq!(of_lengths(&[24]), (1, 1, 0));
    assert_eq!(of_lengths(&[32, 24, 20]), (3, 2, 0));
    assert_eq!(of_lengths(&[32, 30, 28, 26, 24, 22]), (1, 0, 1));
}

/// Sources of two lengths, one behind the other in the order of section 5.1: not a table for each.
#[test]
fn lengths_that_alternate_are_intervals() {
    let rules: Vec<_> = (0..100_u8)
        .map(|i| {
            let source =
                if i % 2 == 0 { format!("10.{i}.0.0/16") } else { format!("10.{i}.3.0/24") };
            rule(Afi::Ipv4, &format!("dst 192.0.2.0/24 src {source} proto =6 dport =443"), &[DROP])
        })
        .collect();
    let program = compile(&rules, &options());
    let count = |text: &str| program.ruleset().matches(text).count();
    assert_eq!((count("vmap @"), count("flags interval")), (1, 1));
}
