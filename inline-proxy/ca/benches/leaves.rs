//! A leaf minted, with the shared key and with a key of its own, and one that is kept.
#![expect(clippy::unwrap_used, reason = "a bench")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::{SignedDuration, Timestamp};
use sark_ca::{Authority, Below, Host, LeafConfig, Leaves, Profile};

fn now() -> Timestamp {
    "2026-11-29T12:00:00Z".parse().unwrap()
}

fn leaves() -> Leaves {
    let root = Authority::root(&Profile::named("Bench root"), Below::Intermediate, now()).unwrap();
    let issuing = root.intermediate(&Profile::named("Bench issuing"), now()).unwrap();
    let config = LeafConfig { key_age: SignedDuration::from_hours(168), ..LeafConfig::default() };
    Leaves::new(Arc::new(issuing), config, now()).unwrap()
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("leaves");
    group.bench_function("mint, shared key", |bencher| {
        let leaves = leaves();
        let hosts: Vec<_> = (0..50_000)
            .map(|number| Host::dns(&format!("api{number}.example.com")).unwrap())
            .collect();
        // So many names that the one that is next has been put out of the cache.
        let mut next = hosts.iter().cycle();
        let mut at = now();
        bencher.iter(|| {
            at += SignedDuration::from_millis(1);
            leaves.get(black_box(next.next().unwrap()), at).unwrap()
        });
    });
    group.bench_function("kept", |bencher| {
        let leaves = leaves();
        let host = Host::dns("api.example.com").unwrap();
        leaves.get(&host, now()).unwrap();
        bencher.iter(|| leaves.get(black_box(&host), now_of()).unwrap());
    });
    group.bench_function("kept, from the name", |bencher| {
        let leaves = leaves();
        leaves.get(&Host::dns("api.example.com").unwrap(), now()).unwrap();
        bencher.iter(|| {
            let host = Host::dns(black_box("api.example.com")).unwrap();
            leaves.get(&host, now_of()).unwrap()
        });
    });
    group.bench_function("a new key and its first leaf", |bencher| {
        let host = Host::dns("api.example.com").unwrap();
        let issuing =
            Arc::new(Authority::root(&Profile::named("Bench root"), Below::Leaves, now()).unwrap());
        bencher.iter(|| {
            let config = LeafConfig { capacity: 1, ..LeafConfig::default() };
            let leaves = Leaves::new(Arc::clone(&issuing), config, now_of()).unwrap();
            leaves.get(black_box(&host), now_of()).unwrap()
        });
    });
    group.finish();
}

/// Without parsing.
fn now_of() -> Timestamp {
    Timestamp::constant(1_795_953_600, 0)
}

criterion_group!(benches, bench);
criterion_main!(benches);
