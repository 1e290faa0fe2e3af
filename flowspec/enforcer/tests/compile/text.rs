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
    let chains = program.ruleset().matches("  chain ").count();
    assert_eq!(chains, 5, "of each family the base and what passes its gate, and later fragments");
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
        let lookups = || program.ruleset().lines().filter(|line| line.contains("vmap @"));
        let cut = lookups().filter(|line| line.contains("ip daddr & ")).count();
        (lookups().count(), cut, program.ruleset().matches("flags interval").count())
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

/// What packets are asked before all else: for rules by prefix one lookup of four octets.
#[test]
fn the_gate_is_one_lookup_of_an_address() {
    let (v4, v6) = (Afi::Ipv4, Afi::Ipv6);
    let tests = |afi: Afi, texts: &[&str]| -> Option<Vec<String>> {
        let rules: Vec<_> = texts.iter().map(|text| rule(afi, text, &[DROP])).collect();
        let program = compile(&rules, &options());
        let tables = program.ruleset().split_once("table ip6 sark_flowspec {").unwrap();
        let (_, base) =
            (if afi == v4 { tables.0 } else { tables.1 }).split_once("chain prerouting {").unwrap();
        let tests = base.replace(",\n      ", ", ");
        let tests = tests.lines().filter_map(|line| line.trim().strip_suffix(" goto rules"));
        let tests: Vec<String> = tests.map(ToString::to_string).collect();
        base.contains("meta mark != 0 goto rules").then_some(tests)
    };
    let some = |tests: &[&str]| Some(tests.iter().map(ToString::to_string).collect());
    assert_eq!(tests(v4, &[]), some(&[]));
    // Never matches, and needs no test.
    assert_eq!(tests(v4, &["dst 10.0.0.0/24 proto =17 tcp-flags 2"]), some(&[]));
    assert_eq!(
        tests(v4, &["dst 10.0.0.2/32 dport =443", "dst 10.0.0.1/32", "src 10.1.0.0/16"]),
        some(&["ip daddr { 10.0.0.1, 10.0.0.2 }", "ip saddr & 255.255.0.0 { 10.1.0.0 }"])
    );
    // Cut to the shortest.
    assert_eq!(
        tests(v4, &["dst 10.0.0.2/32", "dst 10.0.0.0/23", "dst 10.0.3.0/24 src 10.1.0.0/16"]),
        some(&["ip daddr & 255.255.254.0 { 10.0.0.0, 10.0.2.0 }"])
    );
    // The word with the most values.
    assert_eq!(
        tests(v6, &["dst 2001:db8:1::1/128", "dst 2001:db8:2::1/128", "src 2001:db8::/32"]),
        some(&["@nh,224,32 { 0x00010000, 0x00020000 }", "@nh,64,32 { 0x20010db8 }"])
    );
    assert_eq!(
        tests(v6, &["dst 2001:db8:1::/64", "dst 2001:db8:2:5::/64", "dst 2001:db8:3::/48"]),
        some(&["@nh,224,32 & 0xffff0000 { 0x00010000, 0x00020000, 0x00030000 }"])
    );
    // Not a zero, and not one bit.
    assert_eq!(tests(v6, &["dst 2001:db8::5/128"]), some(&["@nh,288,32 { 0x00000005 }"]));
    assert_eq!(tests(v6, &["dst 2001:db8::/80"]), some(&["@nh,192,32 { 0x20010db8 }"]));
    assert_eq!(tests(v6, &["dst 2001:db8:8000::/33"]), some(&["@nh,192,32 { 0x20010db8 }"]));
    // Some rules without a prefix.
    let few = ["dscp =1", "dscp =2", "dscp =3", "proto =17 dport =443"];
    assert_eq!(
        tests(v4, &few),
        some(&[
            "meta l4proto == 17 @th,16,16 == 443",
            "ip dscp == 1",
            "ip dscp == 2",
            "ip dscp == 3"
        ])
    );
    assert_eq!(tests(v4, &[&few[..], &["dscp =4"]].concat()), None);
    // What every packet would pass.
    assert_eq!(tests(v4, &["dst 10.0.0.1/32", "proto >=0"]), None);
    assert_eq!(tests(v4, &["dst 10.0.0.1/32", "dst 0.0.0.0/2"]), None);
    assert_eq!(tests(v6, &["dst 2001:db8::1/128", "dst ::/0"]), None);
}
