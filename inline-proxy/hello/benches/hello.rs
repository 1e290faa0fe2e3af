//! Octets of a connection to a hello and its names, beside rustls's own reading of it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a bench")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rustls::server::Acceptor;
use sark_hello::{ClientHello, Limits, Progress, Reader};

const CLIENTS: [(&str, &str); 3] = [
    ("curl", include_str!("../tests/hello/recorded/curl-7.88.hex")),
    ("openssl 4", include_str!("../tests/hello/recorded/openssl-4.0.hex")),
    ("chrome", include_str!("../tests/hello/recorded/boringssl-as-chrome.hex")),
];

fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
}

fn ours(octets: &[u8], portion: usize) -> ClientHello {
    let mut reader = Reader::new(Limits::default());
    for portion in octets.chunks(portion) {
        match reader.push(portion) {
            Progress::NeedMore => {}
            Progress::Hello(hello) => return *hello,
            other => panic!("{other:?}"),
        }
    }
    panic!("it ends early")
}

/// Name and number of protocols, so that it has to look.
fn rustls(octets: &[u8], portion: usize) -> (usize, usize) {
    let mut acceptor = Acceptor::default();
    for mut portion in octets.chunks(portion) {
        acceptor.read_tls(&mut portion).unwrap();
        if let Some(accepted) = acceptor.accept().unwrap_or_else(|(error, _)| panic!("{error}")) {
            let hello = accepted.client_hello();
            let alpn = hello.alpn().map_or(0, Iterator::count);
            return (hello.server_name().map_or(0, str::len), alpn);
        }
    }
    panic!("it ends early")
}

fn bench(criterion: &mut Criterion) {
    for (client, hex) in CLIENTS {
        let octets = octets(hex);
        let mut group = criterion.benchmark_group(client);
        group.throughput(Throughput::Bytes(octets.len().try_into().unwrap()));
        for (how, portion) in [("whole", octets.len()), ("by 536", 536), ("by 1", 1)] {
            let hello = ours(&octets, portion);
            let seen = (hello.server_name().map_or(0, str::len), hello.alpn().count());
            assert_eq!(seen, rustls(&octets, portion));
            group.bench_function(BenchmarkId::new("ours", how), |b| {
                b.iter(|| ours(black_box(&octets), portion));
            });
            group.bench_function(BenchmarkId::new("rustls", how), |b| {
                b.iter(|| rustls(black_box(&octets), portion));
            });
        }
        let hello = ours(&octets, octets.len());
        group.bench_function("ja3", |b| b.iter(|| black_box(&hello).ja3()));
        group.bench_function("ja4", |b| b.iter(|| black_box(&hello).ja4()));
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
