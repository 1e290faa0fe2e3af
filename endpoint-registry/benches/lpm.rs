//! Longest prefix match: ours beside the crates that do the same, in one run.
//!
//! Tables have the lengths of a BGP table; half of the questions lie in a prefix, half are random.
//! Peers answer with prefix and value; ours is the whole path of a snapshot: address → prefix and
//! endpoint. `SARK_BENCH_PREFIXES=10000` runs one size only.

use std::{hint::black_box, net, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ip_network_table_deps_treebitmap::IpLookupTable;
use ipnet::{Ipv4Net, Ipv6Net};
use iptrie::{IpPrefix, Ipv4RTrieMap, Ipv6RTrieMap};
use poptrie::Poptrie;
use prefix_trie::PrefixMap;

mod support;
use support::{ipv4_table, ipv6_table, questions, snapshot};

fn sizes() -> Vec<usize> {
    let given = std::env::var("SARK_BENCH_PREFIXES").ok().and_then(|text| text.parse().ok());
    given.map_or(vec![10_000, 1_000_000], |size| vec![size])
}

/// One family: its name, table, and the types of address, prefix, integer and iptrie's map.
macro_rules! family {
    ($c:expr, $name:literal, $table:ident, $Address:ty, $Net:ty, $Bits:ty, $Radix:ty) => {
        for size in sizes() {
            let table = $table(size);
            let bits = questions(&table);
            let asked: Vec<$Address> = bits.iter().map(|bits| (*bits).into()).collect();
            let net = |(bits, length): ($Bits, u8)| <$Net>::new_assert(bits.into(), length);
            let numbered = || (0u32..).zip(&table).map(|(number, prefix)| (*prefix, number));

            let mut group = $c.benchmark_group(format!("lpm/{}/{size}", $name));
            group.throughput(Throughput::Elements(asked.len() as u64)).sample_size(20);
            group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));

            let snapshot = snapshot(table.iter().map(|prefix| net(*prefix).into()));
            group.bench_function("ours", |b| {
                b.iter(|| {
                    for address in &asked {
                        black_box(snapshot.longest_match((*address).into()));
                    }
                });
            });
            drop(snapshot);

            let mut radix = <$Radix>::with_root(u32::MAX);
            radix.extend(numbered().map(|(prefix, number)| (net(prefix).into(), number)));
            let trie = radix.compress();
            group.bench_function("iptrie", |b| {
                b.iter(|| {
                    for address in &asked {
                        let (prefix, number) = trie.lookup(address);
                        black_box((prefix.len(), *number));
                    }
                });
            });
            drop(trie);

            let trie: PrefixMap<$Net, u32> =
                numbered().map(|(prefix, number)| (net(prefix), number)).collect();
            group.bench_function("prefix-trie", |b| {
                b.iter(|| {
                    for address in &asked {
                        black_box(trie.get_lpm(&<$Net>::from(*address)));
                    }
                });
            });
            drop(trie);

            let trie: Poptrie<($Bits, u8), u32> = numbered().collect();
            group.bench_function("poptrie", |b| {
                b.iter(|| {
                    for bits in &bits {
                        black_box(trie.lookup_with_prefix(*bits));
                    }
                });
            });
            drop(trie);

            let mut trie = IpLookupTable::with_capacity(size);
            for ((bits, length), number) in numbered() {
                trie.insert(<$Address>::from(bits), length.into(), number);
            }
            group.bench_function("treebitmap", |b| {
                b.iter(|| {
                    for address in &asked {
                        black_box(trie.longest_match(*address));
                    }
                });
            });
            group.finish();
        }
    };
}

fn ipv4(c: &mut Criterion) {
    family!(c, "ipv4", ipv4_table, net::Ipv4Addr, Ipv4Net, u32, Ipv4RTrieMap<u32>);
}

fn ipv6(c: &mut Criterion) {
    family!(c, "ipv6", ipv6_table, net::Ipv6Addr, Ipv6Net, u128, Ipv6RTrieMap<u32>);
}

criterion_group!(benches, ipv4, ipv6);
criterion_main!(benches);
