//! Checkpoints are signed, anchored, and what they cover is pruned as configured.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sark_audit::{Checkpoint, Note, SigningKey};
use sark_controller::Metrics;
use sark_controller::trail::{Anchors, Auditor, AuditorSettings};
use sark_core::SystemClock;
use sark_core::audit::{AuditRecord, Outcome};
use sark_core::storage::{AuditStore, CheckpointStore, MemoryStore};
use tokio_util::sync::CancellationToken;

fn key() -> Arc<SigningKey> {
    Arc::new(SigningKey::from_seed("test/audit", &[5; 32]).unwrap())
}

async fn write(store: &MemoryStore, many: usize) {
    let at = jiff::Timestamp::UNIX_EPOCH;
    let record = AuditRecord::new(at, "sarkd", "test", Outcome::Ok, serde_json::json!({}));
    store.append_all(&vec![record; many]).await.unwrap();
}

/// An auditor that looks some times.
async fn audit(store: &Arc<MemoryStore>, anchor: &Path, keep_records: Option<u64>) {
    let settings =
        AuditorSettings { records: 10, interval: Duration::ZERO, keep_days: None, keep_records };
    let anchors = Anchors { file: Some(anchor.to_owned()), ..Anchors::default() };
    let (clock, metrics) = (Arc::new(SystemClock), Arc::new(Metrics::default()));
    let (store, health) = (Arc::clone(store) as _, Arc::default());
    let auditor = Auditor::begin(store, key(), anchors, settings, clock, metrics, health);
    let stop = CancellationToken::new();
    let running = tokio::spawn(auditor.await.unwrap().run(stop.clone()));
    tokio::time::sleep(Duration::from_secs(20)).await;
    stop.cancel();
    running.await.unwrap();
}

fn anchored(path: &Path) -> Vec<Checkpoint> {
    let notes = Note::parse_all(&std::fs::read_to_string(path).unwrap()).unwrap();
    notes.iter().map(|note| Checkpoint::open(note, key().public()).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn checkpoints_follow_each_other_across_restarts_and_are_anchored() {
    let directory = tempfile::tempdir().unwrap();
    let anchor = directory.path().join("anchors");
    let store: Arc<MemoryStore> = Arc::default();
    write(&store, 25).await;
    audit(&store, &anchor, None).await;
    write(&store, 3).await;
    audit(&store, &anchor, None).await;
    let anchors = anchored(&anchor);
    let covered: Vec<_> = anchors.iter().map(|one| one.head.sequence).collect();
    assert_eq!(covered, [10, 20, 25, 28]);
    let verified = sark_audit::verify(&*store, anchors, &mut |_| ()).await.unwrap();
    assert_eq!((verified.checkpoints, verified.vouched), (4, 28));
}

#[tokio::test(start_paused = true)]
async fn what_is_covered_and_read_is_pruned_and_the_rest_verifies() {
    let directory = tempfile::tempdir().unwrap();
    let anchor = directory.path().join("anchors");
    let store: Arc<MemoryStore> = Arc::default();
    write(&store, 45).await;
    store.set_cursor("alerts", 12).await.unwrap();
    audit(&store, &anchor, Some(5)).await;
    let begins = || async { store.beginning().await.unwrap().unwrap().head.sequence };
    assert_eq!(begins().await, 10, "not beyond the reader");
    store.set_cursor("alerts", 1000).await.unwrap();
    write(&store, 1).await;
    audit(&store, &anchor, Some(5)).await;
    let begun = begins().await;
    assert!((30..=45).contains(&begun), "{begun}");
    let verified = sark_audit::verify(&*store, anchored(&anchor), &mut |_| ()).await.unwrap();
    assert_eq!(verified.began, begun);
    let pruned = store.records(100).await.unwrap();
    let pruned: Vec<_> = pruned.iter().filter(|one| one.event == "audit.prune").collect();
    assert!((2..5).contains(&pruned.len()), "no pruning of what pruning writes: {pruned:?}");
    assert_eq!(pruned[0].detail["upTo"], begun);
}
