//! What every store of decision sets must do.

#![expect(clippy::unwrap_used, reason = "a check that does not hold panics")]

use jiff::Timestamp;

use super::record;
use crate::ContentHash;
use crate::storage::decision::KEPT_ROLLOUTS;
use crate::storage::{
    AuditStore, Candidate, DecisionStore, PolicyFile, Rollout, Stage, StorageError, StoredSet,
};

fn at(second: i64) -> Timestamp {
    Timestamp::new(1_790_000_000 + second, 7_000).expect("a time in range")
}

fn set(name: &str) -> StoredSet {
    StoredSet {
        version: ContentHash::of(name.as_bytes()),
        name: format!("{name} é"),
        origin: "api".into(),
        revision: Some("r\"1".into()),
        signed_by: None,
        policies: 12,
        at: at(1),
        actor: "uid:0(root)".into(),
        files: vec![PolicyFile { name: "set.yaml".into(), text: "# é\n\0'\"\n".into() }],
    }
}

fn rollout(number: u64, active: &StoredSet, candidate: Option<(&StoredSet, Stage)>) -> Rollout {
    let candidate = candidate.map(|(set, stage)| Candidate { version: set.version.clone(), stage });
    Rollout {
        number,
        at: at(2),
        actor: "token:ci".into(),
        cause: "activate".into(),
        active: Some(active.version.clone()),
        candidate,
    }
}

/// All checks, on a store that is empty.
pub async fn run<S: DecisionStore + AuditStore>(store: &S) {
    assert_eq!(store.rollout().await.unwrap(), None);
    assert!(store.rollouts(10).await.unwrap().is_empty());
    assert!(store.decision_sets(10).await.unwrap().is_empty());
    let (one, two) = (set("one"), set("two"));
    assert_eq!(store.decision_set(&one.version).await.unwrap(), None);
    let first = rollout(1, &one, None);
    store.commit_rollout(Some(&one), &first, &record("first")).await.unwrap();
    assert_eq!(store.rollout().await.unwrap(), Some(first.clone()));
    assert_eq!(store.decision_set(&one.version).await.unwrap(), Some(one.clone()));
    // Neither twice nor with a gap: and then nothing of it is there.
    for number in [0, 1, 3, u64::MAX] {
        let wrong = rollout(number, &two, None);
        let error = store.commit_rollout(Some(&two), &wrong, &record("no")).await.unwrap_err();
        assert!(matches!(error, StorageError::Conflict(n) if n == number), "{error:?}");
    }
    assert_eq!(store.decision_set(&two.version).await.unwrap(), None);
    let canary = rollout(2, &one, Some((&two, Stage::Canary { percent: 7 })));
    store.commit_rollout(Some(&two), &canary, &record("second")).await.unwrap();
    let shadow = rollout(3, &one, Some((&two, Stage::Shadow)));
    // A set that is there stays as it came first.
    let again = StoredSet { actor: "another".into(), ..two.clone() };
    store.commit_rollout(Some(&again), &shadow, &record("third")).await.unwrap();
    assert_eq!(store.rollouts(2).await.unwrap(), [shadow, canary]);
    let bare = |set: &StoredSet| StoredSet { files: Vec::new(), ..set.clone() };
    assert_eq!(store.decision_sets(10).await.unwrap(), [bare(&two), bare(&one)]);
    assert_eq!(store.decision_sets(1).await.unwrap(), [bare(&two)]);
    let events: Vec<_> =
        store.records(3).await.unwrap().into_iter().map(|record| record.event).collect();
    assert_eq!(events, ["third", "second", "first"]);
    // What no rollout of the newest names is forgotten.
    let three = set("three");
    let four = Rollout { active: None, ..rollout(4, &three, None) };
    store.commit_rollout(None, &four, &record("none")).await.unwrap();
    for number in 5..=3 + KEPT_ROLLOUTS {
        let next = rollout(number, &three, None);
        store.commit_rollout(Some(&three), &next, &record("on")).await.unwrap();
    }
    assert!(store.decision_set(&two.version).await.unwrap().is_none());
    assert_eq!(store.decision_sets(10).await.unwrap(), [bare(&three)]);
}
