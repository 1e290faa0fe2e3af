//! The shipped policies, and the language, answer here as in OPA's own engine.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, helpers included")]

mod draw;
mod language;
mod opa;
mod pages;
mod shipped;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use sark_policy::decision::{Bounds, DecisionSet, Limits, Line, TestOutcome, Worker, run_tests};
use sark_registry::Snapshot;

use crate::draw::Draw;
use crate::opa::Opa;
use crate::shipped::{Shipped, changed, shipped};

/// Of each line and each data document.
const INPUTS: u64 = 400;

#[test]
fn tests_of_shipped_policies_pass_here_and_in_opa() {
    let set = shipped();
    let mut opa = Opa::start();
    opa.load(&set.modules(), &set.data).unwrap();
    let theirs = opa.tests();
    let failed: Vec<&String> =
        theirs.iter().filter(|(_, passed)| !passed).map(|(name, _)| name).collect();
    assert!(failed.is_empty(), "OPA says these fail: {failed:?}");

    let report = run_tests(&set.files, &Limits::default(), Duration::from_secs(10)).unwrap();
    let bad: Vec<_> =
        report.tests.iter().filter(|test| test.outcome != TestOutcome::Passed).collect();
    assert!(bad.is_empty(), "{bad:?}");
    let ours: BTreeSet<String> =
        report.tests.iter().map(|test| format!("{}.{}", test.package, test.name)).collect();
    let theirs: BTreeSet<String> = theirs.into_iter().map(|(name, _)| name).collect();
    assert_eq!(ours, theirs);
    assert!(ours.len() > 150, "only {} tests", ours.len());
}

#[test]
fn drawn_inputs_come_to_the_same_here_and_in_opa() {
    let set = shipped();
    let mut opa = Opa::start();
    let mut reached = BTreeSet::new();
    let mut drawn = 0;
    for (seed, data) in [(1, set.data.clone()), (2, changed(&set.data))] {
        drawn += compare(&set.with_data(data), seed, &mut opa, &mut reached);
    }
    assert!(drawn >= 2_000, "{drawn}");
    let never: Vec<String> =
        set.rule_ids().into_iter().filter(|rule| !reached.contains(rule)).collect();
    assert!(never.is_empty(), "no input reached {never:?}");
}

/// How many inputs were compared.
fn compare(set: &Shipped, seed: u64, opa: &mut Opa, reached: &mut BTreeSet<String>) -> u64 {
    let loaded = DecisionSet::load(&set.files, None, &Limits::default()).unwrap();
    let policies = loaded.policies().to_vec();
    let settings = loaded.settings().clone();
    let loaded = Arc::new(loaded);
    let mut worker = Worker::new(Arc::clone(&loaded), &Bounds::default()).unwrap();
    let mut forgetful = Worker::new(loaded, &Bounds::default()).unwrap().forgetful();
    // All policies of a line in one question.
    let mut modules = set.modules();
    let mut all = String::from("package sark_all\n");
    for line in Line::ALL {
        let of = policies.iter().filter(|policy| policy.line == line);
        let of = of.map(|policy| {
            let package = policy.id.replace('-', "_");
            format!("\t\"{}\": data.sark.{line}.{package}.decisions,\n", policy.id)
        });
        all += &format!("\n{line} := {{\n{}}}\n", of.collect::<String>());
    }
    modules.push(("sark_all.rego".to_owned(), all));
    opa.load(&modules, &set.data).unwrap();

    let groups = set.groups();
    let registry = Snapshot::build(sark_registry::seed());
    let mut draw = Draw(seed);
    for line in Line::ALL {
        for _ in 0..INPUTS {
            let (input, now) = (draw.input(line), draw.time());
            assert_eq!(input.line(), line);
            let of_user = |user: &str| groups.get(user).map_or(&[][..], Vec::as_slice);
            let prepared = input.prepared(of_user, input.facts(&registry), &settings.zone, now);
            let answer = opa.document(&format!("data.sark_all.{line}"), &prepared);
            let answer = answer.unwrap_or_else(|e| panic!("{e}\n{prepared}")).unwrap();
            let theirs = shipped::decision(&answer, &settings, line);
            let ours = worker.decide(&input, &registry, now);
            assert_eq!(ours, theirs, "ours, and OPA's, on {prepared}");
            assert_eq!(forgetful.decide(&input, &registry, now), theirs, "anew, on {prepared}");
            assert_ne!(ours.policy_id, "engine", "{prepared}");
            for rule in &ours.matched {
                reached.insert(format!("{}/{}", rule.policy_id, rule.rule_id));
            }
        }
    }
    INPUTS * Line::ALL.len() as u64
}

#[test]
fn pages_say_what_is_decided() {
    let set = DecisionSet::load(&shipped().files, None, &Limits::default()).unwrap();
    let policies = set.policies().to_vec();
    let mut worker = Worker::new(Arc::new(set), &Bounds::default()).unwrap();
    for policy in &policies {
        pages::check(policy, &mut worker);
    }
    assert_eq!(pages::names().len(), policies.len(), "a page for each policy, and no other");
}

#[test]
fn language_is_opas_but_for_what_is_written_down() {
    let mut opa = Opa::start();
    let cases = language::cases();
    assert!(cases.len() > 80, "{}", cases.len());
    let wrong: Vec<String> = cases.iter().filter_map(|case| case.check(&mut opa)).collect();
    assert!(wrong.is_empty(), "see docs/decisions.md:\n{}", wrong.join("\n"));
}
