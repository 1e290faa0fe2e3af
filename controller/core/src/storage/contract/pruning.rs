//! Checkpoints, cursors, and what may be pruned.

use super::record;
use super::trail::all;
use crate::audit::{Digest, Head};
use crate::storage::{AuditStore, Beginning, CheckpointStore, KeptCheckpoint};

/// All checks; other records are there, and no checkpoint.
pub(super) async fn run<S: AuditStore + CheckpointStore>(store: &S) {
    let records = all(store).await;
    let (first, second) = (records[records.len() / 2].head, records[records.len() - 1].head);
    checkpoints_are_kept(store, first, second).await;
    only_what_is_covered_and_read_is_pruned(store, first).await;
}

fn kept(head: Head, tree: &str) -> KeptCheckpoint {
    let at = "2026-11-28T12:00:00.5Z".parse().unwrap();
    KeptCheckpoint { head, at, note: "a note\n\n— é".into(), tree: tree.into() }
}

async fn checkpoints_are_kept<S: CheckpointStore>(store: &S, first: Head, second: Head) {
    assert_eq!(store.checkpoint_at(u64::MAX).await.unwrap(), None);
    assert_eq!(store.checkpoints_after(0, 9).await.unwrap(), []);
    for one in [kept(first, "one"), kept(second, "two"), kept(first, "not again")] {
        store.keep_checkpoint(&one).await.unwrap();
    }
    let (one, two) = (kept(first, "one"), kept(second, "two"));
    assert_eq!(store.checkpoint_at(first.sequence - 1).await.unwrap(), None);
    assert_eq!(store.checkpoint_at(second.sequence - 1).await.unwrap(), Some(one.clone()));
    assert_eq!(store.checkpoint_at(u64::MAX).await.unwrap(), Some(two.clone()));
    assert_eq!(store.checkpoints_after(0, 9).await.unwrap(), [one, two.clone()]);
    assert_eq!(store.checkpoints_after(first.sequence, 9).await.unwrap(), [two]);
}

async fn only_what_is_covered_and_read_is_pruned<S: AuditStore + CheckpointStore>(
    store: &S,
    first: Head,
) {
    let before = all(store).await;
    let other = Head { hash: Digest([7; 32]), ..first };
    let uncovered = before[before.len() / 2 + 1].head;
    for head in [other, uncovered] {
        assert_eq!(store.prune(&head, &record("prune")).await.unwrap(), None);
    }
    store.set_cursor("alerts", first.sequence - 1).await.unwrap();
    assert_eq!(store.prune(&first, &record("prune")).await.unwrap(), None);
    assert_eq!(all(store).await, before, "nothing went, nothing was written");
    assert_eq!(store.beginning().await.unwrap(), None);

    store.set_cursor("alerts", first.sequence).await.unwrap();
    store.set_cursor("other", u64::from(u32::MAX)).await.unwrap();
    let cursors = [("alerts".to_owned(), first.sequence), ("other".to_owned(), 4_294_967_295)];
    assert_eq!(store.cursors().await.unwrap(), cursors);
    let gone = store.prune(&first, &record("prune")).await.unwrap();
    assert_eq!(gone, Some(first.sequence));
    let begins = Beginning { head: first, tree: "one".into() };
    assert_eq!(store.beginning().await.unwrap(), Some(begins));
    let after = all(store).await;
    assert_eq!(after[..after.len() - 1], before[first.sequence as usize..]);
    assert_eq!(after[after.len() - 1].record().unwrap(), record("prune"));
    let mut head = first;
    for stored in &after {
        head = head.with_octets(stored.text.as_bytes());
        assert_eq!(stored.head, head, "the chain goes on from where it begins");
    }
    assert_eq!(store.prune(&first, &record("again")).await.unwrap(), None);
    assert_eq!(store.head().await.unwrap(), head);
}
