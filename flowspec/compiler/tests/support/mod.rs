//! A deployment on paper, and short ways to compile and plan in it.

#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up fails")]

use std::collections::BTreeMap;

use sark_compiler::{
    Compiled, DesiredRule, Environment, InputError, Pool, Profile, Protected, Proxy, Session,
    compile,
};
use sark_core::storage::PolicyFile;
use sark_flowspec::{Action, Observed};
use sark_policy::{PolicySet, parse_set};
use sark_registry::Snapshot;

pub const ASN: u32 = 64500;

pub fn registry() -> Snapshot {
    let overlay = include_str!("../golden/overlay.yaml");
    sark_registry::load([("overlay.yaml", overlay)]).unwrap()
}

pub fn environment(profile: &str) -> Environment {
    Environment {
        asn: ASN,
        instance: 1,
        pools: vec![Pool {
            name: "inspection".into(),
            reads_sni: true,
            proxies: vec![Proxy {
                name: "a".into(),
                next_hop4: Some("203.0.113.200".parse().unwrap()),
                next_hop6: Some("2001:db8:2::200".parse().unwrap()),
                source_prefixes: vec!["203.0.113.200/32".parse().unwrap()],
                is_up: true,
            }],
        }],
        protected: vec![Protected {
            name: "sark".into(),
            prefix: "203.0.113.240/30".parse().unwrap(),
        }],
        sessions: vec![Session {
            local: "198.51.100.1".parse().unwrap(),
            peer: "198.51.100.2".parse().unwrap(),
        }],
        profile: Profile::named(profile).unwrap(),
    }
}

pub fn parse(files: &[(&str, &str)]) -> PolicySet {
    let file =
        |(name, text): &(&str, &str)| PolicyFile { name: (*name).into(), text: (*text).into() };
    let files: Vec<PolicyFile> = files.iter().map(file).collect();
    parse_set(&files).unwrap_or_else(|errors| panic!("{}", errors[0]))
}

/// Policies from `name: spec` lines in flow style, all in one file.
pub fn policies(specs: &[(&str, &str)]) -> PolicySet {
    let document = |(name, spec): &(&str, &str)| {
        format!(
            "apiVersion: sark/v1\nkind: FlowSpecPolicy\nmetadata: {{ name: {name} }}\nspec: {spec}\n---\n"
        )
    };
    let text: String = specs.iter().map(document).collect();
    parse(&[("test.yaml", &text)])
}

pub fn compile_in(set: &PolicySet, environment: &Environment) -> Result<Compiled, Vec<InputError>> {
    let now = "2026-11-21T12:00:00Z".parse().unwrap();
    compile(set, &registry(), environment, &BTreeMap::new(), now)
}

/// Compiles with the profile `frr`.
pub fn compiled(specs: &[(&str, &str)]) -> Compiled {
    compile_in(&policies(specs), &environment("frr")).unwrap()
}

/// The policies' own rules, without guards.
pub fn own(rules: &[DesiredRule]) -> Vec<DesiredRule> {
    rules.iter().filter(|rule| !rule.policy.starts_with("guard:")).cloned().collect()
}

/// The rules as `match -> actions (policy)`.
pub fn texts(rules: &[DesiredRule]) -> Vec<String> {
    rules
        .iter()
        .map(|rule| {
            let actions: Vec<String> = rule
                .route
                .actions
                .iter()
                .map(|action| sark_compiler::PlannedAction::from(action).kind.to_string())
                .collect();
            let actions = if actions.is_empty() { "accept".into() } else { actions.join(", ") };
            format!("{} -> {actions} ({})", rule.route.nlri, rule.policy)
        })
        .collect()
}

/// The path that a speaker shows for a rule that it announces.
pub fn observed(rule: &DesiredRule) -> Observed {
    Observed {
        afi: rule.route.nlri.afi(),
        octets: rule.route.nlri.encode(),
        nlri: Ok(rule.route.nlri.clone()),
        communities: rule.route.actions.iter().map(Action::encode).collect(),
        large_communities: vec![rule.route.large_community],
        local: true,
    }
}
