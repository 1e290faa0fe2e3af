//! `cargo xtask bench audit`: how fast decisions are written to a trail in SQLite and in PostgreSQL, each
//! batch on the disk before the next one begins, and how fast the trail is verified.
//!
//! Arguments: records in all (default 1,000,000), records a batch (default 16,000, as sarkd), directory.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark says what it found")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use sark_core::Severity;
use sark_core::audit::{AuditRecord, Correlation, Evidence, Flow, Outcome, Written};
use sark_core::storage::AuditStore;
use sark_store::Store;
use sark_store::test_util::TestServer;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1).filter(|word| word != "--");
    let mut number = |default: usize| {
        arguments.next().map_or(default, |word| word.parse().expect("a number of records"))
    };
    let (all, batch) = (number(1_000_000), number(16_000));
    let place: PathBuf = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = tempfile::tempdir_in(place).unwrap();
    let path = directory.path().join("sark.db");
    let store = Store::open(&path).await.unwrap();
    measure("SQLite", &store, all, batch).await;
    let size = std::fs::metadata(&path).map_or(0, |file| file.len());
    println!("{} octets of database a record", size / all as u64);
    store.close().await;

    // Debian's, which syncs each commit as SQLite does.
    let server = TestServer::own(&[]);
    let database = server.database();
    let store = Store::connect(&database.settings()).await.unwrap();
    measure("PostgreSQL", &store, all, batch).await;
    store.close().await;
}

async fn measure(engine: &str, store: &Store, all: usize, batch: usize) {
    // As in sarkd: who decides writes and redacts the JSON, the drain stores the batch before.
    let records: Arc<Vec<AuditRecord>> = Arc::new((0..batch).map(decision).collect());
    let make = || {
        let records = Arc::clone(&records);
        tokio::task::spawn_blocking(move || {
            let began = Instant::now();
            let texts: Vec<_> = records.iter().map(|record| Written::of(record).unwrap()).collect();
            (texts, began.elapsed().as_secs_f64())
        })
    };
    let (mut written, mut octets, mut making) = (0, 0, 0.0);
    let began = Instant::now();
    let mut next = make();
    while written < all {
        let (texts, seconds) = next.await.unwrap();
        next = make();
        making += seconds;
        octets += texts.iter().map(|text| text.text().len()).sum::<usize>();
        store.write(&texts, None).await.unwrap();
        written += texts.len();
    }
    let seconds = began.elapsed().as_secs_f64();
    let rate = written as f64 / seconds;
    println!(
        "{engine}: {written} records in batches of {batch}: {rate:.0} records/s ({seconds:.2} s)"
    );
    println!("JSON, redacted, on another core meanwhile: {:.0} records/s", written as f64 / making);
    println!("{} octets of JSON a record", octets / written);

    let began = Instant::now();
    let verified = sark_audit::verify(store, Vec::new(), &mut |_| ()).await.unwrap();
    let seconds = began.elapsed().as_secs_f64();
    let rate = verified.head.sequence as f64 / seconds;
    println!("verified {} records: {rate:.0} records/s ({seconds:.2} s)", verified.head.sequence);
}

/// A decision on a call of a model, as the proxy's.
fn decision(number: usize) -> AuditRecord {
    let at = jiff::Timestamp::from_microsecond(1_790_000_000_000_000 + number as i64).unwrap();
    let denied = number.is_multiple_of(20);
    let mut record = AuditRecord::new(
        at,
        "sarkd",
        "decision.llm",
        if denied { Outcome::Refused } else { Outcome::Ok },
        serde_json::json!({
            "input": {
                "id": format!("req-{number:08x}"), "operation": "chat", "user": "ada",
                "provider": "openai", "endpoint": "openai/api", "model": "gpt-5",
                "stream": true, "body_bytes": 1_200, "inspected": true,
            },
            "decision": {
                "allow": !denied, "action": if denied { "deny" } else { "audit" },
                "policy_id": "model-allow-list", "rule_id": "allowed", "severity": "info",
                "reason": "the group may use this model",
            },
        }),
    )
    .on(Evidence {
        registry_version: Some("sha256:ba7816bf8f01".into()),
        policy_version: Some("sha256:cfea414140de".into()),
        rules: vec!["llm-models/allowed".into()],
    })
    .about(Correlation {
        request: Some(format!("req-{number:08x}")),
        flow: Some(Flow {
            protocol: 6,
            source: ([10, 20, (number / 250 % 250) as u8, (number % 250) as u8], 40_000).into(),
            destination: ([203, 0, 113, 1], 443).into(),
        }),
        host: None,
        process: None,
        user: Some(format!("user{}", number % 500)),
        revision: None,
    });
    record.severity = if denied { Severity::Medium } else { Severity::Info };
    record
}
