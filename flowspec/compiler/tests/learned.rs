//! Addresses that names led to become rules, each by what else lives there.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use sark_compiler::{Compiled, compile};
use sark_registry::{
    Learned, Sharedness, Snapshot, State,
    assemble::{Layers, assemble},
    overlay,
};
use support::{environment, own, policies, texts};

const OVERLAY: &str = "apiVersion: sark/v1
kind: EndpointOverlay
metadata: { name: lab }
sources: { plan: { document: plan, firstSeen: 2026-11-01, lastSeen: 2026-11-21 } }
providers:
  - provider: lab
    title: Lab
    defaults: { kind: api, sharedness: dedicated, confidence: 100, verified: true, sources: [plan] }
    services:
      - { service: names, names: [api.example.com] }
      - { service: both, names: [both.example.com], prefixes: [192.0.2.0/28] }
      - { service: inside, prefixes: [198.51.100.16/28] }
  - provider: front
    title: Front
    defaults: { kind: asset, sharedness: cdn, confidence: 100, verified: true, sources: [plan] }
    services: [{ service: sites, prefixes: [198.51.100.0/24] }]
  - provider: other
    title: Other
    defaults: { kind: api, sharedness: dedicated, confidence: 100, verified: true, sources: [plan] }
    services: [{ service: names, names: [www.example.net] }]
";

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn registry(learned: &[(&str, &str, &str, State)]) -> Snapshot {
    let mut by_id: BTreeMap<Arc<str>, Vec<Learned>> = BTreeMap::new();
    for (id, name, address, state) in learned {
        by_id.entry((*id).into()).or_default().push(Learned {
            address: address.parse().unwrap(),
            name: (*name).into(),
            state: *state,
            sharedness: Sharedness::Cdn,
            since: now(),
        });
    }
    let overlays = overlay::parse("lab.yaml", OVERLAY).unwrap();
    let layers = Layers {
        seed: &[],
        feeds: &[],
        overlays: &overlays,
        entries: &[],
        learned: &by_id,
        now: now(),
    };
    assemble(&layers).snapshot
}

fn run(registry: &Snapshot, spec: &str) -> Compiled {
    let set = policies(&[("p", spec)]);
    compile(&set, registry, &environment("frr"), &BTreeMap::new(), now()).unwrap()
}

fn redirect(service: &str) -> String {
    format!(
        "{{ to: {{ services: [{service}] }}, protocol: tcp, ports: [443], \
         action: {{ redirect: {{ to: inspection }} }} }}"
    )
}

fn drop(service: &str) -> String {
    format!("{{ to: {{ services: [{service}] }}, protocol: tcp, ports: [443], action: drop }}")
}

#[test]
fn a_name_becomes_rules_for_single_hosts() {
    let nothing = run(&registry(&[]), &redirect("lab/names"));
    assert_eq!((nothing.unresolved.len(), nothing.refused[0].guard.as_str()), (1, "no-address"));

    let learned = [
        ("lab/names", "api.example.com", "192.0.2.100", State::Active),
        ("lab/names", "api.example.com", "192.0.2.101", State::Draining),
        ("lab/names", "api.example.com", "2001:db8::7", State::Active),
    ];
    let compiled = run(&registry(&learned), &redirect("lab/names"));
    assert_eq!((compiled.refused.len(), compiled.unresolved.len()), (0, 0));
    let texts = texts(&own(&compiled.rules));
    // Hosts that may only be touched one by one are not joined, though they are neighbours.
    for host in ["192.0.2.100/32", "192.0.2.101/32", "2001:db8::7/128"] {
        assert!(texts.iter().any(|text| text.contains(host)), "{host}: {texts:#?}");
    }
    assert_eq!(texts.len(), 3);
    assert_eq!(own(&compiled.rules)[0].origin.source, ["name api.example.com", "plan"]);
    // What is learned is nobody's published prefix.
    let refused = run(&registry(&learned), &drop("lab/names")).refused;
    assert_eq!(refused[0].guard, "ceiling");
    assert!(refused[0].why.contains("not among the prefixes"), "{}", refused[0].why);
}

#[test]
fn an_address_that_is_too_shared_is_left_out_alone() {
    let registry = registry(&[
        ("lab/both", "both.example.com", "192.0.2.3", State::Active),
        ("lab/both", "both.example.com", "203.0.113.9", State::Active),
    ]);
    let compiled = run(&registry, &drop("lab/both"));
    assert_eq!(compiled.refused, []);
    let texts = texts(&own(&compiled.rules));
    assert!(texts.len() == 1 && texts[0].contains("192.0.2.0/28"), "{texts:#?}");
    let left: Vec<_> = compiled.warnings.iter().filter(|w| w.code == "left-out").collect();
    assert!(left.len() == 1 && left[0].message.contains("lab/both at 203.0.113.9/32"), "{left:?}");
    // It may be redirected, and then it is.
    assert_eq!(own(&run(&registry, &redirect("lab/both")).rules).len(), 2);
}

#[test]
fn a_prefix_in_a_shared_range_is_as_shared_as_that() {
    let refused = run(&registry(&[]), &drop("lab/inside")).refused;
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].guard, "ceiling");
    for part in ["cdn", "lab/inside at 198.51.100.16/28", "198.51.100.0/24 of front/sites"] {
        assert!(refused[0].why.contains(part), "{part}: {}", refused[0].why);
    }
    // A literal prefix that meets the endpoint, too.
    let literal = "{ to: { prefixes: [198.51.100.17/32] }, ports: [443], action: drop }";
    assert_eq!(run(&registry(&[]), literal).refused[0].guard, "ceiling");
}

#[test]
fn what_is_never_touched_is_accepted_and_cannot_be_named() {
    let never = "neverTouch: [{ prefix: 192.0.2.8/29, reason: payroll, owner: ops }]\n";
    let overlay = format!("{OVERLAY}{never}");
    let registry = sark_registry::load([("lab.yaml", &*overlay)]).unwrap();
    // Of a wider prefix the rest is left; a literal one that covers it gets a guard ahead.
    let texts = texts(&own(&run(&registry, &drop("lab/both")).rules));
    assert!(texts.len() == 1 && texts[0].contains("192.0.2.0/29"), "{texts:#?}");
    let wide = "{ to: { prefixes: [192.0.2.0/24] }, protocol: tcp, ports: [443], action: drop }";
    let compiled = run(&registry, wide);
    assert_eq!(compiled.refused, []);
    assert!(compiled.rules.iter().any(|rule| &*rule.policy == "guard:never-touch"));
    let named = "{ to: { prefixes: [192.0.2.9/32] }, protocol: tcp, ports: [443], action: drop }";
    let refused = run(&registry, named).refused;
    assert_eq!(refused[0].guard, "protected");
    assert!(refused[0].why.contains("never-touch"), "{}", refused[0].why);
}

#[test]
fn others_at_a_learned_address_are_seen() {
    let registry = registry(&[
        ("lab/names", "api.example.com", "192.0.2.100", State::Active),
        ("other/names", "www.example.net", "192.0.2.100", State::Active),
    ]);
    let compiled = run(&registry, &redirect("lab/names"));
    assert_eq!(compiled.refused, []);
    assert_eq!(own(&compiled.rules)[0].collateral.others, ["other/names"]);
    let lab = registry.by_id("lab/names").unwrap();
    assert_eq!(lab.learned[0].sharedness, Sharedness::Cloud);
    let refused = run(&registry, &drop("lab/names")).refused;
    assert!(refused[0].why.contains("www.example.net of other"), "{}", refused[0].why);
}
