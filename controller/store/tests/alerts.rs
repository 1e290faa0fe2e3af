//! The dispatcher's memory: one contract on all stores.

use std::sync::Arc;

use sark_core::audit::AuditRecord;
use sark_core::storage::alerts::{
    AlertStore as _, DeliveryFilter, MemoryAlerts, NewDelivery, Taken, contract,
};
use sark_core::storage::contract::record;
use sark_core::storage::{
    AuditStore as _, CheckpointStore as _, KeptCheckpoint, MemoryStore, StorageError,
};
use sark_store::on_both_engines;
use sark_store::test_util::TestPlace;

#[tokio::test]
async fn memory() {
    let base = Arc::new(MemoryStore::default());
    let store = MemoryAlerts::new(Arc::clone(&base));
    contract::run(&store, async || base.records(1000).await.unwrap().len()).await;
}

on_both_engines! {
    alerts_contract
    all_of_it_is_stored_or_nothing
    what_the_dispatcher_has_not_read_is_not_pruned
    what_is_damaged_hides_nothing
}

async fn alerts_contract(place: TestPlace) {
    let store = place.open().await;
    contract::run(&store, async || store.records(1000).await.unwrap().len()).await;
}

fn taken(from: u64, to: u64, deliveries: Vec<NewDelivery>) -> Taken {
    let at = "2026-11-28T12:00:00Z".parse().unwrap();
    Taken { from, to, at, groups: Vec::new(), closed: Vec::new(), deliveries }
}

fn delivery(id: &str, sequence: u64) -> NewDelivery {
    NewDelivery {
        id: id.into(),
        sink: "soc".into(),
        key: "k".into(),
        sequence,
        due_at: "2026-11-28T12:00:00Z".parse().unwrap(),
        hurries: false,
        message: serde_json::json!({}),
    }
}

/// A crash is as an error here: what was not committed is not there.
async fn all_of_it_is_stored_or_nothing(place: TestPlace) {
    let store = place.open().await;
    // No database has such a number: it fails at the second delivery, the cursor yet to be moved.
    let half = taken(0, 7, vec![delivery("a", 1), delivery("b", u64::MAX)]);
    store.take(&half).await.unwrap_err();
    assert_eq!(store.alert_cursor().await.unwrap(), 0);
    assert!(store.deliveries(&DeliveryFilter::default(), 9).await.unwrap().is_empty());
    assert!(store.take(&taken(0, 7, vec![delivery("a", 1)])).await.unwrap());
    assert_eq!(store.alert_cursor().await.unwrap(), 7);
    assert_eq!(store.deliveries(&DeliveryFilter::default(), 9).await.unwrap()[0].number, 1);
}

async fn what_the_dispatcher_has_not_read_is_not_pruned(place: TestPlace) {
    let store = place.open().await;
    store.append_all(&[record("one"), record("two"), record("three")]).await.unwrap();
    let head = store.stored_after(1, 1).await.unwrap()[0].head;
    let at = "2026-11-28T12:00:00Z".parse().unwrap();
    let kept = KeptCheckpoint { head, at, note: "n".into(), tree: "t".into() };
    store.keep_checkpoint(&kept).await.unwrap();
    // It has never read anything, and holds all of it.
    assert_eq!(store.cursors().await.unwrap(), [("alerts".to_owned(), 0)]);
    assert_eq!(store.prune(&head, &record("prune")).await.unwrap(), None);
    assert!(store.take(&taken(0, 1, Vec::new())).await.unwrap());
    assert_eq!(store.prune(&head, &record("prune")).await.unwrap(), None);
    // A dispatcher that was too slow moves nothing.
    assert!(!store.take(&taken(0, 3, Vec::new())).await.unwrap());
    assert_eq!(store.prune(&head, &record("prune")).await.unwrap(), None);
    assert!(store.take(&taken(1, 2, Vec::new())).await.unwrap());
    assert_eq!(store.cursors().await.unwrap(), [("alerts".to_owned(), 2)]);
    assert_eq!(store.prune(&head, &record("prune")).await.unwrap(), Some(2));
}

async fn what_is_damaged_hides_nothing(place: TestPlace) {
    let store = place.open().await;
    let alert = |event: &str| AuditRecord { notice: record("first").notice, ..record(event) };
    let plain = AuditRecord { notice: None, ..record("plain") };
    let all = [alert("one"), plain, alert("three"), alert("four"), alert("five"), alert("six")];
    store.append_all(&all).await.unwrap();
    let damage = match place {
        TestPlace::Sqlite(_) => {
            "DROP TRIGGER trail_is_final;
             UPDATE trail SET body = CAST(x'ff' AS TEXT) WHERE sequence = 3;"
        }
        // It takes no such octets.
        TestPlace::Postgres(_) => {
            "DROP TRIGGER trail_is_final ON trail;
             UPDATE trail SET body = 'x' WHERE sequence = 3;"
        }
    };
    place.raw(damage).await.unwrap();
    place.raw("UPDATE trail SET body = '{}' WHERE sequence = 5;").await.unwrap();
    let error = store.alerts_after(0, 9).await.unwrap_err();
    assert!(matches!(error, StorageError::Corrupt { .. }), "{error:?}");
    let read = async |after: u64, limit: u32| {
        let found = store.alerts_singly(after, limit).await.unwrap();
        let one = |(number, record): (u64, Result<AuditRecord, StorageError>)| match record {
            Ok(record) => format!("{number} {}", record.event),
            Err(error) => format!("{number}: {error}"),
        };
        found.into_iter().map(one).collect::<Vec<_>>()
    };
    let (three, five) = (
        "3: the store holds something unreadable in read a column",
        "5: the store holds something unreadable in audit record 5",
    );
    let three = match place {
        TestPlace::Sqlite(_) => three,
        TestPlace::Postgres(_) => "3: the store holds something unreadable in audit record 3",
    };
    assert_eq!(read(0, 9).await, ["1 one", three, "4 four", five, "6 six"]);
    assert_eq!(read(1, 2).await, [three, "4 four"]);
    assert!(read(6, 9).await.is_empty());
    store.close().await;
    // That it does not answer is no damage.
    let error = store.alerts_singly(0, 9).await.unwrap_err();
    assert!(matches!(error, StorageError::Unavailable { .. }), "{error:?}");
}
