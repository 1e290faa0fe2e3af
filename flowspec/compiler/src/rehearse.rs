//! What failures of proxies would do, tried before they come.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sark_policy::{PolicySet, Verdict};
use sark_registry::Snapshot;

use crate::{Environment, Refusal, compile};

/// Compiles for each state that a pool of these policies can fall into: all of its proxies up, each
/// of them down alone, all of them down; the others are as they are. What is refused there and not
/// here, with the state in its words; nothing for a set that names what does not exist, which
/// [`compile`] says.
///
/// A set that is refused in such a state would keep its rules on the way to proxies that are gone, so
/// it is refused before it is applied. Costs a compilation for each state.
#[must_use]
pub fn rehearse(
    policies: &PolicySet,
    registry: &Snapshot,
    environment: &Environment,
    activated: &BTreeMap<String, Timestamp>,
    now: Timestamp,
) -> Vec<Refusal> {
    let mut found: Vec<Refusal> = Vec::new();
    for (state, environment) in states(policies, environment) {
        let Ok(compiled) = compile(policies, registry, &environment, activated, now) else {
            return Vec::new();
        };
        for refusal in compiled.refused {
            // One state is enough to say it.
            let is_known = |known: &Refusal| {
                (&known.policy, &known.guard) == (&refusal.policy, &refusal.guard)
            };
            if !found.iter().any(is_known) {
                let why = format!("with {state}, {}", refusal.why);
                found.push(Refusal { why, ..refusal });
            }
        }
    }
    found
}

/// The other states, in words.
fn states(policies: &PolicySet, environment: &Environment) -> Vec<(String, Environment)> {
    let used: BTreeSet<&str> = policies
        .policies
        .iter()
        .filter_map(|policy| match &policy.action.verdict {
            Verdict::RedirectPool { pool, .. } => Some(pool.as_str()),
            _ => None,
        })
        .collect();
    let mut out: Vec<(String, Environment)> = Vec::new();
    let pools = environment.pools.iter().enumerate();
    for (place, pool) in pools.filter(|(_, pool)| used.contains(pool.name.as_str())) {
        let mut add = |words: String, up: &dyn Fn(usize) -> bool| {
            let mut other = environment.clone();
            for (n, proxy) in other.pools[place].proxies.iter_mut().enumerate() {
                proxy.is_up = up(n);
            }
            if other != *environment && out.iter().all(|(_, known)| *known != other) {
                out.push((words, other));
            }
        };
        let name = &pool.name;
        add(format!("the pool {name} down"), &|_| false);
        add(format!("the pool {name} up"), &|_| true);
        for (n, proxy) in pool.proxies.iter().enumerate() {
            add(format!("the proxy {} of the pool {name} down", proxy.name), &|other| other != n);
        }
    }
    out
}
