//! Which rules policies become.

mod support;

use sark_compiler::{Profile, simulate};
use sark_flowspec::Packet;
use support::{compile_in, compiled, environment, own, policies, texts};

fn rules(specs: &[(&str, &str)]) -> Vec<String> {
    let compiled = compiled(specs);
    assert_eq!(compiled.refused, []);
    texts(&own(&compiled.rules))
}

#[test]
fn prefixes_join_and_ports_merge() {
    let spec = "{ from: [198.51.100.0/25, 198.51.100.128/25], protocol: [tcp, udp], ports: [443, 8000-8100, 8101], action: drop }";
    assert_eq!(
        rules(&[("p", spec)]),
        ["src 198.51.100.0/24 proto =6|=17 dport =443|>=8000&<=8101 -> drop (p)"]
    );
    let strict = compile_in(&policies(&[("p", spec)]), &environment("strict")).unwrap();
    assert_eq!(
        texts(&own(&strict.rules)),
        [
            "src 198.51.100.0/24 proto =6 dport >=8000&<=8101 -> drop (p)",
            "src 198.51.100.0/24 proto =6 dport =443 -> drop (p)",
            "src 198.51.100.0/24 proto =17 dport >=8000&<=8101 -> drop (p)",
            "src 198.51.100.0/24 proto =17 dport =443 -> drop (p)",
        ]
    );
}

#[test]
fn icmp_is_what_the_family_calls_it() {
    let spec = "{ from: [198.51.100.0/24, '2001:db8:9::/48'], protocol: icmp, action: drop }";
    assert_eq!(
        rules(&[("p", spec)]),
        ["src 198.51.100.0/24 proto =1 -> drop (p)", "src 2001:db8:9::/48 proto =58 -> drop (p)"]
    );
}

#[test]
fn a_higher_policy_without_destination_gets_exceptions() {
    let specs = [
        ("quarantine", "{ priority: 900, from: [10.20.7.23/32], action: drop }"),
        (
            "inspect",
            "{ from: [10.20.0.0/16], to: { services: [openai/api] }, protocol: tcp, ports: [443], action: { redirect: { to: inspection } } }",
        ),
    ];
    assert_eq!(
        rules(&specs),
        [
            "dst 203.0.113.16/28 src 10.20.7.23/32 -> drop (quarantine)",
            "dst 203.0.113.16/28 src 10.20.0.0/16 proto =6 dport =443 -> redirect to 203.0.113.200 (inspect)",
            "src 10.20.7.23/32 -> drop (quarantine)",
        ]
    );
}

#[test]
fn equal_prefixes_are_split_where_octets_stand_the_wrong_way_round() {
    let specs = [
        (
            "allow",
            "{ priority: 900, from: [10.0.0.0/8], protocol: tcp, ports: [8000-9000], action: accept }",
        ),
        ("drop", "{ from: [10.0.0.0/8], protocol: tcp, ports: [443, 8443], action: drop }"),
    ];
    assert_eq!(
        rules(&specs),
        [
            "src 10.0.0.0/8 proto =6 dport >=8000&<=9000 -> accept (allow)",
            "src 10.0.0.0/8 proto =6 dport =443 -> drop (drop)",
        ]
    );
}

#[test]
fn an_exception_that_is_split_splits_what_it_stands_before() {
    // The exception for "allow" in front of "low" loses what "high" takes, and what is left of it
    // has octets that come after those of "low".
    let rules = rules(&[
        (
            "high",
            "{ priority: 160, to: { prefixes: [198.18.0.0/15] }, protocol: tcp, ports: [443, 8050-9000], action: drop }",
        ),
        (
            "allow",
            "{ priority: 150, from: [10.0.0.0/8], to: { prefixes: [198.18.0.0/15] }, protocol: tcp, ports: [0-65535], dscp: [8-63], action: accept }",
        ),
        (
            "low",
            "{ priority: 140, from: [10.0.0.0/8], to: { prefixes: [198.18.0.0/15] }, protocol: tcp, ports: [80, 443, 8000-8100], packetLength: [0-1000], action: drop }",
        ),
    ]);
    let allowed = "dst 198.18.0.0/15 src 10.0.0.0/8 proto =6 dport =80|>=8000&<=8049 length <=1000 dscp >=8 -> accept (allow)";
    assert!(rules.iter().any(|rule| rule == allowed), "{rules:#?}");
}

#[test]
fn the_proxy_is_kept_out_of_the_redirect() {
    let spec = "{ to: { services: [openai/api] }, from: [203.0.113.0/24], protocol: tcp, ports: [443], action: { redirect: { to: inspection } } }";
    let rules = texts(&compiled(&[("inspect", spec)]).rules);
    assert!(
        rules.contains(&"dst 203.0.113.16/28 src 203.0.113.240/30 -> accept (guard:sark)".into())
    );
    assert!(rules.contains(
        &"dst 203.0.113.16/28 src 203.0.113.200/32 -> accept (guard:pool:inspection)".into()
    ));
    assert_eq!(rules.len(), 3, "{rules:#?}");
}

#[test]
fn bgp_is_untouchable_between_the_ends_of_a_session() {
    let compiled = compiled(&[("p", "{ from: [198.51.100.0/24], action: drop }")]);
    assert_eq!(compiled.rules.len(), 7, "{:#?}", texts(&compiled.rules));
    for packet in [
        "tcp 198.51.100.1:50000 > 198.51.100.2:179",
        "tcp 198.51.100.1:179 > 198.51.100.2:50000",
        "tcp 198.51.100.2:50000 > 198.51.100.1:179",
        "tcp 198.51.100.2:179 > 198.51.100.1:50000",
    ] {
        let simulation = simulate(&compiled, &Packet::parse(packet).unwrap());
        assert!(simulation.agrees && simulation.actions.is_empty(), "{packet}");
        assert!(simulation.matches[0].policy.starts_with("guard:bgp:"), "{packet}");
    }
    let other =
        simulate(&compiled, &Packet::parse("tcp 198.51.100.1:1 > 198.51.100.2:80").unwrap());
    assert_eq!(other.outcome, "drop: p (test.yaml:1)");
}

#[test]
fn guards_cost_nothing_where_nothing_touches_them() {
    assert_eq!(
        rules(&[("p", "{ from: [192.0.2.0/26], to: { prefixes: [10.0.0.0/8] }, action: drop }")])
            .len(),
        1
    );
    assert_eq!(rules(&[("p", "{ from: [203.0.113.0/24], action: accept }")]).len(), 1);
}

#[test]
fn what_is_shadowed_is_dropped_and_said() {
    let compiled = compiled(&[
        ("wide", "{ priority: 900, from: [10.0.0.0/8], action: drop }"),
        ("narrow", "{ from: [10.1.0.0/16], protocol: tcp, action: accept }"),
    ]);
    assert_eq!(texts(&own(&compiled.rules)), ["src 10.0.0.0/8 -> drop (wide)"]);
    let warning = compiled.warnings.iter().find(|w| w.code == "shadowed").unwrap();
    assert_eq!(warning.policy, "narrow");
    assert!(warning.message.contains("wide (test.yaml:1)"), "{}", warning.message);
}

#[test]
fn warnings_say_what_routers_will_not_do() {
    let spec = "{ from: [10.0.0.0/8, '2001:db8:9::/48'], to: { prefixes: [198.18.0.0/15] }, protocol: tcp, ports: [25], action: drop }";
    let codes: Vec<String> =
        compiled(&[("p", spec)]).warnings.into_iter().map(|w| w.code).collect();
    assert_eq!(codes, ["fragments", "not-programmed", "uncovered-family"]);
}

#[test]
fn profiles_intersect() {
    let (strict, frr) = (Profile::named("strict").unwrap(), Profile::named("frr").unwrap());
    let both = frr.intersect(&strict);
    assert_eq!(both, strict.intersect(&frr));
    assert_eq!(both.name, "frr ∩ strict");
    assert_eq!(both.intersect(&frr), both);
    assert_eq!((both.max_rules_v4, both.port_lists), (1000, false));
    assert!(both.programs.is_empty() && both.accepts == strict.accepts);
}

#[test]
fn simulation_says_why_the_first_is_first() {
    let compiled = compiled(&[
        ("high", "{ priority: 900, from: [10.1.0.0/16], action: accept }"),
        ("low", "{ from: [10.0.0.0/8], to: { prefixes: [198.18.0.0/15] }, action: drop }"),
    ]);
    let told = simulate(&compiled, &Packet::parse("udp 10.1.0.1:1 > 198.18.0.1:2").unwrap());
    assert!(told.agrees);
    assert_eq!(told.matches.len(), 3);
    assert_eq!(told.intended[0].policy, "high");
    assert!(told.order.unwrap().contains("the more specific prefix is first"));
    let none = simulate(&compiled, &Packet::parse("udp 192.0.2.1:1 > 198.18.0.1:2").unwrap());
    assert!(none.agrees && none.outcome.starts_with("untouched"));
}
