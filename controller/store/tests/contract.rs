//! One contract, two stores; and what only a database on a disk can do wrong.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, helpers included")]

use std::path::Path;

use sark_core::audit::{AuditRecord, Outcome};
use sark_core::storage::contract::{record, revision, run};
use sark_core::storage::{
    AuditStore, MemoryStore, PolicyFile, Revision, RevisionStore, StorageError,
};
use sark_store::test_util::TestPlace;
use sark_store::{OpenError, Store, on_both_engines};

#[tokio::test]
async fn memory() {
    run(&MemoryStore::default()).await;
}

on_both_engines! {
    contract
    what_was_stored_is_there_after_a_restart
    of_many_writers_of_one_number_one_wins
    a_newer_schema_is_refused
    history_is_not_changed_and_damage_is_told
}

async fn contract(place: TestPlace) {
    run(&place.open().await).await;
}

async fn what_was_stored_is_there_after_a_restart(place: TestPlace) {
    let store = place.open().await;
    store.commit(&revision(1), &record("first")).await.unwrap();
    store.close().await;
    let store = place.open().await;
    assert_eq!(store.current().await.unwrap(), Some(revision(1)));
    store.commit(&revision(2), &record("second")).await.unwrap();
    assert_eq!(store.records(9).await.unwrap(), [record("second"), record("first")]);
}

async fn of_many_writers_of_one_number_one_wins(place: TestPlace) {
    let stores = [place.open().await, place.open().await];
    for number in 1..=20 {
        let (r, a) = (revision(number), record("race"));
        let (one, two) = tokio::join!(stores[0].commit(&r, &a), stores[1].commit(&r, &a));
        let lost = match (one, two) {
            (Ok(()), Err(lost)) | (Err(lost), Ok(())) => lost,
            other => panic!("{number}: {other:?}"),
        };
        assert!(matches!(lost, StorageError::Conflict(n) if n == number), "{lost:?}");
    }
    assert_eq!(stores[0].records(100).await.unwrap().len(), 20);
}

#[tokio::test]
async fn a_full_disk_refuses_and_leaves_nothing_half_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sark.db");
    let store = Store::open_bounded(&path, 40).await.unwrap();
    let big = |number| Revision {
        files: vec![PolicyFile { name: "big.yaml".into(), text: "x".repeat(30_000) }],
        ..revision(number)
    };
    let mut stored = 0;
    let error = loop {
        match store.commit(&big(stored + 1), &record("fill")).await {
            Ok(()) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 100, "the database never filled up");
    };
    assert!(matches!(error, StorageError::Unavailable { .. }), "{error:?}");
    assert!(stored > 0);
    // A record that does not fit takes its revision with it.
    let mut huge = record("huge");
    huge.detail = serde_json::json!({ "why": "y".repeat(200_000) });
    let small = Revision { files: Vec::new(), ..revision(stored + 1) };
    store.commit(&small, &huge).await.unwrap_err();
    assert_whole(&store, stored).await;
    store.close().await;
    let store = Store::open(&path).await.unwrap();
    assert_whole(&store, stored).await;
    store.commit(&big(stored + 1), &record("space again")).await.unwrap();
}

async fn assert_whole(store: &Store, stored: u64) {
    assert_eq!(store.newest().await.unwrap(), Some(stored));
    let records: Vec<AuditRecord> = store.records(1000).await.unwrap();
    assert_eq!(records.len() as u64, stored, "one record per revision");
}

#[tokio::test]
async fn what_is_no_database_is_refused_with_its_path() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sark.db");
    std::fs::write(&path, "this is not a database, and longer than one header of it. ".repeat(20))
        .unwrap();
    let error = Store::open(&path).await.unwrap_err();
    assert!(error.to_string().contains("sark.db"), "{error}");
    let error = Store::open(Path::new("/nonexistent/sark.db")).await.unwrap_err();
    assert!(matches!(error, OpenError::Open { .. }), "{error:?}");
}

async fn a_newer_schema_is_refused(place: TestPlace) {
    place.open().await.close().await;
    let later =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'later', TRUE, '', 0)";
    place.raw(later).await.unwrap();
    let error = place.try_open().await.unwrap_err();
    assert!(matches!(error, OpenError::Newer { found: 9999, .. }), "{error:?}");
    assert!(error.to_string().contains("use the SARK that wrote it"), "{error}");
}

async fn history_is_not_changed_and_damage_is_told(place: TestPlace) {
    let store = place.open().await;
    store.commit(&revision(1), &record("first")).await.unwrap();
    for statement in
        ["UPDATE revision SET actor = 'x'", "UPDATE audit SET actor = 'x'", "DELETE FROM audit"]
    {
        assert!(place.raw(statement).await.is_err(), "{statement}");
    }
    place
        .raw(match place {
            TestPlace::Sqlite(_) => "DROP TRIGGER revision_is_final",
            TestPlace::Postgres(_) => "DROP TRIGGER revision_is_final ON revision",
        })
        .await
        .unwrap();
    place.raw("UPDATE revision SET files = '{'").await.unwrap();
    let error = store.current().await.unwrap_err();
    assert!(matches!(&error, StorageError::Corrupt { what, .. } if what.contains("revision 1")));
}

/// A record of a database from before records had evidence, correlation and notices.
#[tokio::test]
async fn a_record_of_an_earlier_schema_is_read() {
    let place = TestPlace::sqlite();
    place.open().await.close().await;
    for statement in [
        "ALTER TABLE audit DROP COLUMN context",
        "DELETE FROM _sqlx_migrations WHERE version = 3",
        r#"INSERT INTO audit (at, actor, event, outcome, detail)
           VALUES ('2026-11-20T07:00:00Z', 'sarkd', 'old', '"ok"', '{"a":1}')"#,
    ] {
        place.raw(statement).await.unwrap();
    }
    let store = place.open().await;
    let at = "2026-11-20T07:00:00Z".parse().unwrap();
    let old = AuditRecord::new(at, "sarkd", "old", Outcome::Ok, serde_json::json!({ "a": 1 }));
    assert_eq!(store.records(9).await.unwrap(), std::slice::from_ref(&old));
    store.append(&record("new")).await.unwrap();
    assert_eq!(store.records(9).await.unwrap(), [record("new"), old]);
}
