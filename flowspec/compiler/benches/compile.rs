//! Compile of 10,000 endpoints × 50 policies, each of which selects 200 or more (10,000 rules out,
//! a quarter of them overlapping), and the diff of 100,000 rules.

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ipnet::IpNet;
use jiff::Timestamp;
use sark_compiler::{Compiled, Diff, Environment, Plan, Pool, Profile, Protected, Proxy, compile};
use sark_core::ContentHash;
use sark_core::storage::PolicyFile;
use sark_flowspec::{Action, Observed};
use sark_policy::{PolicySet, parse_set};
use sark_registry::{Endpoint, Kind, Provenance, Role, Sharedness, Snapshot, State};

fn registry(endpoints: u32) -> Snapshot {
    let seen: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
    let endpoint = |i: u32| Endpoint {
        id: format!("provider-{:04}/service-{i:05}", i / 10),
        provider: format!("provider-{:04}", i / 10),
        title: "Bench".into(),
        kind: Kind::Api,
        role: Role::Ingress,
        sharedness: Sharedness::Dedicated,
        confidence: 100,
        verified: true,
        state: State::Active,
        names: Vec::new(),
        // Every other address, so that nothing aggregates.
        prefixes: vec![IpNet::from(std::net::IpAddr::from((0x0a00_0000u32 + 2 * i).to_be_bytes()))],
        ports: Vec::new(),
        expires_at: None,
        price_ref: None,
        learned: Vec::new(),
        layers: Vec::new(),
        shared: Vec::new(),
        sources: vec![Provenance { source: "bench".into(), first_seen: seen, last_seen: seen }],
    };
    Snapshot::build((0..endpoints).map(endpoint).collect())
}

/// Policy `i` selects 150 endpoints of its own and 50 of its neighbour's.
fn policies(count: u32, each: u32) -> PolicySet {
    let mut files = Vec::new();
    for i in 0..count {
        let begin = i * each;
        let own = begin..begin + each - each / 4;
        let shared = (0..each / 4).map(|k| ((i + 1) % count) * each + k);
        let services: Vec<String> =
            own.chain(shared).map(|e| format!("provider-{:04}/service-{e:05}", e / 10)).collect();
        let action = if i % 2 == 0 { "drop" } else { "{ redirect: { to: inspection } }" };
        let text = format!(
            "apiVersion: sark/v1\nkind: FlowSpecPolicy\nmetadata: {{ name: p{i} }}\nspec:\n  \
             priority: {}\n  from: [192.0.2.0/{}]\n  to: {{ services: [{}] }}\n  protocol: tcp\n  \
             ports: [{}]\n  action: {action}\n",
            1000 + i * 7 % count,
            24 + i % 3,
            services.join(", "),
            ["443", "443, 8443", "400-500", "8443"][i as usize % 4],
        );
        files.push(PolicyFile { name: format!("bench/{i}.yaml"), text });
    }
    parse_set(&files).expect("policies parse")
}

fn environment() -> Environment {
    Environment {
        asn: 64500,
        instance: 1,
        pools: vec![Pool {
            name: "inspection".into(),
            reads_sni: true,
            proxies: vec![Proxy {
                name: "a".into(),
                next_hop4: Some("198.51.100.10".parse().expect("an address")),
                next_hop6: None,
                source_prefixes: vec!["198.51.100.0/28".parse().expect("a prefix")],
                is_up: true,
            }],
        }],
        protected: vec![Protected {
            name: "sark".into(),
            prefix: "198.51.100.64/28".parse().expect("a prefix"),
        }],
        sessions: Vec::new(),
        profile: Profile::named("frr").expect("a profile"),
    }
}

fn run(set: &PolicySet, registry: &Snapshot, environment: &Environment) -> Compiled {
    let now = "2026-06-01T00:00:00Z".parse().expect("a time");
    compile(set, registry, environment, &BTreeMap::new(), now).expect("no input error")
}

fn observed(compiled: &Compiled) -> Vec<Observed> {
    let path = |rule: &sark_compiler::DesiredRule| Observed {
        afi: rule.route.nlri.afi(),
        octets: rule.route.nlri.encode(),
        nlri: Ok(rule.route.nlri.clone()),
        communities: rule.route.actions.iter().map(Action::encode).collect(),
        large_communities: vec![rule.route.large_community],
        local: true,
    };
    compiled.rules.iter().map(path).collect()
}

fn benches(c: &mut Criterion) {
    let environment = environment();
    let (snapshot, set) = (registry(10_000), policies(50, 200));
    let compiled = run(&set, &snapshot, &environment);
    assert_eq!(compiled.refused, []);
    println!(
        "{} rules, {} of them exceptions, policy set {}",
        compiled.rules.len(),
        compiled.rewritten,
        ContentHash::short(&set.version)
    );
    c.bench_function("compile 10,000 endpoints x 50 policies", |b| {
        b.iter(|| black_box(run(&set, &snapshot, &environment)));
    });
    let table = observed(&compiled);
    c.bench_function("unchanged diff of 10,000 rules", |b| {
        b.iter(|| black_box(Diff::between(&compiled, &table, 64500, 1).keep.len()));
    });
    c.bench_function("unchanged plan of 10,000 rules", |b| {
        b.iter(|| black_box(Plan::between(&compiled, &table, 64500, 1)));
    });

    let (snapshot, set) = (registry(100_000), policies(20, 5_000));
    let many = run(&set, &snapshot, &environment);
    assert_eq!(many.refused, []);
    println!("{} rules", many.rules.len());
    let table = observed(&many);
    let (first, second) = table.split_at(table.len() / 2);
    let mut group = c.benchmark_group("diff");
    group.sample_size(10);
    group.bench_function("100,000 rules, unchanged", |b| {
        b.iter(|| black_box(Diff::between(&many, &table, 64500, 1).keep.len()));
    });
    group.bench_function("100,000 rules, unchanged, as a plan", |b| {
        b.iter(|| black_box(Plan::between(&many, &table, 64500, 1)));
    });
    group.bench_function("100,000 rules, half missing, as a plan", |b| {
        b.iter(|| black_box(Plan::between(&many, first, 64500, 1)));
    });
    group.bench_function("50,000 to withdraw, as a plan", |b| {
        b.iter(|| black_box(Plan::between(&compiled, second, 64500, 1)));
    });
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
