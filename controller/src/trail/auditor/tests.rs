use std::path::PathBuf;

use sark_core::SystemClock;
use sark_core::storage::{AuditStore as _, CheckpointStore as _, MemoryStore};
use sark_store::Store;
use sark_store::test_util::TestPlace;

use super::*;

fn key(seed: u8) -> Arc<SigningKey> {
    Arc::new(SigningKey::from_seed("test/audit", &[seed; 32]).unwrap())
}

async fn begin(
    store: &Arc<impl Storage + 'static>,
    seed: u8,
    file: Option<PathBuf>,
) -> (Auditor, Arc<TrailHealth>) {
    let settings = AuditorSettings {
        records: 10,
        interval: Duration::ZERO,
        keep_days: None,
        keep_records: None,
    };
    let (anchors, health) = (Anchors { file, ..Anchors::default() }, Arc::<TrailHealth>::default());
    let (clock, metrics) = (Arc::new(SystemClock), Arc::new(Metrics::default()));
    let told = Arc::clone(&health);
    let store = Arc::clone(store) as Arc<dyn Storage>;
    let made = Auditor::begin(store, key(seed), anchors, settings, clock, metrics, told);
    (made.await.unwrap(), health)
}

fn codes(health: &TrailHealth) -> Vec<String> {
    health.problems().into_iter().map(|problem| problem.code.to_owned()).collect()
}

async fn write(store: &impl Storage, many: usize) {
    let at = Timestamp::UNIX_EPOCH;
    let record = AuditRecord::new(at, "sarkd", "test", Outcome::Ok, json!({ "é": "ü" }));
    store.append_all(&vec![record; many]).await.unwrap();
}

#[tokio::test]
async fn a_key_that_is_not_that_of_the_newest_checkpoint_is_a_problem() {
    let store: Arc<MemoryStore> = Arc::default();
    write(&*store, 3).await;
    let (mut auditor, health) = begin(&store, 1, None).await;
    auditor.look(true).await;
    assert!(codes(&health).is_empty());
    let (_, health) = begin(&store, 1, None).await;
    assert!(codes(&health).is_empty(), "the same key");
    let (mut auditor, health) = begin(&store, 2, None).await;
    assert_eq!(codes(&health), ["audit-key-differs"]);
    let message = health.problems().remove(0).message;
    assert!(message.contains(&key(1).public().short()), "{message}");
    assert!(message.contains(&key(2).public().short()), "{message}");
    write(&*store, 3).await;
    auditor.look(true).await;
    let (_, health) = begin(&store, 2, None).await;
    assert!(codes(&health).is_empty(), "it has signed since");
}

#[tokio::test(start_paused = true)]
async fn an_anchor_that_fails_for_long_is_a_problem_until_it_works() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("away/anchors");
    let store: Arc<MemoryStore> = Arc::default();
    write(&*store, 3).await;
    let (mut auditor, health) = begin(&store, 1, Some(file.clone())).await;
    let mut look_for = async |seconds: u64| {
        for _ in 0..seconds {
            tokio::time::advance(Duration::from_secs(1)).await;
            auditor.look(false).await;
        }
    };
    look_for(120).await;
    assert!(codes(&health).is_empty(), "it may be short");
    look_for(300).await;
    assert_eq!(codes(&health), ["audit-anchor-file"]);
    std::fs::create_dir(directory.path().join("away")).unwrap();
    // No new record: the checkpoint that it has not is copied all the same.
    look_for(61).await;
    assert!(codes(&health).is_empty());
    let found = sark_audit::read_anchor(&std::fs::read_to_string(&file).unwrap());
    assert_eq!((found.notes.len(), found.torn.len()), (1, 0));
}

/// A bit after which the text is none: it was no finding, and no checkpoint came any more.
#[tokio::test]
async fn a_row_that_cannot_be_read_is_told_as_tampered_with() {
    let place = TestPlace::sqlite();
    let store: Arc<Store> = Arc::new(place.open().await);
    write(&*store, 8).await;
    let spoil = "DROP TRIGGER trail_is_final;
                 UPDATE trail SET body = CAST(x'FF' || body AS TEXT) WHERE sequence = 5";
    place.raw(spoil).await.unwrap();
    let (mut auditor, _) = begin(&store, 1, None).await;
    auditor.look(false).await;
    assert!(store.checkpoint_at(u64::MAX).await.unwrap().is_none(), "nothing is vouched for");
    let told = store.stored_after(8, 9).await.unwrap();
    let told: Vec<_> = told.iter().map(|stored| stored.record().unwrap()).collect();
    assert_eq!(told.len(), 1);
    assert_eq!((&*told[0].event, &told[0].detail["record"]), ("audit.tampered", &json!(5)));
    assert!(told[0].notice.is_some() && auditor.metrics.text().contains("sark_audit_bad 5"));
}
