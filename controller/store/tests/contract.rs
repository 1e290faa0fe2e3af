//! One contract, two stores; and what only a database on a disk can do wrong.

use std::path::Path;

use sark_core::audit::AuditRecord;
use sark_core::storage::contract::{self, record, revision, run};
use sark_core::storage::{
    AuditStore, LeaseStore, MemoryStore, PolicyFile, Revision, RevisionStore, StorageError, Taking,
};
use sark_store::test_util::TestPlace;
use sark_store::{OpenError, Store, on_both_engines};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

#[tokio::test]
async fn memory() {
    run(&MemoryStore::default()).await;
    contract::lease::run(&MemoryStore::default()).await;
}

on_both_engines! {
    contract
    lease
    who_led_before_writes_nothing
    what_was_stored_is_there_after_a_restart
    of_many_writers_of_one_number_one_wins
    a_newer_schema_is_refused
    history_is_not_changed_and_damage_is_told
}

async fn contract(place: TestPlace) {
    run(&place.open().await).await;
}

async fn lease(place: TestPlace) {
    contract::lease::run(&place.open().await).await;
}

async fn who_led_before_writes_nothing(place: TestPlace) {
    let store = place.open().await;
    let (at, hour) = (record("x").at, std::time::Duration::from_secs(3600));
    let never = store.fenced(0);
    let error = never.append(&record("never led")).await.unwrap_err();
    assert!(matches!(error, StorageError::NotLeading(None)), "{error:?}");
    assert_eq!(store.take_lease("a", hour, at).await.unwrap(), Taking::Taken { fence: 1 });
    let first = store.fenced(1);
    first.commit(&revision(1), &record("first")).await.unwrap();
    assert!(never.append(&record("never led")).await.is_err());
    store.renew_lease(1, std::time::Duration::ZERO).await.unwrap();
    // Its time is over, but nobody else has begun: what it writes is in order.
    first.append(&record("late")).await.unwrap();
    assert_eq!(store.take_lease("b", hour, at).await.unwrap(), Taking::Taken { fence: 2 });
    let before = store.records(99).await.unwrap();
    for error in [
        first.commit(&revision(2), &record("too late")).await.unwrap_err(),
        first.append(&record("too late")).await.unwrap_err(),
    ] {
        let StorageError::NotLeading(leader) = error else { panic!("{error:?}") };
        assert_eq!(leader.as_deref(), Some("b"));
    }
    assert_eq!(store.records(99).await.unwrap(), before);
    store.fenced(2).commit(&revision(2), &record("second")).await.unwrap();
    // What anybody may write is written.
    store.append(&record("anybody")).await.unwrap();
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

/// SQLite has each look again and again, the longer it waited the more seldom: who came last would be first.
#[tokio::test]
async fn writers_come_in_the_order_in_which_they_asked() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sark.db");
    let store = Store::open(&path).await.unwrap();
    let options = SqliteConnectOptions::new().filename(&path);
    let mut another = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut another).await.unwrap();
    let millis = |millis| tokio::time::sleep(std::time::Duration::from_millis(millis));
    let (first, second) = (record("first"), record("second"));
    let asks_later = async {
        millis(300).await;
        store.append(&second).await
    };
    let lets_them = async {
        millis(340).await;
        sqlx::raw_sql("COMMIT").execute(&mut another).await
    };
    let (one, two, let_them) = tokio::join!(store.append(&first), asks_later, lets_them);
    one.unwrap();
    two.unwrap();
    let_them.unwrap();
    assert_eq!(store.records(9).await.unwrap(), [second, first]);
}

#[tokio::test]
async fn a_full_disk_refuses_and_leaves_nothing_half_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sark.db");
    let store = Store::open_bounded(&path, 100).await.unwrap();
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
        ["UPDATE revision SET actor = 'x'", "UPDATE trail SET actor = 'x'", "DELETE FROM trail"]
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
