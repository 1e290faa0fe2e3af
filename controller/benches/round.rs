//! A round of the reconciler that finds nothing to do. Aim: under 50 ms for 10,000 rules.
#![allow(clippy::unwrap_used, clippy::panic, reason = "not in production")]
#![allow(dead_code, reason = "a bench uses a part of the tests' world")]

#[path = "../tests/world.rs"]
mod world;

use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use world::{World, many};

fn unchanged(c: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for rules in [1_000, 10_000] {
        let world = runtime.block_on(async {
            let world = World::new();
            world.apply(&many(rules)).await.unwrap();
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

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = unchanged
}
criterion_main!(benches);
