//! The registry's contract on its stores.

use sark_core::storage::contract::{record, revision};
use sark_core::storage::{AuditStore, Revision, RevisionStore, StorageError};
use sark_registry::storage::contract::{at, origin, run, snapshot};
use sark_registry::storage::{
    EntryStore, LearnedStore, MemoryRegistry, Pruned, Saved, UserEntry, VersionStore,
};
use sark_store::test_util::TestPlace;
use sark_store::{Store, on_both_engines};

#[tokio::test]
async fn memory() {
    let store = MemoryRegistry::default();
    run(&store, store.base()).await;
    rest(&store).await;
}

on_both_engines! {
    contract
    a_version_that_a_policy_revision_names_is_kept
}

async fn contract(place: TestPlace) {
    let store = place.open().await;
    run(&store, &store).await;
    rest(&store).await;
}

async fn rest<S: EntryStore + LearnedStore>(store: &S) {
    let entry = UserEntry {
        name: "a".into(),
        text: "x: 1\n\0'\"".into(),
        owner: "netsec".into(),
        created_at: at(1),
        actor: "uid:0(root)".into(),
        expires: Some(at(2)),
    };
    store.put_entry(&entry, &record("put")).await.unwrap();
    assert_eq!(store.entries().await.unwrap(), [entry]);
    assert!(store.delete_entry("a", &record("delete")).await.unwrap());
    assert!(!store.delete_entry("a", &record("delete")).await.unwrap());
    assert_eq!(store.learned().await.unwrap(), None);
    for document in ["{}", "[]"] {
        store.save_learned(document, at(3)).await.unwrap();
        let saved = Saved { document: document.into(), at: at(3) };
        assert_eq!(store.learned().await.unwrap(), Some(saved));
    }
}

async fn a_version_that_a_policy_revision_names_is_kept(place: TestPlace) {
    let store = place.open().await;
    for number in 1..=3 {
        let next = snapshot(3, &format!("title {number}"));
        store.commit_version(&next, &origin("feed"), None).await.unwrap();
    }
    let named = store.version(1).await.unwrap().unwrap().hash.to_string();
    let named = Revision { registry_version: named, ..revision(1) };
    store.commit(&named, &record("apply")).await.unwrap();
    assert_eq!(store.prune(1).await.unwrap(), Pruned { versions: 1, objects: 1 });
    assert!(store.load_version(1).await.unwrap().is_some());
}

#[tokio::test]
async fn a_full_disk_stores_no_half_version() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sark.db");
    let store = Store::open_bounded(&path, 120).await.unwrap();
    let mut stored = 0;
    let error = loop {
        let next = snapshot(9, &format!("{stored}").repeat(20_000));
        let record = record("version");
        match store.commit_version(&next, &origin("fill"), Some(&record)).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 100, "the database never filled up");
    };
    assert!(matches!(error, StorageError::Unavailable { .. }), "{error:?}");
    assert!(stored > 0);
    store.close().await;
    let store = Store::open(&path).await.unwrap();
    assert_eq!(store.newest_version().await.unwrap().unwrap().number, stored);
    assert!(store.load_version(stored).await.unwrap().is_some());
    assert_eq!(store.records(1000).await.unwrap().len() as u64, stored);
}
