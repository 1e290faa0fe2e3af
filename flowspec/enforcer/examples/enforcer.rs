//! What rules cost: to compile, to load, to count, and a packet that none of them is about. Needs
//! root, `ip` and `nft`; everything is in a network namespace that ends with the program.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark: what fails ends it")]
#![allow(clippy::print_stdout, reason = "it is what a benchmark is for")]

use std::time::{Duration, Instant};

use sark_enforcer::{Kernel, Program};
use sark_flowspec::Afi;

use frame::{Shape, octets};
use namespace::{in_namespace, run, wait};
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

/// In one measurement of a packet: so few that most are not interrupted.
const PACKETS: u32 = 100;
/// Measurements with and without the table in turn, of which the best of each counts: others work
/// on this machine, too.
const TURNS: u32 = 30;
const EACH: u32 = 50;

fn main() {
    in_namespace(|| {
        let topology = Topology::new();
        let kernel = Kernel::default();
        println!(
            "{:>6} {:<6} {:<42} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>6}",
            "rules", "family", "", "compile", "load", "look", "counters", "none", "packet", "ratio"
        );
        let empty = Set { name: "an empty table", count: 0, ..sets().swap_remove(0) };
        for set in std::iter::once(empty).chain(sets()) {
            measure(&set, &kernel, &topology);
        }
        wait(kernel.remove(&options())).unwrap();
    });
}

fn measure(set: &Set, kernel: &Kernel, topology: &Topology) {
    let rules = set.rules();
    let began = Instant::now();
    let program = Program::compile(&rules, &options(), None).unwrap();
    let compiled = began.elapsed();
    assert_eq!(program.refusals(), []);
    let began = Instant::now();
    wait(kernel.apply(&program)).unwrap();
    let loaded = began.elapsed();
    let began = Instant::now();
    wait(kernel.installed(&options())).unwrap();
    let looked = began.elapsed();
    let began = Instant::now();
    wait(kernel.counters(&program)).unwrap();
    let counted = began.elapsed();
    let times = [compiled, loaded, looked, counted].map(|time| format!("{time:.0?}"));
    let [compile, load, look, counters] = times;
    let (none, packet) = forward(topology, set.afi);
    // What is forwarded in a time, against what is without a table.
    let ratio = none.as_secs_f64() / packet.as_secs_f64();
    let (rules, afi, name) = (set.count, set.afi.to_string(), set.name);
    let (none, packet) = (format!("{none:.2?}"), format!("{packet:.2?}"));
    println!(
        "{rules:>6} {afi:<6} {name:<42} {compile:>8} {load:>8} {look:>8} {counters:>8} {none:>8} \
         {packet:>8} {ratio:>6.2}"
    );
}

/// Time for a packet that no rule is about, written to the wire and forwarded: without a table, and
/// with it.
fn forward(topology: &Topology, afi: Afi) -> (Duration, Duration) {
    let mut packet = syn(afi);
    packet.length = 100;
    let octets = octets(&packet, Shape::default(), 1);
    let once = |_| {
        let began = Instant::now();
        for _ in 0..PACKETS {
            topology.client.send(&octets);
        }
        began.elapsed() / PACKETS
    };
    let family = if afi == Afi::Ipv4 { "ip" } else { "ip6" };
    let table = format!("{family} {}", options().table);
    let (mut none, mut with) = (Duration::MAX, Duration::MAX);
    for _ in 0..TURNS {
        // A dormant table has no hooks.
        run("nft", &format!("add table {table} {{ flags dormant; }}"));
        none = (0..EACH).map(once).min().unwrap_or(none).min(none);
        run("nft", &format!("add table {table}"));
        with = (0..EACH).map(once).min().unwrap_or(with).min(with);
    }
    (none, with)
}
