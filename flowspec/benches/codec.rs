//! Encode, decode, text, canonical form, sort and match of 10,000 rules like those a policy yields.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use sark_flowspec::{Afi, Nlri, Packet};

const RULES: usize = 10_000;

/// Hosts and networks, some with a source, with one port, a list or a range; in no order.
fn rules() -> Vec<Nlri> {
    let mut state = 0x9e37_79b9_u32;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    let rule = |_| {
        let [a, b, c, d] = next().to_be_bytes();
        let destination = match next() % 3 {
            0 => format!("dst 10.{b}.{c}.{d}/32"),
            1 => format!("dst 10.{b}.{c}.0/24"),
            _ => format!("dst 10.{b}.0.0/16"),
        };
        let source = if a % 2 == 0 { " src 192.0.2.0/24" } else { "" };
        let ports = match next() % 3 {
            0 => "=443",
            1 => "=80|=443|=8443",
            _ => "=443|>=8000&<=8100",
        };
        let text = format!("{destination}{source} proto =6 dport {ports}");
        Nlri::parse(Afi::Ipv4, &text).expect("the text is a rule")
    };
    (0..RULES).map(rule).collect()
}

fn codec(criterion: &mut Criterion) {
    let rules = rules();
    let octets: Vec<Vec<u8>> = rules.iter().map(Nlri::encode).collect();
    let texts: Vec<String> = rules.iter().map(ToString::to_string).collect();
    let packet = Packet::parse("tcp 192.0.2.7:51000 > 10.20.30.40:443").expect("a packet");

    let mut group = criterion.benchmark_group("10000 rules");
    group.throughput(Throughput::Elements(RULES as u64));
    group.bench_function("encode", |bencher| {
        bencher.iter(|| rules.iter().map(|rule| black_box(rule.encode()).len()).sum::<usize>());
    });
    group.bench_function("decode", |bencher| {
        bencher.iter(|| {
            for octets in &octets {
                black_box(Nlri::decode(Afi::Ipv4, octets)).expect("decodes");
            }
        });
    });
    group.bench_function("sort", |bencher| {
        bencher.iter_batched_ref(
            || rules.clone(),
            |rules| rules.sort_unstable(),
            BatchSize::LargeInput,
        );
    });
    group.bench_function("match", |bencher| {
        bencher.iter(|| rules.iter().filter(|rule| rule.matches(black_box(&packet))).count());
    });
    group.bench_function("canonical", |bencher| {
        bencher.iter(|| {
            for rule in &rules {
                black_box(rule.canonical());
            }
        });
    });
    group.bench_function("print", |bencher| {
        bencher.iter(|| rules.iter().map(|rule| black_box(rule.to_string()).len()).sum::<usize>());
    });
    group.bench_function("parse", |bencher| {
        bencher.iter(|| {
            for text in &texts {
                black_box(Nlri::parse(Afi::Ipv4, text)).expect("parses");
            }
        });
    });
    group.finish();
}

criterion_group!(benches, codec);
criterion_main!(benches);
