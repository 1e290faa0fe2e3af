//! Building a snapshot, and looking up names in it.

#![expect(clippy::unwrap_used, reason = "a bench may fail")]

use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use sark_registry::{Endpoint, Snapshot};

mod support;
use support::{Random, endpoint, endpoints, ipv4_table, mix};

fn build(c: &mut Criterion) {
    let mut group = c.benchmark_group("snapshot/build");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(2))
        .warm_up_time(Duration::from_millis(300));
    for size in [10_000, 1_000_000] {
        let table = ipv4_table(size).into_iter();
        let nets =
            table.map(|(bits, length)| ipnet::Ipv4Net::new_assert(bits.into(), length).into());
        let endpoints = endpoints(nets);
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(format!("{size} prefixes"), |b| {
            b.iter_batched(|| endpoints.clone(), Snapshot::build, BatchSize::PerIteration);
        });
    }
    let mixed = mix::endpoints(1_000_000, 500_000);
    group.throughput(Throughput::Elements(1_500_000));
    group.bench_function("1000000 prefixes and 500000 names", |b| {
        b.iter_batched(|| mixed.clone(), Snapshot::build, BatchSize::PerIteration);
    });
    group.finish();
}

/// What else lives at each of ten thousand learned addresses is found out while building.
fn learned(c: &mut Criterion) {
    let mut group = c.benchmark_group("snapshot/learned");
    group.sample_size(10).measurement_time(Duration::from_secs(2));
    let plain = mix::endpoints(100_000, 50_000);
    let mut learned = plain.clone();
    mix::learn(&mut learned, 10_000);
    for (case, endpoints) in [("without", plain), ("10000 addresses", learned)] {
        group.bench_function(case, |b| {
            b.iter_batched(|| endpoints.clone(), Snapshot::build, BatchSize::PerIteration);
        });
    }
    group.finish();
}

fn names(c: &mut Criterion) {
    let mut group = c.benchmark_group("snapshot/name");
    group
        .sample_size(20)
        .measurement_time(Duration::from_secs(1))
        .warm_up_time(Duration::from_millis(300));
    for size in [10_000, 1_000_000] {
        let names = |number: usize| -> Endpoint {
            let name = match number % 4 {
                0 => format!("*.a{number}.example.com"),
                _ => format!("api{number}.example.com"),
            };
            Endpoint { names: vec![name.parse().unwrap()], ..endpoint(number, Vec::new()) }
        };
        let snapshot = Snapshot::build((0..size).map(names).collect());
        let mut random = Random(1);
        let mut ask = |form: fn(u64) -> String| -> Vec<String> {
            (0..4096).map(|_| form(random.below(size as u64))).collect()
        };
        let cases = [
            ("exact", ask(|n| format!("api{}.example.com", n | 1))),
            ("wildcard", ask(|n| format!("x.a{}.example.com", n & !3))),
            ("unknown", ask(|n| format!("www{n}.shop.example.org"))),
        ];
        group.throughput(Throughput::Elements(4096));
        for (case, asked) in cases {
            group.bench_function(format!("{case}/{size}"), |b| {
                b.iter(|| {
                    let mut found = 0;
                    asked.iter().for_each(|name| snapshot.visit_name(name, |_| found += 1));
                    found
                });
            });
        }
    }
    group.finish();
}

/// What people ask, and the same by the million.
fn answers(c: &mut Criterion) {
    let mut group = c.benchmark_group("snapshot/answer");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(1))
        .warm_up_time(Duration::from_millis(300));
    let snapshot = Snapshot::build(mix::endpoints(200_000, 100_000));
    let mut random = Random(3);
    let endpoints = snapshot.endpoints();
    let mut pick = |end: usize| random.below(end as u64) as usize;
    let (mut addresses, mut prefixes, mut names) = (Vec::new(), Vec::new(), Vec::new());
    while addresses.len() < 1024 {
        let endpoint = &endpoints[pick(endpoints.len())];
        let prefix = endpoint.prefixes[pick(endpoint.prefixes.len())];
        addresses.push(prefix.network().to_string());
        prefixes.push(prefix.supernet().unwrap_or(prefix).to_string());
        names.extend(endpoint.names.first().map(|name| name.as_str().replace('*', "x")));
    }
    let wide = vec!["0.0.0.0/0".to_owned(), "45.0.0.0/8".to_owned(), "2000::/3".to_owned()];
    for (case, asked) in
        [("address", addresses), ("prefix", prefixes), ("name", names), ("wide", wide)]
    {
        group.throughput(Throughput::Elements(asked.len() as u64));
        group.bench_function(format!("all/{case}"), |b| {
            b.iter(|| asked.iter().filter_map(|query| snapshot.answer(query).ok()).count());
        });
        group.bench_function(format!("best/{case}"), |b| {
            b.iter(|| asked.iter().filter_map(|query| snapshot.best(query).ok()?).count());
        });
    }
    group.finish();
}

criterion_group!(benches, build, learned, answers, names);
criterion_main!(benches);
