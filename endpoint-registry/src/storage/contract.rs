//! What every store of the registry must do, as checks that panic. Each wants a store that is
//! empty.

#![expect(clippy::unwrap_used, reason = "a check that does not hold panics")]

use jiff::Timestamp;
use sark_core::ContentHash;
use sark_core::storage::AuditStore;
use sark_core::storage::contract::record;

use super::{Check, CheckOutcome, FeedCopy, Origin, Part, PriceVersion, Pruned, RegistryStore};
use crate::{Endpoint, Snapshot};

/// A time, in seconds after one that is awkward to store.
#[must_use]
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::new(1_790_000_000 + seconds, 123_456_789).expect("a time in range")
}

/// An origin with this cause.
#[must_use]
pub fn origin(cause: &str) -> Origin {
    Origin { at: at(0), cause: cause.into(), actor: "uid:1000(\"noc\" é)".into() }
}

/// The seed's first endpoints, one of which has this title.
#[must_use]
pub fn snapshot(endpoints: usize, title: &str) -> Snapshot {
    let mut endpoints: Vec<Endpoint> = crate::seed().into_iter().take(endpoints).collect();
    if let Some(first) = endpoints.first_mut() {
        first.title = title.into();
    }
    Snapshot::build(endpoints)
}

/// All checks; `store` is empty and writes its audit records to `trail`.
pub async fn run<S: RegistryStore, T: AuditStore>(store: &S, trail: &T) {
    let first = snapshot(5, "\u{e9}\n\0'");
    let done = store.commit_version(&first, &origin("start"), Some(&record("a"))).await.unwrap();
    assert!(done.stored && done.version.number == 1 && done.version.counts.added == 5);
    let again = store.commit_version(&first, &origin("again"), Some(&record("b"))).await.unwrap();
    assert!(!again.stored);
    assert_eq!(again.version, done.version);
    assert_eq!(trail.records(9).await.unwrap(), [record("a")]);
    assert_eq!(store.load_version(1).await.unwrap().unwrap(), first.endpoints());
    assert_eq!(store.manifest(1).await.unwrap(), Some(first.manifest()));
    assert!(!store.pin(Some(7), at(1), "ann", &record("pin")).await.unwrap());
    assert!(store.pin(Some(1), at(1), "ann", &record("pin")).await.unwrap());
    for number in 2..=4 {
        let next = snapshot(5, &format!("title {number}"));
        store.commit_version(&next, &origin("feed b"), None).await.unwrap();
    }
    assert_eq!(store.by_hash("%").await.unwrap(), []);
    assert_eq!(store.by_hash(first.version().as_str()).await.unwrap(), [done.version]);
    // The pinned one and the newest stay; 2 and 3 each held one endpoint alone.
    assert_eq!(store.prune(0).await.unwrap(), Pruned { versions: 2, objects: 2 });
    let left: Vec<_> = store.versions(9, None).await.unwrap().iter().map(|v| v.number).collect();
    assert_eq!(left, [4, 1]);
    assert_eq!(store.load_version(1).await.unwrap().unwrap(), first.endpoints());
    feeds(store).await;
    prices(store, trail).await;
}

async fn feeds<S: RegistryStore>(store: &S) {
    let copy = |seconds, octets: &[u8]| FeedCopy {
        parts: vec![Part { name: "https://example.com/a".into(), octets: octets.to_vec() }],
        validators: serde_json::json!({ "etag": seconds }),
        fetched_at: at(seconds),
    };
    let check = |outcome| Check { at: at(9), outcome, failures: 0 };
    let (good, bad) = (copy(1, b"good\0"), copy(2, b"bad\xff"));
    store.use_copy("tor", &good, &check(CheckOutcome::Changed), None).await.unwrap();
    let doubts = serde_json::json!(["default-route"]);
    store.hold("tor", &bad, &doubts, &check(CheckOutcome::Held), None).await.unwrap();
    assert_eq!(store.copy_in_use("tor").await.unwrap(), Some(good.clone()));
    assert_eq!(store.copy_pending("tor").await.unwrap(), Some(bad.clone()));
    assert!(!store.accept("tor", &good.hash(), at(3), &record("accept")).await.unwrap());
    assert!(store.reject("tor", &bad.hash(), at(3), "ann", &record("reject")).await.unwrap());
    assert_eq!(store.copy_pending("tor").await.unwrap(), None);
    store.hold("tor", &bad, &doubts, &check(CheckOutcome::Held), None).await.unwrap();
    assert!(store.accept("tor", &bad.hash(), at(4), &record("accept")).await.unwrap());
    assert_eq!(store.copy_in_use("tor").await.unwrap(), Some(bad));
    let state = store.feed("tor").await.unwrap().unwrap();
    let now = state.in_use.unwrap();
    assert_eq!((now.first_seen, now.last_changed), (at(1), at(4)));
    assert!(state.rejected.is_some() && state.pending.is_none());
}

async fn prices<S: RegistryStore, T: AuditStore>(store: &S, trail: &T) {
    let told = |text: &'static str| async move {
        let records = trail.records(100).await.unwrap();
        records.iter().filter(|known| **known == record(text)).count()
    };
    let list = "{\"\u{e9}\\u0000'\": {}}\n";
    let first = store.commit_prices(list, &origin("feed p"), Some(&record("list"))).await.unwrap();
    assert_eq!((first.0.number, first.1), (1, true));
    assert_eq!(first.0.hash, ContentHash::of(list.as_bytes()));
    let again = store.commit_prices(list, &origin("again"), Some(&record("same"))).await.unwrap();
    assert_eq!(again, (first.0.clone(), false));
    assert_eq!((told("list").await, told("same").await), (1, 0));
    for document in ["{}", "{ }", "{}"] {
        assert!(store.commit_prices(document, &origin("b"), None).await.unwrap().1);
    }
    assert_eq!(store.prices(Some(1)).await.unwrap().as_deref(), Some(list));
    assert_eq!(store.prices(Some(3)).await.unwrap().as_deref(), Some("{ }"));
    assert_eq!(store.prices(Some(9)).await.unwrap(), None);
    let numbers = |versions: Vec<PriceVersion>| -> Vec<u64> {
        versions.iter().map(|version| version.number).collect()
    };
    assert_eq!(numbers(store.price_versions(3).await.unwrap()), [4, 3, 2]);
    assert_eq!(store.prune_prices(2).await.unwrap(), 2);
    assert_eq!(store.prices(Some(1)).await.unwrap(), None);
    assert_eq!(store.prune_prices(0).await.unwrap(), 1);
    assert_eq!(store.prices(None).await.unwrap().as_deref(), Some("{}"));
    let next = store.commit_prices(list, &origin("c"), None).await.unwrap();
    assert_eq!(next.0.number, 5, "a number is never used again");
}
