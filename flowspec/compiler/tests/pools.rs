//! Pools of several proxies: who gets what, and what becomes of it when they go.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod support;

use std::collections::BTreeMap;

use sark_compiler::{Compiled, Environment, Fate, Proxy, Refusal, rehearse, simulate};
use sark_flowspec::{Afi, Packet};
use support::{compile_in, environment, own, policies, registry, texts};

/// The pool with proxies `a`, `b` and so on at 203.0.113.200 and up.
fn pool(up: &[bool]) -> Environment {
    let mut environment = environment("frr");
    let proxy = |(n, is_up): (u8, &bool)| Proxy {
        name: char::from(b'a' + n).to_string(),
        next_hop4: Some([203, 0, 113, 200 + n].into()),
        next_hop6: Some([0x2001, 0xdb8, 2, 0, 0, 0, 0, 0x200 + u16::from(n)].into()),
        source_prefixes: vec![format!("203.0.113.{}/32", 200 + n).parse().unwrap()],
        is_up: *is_up,
    };
    environment.pools[0].proxies = (0..).zip(up).map(proxy).collect();
    environment
}

fn inspect(from: &str, when: &str) -> String {
    format!(
        "{{ from: [{from}], to: {{ services: [tor/guards] }}, protocol: tcp, ports: [443], \
         action: {{ redirect: {{ to: inspection }} }}, whenProxyDown: {when} }}"
    )
}

fn compiled(spec: &str, environment: &Environment) -> Compiled {
    let compiled = compile_in(&policies(&[("p", spec)]), environment).unwrap();
    assert_eq!(compiled.refused, []);
    compiled
}

fn rules(spec: &str, environment: &Environment) -> Vec<String> {
    texts(&own(&compiled(spec, environment).rules))
}

fn rehearsed(specs: &[(&str, &str)], environment: &Environment) -> Vec<Refusal> {
    let now = "2026-11-21T12:00:00Z".parse().unwrap();
    rehearse(&policies(specs), &registry(), environment, &BTreeMap::new(), now)
}

const V4: &str = "10.20.0.0/16";

#[test]
fn two_proxies_share_the_sources() {
    let spec = inspect(V4, "withdraw");
    let rule = |from: &str, to: &str| {
        format!("dst 192.0.2.64/28 src {from} proto =6 dport =443 -> redirect to {to} (p)")
    };
    let shared = [
        rule("10.20.0.0/19", "203.0.113.201"),
        rule("10.20.32.0/19", "203.0.113.200"),
        rule("10.20.64.0/19", "203.0.113.201"),
        rule("10.20.96.0/19", "203.0.113.200"),
        rule("10.20.128.0/19", "203.0.113.200"),
        rule("10.20.160.0/19", "203.0.113.201"),
        rule("10.20.192.0/19", "203.0.113.200"),
        rule("10.20.224.0/19", "203.0.113.201"),
    ];
    assert_eq!(rules(&spec, &pool(&[true, true])), shared);
    // One is left: the rules are those of a pool of one.
    assert_eq!(rules(&spec, &pool(&[true, false])), [rule(V4, "203.0.113.200")]);
    assert_eq!(rules(&spec, &pool(&[true])), [rule(V4, "203.0.113.200")]);
    assert_eq!(rules(&spec, &pool(&[false, true])), [rule(V4, "203.0.113.201")]);
    let steering = compiled(&spec, &pool(&[true, true])).steering;
    assert_eq!(steering.len(), 1, "{steering:?}");
    assert_eq!((steering[0].afi, steering[0].fate), (Afi::Ipv4, Fate::Redirected));
    let names: Vec<_> = steering[0].shares.iter().map(|share| share.proxy.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn each_proxy_is_kept_out_of_the_redirect_up_or_down() {
    let spec = inspect("203.0.113.0/24", "withdraw");
    for up in [[true, true, true], [true, false, false]] {
        let texts = texts(&compiled(&spec, &pool(&up)).rules);
        for host in 200..=202 {
            let guard = format!(
                "dst 192.0.2.64/28 src 203.0.113.{host}/32 -> accept (guard:pool:inspection)"
            );
            assert!(texts.contains(&guard), "{texts:#?}");
        }
    }
}

#[test]
fn a_pool_that_is_down_withdraws_drops_or_keeps() {
    let down = pool(&[false, false]);
    let warned = |compiled: &Compiled| {
        let all: Vec<_> = compiled.warnings.iter().filter(|it| it.code == "pool-down").collect();
        assert_eq!(all.len(), 1, "{:?}", compiled.warnings);
        all[0].message.clone()
    };
    let withdrawn = compiled(&inspect(V4, "withdraw"), &down);
    assert_eq!(withdrawn.rules, [], "no guard is left either");
    assert_eq!(
        warned(&withdrawn),
        "no proxy of the pool inspection is up for IPv4: it has no rules, and its packets go on \
         unseen (whenProxyDown: withdraw)"
    );
    let dropped = compiled(&inspect(V4, "drop"), &down);
    assert_eq!(
        texts(&own(&dropped.rules)),
        ["dst 192.0.2.64/28 src 10.20.0.0/16 proto =6 dport =443 -> drop (p)"]
    );
    assert!(warned(&dropped).contains("are dropped"));
    let kept = compiled(&inspect(V4, "keep"), &down);
    assert_eq!(own(&kept.rules), own(&compiled(&inspect(V4, "keep"), &pool(&[true, true])).rules));
    assert!(warned(&kept).contains("do not answer"));
    for (compiled, fate) in
        [(withdrawn, Fate::Withdrawn), (dropped, Fate::Dropped), (kept, Fate::Kept)]
    {
        assert_eq!(compiled.steering[0].fate, fate);
    }
}

#[test]
fn what_a_policy_leaves_others_decide() {
    let specs = [
        ("first", inspect(V4, "withdraw").replace("{ from", "{ priority: 200, from")),
        ("then", format!("{{ from: [{V4}], to: {{ services: [tor/guards] }}, action: drop }}")),
    ];
    let specs = specs.each_ref().map(|(name, spec)| (*name, spec.as_str()));
    let packet = Packet::parse("tcp 10.20.3.4:5000 > 192.0.2.65:443").unwrap();
    for (up, policy) in [([true, true], "first"), ([false, false], "then")] {
        let compiled = compile_in(&policies(&specs), &pool(&up)).unwrap();
        let simulation = simulate(&compiled, &packet);
        assert!(simulation.agrees);
        assert_eq!(simulation.matches[0].policy, policy);
    }
}

#[test]
fn a_family_counts_the_proxies_that_have_a_next_hop_of_it() {
    let mut environment = pool(&[false, true]);
    environment.pools[0].proxies[0].next_hop6 = None;
    environment.pools[0].proxies[1].next_hop4 = None;
    let spec = inspect("10.20.0.0/16, '2001:db8:20::/48'", "drop");
    assert_eq!(
        rules(&spec, &environment),
        [
            "dst 192.0.2.64/28 src 10.20.0.0/16 proto =6 dport =443 -> drop (p)",
            "dst 2001:db8:b1::/48 src 2001:db8:20::/48 proto =6 dport =443 -> redirect to 2001:db8:2::201 (p)",
        ]
    );
}

#[test]
fn what_could_not_be_dropped_is_refused_while_the_pool_is_up() {
    let spec = "{ to: { services: [cohere/api] }, protocol: tcp, ports: [443], action: { redirect: { to: inspection } }, whenProxyDown: WHEN }";
    for (when, refused) in [("drop", true), ("keep", false), ("withdraw", false)] {
        for up in [[true, true], [false, false]] {
            let set = policies(&[("p", &spec.replace("WHEN", when))]);
            let compiled = compile_in(&set, &pool(&up)).unwrap();
            assert_eq!(!compiled.refused.is_empty(), refused, "{:?}", compiled.refused);
            for refusal in &compiled.refused {
                assert_eq!(refusal.guard, "ceiling");
                assert!(refusal.why.starts_with("with its pool down, it drops cohere/api"));
                assert!(refusal.fix.contains("`whenProxyDown: withdraw` or `keep`"));
            }
        }
    }
}

#[test]
fn policies_that_mean_one_pool_are_no_tie() {
    let (wide, narrow) = (inspect(V4, "withdraw"), inspect("10.20.0.0/17", "withdraw"));
    let specs = [("a", wide.as_str()), ("b", narrow.as_str())];
    let compiled = compile_in(&policies(&specs), &pool(&[true, true])).unwrap();
    assert_eq!(compiled.refused, []);
    for host in 0..=255 {
        let packet = format!("tcp 10.20.{host}.4:5000 > 192.0.2.65:443");
        assert!(simulate(&compiled, &Packet::parse(&packet).unwrap()).agrees, "{packet}");
    }
    assert_eq!(rehearsed(&specs, &pool(&[true, true])), []);
    // One drops and one keeps: that they differ shows when the pool is down, and is said before.
    let (wide, narrow) = (inspect(V4, "drop"), inspect("10.20.0.0/17", "keep"));
    let specs = [("a", wide.as_str()), ("b", narrow.as_str())];
    assert_eq!(compile_in(&policies(&specs), &pool(&[true, true])).unwrap().refused, []);
    let refused = rehearsed(&specs, &pool(&[true, true]));
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(refused[0].guard, "priority-tie");
    assert!(refused[0].why.starts_with("with the pool inspection down, "), "{}", refused[0].why);
}

/// Merged prefixes may come apart when a proxy leaves.
#[test]
fn rules_that_only_a_failure_makes_too_many_are_refused_before_it() {
    let spec = inspect("10.238.0.0/16", "keep");
    let count = |up: [bool; 3]| compiled(&spec, &pool(&up)).rules.len();
    let all = count([true; 3]);
    let most = (0..3).map(|down| count([0, 1, 2].map(|n| n != down))).max().unwrap();
    assert!(most > all, "choose another prefix: {all} rules, then {most}");
    let mut environment = pool(&[true; 3]);
    environment.profile.max_rules_v4 = u32::try_from(all).unwrap();
    assert_eq!(compile_in(&policies(&[("p", &spec)]), &environment).unwrap().refused, []);
    let refused = rehearsed(&[("p", &spec)], &environment);
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(refused[0].guard, "budget");
    assert!(refused[0].why.starts_with("with the proxy "), "{}", refused[0].why);
}

#[test]
fn without_from_a_person_is_told_how_coarse_it_is() {
    let spec = inspect(V4, "keep").replace("from: [10.20.0.0/16], ", "");
    let two = compiled(&spec, &pool(&[true, true]));
    assert!(two.warnings.iter().any(|it| it.code == "shared-coarsely"), "{:?}", two.warnings);
    assert!(two.steering.iter().all(|it| it.shares.iter().all(|share| !share.sources.is_empty())));
    let one = compiled(&spec, &pool(&[true]));
    assert!(one.warnings.iter().all(|it| it.code != "shared-coarsely"));
    assert!(texts(&own(&one.rules))[0].starts_with("dst 192.0.2.64/28 proto =6"));
}
