//! What a snapshot of a million prefixes and half a million names takes: time to build, memory
//! resident and at most, and whether questions allocate.
//!
//! `cargo xtask bench memory`; `SARK_BENCH_PREFIXES` sets another size (half as many names).

#![expect(clippy::unwrap_used, reason = "a bench may fail")]

use std::net::IpAddr;
use std::time::Instant;

use sark_registry::{Endpoint, Manifest, Snapshot};

mod support;
use support::{Random, mix};

const QUESTIONS: usize = 100_000;

fn main() {
    // Run as a test it only has to work.
    let bench = std::env::args().any(|argument| argument == "--bench");
    let given = std::env::var("SARK_BENCH_PREFIXES").ok().and_then(|text| text.parse().ok());
    let prefixes = given.unwrap_or(if bench { 1_000_000 } else { 10_000 });
    let begun = status("VmRSS:");
    let endpoints = mix::endpoints(prefixes, prefixes / 2);
    let given = status("VmRSS:");
    println!("{} endpoints, {prefixes} prefixes, {} names", endpoints.len(), prefixes / 2);
    println!("endpoints as given  {:>7.1} MB resident", given - begun);
    let asked = questions(&endpoints);
    let asked_names = names(&endpoints);
    let before = status("VmRSS:");
    let most = status("VmHWM:");
    let (mut snapshot, mut took) = (None, None);
    let info = allocation_counter::measure(|| {
        let start = Instant::now();
        snapshot = Some(Snapshot::build(endpoints));
        took = Some(start.elapsed());
    });
    let (snapshot, took) = (snapshot.unwrap(), took.unwrap());
    let after = status("VmRSS:");
    println!("build               {:>7.2} s", took.as_secs_f64());
    let start = Instant::now();
    assert_eq!(Manifest::of(snapshot.endpoints()).version(), *snapshot.version());
    println!("  of it the version {:>7.2} s", start.elapsed().as_secs_f64());
    println!("snapshot            {:>7.1} MB resident", given - begun + after - before);
    println!("  beyond endpoints  {:>7.1} MB resident", after - before);
    let size = snapshot.size();
    for (part, octets) in
        [("endpoints", size.endpoints), ("by address", size.prefixes), ("by name", size.names)]
    {
        println!("  {part:<17} {:>7.1} MB", octets as f64 / 1e6);
    }
    println!("building, at most   {:>7.1} MB more than before", info.bytes_max as f64 / 1e6);
    let now = status("VmHWM:");
    println!("process, at most    {now:>7.1} MB resident (before building {most:.1})");
    let mut found = 0usize;
    let mut counted = |what: &str, asked: usize, ask: &mut dyn FnMut() -> usize| {
        let start = Instant::now();
        let info = allocation_counter::measure(|| found += ask());
        let each = start.elapsed().as_nanos() / asked as u128;
        println!("{what:<20}{each:>7} ns each, {} allocations in {asked}", info.count_total);
        info.count_total
    };
    let mut allocations = 0;
    allocations += counted("longest match", asked.len(), &mut || {
        asked.iter().filter(|address| snapshot.longest_match(**address).is_some()).count()
    });
    allocations += counted("covering", asked.len(), &mut || {
        asked.iter().map(|address| snapshot.covering(*address).count()).sum()
    });
    allocations += counted("name", asked_names.len(), &mut || {
        let mut found = 0;
        asked_names.iter().for_each(|name| snapshot.visit_name(name, |_| found += 1));
        found
    });
    println!("{found} hits");
    assert_eq!(allocations, 0, "a lookup allocates");
}

/// Half in a prefix, half random; both families.
fn questions(endpoints: &[Endpoint]) -> Vec<IpAddr> {
    let mut random = Random(21);
    (0..QUESTIONS)
        .map(|number| {
            let endpoint = &endpoints[random.below(endpoints.len() as u64) as usize];
            let prefix = endpoint.prefixes[random.below(endpoint.prefixes.len() as u64) as usize];
            match number % 4 {
                0 => IpAddr::V4((random.next() as u32).into()),
                1 => IpAddr::V6((u128::from(random.next()) << 64 | 0x2400 << 112).into()),
                2 => prefix.network(),
                _ => prefix.broadcast(),
            }
        })
        .collect()
}

/// Half are in the registry: as they are or below a wildcard; half are not.
fn names(endpoints: &[Endpoint]) -> Vec<String> {
    let mut random = Random(22);
    let names: Vec<&str> =
        endpoints.iter().flat_map(|endpoint| &endpoint.names).map(|name| name.as_str()).collect();
    (0..QUESTIONS)
        .map(|number| {
            let name = names[random.below(names.len() as u64) as usize].replace('*', "x.y");
            if number % 2 == 0 { name } else { format!("w{number}.{name}") }
        })
        .collect()
}

/// Megabytes, from `/proc`.
fn status(key: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    let kilo: f64 = line.trim().strip_suffix(" kB").unwrap().parse().unwrap();
    kilo * 1024.0 / 1e6
}
