//! Desired against observed.

mod support;

use sark_compiler::{Change, Plan};
use sark_flowspec::{Action, LargeCommunity, Rate};
use support::{ASN, compiled, observed};

const SPECS: [(&str, &str); 2] = [
    ("a", "{ from: [10.1.0.0/16], to: { prefixes: [198.18.0.0/15] }, action: drop }"),
    (
        "b",
        "{ from: [10.2.0.0/16, '2001:db8:9::/48'], to: { prefixes: [198.18.0.0/15, '2001:db8:8::/48'] }, \
         action: { rateLimit: { bytesPerSecond: 1M } } }",
    ),
];

#[test]
fn applying_twice_changes_nothing() {
    let desired = compiled(&SPECS);
    let first = Plan::between(&desired, &[], ASN, 1);
    assert_eq!(first.announce.len(), 3);
    let table: Vec<_> = desired.rules.iter().map(observed).collect();
    let second = Plan::between(&desired, &table, ASN, 1);
    assert!(second.announce.is_empty() && second.withdraw.is_empty());
    assert_eq!(second.document.summary.keep, 3);
}

#[test]
fn what_is_no_longer_wanted_names_its_policy_when_known() {
    let before = compiled(&SPECS);
    let after = compiled(&SPECS[..1]);
    let table: Vec<_> = before.rules.iter().map(observed).collect();
    let plan = Plan::between_knowing(&after, &table, ASN, 1, &before.rules);
    assert_eq!(plan.withdraw.len(), 2);
    let told: Vec<(Change, &str)> =
        plan.document.rules.iter().map(|r| (r.change, r.policy.as_str())).collect();
    assert_eq!(told, [(Change::Keep, "a"), (Change::Withdraw, "b"), (Change::Withdraw, "b")]);
    let plan = Plan::between(&after, &table, ASN, 1);
    assert_eq!(plan.document.rules[1].policy, "unknown");
}

#[test]
fn changed_actions_are_announced_with_the_previous_ones() {
    let desired = compiled(&SPECS[..1]);
    let mut path = observed(&desired.rules[0]);
    let rate = Rate::new(5.0).unwrap();
    path.communities = vec![Action::TrafficRateBytes { asn: 1, rate }.encode()];
    let plan = Plan::between(&desired, &[path], ASN, 1);
    assert_eq!(plan.announce.len(), 1);
    let previous = plan.document.rules[0].previous.as_ref().unwrap();
    assert_eq!(previous[0].community, "8006000140a00000");
}

#[test]
fn what_is_not_ours_is_never_touched() {
    let desired = compiled(&SPECS[..1]);
    let mut path = observed(&desired.rules[0]);
    path.large_communities = vec![LargeCommunity { global: ASN, local1: 2, local2: 3 }];
    let plan = Plan::between(&desired, &[path.clone()], ASN, 1);
    assert!(plan.announce.is_empty() && plan.withdraw.is_empty());
    assert_eq!(plan.document.refused[0].guard, "foreign-route");
    // The same rule learned from a peer is nobody's local path.
    path.local = false;
    assert_eq!(Plan::between(&desired, &[path.clone()], ASN, 1).announce.len(), 1);
    // Somebody else's other rule is not in the plan.
    path.local = true;
    let other = Plan::between(&compiled(&SPECS[1..]), &[path], ASN, 1);
    assert!(other.withdraw.is_empty());
    assert!(other.document.rules.iter().all(|rule| rule.policy == "b"));
}

#[test]
fn a_refused_set_withdraws_nothing() {
    let table: Vec<_> = compiled(&SPECS).rules.iter().map(observed).collect();
    let refused = compiled(&[("bad", "{ from: [0.0.0.0/0], action: drop }")]);
    let plan = Plan::between(&refused, &table, ASN, 1);
    assert!(plan.announce.is_empty() && plan.withdraw.is_empty());
    assert_eq!(plan.document.summary.refused, 1);
}

#[test]
fn the_document_reads_back_and_says_what_the_contract_says() {
    let document = Plan::between(&compiled(&SPECS), &[], ASN, 1).document;
    let json = serde_json::to_value(&document).unwrap();
    assert_eq!(json["schema"], 1);
    let rule = &json["rules"][0];
    for key in ["change", "policy", "afi", "nlri", "match", "actions", "largeCommunity", "origin"] {
        assert!(!rule[key].is_null(), "{key}");
    }
    assert_eq!(rule["nlri"], "08010fc61202100a01");
    assert_eq!(rule["actions"][0]["type"], "traffic-rate-bytes");
    assert_eq!(rule["actions"][0]["community"], "8006fbf400000000");
    assert_eq!(rule["collateral"]["addresses"], "131072");
    assert_eq!(serde_json::from_value::<sark_compiler::PlanDocument>(json).unwrap(), document);
}
