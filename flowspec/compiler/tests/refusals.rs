//! What is refused, why, and the way out; what is bad input.

mod support;

use sark_compiler::{Compiled, Refusal};
use support::{compile_in, compiled, environment, own, policies, texts};

#[track_caller]
fn refused(specs: &[(&str, &str)], guard: &str) -> Refusal {
    one(&compiled(specs), guard)
}

#[track_caller]
fn one(compiled: &Compiled, guard: &str) -> Refusal {
    assert_eq!(compiled.rules, [], "a refused set has no rules");
    let found: Vec<&Refusal> = compiled.refused.iter().filter(|r| r.guard == guard).collect();
    assert_eq!(found.len(), 1, "{:#?}", compiled.refused);
    assert!(found[0].fix.contains("test.yaml:"), "the fix names the line: {}", found[0].fix);
    found[0].clone()
}

#[test]
fn guards_by_name() {
    for (spec, guard) in [
        ("{ from: [0.0.0.0/0], action: drop }", "default-route"),
        ("{ to: { prefixes: ['::/0'] }, action: accept }", "default-route"),
        ("{ from: [203.0.113.241/32], action: drop }", "protected"),
        ("{ to: { prefixes: [203.0.113.200/32] }, ports: [443], action: drop }", "protected"),
        (
            "{ from: [198.51.100.0/24], to: { prefixes: ['2001:db8::/32'] }, action: drop }",
            "family",
        ),
        (
            "{ from: [198.51.100.0/24], to: { providers: [tailscale] }, action: accept }",
            "no-address",
        ),
    ] {
        refused(&[("p", spec)], guard);
    }
}

#[test]
fn ceilings() {
    let cdn = "to: { services: [cohere/api] }";
    refused(&[("p", &format!("{{ {cdn}, action: drop }}"))], "ceiling");
    refused(
        &[("p", &format!("{{ {cdn}, action: {{ redirect: {{ to: inspection }} }} }}"))],
        "ceiling",
    );
    refused(
        &[(
            "p",
            &format!("{{ {cdn}, ports: [443], action: {{ redirect: {{ vrf: '64500:1' }} }} }}"),
        )],
        "ceiling",
    );
    let ok = format!(
        "{{ {cdn}, protocol: tcp, ports: [443], action: {{ redirect: {{ to: inspection }} }} }}"
    );
    assert_eq!(compiled(&[("p", &ok)]).refused, []);
    // A literal prefix has the worst of what lives there.
    let why =
        refused(&[("p", "{ to: { prefixes: [203.0.113.0/24] }, action: drop }")], "ceiling").why;
    assert!(why.contains("cdn"), "{why}");
    // Policies with only `from` have no destination to spare.
    assert_eq!(compiled(&[("p", "{ from: [198.51.100.7/32], action: drop }")]).refused, []);
}

#[test]
fn ties_name_the_pair_and_a_packet() {
    let specs = [
        (
            "a",
            "{ priority: 7, from: [198.51.100.0/24], protocol: tcp, ports: [80-90], action: drop }",
        ),
        (
            "b",
            "{ priority: 7, to: { prefixes: [198.18.0.0/15] }, protocol: tcp, ports: [90-99], action: accept }",
        ),
    ];
    let refusal = refused(&specs, "priority-tie");
    assert_eq!(refusal.policy, "a");
    assert!(refusal.why.contains("tcp 198.51.100.0:50000 > 198.18.0.0:90"), "{}", refusal.why);
    assert!(refusal.fix.contains("b (test.yaml:"), "{}", refusal.fix);
    let other =
        ["{ priority: 7, from: [198.51.100.0/24], protocol: tcp, ports: [80-89], action: drop }"];
    assert_eq!(compiled(&[("a", other[0]), specs[1]]).refused, [], "no common packet");
}

#[test]
fn strict_refuses_what_it_does_not_take() {
    let strict = |spec| {
        one(&compile_in(&policies(&[("p", spec)]), &environment("strict")).unwrap(), "profile")
    };
    assert!(
        strict("{ from: [198.51.100.0/24], action: { mark: { dscp: 10 } } }").why.contains("mark")
    );
    assert!(strict("{ from: [198.51.100.0/24], dscp: [8], action: drop }").why.contains("dscp"));
    assert!(
        strict("{ from: [198.51.100.0/24], fragment: [first], action: drop }")
            .why
            .contains("fragment")
    );
}

#[test]
fn the_budget_has_a_way_out() {
    let ports: Vec<String> = (0..1001).map(|i| (2 * i).to_string()).collect();
    let spec = format!(
        "{{ from: [198.51.100.0/24], protocol: tcp, ports: [{}], action: drop }}",
        ports.join(", ")
    );
    let set = policies(&[("p", &spec)]);
    let refusal = one(&compile_in(&set, &environment("strict")).unwrap(), "budget");
    assert!(refusal.why.contains("1001") && refusal.why.contains("1000"), "{}", refusal.why);
    let frr = compile_in(&set, &environment("frr")).unwrap();
    assert_eq!(own(&frr.rules).len(), 201);
}

#[test]
fn exceptions_over_the_budget_are_an_order_refusal() {
    let hosts = |net: u8| {
        let all: Vec<String> = (0..200).map(|i| format!("10.{net}.{i}.1/32")).collect();
        all.join(", ")
    };
    let specs = [
        ("high", format!("{{ priority: 900, from: [{}], action: accept }}", hosts(1))),
        ("low", format!("{{ priority: 800, to: {{ prefixes: [{}] }}, action: drop }}", hosts(2))),
    ];
    let specs: Vec<(&str, &str)> = specs.iter().map(|(n, s)| (*n, s.as_str())).collect();
    let set = policies(&specs);
    let refusal = one(&compile_in(&set, &environment("strict")).unwrap(), "order");
    assert!(refusal.why.contains("high (test.yaml:1) decides before low"), "{}", refusal.why);
    assert!(refusal.why.contains(" > 10.2."), "an example: {}", refusal.why);
    let frr = compile_in(&set, &environment("frr")).unwrap();
    assert_eq!(own(&frr.rules).len(), 200 * 200 + 400);
}

#[test]
fn unknown_words_are_bad_input_with_the_nearest_word() {
    for (spec, near) in [
        ("{ to: { providers: [antropic] }, action: accept }", "\"anthropic\""),
        ("{ to: { services: [openai/apy] }, action: accept }", "\"openai/api\""),
        ("{ to: { tunnels: [mulvad] }, action: accept }", "\"mullvad\""),
        ("{ to: { tunnels: [openai] }, action: accept }", "`providers`"),
        ("{ to: { names: [api.opnai.com] }, action: accept }", "\"api.openai.com\""),
        ("{ from: [10.0.0.0/8], action: { redirect: { to: inspecton } } }", "\"inspection\""),
    ] {
        let errors = compile_in(&policies(&[("p", spec)]), &environment("frr")).unwrap_err();
        assert_eq!(errors.len(), 1, "{errors:?}");
        let help = errors[0].help.clone().unwrap_or_default();
        assert!(help.contains(near), "{help}");
        assert_eq!((errors[0].file.as_str(), errors[0].line), ("test.yaml", 4));
    }
}

#[test]
fn what_is_left_is_shown_and_not_done() {
    let set = [
        ("good", "{ from: [198.51.100.0/24], action: drop }"),
        ("bad", "{ from: [0.0.0.0/0], action: drop }"),
    ];
    let compiled = compiled(&set);
    assert_eq!(texts(&own(&compiled.preview)), ["src 198.51.100.0/24 -> drop (good)"]);
    let plan = sark_compiler::Plan::between(&compiled, &[], support::ASN, 1);
    assert_eq!(
        (plan.announce.len(), plan.withdraw.len(), plan.document.rules.len()),
        (0, 0, compiled.preview.len())
    );
}
