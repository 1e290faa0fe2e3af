//! What failures of proxies would do, tried before they come.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sark_policy::{PolicySet, Verdict};
use sark_registry::Snapshot;

use crate::{Environment, Refusal, compile};

/// States that are tried: each costs a compilation.
const MOST: usize = 64;

/// Compiles for states that the pools of these policies can fall into: all pools down together and all
/// whole; each pool down, whole, with each proxy down alone, and with each proxy alone up, while the
/// other pools are as they are. At most 64 of them, in this order. What is refused there and not here,
/// with the state in its words; nothing for a set that names what does not exist, which [`compile`]
/// says.
///
/// A set that is refused in such a state would keep its rules on the way to proxies that are gone, so
/// it is refused before it is applied.
#[must_use]
pub fn rehearse(
    policies: &PolicySet,
    registry: &Snapshot,
    environment: &Environment,
    activated: &BTreeMap<String, Timestamp>,
    now: Timestamp,
) -> Vec<Refusal> {
    let mut found: Vec<Refusal> = Vec::new();
    for (state, environment) in states(&used(policies), environment) {
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

/// The pools that these policies redirect to.
fn used(policies: &PolicySet) -> BTreeSet<&str> {
    let verdicts = policies.policies.iter().map(|policy| &policy.action.verdict);
    let pools = verdicts.filter_map(|verdict| match verdict {
        Verdict::RedirectPool { pool, .. } => Some(pool.as_str()),
        _ => None,
    });
    pools.collect()
}

/// The other states, in words.
fn states(used: &BTreeSet<&str>, environment: &Environment) -> Vec<(String, Environment)> {
    let pools = environment.pools.iter().enumerate();
    let pools: Vec<_> = pools.filter(|(_, pool)| used.contains(pool.name.as_str())).collect();
    let mut out: Vec<(String, Environment)> = Vec::new();
    // Which proxies of which pools are up; the rest is as it is.
    let mut add = |words: String, of: &[usize], up: &dyn Fn(usize) -> bool| {
        let mut other = environment.clone();
        for place in of {
            for (n, proxy) in other.pools[*place].proxies.iter_mut().enumerate() {
                proxy.is_up = up(n);
            }
        }
        let is_new = other != *environment && out.iter().all(|(_, known)| *known != other);
        if is_new && out.len() < MOST {
            out.push((words, other));
        }
    };
    if let [_, _, ..] = pools.as_slice() {
        let all: Vec<usize> = pools.iter().map(|(place, _)| *place).collect();
        add("all pools down".to_owned(), &all, &|_| false);
        add("all pools up".to_owned(), &all, &|_| true);
    }
    for (place, pool) in &pools {
        add(format!("the pool {} down", pool.name), &[*place], &|_| false);
        add(format!("the pool {} up", pool.name), &[*place], &|_| true);
    }
    // Of the first pools no more than of the last.
    let most = pools.iter().map(|(_, pool)| pool.proxies.len()).max().unwrap_or_default();
    let each = || {
        let proxies = |n: usize| {
            pools.iter().filter_map(move |(place, pool)| {
                pool.proxies.get(n).map(|proxy| (*place, n, pool, proxy))
            })
        };
        (0..most).flat_map(proxies)
    };
    for (place, n, pool, proxy) in each() {
        let words = format!("the proxy {} of the pool {} down", proxy.name, pool.name);
        add(words, &[place], &|other| other != n);
    }
    for (place, n, pool, proxy) in each() {
        let words = format!("the proxy {} of the pool {} alone up", proxy.name, pool.name);
        add(words, &[place], &|other| other == n);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Pool, Profile, Proxy};

    fn environment(pools: &[(&str, usize)]) -> Environment {
        let proxy = |n| Proxy {
            name: format!("p{n}"),
            next_hop4: Some([192, 0, 2, 1].into()),
            next_hop6: None,
            source_prefixes: Vec::new(),
            is_up: true,
        };
        let pool = |(name, many): &(&str, usize)| Pool {
            name: (*name).to_owned(),
            reads_sni: true,
            proxies: (0..*many).map(proxy).collect(),
        };
        Environment {
            asn: 64512,
            instance: 1,
            pools: pools.iter().map(pool).collect(),
            protected: Vec::new(),
            sessions: Vec::new(),
            profile: Profile::named("strict").unwrap(),
        }
    }

    /// The states in words, with who is up in them.
    fn said(used: &[&str], environment: &Environment) -> Vec<String> {
        let used = used.iter().copied().collect();
        let up = |environment: &Environment| {
            let pool = |pool: &Pool| -> String {
                pool.proxies.iter().map(|it| if it.is_up { '+' } else { '-' }).collect()
            };
            environment.pools.iter().map(pool).collect::<Vec<_>>().join(" ")
        };
        let states = states(&used, environment).into_iter();
        states.map(|(words, state)| format!("{words}: {}", up(&state))).collect()
    }

    #[test]
    fn what_a_pool_of_three_can_fall_into() {
        assert_eq!(
            said(&["a"], &environment(&[("a", 3), ("unused", 2)])),
            [
                "the pool a down: --- ++",
                "the proxy p0 of the pool a down: -++ ++",
                "the proxy p1 of the pool a down: +-+ ++",
                "the proxy p2 of the pool a down: ++- ++",
                "the proxy p0 of the pool a alone up: +-- ++",
                "the proxy p1 of the pool a alone up: -+- ++",
                "the proxy p2 of the pool a alone up: --+ ++",
            ]
        );
    }

    #[test]
    fn pools_go_down_together_and_the_same_state_is_tried_once() {
        assert_eq!(
            said(&["a", "b"], &environment(&[("a", 2), ("b", 1)])),
            [
                "all pools down: -- -",
                "the pool a down: -- +",
                "the pool b down: ++ -",
                "the proxy p0 of the pool a down: -+ +",
                "the proxy p1 of the pool a down: +- +",
            ]
        );
        let mut half = environment(&[("a", 2), ("b", 1)]);
        half.pools[0].proxies[0].is_up = false;
        half.pools[1].proxies[0].is_up = false;
        assert_eq!(
            said(&["a", "b"], &half),
            [
                "all pools down: -- -",
                "all pools up: ++ +",
                "the pool a up: ++ -",
                "the pool b up: -+ +",
                "the proxy p1 of the pool a down: +- -",
            ]
        );
    }

    #[test]
    fn many_proxies_are_not_all_tried() {
        let states = said(&["a", "b"], &environment(&[("a", 200), ("b", 200)]));
        assert_eq!(states.len(), MOST);
        assert_eq!(states.iter().filter(|state| state.contains("of the pool b down")).count(), 30);
    }
}
