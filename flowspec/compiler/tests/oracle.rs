//! Random policies and registries, compiled and then judged by a second reading of the RFCs and of
//! the policy language that shares nothing with codec or compiler.
//!
//! `SARK_ORACLE_CASES` says how many worlds (2,000 by default; 100,000 before a release, in
//! release), `SARK_ORACLE_SEED` where to begin: a failure names the seed that shows it alone.

#![expect(clippy::panic, reason = "a test; helpers of tests are no test functions to the lint")]

#[path = "oracle/generate.rs"]
mod generate;
#[path = "oracle/model.rs"]
mod model;
#[path = "oracle/packets.rs"]
mod packets;
#[path = "oracle/random.rs"]
mod random;
#[path = "oracle/wire.rs"]
mod wire;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use jiff::Timestamp;
use model::{Act, World, hop};
use random::Random;
use sark_compiler::{
    Compiled, Environment, Fate, Plan, Pool, Profile, Protected, Proxy, Session, compile,
};
use sark_core::storage::PolicyFile;
use sark_flowspec::{Action, Afi, LargeCommunity, Observed, Rate};
use sark_registry::{Endpoint, Kind, Provenance, Role, Sharedness, Snapshot, State};
use wire::WireRule;

const PACKETS: usize = 60;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |v| v.parse().expect("a number"))
}

#[test]
fn random_policy_sets_do_what_their_priorities_mean() {
    let cases = setting("SARK_ORACLE_CASES", 2_000);
    let first = setting("SARK_ORACLE_SEED", 1);
    let mix = Mix::default();
    let next = AtomicU64::new(first);
    let workers = std::thread::available_parallelism().map_or(2, |n| n.get());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Relaxed);
                    if seed >= first + cases {
                        break;
                    }
                    judge(seed, &mix);
                }
            });
        }
    });
    mix.print_and_check(cases);
}

#[derive(Default)]
struct Mix {
    overlapping: AtomicU64,
    rewritten: AtomicU64,
    refused: AtomicU64,
    guarded: AtomicU64,
    v4: AtomicU64,
    v6: AtomicU64,
    rules: AtomicU64,
    packets: AtomicU64,
    acted: AtomicU64,
    /// Worlds in which some policy's packets are shared, and in which its pool is down.
    shared: AtomicU64,
    down: AtomicU64,
    reasons: std::sync::Mutex<BTreeMap<String, u64>>,
}

impl Mix {
    fn print_and_check(&self, cases: u64) {
        let share = |n: &AtomicU64| n.load(Relaxed) * 100 / cases;
        eprintln!(
            "{cases} worlds: {} % overlap with different actions, {} % rewritten, {} % refused, \
             {} % with guard rules, {} % with IPv4 rules, {} % with IPv6 rules; {} rules, {} packets, {} acted on",
            share(&self.overlapping),
            share(&self.rewritten),
            share(&self.refused),
            share(&self.guarded),
            share(&self.v4),
            share(&self.v6),
            self.rules.load(Relaxed),
            self.packets.load(Relaxed),
            self.acted.load(Relaxed),
        );
        eprintln!(
            "{} % share a pool, in {} % the pool is down",
            share(&self.shared),
            share(&self.down)
        );
        let reasons = self.reasons.lock().expect("no poisoning");
        eprintln!("refusals by guard: {reasons:?}");
        if cases >= 500 {
            assert!(share(&self.overlapping) >= 40, "too few overlapping policies");
            assert!(share(&self.rewritten) >= 20, "too few rewritten by the order proof");
            assert!(share(&self.refused) <= 30, "too many refused");
            assert!(share(&self.shared) >= 10, "too few share a pool");
            assert!(share(&self.down) >= 5, "the pool is down too seldom");
            assert!(share(&self.v4) >= 30 && share(&self.v6) >= 30, "both families");
        }
    }
}

fn judge(seed: u64, mix: &Mix) {
    let r = &mut Random::new(seed);
    let world = generate::world(r);
    let files: Vec<PolicyFile> = world
        .policies
        .iter()
        .map(|p| PolicyFile { name: format!("{}.yaml", p.name), text: p.yaml() })
        .collect();
    let show = || files.iter().map(|f| format!("---\n{}", f.text)).collect::<String>();
    let set = match sark_policy::parse_set(&files) {
        Ok(set) => set,
        Err(errors) => panic!("seed {seed}: policy does not parse: {}\n{}", errors[0], show()),
    };
    let registry = Snapshot::build(world.endpoints.iter().map(endpoint).collect());
    let environment = environment(&world);
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
    let compiled = compile(&set, &registry, &environment, &BTreeMap::new(), now)
        .unwrap_or_else(|errors| panic!("seed {seed}: bad input {errors:?}\n{}", show()));
    let again = compile(&set, &registry, &environment, &BTreeMap::new(), now);
    assert_eq!(again.as_ref().ok(), Some(&compiled), "seed {seed}: not deterministic");

    let edges = packets::Edges::of(&world);
    let sample: Vec<_> = (0..PACKETS).map(|_| edges.packet(r)).collect();
    let overlapping = sample.iter().any(|p| {
        let mut acts: Vec<Act> =
            world.policies.iter().filter(|x| x.means(&world, p)).map(|x| x.act).collect();
        acts.sort();
        acts.dedup();
        acts.len() > 1
    });
    mix.overlapping.fetch_add(overlapping.into(), Relaxed);
    if !compiled.refused.is_empty() {
        assert!(compiled.rules.is_empty(), "seed {seed}: a refused set has rules");
        mix.refused.fetch_add(1, Relaxed);
        let mut reasons = mix.reasons.lock().expect("no poisoning");
        *reasons.entry(compiled.refused[0].guard.clone()).or_default() += 1;
        return;
    }
    let goes = |many: usize, up: bool| {
        compiled.steering.iter().any(|it| {
            (it.fate == Fate::Redirected) == up
                && it.shares.iter().filter(|share| !share.sources.is_empty()).count() >= many
        })
    };
    mix.shared.fetch_add(goes(2, true).into(), Relaxed);
    mix.down.fetch_add(goes(0, false).into(), Relaxed);
    mix.rewritten.fetch_add((compiled.rewritten > 0).into(), Relaxed);
    mix.rules.fetch_add(compiled.rules.len() as u64, Relaxed);
    let guarded = compiled.rules.iter().any(|rule| rule.policy.starts_with("guard:"));
    mix.guarded.fetch_add(guarded.into(), Relaxed);
    let family = |afi| compiled.rules.iter().any(|rule| rule.route.nlri.afi() == afi);
    mix.v4.fetch_add(family(Afi::Ipv4).into(), Relaxed);
    mix.v6.fetch_add(family(Afi::Ipv6).into(), Relaxed);

    let wire = read(seed, &compiled, &world);
    for packet in &sample {
        mix.packets.fetch_add(1, Relaxed);
        let winner = wire::winner(&wire, packet);
        let got = winner.map_or(Vec::new(), |i| compiled.rules[i].route.actions.clone());
        let intended = world.intended(packet);
        let want = intended.map_or(vec![Vec::new()], |(_, act)| actions(&world, act, packet));
        if intended.is_some() {
            mix.acted.fetch_add(1, Relaxed);
        }
        let expected = intended.map(|(rule, _)| rule.name.clone());
        assert!(
            want.iter().any(|want| same(&got, want)),
            "seed {seed}: {packet:?}\nmeant by {expected:?}: {want:?}\nrouters do {got:?} by {:?}\n\
             guarded: {}\nprotected {:?} proxies {:?} sessions {:?} profile {}\nrules:\n{}\nregistry: {:#?}\n{}",
            winner.map(|i| (&compiled.rules[i].policy, compiled.rules[i].route.nlri.to_string())),
            world.is_guarded(packet),
            world.protected,
            world.proxies,
            world.sessions,
            world.profile,
            compiled
                .rules
                .iter()
                .map(|x| format!("  {} -> {:?} ({})\n", x.route.nlri, x.route.actions, x.policy))
                .collect::<String>(),
            world.endpoints,
            show(),
        );
    }
    twice(seed, &compiled, &environment);
}

fn read(seed: u64, compiled: &Compiled, world: &World) -> Vec<WireRule> {
    let rules: Vec<WireRule> = compiled
        .rules
        .iter()
        .map(|rule| {
            let octets = rule.route.nlri.encode();
            assert!(octets.len() <= 239, "seed {seed}: body over 238 octets");
            WireRule::read(rule.route.nlri.afi() == Afi::Ipv6, &octets)
        })
        .collect();
    let limit = if world.profile == "strict" { 1_000 } else { usize::MAX };
    for v6 in [false, true] {
        let count = rules.iter().filter(|rule| rule.v6 == v6).count();
        assert!(count <= limit, "seed {seed}: {count} rules over the budget");
    }
    for pair in rules.windows(2) {
        let ordered = (!pair[0].v6 && pair[1].v6)
            || (pair[0].v6 == pair[1].v6 && wire::order(&pair[0], &pair[1]).is_lt());
        assert!(ordered, "seed {seed}: rules are not in the routers' order");
    }
    rules
}

/// The set of actions; drop alone, whatever else is there.
fn same(got: &[Action], want: &[Action]) -> bool {
    let sorted = |actions: &[Action]| {
        let mut texts: Vec<String> = actions.iter().map(|a| format!("{:?}", a.encode())).collect();
        texts.sort();
        texts
    };
    sorted(got) == sorted(want)
}

/// What an act is; to the pool, each way that will do.
fn actions(world: &World, act: Act, packet: &sark_flowspec::Packet) -> Vec<Vec<Action>> {
    let asn = 64_500;
    let rate = |n: f32| Rate::new(n).expect("a rate");
    let mark = |dscp| Action::TrafficMarking { dscp };
    let sample = Action::TrafficAction { sample: true, terminal: false };
    vec![match act {
        Act::Accept => vec![],
        Act::Drop => vec![Action::TrafficRateBytes { asn, rate: rate(0.0) }],
        Act::Bytes(n) => vec![Action::TrafficRateBytes { asn, rate: rate(n as f32) }],
        Act::Packets(n) => vec![Action::TrafficRatePackets { asn, rate: rate(n as f32) }],
        Act::Pool => {
            let takers = world.takers(packet.destination.is_ipv6()).into_iter();
            return takers
                .map(|address| vec![Action::RedirectIp { address, copy: false }])
                .collect();
        }
        Act::Vrf(value) => {
            vec![Action::RedirectVrf(sark_flowspec::RouteTarget::As2 { asn, value })]
        }
        Act::Mark(dscp) => vec![mark(dscp)],
        Act::Sample => vec![sample],
        Act::MarkSample(dscp) => vec![mark(dscp), sample],
    }]
}

/// Applying twice changes nothing.
fn twice(seed: u64, compiled: &Compiled, environment: &Environment) {
    let observed: Vec<Observed> = compiled
        .rules
        .iter()
        .map(|rule| Observed {
            afi: rule.route.nlri.afi(),
            octets: rule.route.nlri.encode(),
            nlri: Ok(rule.route.nlri.clone()),
            communities: rule.route.actions.iter().map(Action::encode).collect(),
            large_communities: vec![rule.route.large_community],
            local: true,
        })
        .collect();
    let plan = Plan::between(compiled, &observed, environment.asn, environment.instance);
    assert!(
        plan.announce.is_empty() && plan.withdraw.is_empty(),
        "seed {seed}: the second apply changes something"
    );
    // Distinct ownership, so that no two rules share all attributes.
    let mut owners: Vec<LargeCommunity> =
        compiled.rules.iter().map(|rule| rule.route.large_community).collect();
    owners.sort();
    owners.dedup();
    assert_eq!(
        owners.len(),
        compiled.rules.len(),
        "seed {seed}: a large community is not distinct"
    );
}

fn environment(world: &World) -> Environment {
    // What they send from besides their own addresses is the first one's to say.
    let hosts: Vec<_> = world.proxies.iter().skip(2 * world.up.len()).copied().collect();
    let proxy = |(n, is_up): (u8, &bool)| Proxy {
        name: format!("proxy-{n}"),
        next_hop4: match hop(n, false) {
            IpAddr::V4(hop) => Some(hop),
            IpAddr::V6(_) => None,
        },
        next_hop6: match hop(n, true) {
            IpAddr::V6(hop) => Some(hop),
            IpAddr::V4(_) => None,
        },
        source_prefixes: if n == 0 { hosts.clone() } else { Vec::new() },
        is_up: *is_up,
    };
    Environment {
        asn: 64_500,
        instance: 1,
        pools: vec![Pool {
            name: "inspection".into(),
            reads_sni: true,
            proxies: (0..).zip(&world.up).map(proxy).collect(),
        }],
        protected: world
            .protected
            .iter()
            .enumerate()
            .map(|(i, prefix)| Protected { name: format!("keep-{i}"), prefix: *prefix })
            .collect(),
        sessions: world
            .sessions
            .iter()
            .map(|(local, peer)| Session { local: *local, peer: *peer })
            .collect(),
        profile: Profile::named(world.profile).expect("a profile"),
    }
}

fn endpoint(place: &model::Place) -> Endpoint {
    let word = |w: &str| serde_json::Value::String(w.into());
    let seen: Timestamp = "2025-12-01T00:00:00Z".parse().expect("a time");
    Endpoint {
        id: format!("{}/{}", place.provider, place.service),
        provider: place.provider.clone(),
        title: place.provider.clone(),
        kind: serde_json::from_value::<Kind>(word(place.kind)).expect("a kind"),
        role: serde_json::from_value::<Role>(word(place.role)).expect("a role"),
        sharedness: serde_json::from_value::<Sharedness>(word(place.sharedness)).expect("a word"),
        confidence: 90,
        verified: place.verified,
        state: State::Active,
        names: vec![place.name.parse().expect("a name")],
        prefixes: {
            let mut prefixes = place.prefixes.clone();
            prefixes.sort();
            prefixes
        },
        ports: Vec::new(),
        expires_at: None,
        price_ref: None,
        learned: Vec::new(),
        layers: Vec::new(),
        shared: Vec::new(),
        sources: vec![Provenance { source: "generated".into(), first_seen: seen, last_seen: seen }],
    }
}
