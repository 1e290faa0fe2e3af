//! Large copies of three feeds, with invented content.
#![expect(clippy::unwrap_used, reason = "a bench")]

use std::{fmt::Write as _, hint::black_box};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use sark_feed_formats::{ParseLimits, Part, parse};
use sark_registry::feed::Format;

/// 10,000 prefixes.
fn aws() -> String {
    let items: Vec<_> = (0..10_000_u32)
        .map(|at| {
            format!(
                r#"{{"ip_prefix":"10.{}.{}.0/24","region":"xa-{}","service":"EC2","network_border_group":"xa"}}"#,
                at / 256,
                at % 256,
                at % 30
            )
        })
        .collect();
    format!(r#"{{"syncToken":"1","prefixes":[{}],"ipv6_prefixes":[]}}"#, items.join(","))
}

/// 8,000 relays.
fn onionoo() -> String {
    let items: Vec<_> = (0..8_000_u32)
        .map(|at| {
            format!(
                r#"{{"or_addresses":["10.0.{}.{}:9001","[2001:db8::{at:x}]:9001"],"flags":["Fast","Guard","Running"],"country":"xa","as":"AS{}"}}"#,
                at / 256,
                at % 256,
                at % 900
            )
        })
        .collect();
    format!(r#"{{"relays":[{}]}}"#, items.join(","))
}

/// 400,000 lines.
fn ip_to_asn() -> String {
    let mut text = String::new();
    for at in 0..400_000_u32 {
        let (a, b, c) = (1 + at / 65_536, at / 256 % 256, at % 256);
        writeln!(
            text,
            "{a}.{b}.{c}.0\t{a}.{b}.{c}.255\t{}\tXA\tNETWORK {}",
            at % 70_000,
            at % 9000
        )
        .unwrap();
    }
    text
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    group.sample_size(10);
    for (name, format, text) in [
        ("aws 10k", Format::Aws, aws()),
        ("onionoo 8k", Format::Onionoo, onionoo()),
        ("ip to asn 400k", Format::IpToAsn, ip_to_asn()),
    ] {
        group.throughput(Throughput::Bytes(u64::try_from(text.len()).unwrap()));
        let parts = [Part { name, octets: text.as_bytes() }];
        let limits = ParseLimits { most_entries: 1_000_000 };
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                parse(&format, black_box(&parts), &limits, Timestamp::UNIX_EPOCH).unwrap()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
