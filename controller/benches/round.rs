//! A round of the reconciler that finds nothing to do. Aim: under 50 ms for 10,000 rules.
#![allow(clippy::unwrap_used, clippy::panic, reason = "not in production")]
#![allow(dead_code, reason = "a bench uses a part of the tests' world")]

#[path = "../tests/world.rs"]
mod world;

use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use sark_core::storage::PolicyFile;
use world::World;

fn unchanged(c: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for rules in [1_000, 10_000] {
        let world = runtime.block_on(async {
            let world = World::new();
            world.apply(&[policies(rules)]).await.unwrap();
            world.status_is(|s| s.converged && s.in_place == u64::from(rules)).await;
            world
        });
        c.bench_function(&format!("unchanged round of {rules} rules"), |bencher| {
            bencher.iter_custom(|times| {
                runtime.block_on(async {
                    let mut took = Duration::ZERO;
                    for _ in 0..times {
                        let before = world.status.borrow().rounds;
                        let begun = Instant::now();
                        world.signals.wake.notify_one();
                        world.status_is(|s| s.rounds > before).await;
                        took += begun.elapsed();
                    }
                    took
                })
            });
        });
        runtime.block_on(world.stop());
    }
}

/// Policies of 200 addresses that cannot be merged.
fn policies(rules: u32) -> PolicyFile {
    let policy = |n: u32| {
        let prefixes: Vec<String> = (n * 200..n * 200 + 200)
            .map(|n| format!("{}/32", std::net::Ipv4Addr::from(0x0a64_0000 + 2 * n)))
            .collect();
        format!(
            "apiVersion: sark/v1
kind: FlowSpecPolicy
metadata: {{ name: p{n} }}
spec:
  from: [10.200.0.0/16]
  to: {{ prefixes: [{}] }}
  protocol: tcp
  ports: [443]
  action: drop
",
            prefixes.join(", ")
        )
    };
    let texts: Vec<String> = (0..rules / 200).map(policy).collect();
    PolicyFile { name: "policies.yaml".into(), text: texts.join("---\n") }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = unchanged
}
criterion_main!(benches);
