//! What every store must do, as checks that panic. Each wants a store that is empty.

#![expect(clippy::unwrap_used, reason = "a check that does not hold panics")]

pub mod decision;
pub mod identity;
pub mod lease;
mod pruning;
pub mod sensor;
mod trail;

use jiff::Timestamp;

use super::{AuditStore, CheckpointStore, PolicyFile, Revision, RevisionStore, StorageError};
use crate::audit::{AuditRecord, Correlation, Evidence, Flow, Notice, Outcome};
use crate::decision::Severity;

/// A revision of this number, with content that round-trips badly if anything is careless.
#[must_use]
pub fn revision(number: u64) -> Revision {
    let at = Timestamp::new(1_790_000_000, 123_456_789).expect("a time in range");
    Revision {
        number,
        at,
        actor: "uid:0(root)".into(),
        cause: "apply".into(),
        files: vec![
            PolicyFile { name: "b.yaml".into(), text: "# é\n\0'\"\nx: 1\n".into() },
            PolicyFile { name: "a.yaml".into(), text: String::new() },
        ],
        activated: [("a".into(), at), ("b".into(), Timestamp::UNIX_EPOCH)].into(),
        registry_version: "sha256:00".into(),
        policy_version: format!("sha256:{number:02x}"),
        announce: u64::from(u32::MAX) + number % 1000,
        withdraw: 2,
        keep: 3,
    }
}

/// A record of this event.
#[must_use]
pub fn record(event: &str) -> AuditRecord {
    let at = Timestamp::new(1_790_000_000, 1).expect("a time in range");
    let detail = serde_json::json!({ "revision": 1, "why": "a \"b\" é" });
    let notice = Notice {
        key: format!("{event}:é"),
        title: "a \"b\"".into(),
        resolved: true,
        routes: vec!["on-call".into()],
        runbook: Some("feeds".into()),
        facts: [("feed".into(), "tor".into())].into(),
    };
    AuditRecord::new(at, "uid:1000(noc)", event, Outcome::Ok, detail)
        .on(Evidence {
            registry_version: Some("sha256:00".into()),
            policy_version: None,
            rules: vec!["a/b".into()],
        })
        .about(Correlation {
            flow: Some(Flow {
                protocol: 6,
                source: ([192, 0, 2, 1], 40_000).into(),
                destination: ([203, 0, 113, 1], 443).into(),
            }),
            revision: Some(1),
            ..Correlation::default()
        })
        .told(Severity::High, notice)
}

/// All checks, on a store that is empty.
pub async fn run<S: RevisionStore + AuditStore + CheckpointStore>(store: &S) {
    empty(store).await;
    round_trip(store).await;
    conflicts_write_nothing(store).await;
    lists_are_newest_first(store).await;
    records_are_read_on_from_a_number(store).await;
    trail::run(store).await;
    pruning::run(store).await;
}

async fn empty<S: RevisionStore + AuditStore>(store: &S) {
    assert_eq!(store.newest().await.unwrap(), None);
    assert_eq!(store.current().await.unwrap(), None);
    assert_eq!(store.revision(1).await.unwrap(), None);
    assert_eq!(store.revision(u64::MAX).await.unwrap(), None);
    assert!(store.revisions(10).await.unwrap().is_empty());
    assert!(store.records(10).await.unwrap().is_empty());
}

async fn round_trip<S: RevisionStore + AuditStore>(store: &S) {
    store.commit(&revision(1), &record("flowspec.apply")).await.unwrap();
    assert_eq!(store.newest().await.unwrap(), Some(1));
    assert_eq!(store.current().await.unwrap(), Some(revision(1)));
    assert_eq!(store.revision(1).await.unwrap(), Some(revision(1)));
    assert_eq!(store.records(10).await.unwrap(), [record("flowspec.apply")]);
    store.append(&record("sarkd.start")).await.unwrap();
    assert_eq!(store.records(1).await.unwrap(), [record("sarkd.start")]);
}

async fn conflicts_write_nothing<S: RevisionStore + AuditStore>(store: &S) {
    let before = store.records(100).await.unwrap();
    for number in [0, 1, 3, u64::MAX] {
        let error = store.commit(&revision(number), &record("conflict")).await.unwrap_err();
        assert!(matches!(error, StorageError::Conflict(n) if n == number), "{number}: {error:?}");
    }
    assert_eq!(store.current().await.unwrap(), Some(revision(1)));
    assert_eq!(store.records(100).await.unwrap(), before);
}

async fn lists_are_newest_first<S: RevisionStore + AuditStore>(store: &S) {
    store.commit(&revision(2), &record("second")).await.unwrap();
    store.commit(&revision(3), &record("third")).await.unwrap();
    let listed = store.revisions(2).await.unwrap();
    assert_eq!(listed.iter().map(|r| r.number).collect::<Vec<_>>(), [3, 2]);
    assert_eq!(listed[0], Revision { files: Vec::new(), ..revision(3) });
    assert_eq!(store.revision(2).await.unwrap(), Some(revision(2)));
    let records = store.records(2).await.unwrap();
    assert_eq!(records.iter().map(|r| r.event.as_str()).collect::<Vec<_>>(), ["third", "second"]);
    assert!(store.revisions(0).await.unwrap().is_empty());
}

async fn records_are_read_on_from_a_number<S: AuditStore>(store: &S) {
    let all = store.records_after(0, 100).await.unwrap();
    let mut newest_first = store.records(100).await.unwrap();
    newest_first.reverse();
    assert_eq!(all.iter().map(|(_, record)| record.clone()).collect::<Vec<_>>(), newest_first);
    assert!(all.is_sorted_by(|(a, _), (b, _)| a < b), "{all:?}");
    assert_eq!(store.records_after(all[0].0, 2).await.unwrap(), all[1..3]);
    assert!(store.records_after(all[all.len() - 1].0, 100).await.unwrap().is_empty());
    assert!(store.records_after(u64::MAX, 100).await.unwrap().is_empty());
    assert!(store.records_after(0, 0).await.unwrap().is_empty());
}
