//! Databases of every earlier schema are opened by today's code, on both engines, and nothing in
//! them is lost. What a SARK of schema N wrote is in `versions/N.sql`.

use std::time::Duration;

use sark_core::audit::{AuditRecord, Outcome};
use sark_core::storage::alerts::{AlertStore, DeliveryFilter, DeliveryState, contract as alerts};
use sark_core::storage::contract::{identity, record, revision, sensor};
use sark_core::storage::{
    ApprovalStore, AuditStore, CheckpointStore, LeaseStore, RevisionStore, SensorStore, Taking,
    TokenStore,
};
use sark_registry::storage::{EntryStore, FeedStore, LearnedStore, PriceStore, VersionStore};
use sark_store::test_util::{TestPlace, TestServer};
use sark_store::{Store, on_both_engines};

on_both_engines! {
    every_earlier_schema_is_brought_forward
    records_from_before_are_found_by_their_request
    opening_again_changes_nothing
}

async fn every_earlier_schema_is_brought_forward(place: TestPlace) {
    let all = place.migrations();
    for (last, _, _) in &all {
        let place = match place {
            TestPlace::Sqlite(_) => TestPlace::sqlite(),
            TestPlace::Postgres(_) => TestPlace::postgres(),
        };
        for (number, _, _) in all.iter().take_while(|(number, _, _)| number <= last) {
            place.migrate_to(*number).await;
            if let Some(rows) = rows_of(&place, *number) {
                place.raw(&rows).await.unwrap_or_else(|e| panic!("rows of schema {number}: {e}"));
            }
        }
        let store = place.open().await;
        holds(&store, *last).await;
        // And it is written to as any other.
        store.commit(&revision(2), &record("next")).await.unwrap();
        assert_eq!(store.newest().await.unwrap(), Some(2));
        assert_eq!(store.records(1).await.unwrap()[0].event, "next", "schema {last}");
    }
}

fn rows_of(place: &TestPlace, number: i64) -> Option<String> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/versions");
    let rows = std::fs::read_to_string(format!("{directory}/{number:04}.sql")).ok()?;
    Some(match place {
        TestPlace::Sqlite(_) => rows.replace("BYTEA '\\x", "x'").replace("BYTEA", "BLOB"),
        TestPlace::Postgres(_) => rows,
    })
}

/// What a database has that was written by all schemas up to this one.
async fn holds(store: &Store, schema: i64) {
    let stored = store.current().await.unwrap().unwrap();
    assert_eq!(stored.files, revision(1).files);
    assert_eq!((stored.at, stored.activated), (revision(1).at, revision(1).activated));
    assert_eq!(stored.announce, u64::from(u32::MAX) + 1);
    let at = "2026-11-20T07:00:00Z".parse().unwrap();
    let old = AuditRecord::new(at, "sarkd", "old", Outcome::Ok, serde_json::json!({ "a": 1 }));
    assert!(store.records(100).await.unwrap().contains(&old), "schema {schema}");
    if schema >= 2 {
        let endpoints = store.load_version(1).await.unwrap().unwrap();
        assert_eq!((endpoints.len(), endpoints[0].title.as_str()), (2, "a é"));
        assert_eq!(store.pinned().await.unwrap().unwrap().version, 1);
        let copy = store.copy_in_use("tor").await.unwrap().unwrap();
        assert_eq!(copy.parts[0].octets, b"good");
        assert_eq!(store.entries().await.unwrap()[0].owner, "netsec");
        assert_eq!(store.learned().await.unwrap().unwrap().document, "{}");
        assert_eq!(store.price_versions(9).await.unwrap()[0].number, 3);
    }
    let chained = sark_audit::verify(store, Vec::new(), &mut |_| ()).await.unwrap();
    assert_eq!(chained.head.sequence, store.records(100).await.unwrap().len() as u64);
    if schema >= 3 {
        assert!(store.records(100).await.unwrap().contains(&record("first")), "schema {schema}");
    }
    if schema >= 4 {
        // Chained by the SARK of then: as it was, in its order, and what it vouched for.
        assert_eq!(store.records(1).await.unwrap(), [record("chained")]);
        assert_eq!(store.mark("spool").await.unwrap(), 7);
        let kept = store.checkpoint_at(u64::MAX).await.unwrap().unwrap();
        assert_eq!(kept.head, store.stored_after(1, 1).await.unwrap()[0].head);
    }
    // Whatever the dispatcher had read: it is known as a reader, and nothing else is pruned.
    let read = if schema >= 5 { 2 } else { 0 };
    assert_eq!(store.alert_cursor().await.unwrap(), read, "schema {schema}");
    assert_eq!(store.cursors().await.unwrap(), [("alerts".to_owned(), read)], "schema {schema}");
    if schema >= 5 {
        assert_eq!(store.open_alerts(9).await.unwrap(), [alerts::group("k1", 9)]);
        let all = store.deliveries(&DeliveryFilter::default(), 9).await.unwrap();
        assert_eq!((all.len(), all[0].id.as_str(), all[1].id.as_str()), (2, "b", "a"));
        assert!(all.iter().all(|one| one.state == DeliveryState::Pending));
        assert_eq!(all[1].message, alerts::new("a", "soc", "k1", 0).message);
    }
    if schema >= 6 {
        let token = identity::token("é ci", 1);
        assert_eq!(store.token(&token.id).await.unwrap(), Some(token));
        assert_eq!(store.approvals(9).await.unwrap(), [identity::approval("one")]);
    }
    if schema >= 7 {
        let report = sensor::report("cat-1", "a", 1);
        assert_eq!(store.report("cat-1", &report.key, "a").await.unwrap(), Some(report));
    }
    if schema >= 10 {
        // The leader of then has ended, and the next one comes after it.
        let at = "2026-11-28T12:00:00Z".parse().unwrap();
        let taken = store.take_lease("sark-b", Duration::from_secs(60), at).await.unwrap();
        assert_eq!(taken, Taking::Taken { fence: 8 });
        assert_eq!(store.records(1).await.unwrap()[0].detail["lost"], "sark-a");
    }
}

/// Also where the text is odd, or somebody laid hands on it.
async fn records_from_before_are_found_by_their_request(place: TestPlace) {
    place.migrate_to(14).await;
    let bodies = [
        r#"{"about":{"request":"r1"},"detail":{}}"#,
        r#"{"about":{"request":"a\u0000b"},"detail":{}}"#,
        r#"{"about":{"request":""#,
        r#"{"about":{},"detail":{"about":{"request":"x"}}}"#,
    ];
    let hash = "00".repeat(32);
    let hash = match place {
        TestPlace::Sqlite(_) => format!("x'{hash}'"),
        TestPlace::Postgres(_) => format!("'\\x{hash}'::bytea"),
    };
    for (number, body) in (1..).zip(bodies) {
        let row = format!(
            "INSERT INTO trail (sequence, hash, body, at, actor, event, severity, is_alert)
             VALUES ({number}, {hash}, '{body}', 0, 'a', 'e', 0, false)"
        );
        place.raw(&row).await.unwrap();
    }
    let store = place.open().await;
    let stored = store.stored_after(0, 9).await.unwrap();
    let found: Vec<_> = stored.iter().map(|one| one.index.request.as_deref()).collect();
    assert_eq!(found, [Some("r1"), Some("a\u{fffd}b"), None, None]);
    // And they are as final as before.
    place.raw("UPDATE trail SET request = 'x' WHERE sequence = 1").await.unwrap_err();
}

async fn opening_again_changes_nothing(place: TestPlace) {
    let store = place.open().await;
    store.commit(&revision(1), &record("first")).await.unwrap();
    store.close().await;
    let store = place.open().await;
    assert_eq!(store.newest().await.unwrap(), Some(1));
}

#[tokio::test]
async fn of_many_that_start_at_once_one_migrates() {
    let place = TestPlace::postgres();
    let (a, b, c, d) =
        tokio::join!(place.try_open(), place.try_open(), place.try_open(), place.try_open());
    for store in [a, b, c, d] {
        assert_eq!(store.unwrap().newest().await.unwrap(), None);
    }
}

#[test]
fn both_engines_have_the_same_migrations() {
    let names = |place: TestPlace| -> Vec<_> {
        place.migrations().into_iter().map(|(number, name, _)| (number, name)).collect()
    };
    assert_eq!(names(TestPlace::sqlite()), names(TestPlace::postgres()));
}

/// Databases out there know a migration by its text: one that was released is never changed, not in
/// a comment either. A new one is added here when it is.
#[test]
fn what_was_released_is_not_changed() {
    const RELEASED: &[(i64, &str, &str)] = &[
        (1, "817e0652f9008fa4", "c412f693f60e425e"),
        (2, "eda407f874ffc464", "87b30548a9f9d6b3"),
        (3, "20e562f8320002f7", "0521de58082a46ca"),
    ];
    let (sqlite, postgres) = (TestPlace::sqlite().migrations(), TestPlace::postgres().migrations());
    for (number, on_sqlite, on_postgres) in RELEASED {
        for (all, sum) in [(&sqlite, on_sqlite), (&postgres, on_postgres)] {
            let found = all.iter().find(|(n, _, _)| n == number).map(|(_, _, sum)| sum);
            assert!(found.is_some_and(|found| found.starts_with(sum)), "{number}: {found:?}");
        }
    }
}

/// The data of the server of all tests is that of nobody else.
#[test]
fn the_server_of_tests_runs_as_nobody_important() {
    use std::os::unix::fs::MetadataExt as _;
    let data = TestServer::shared().directory().join("data");
    let owner = std::fs::metadata(data).unwrap().uid();
    assert_ne!(owner, 0, "PostgreSQL refuses to run as root");
}
