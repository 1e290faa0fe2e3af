//! `cargo xtask bench trail`: records of decisions the whole way, as in sarkd: redacted and queued by who
//! decides, synced into the spool, drained into SQLite, each batch on the disk before the next.
//!
//! Arguments: records in all (default 1,000,000), directory.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark says what it found")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sark_core::SystemClock;
use sark_core::audit::{AuditRecord, Correlation, Evidence, Flow, Outcome};
use sark_core::storage::AuditStore as _;
use sark_store::Store;
use sark_trail::{Trail, TrailHealth, TrailSettings, WhenFull, trail};
use serde_json::json;
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1).filter(|word| word != "--");
    let all = arguments.next().map_or(1_000_000, |word| word.parse().expect("a number"));
    let place: PathBuf = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = tempfile::tempdir_in(place).unwrap();
    let store = Store::open(&directory.path().join("sark.db")).await.unwrap();
    let settings = TrailSettings {
        directory: directory.path().join("spool"),
        queue: 16_384,
        most_octets: 256 << 20,
        when_full: WhenFull::Block,
        program: "sarkd",
    };
    let health = Arc::<TrailHealth>::default();
    let parts = (Arc::new(store.clone()), Arc::new(SystemClock), Arc::default());
    let made = trail(&settings, parts.0, parts.1, parts.2, health).await;
    let (trail, writer, drain) = made.unwrap();
    let writing = tokio::task::spawn_blocking(move || writer.run());
    let draining = tokio::spawn(drain.run(CancellationToken::new()));

    let began = Instant::now();
    let (mut took, refused) =
        tokio::task::spawn_blocking(move || decide(&trail, all)).await.unwrap();
    let taken = began.elapsed();
    writing.await.unwrap();
    draining.await.unwrap();
    let seconds = began.elapsed().as_secs_f64();
    let stored = store.head().await.unwrap().sequence;
    println!("{stored} records stored: {:.0}/s ({seconds:.2} s)", stored as f64 / seconds);
    took.sort_unstable();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100] as f64 / 1_000.0;
    println!(
        "queued after {:.2} s, {:.1} µs each (p50), {:.1} µs (p99); {refused} times there was no room",
        taken.as_secs_f64(),
        at(50),
        at(99)
    );
    store.close().await;
}

/// Nanoseconds that each record took, and how often one had to be offered again.
fn decide(trail: &Trail, all: usize) -> (Vec<u64>, u64) {
    let (mut took, mut refused) = (Vec::with_capacity(all), 0);
    for number in 0..all {
        let record = decision(number);
        let began = Instant::now();
        while trail.record(&record).is_err() {
            refused += 1;
            std::thread::sleep(Duration::from_millis(1));
        }
        took.push(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    (took, refused)
}

/// A decision on a call of a model, as the proxy's.
fn decision(number: usize) -> AuditRecord {
    let id = format!("req-{number:08x}");
    let input = json!({
        "id": id, "operation": "chat", "user": "ada", "provider": "openai",
        "endpoint": "openai/api", "model": "gpt-5", "stream": true, "body_bytes": 1_200,
        "inspected": true,
    });
    let decision = json!({
        "allow": true, "action": "audit", "policy_id": "default", "rule_id": "llm",
        "severity": "info", "reason": "no rule of llm matched",
    });
    let at = jiff::Timestamp::from_microsecond(1_790_000_000_000_000 + number as i64).unwrap();
    let detail = json!({ "input": input, "decision": decision });
    AuditRecord::new(at, "sarkd", "decision.llm", Outcome::Ok, detail)
        .on(Evidence {
            registry_version: Some("sha256:ba7816bf8f01".into()),
            policy_version: Some("sha256:cfea414140de".into()),
            rules: vec!["default/llm".into()],
        })
        .about(Correlation {
            request: Some(id),
            flow: Some(Flow {
                protocol: 6,
                source: ([10, 20, 1, (number % 250) as u8], 40_000).into(),
                destination: ([203, 0, 113, 1], 443).into(),
            }),
            user: Some(format!("user{}", number % 500)),
            ..Correlation::default()
        })
}
