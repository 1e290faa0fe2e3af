//! What rules cost: to compile, to load, to count, and a packet that none of them is about. Needs
//! root, `ip` and `nft`; everything is in a network namespace that ends with the program.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark: what fails ends it")]
#![allow(clippy::print_stdout, reason = "it is what a benchmark is for")]

use std::collections::HashMap;
use std::time::{Duration, Instant};

use sark_enforcer::{Kernel, Program};
use sark_flowspec::Afi;

use frame::{Shape, octets};
use namespace::{in_namespace, wait};
use sets::{Set, sets};
use topology::{Topology, options, syn};

#[path = "../tests/kernel/frame.rs"]
#[allow(dead_code, reason = "helpers of tests")]
mod frame;
#[path = "../tests/kernel/namespace.rs"]
#[allow(dead_code, reason = "helpers of tests")]
mod namespace;
#[path = "../tests/kernel/sets.rs"]
mod sets;
#[path = "../tests/kernel/topology.rs"]
#[allow(dead_code, reason = "helpers of tests")]
mod topology;

const PACKETS: u32 = 30_000;
/// Measurements of a packet, of which the best counts: others work on this machine, too.
const TIMES: u32 = 6;

fn main() {
    in_namespace(|| {
        let topology = Topology::new();
        let kernel = Kernel::default();
        wait(kernel.remove(&options())).unwrap();
        let alone: HashMap<Afi, Duration> =
            [Afi::Ipv4, Afi::Ipv6].map(|afi| (afi, forward(&topology, afi))).into();
        println!(
            "{:>6} {:<6} {:<42} {:>9} {:>9} {:>9} {:>9} {:>6}",
            "rules", "family", "", "compile", "load", "counters", "packet", "ratio"
        );
        for (afi, alone) in [Afi::Ipv4, Afi::Ipv6].map(|afi| (afi, alone[&afi])) {
            row(0, afi, "no table", [None; 3], alone, alone);
        }
        for set in sets() {
            // Beside each set, for the machine may be slower by now.
            wait(kernel.remove(&options())).unwrap();
            let alone = forward(&topology, set.afi);
            measure(&set, &kernel, &topology, alone);
        }
        wait(kernel.remove(&options())).unwrap();
    });
}

fn measure(set: &Set, kernel: &Kernel, topology: &Topology, alone: Duration) {
    let rules = set.rules();
    let began = Instant::now();
    let program = Program::compile(&rules, &options(), None).unwrap();
    let compiled = began.elapsed();
    assert_eq!(program.refusals(), []);
    let began = Instant::now();
    wait(kernel.apply(&program)).unwrap();
    let loaded = began.elapsed();
    let began = Instant::now();
    wait(kernel.counters(&program)).unwrap();
    let counted = began.elapsed();
    let packet = forward(topology, set.afi);
    let times = [compiled, loaded, counted].map(Some);
    row(set.count, set.afi, set.name, times, packet, alone);
}

fn row(
    rules: u32,
    afi: Afi,
    name: &str,
    times: [Option<Duration>; 3],
    packet: Duration,
    alone: Duration,
) {
    let [compile, load, counters] =
        times.map(|time| time.map_or_else(|| "-".to_owned(), |time| format!("{time:.0?}")));
    // What is forwarded in a time, against what is without a table.
    let ratio = alone.as_secs_f64() / packet.as_secs_f64();
    let (afi, packet) = (afi.to_string(), format!("{packet:.2?}"));
    println!(
        "{rules:>6} {afi:<6} {name:<42} {compile:>9} {load:>9} {counters:>9} {packet:>9} {ratio:>6.2}"
    );
}

/// Time for a packet that no rule is about, written to the wire and forwarded.
fn forward(topology: &Topology, afi: Afi) -> Duration {
    let mut packet = syn(afi);
    packet.length = 100;
    let octets = octets(&packet, Shape::default(), 1);
    let once = || {
        let began = Instant::now();
        for _ in 0..PACKETS {
            topology.client.send(&octets);
        }
        began.elapsed() / PACKETS
    };
    (0..TIMES).map(|_| once()).min().unwrap_or_default()
}
