//! Walks through a trail where it is stored, a page at a time.

use async_trait::async_trait;
use sark_core::audit::{Digest, Head, Stored};
use sark_core::storage::{AuditStore, Beginning, CheckpointStore, StorageError};

use crate::{Bad, Checkpoint, Proof, ProofError, Ranges, Tree, TreeError, Verified, Verifier};

/// Records read at a time.
const PAGE: u32 = 2_000;

/// Where a trail is read: a store, or a controller that is asked for what its store holds.
#[async_trait]
pub trait Source: Send + Sync {
    /// See [`AuditStore::head`].
    async fn head(&self) -> Result<Head, StorageError>;
    /// See [`CheckpointStore::beginning`].
    async fn beginning(&self) -> Result<Option<Beginning>, StorageError>;
    /// See [`AuditStore::stored_after`].
    async fn stored_after(&self, sequence: u64, limit: u32) -> Result<Vec<Stored>, StorageError>;
}

#[async_trait]
impl<S: AuditStore + CheckpointStore + ?Sized> Source for S {
    async fn head(&self) -> Result<Head, StorageError> {
        AuditStore::head(self).await
    }

    async fn beginning(&self) -> Result<Option<Beginning>, StorageError> {
        CheckpointStore::beginning(self).await
    }

    async fn stored_after(&self, sequence: u64, limit: u32) -> Result<Vec<Stored>, StorageError> {
        AuditStore::stored_after(self, sequence, limit).await
    }
}

/// Why a walk did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StorageError),
    /// The trail is not as it was written.
    #[error("the audit trail is not as it was written")]
    Bad(#[from] Bad),
    /// The tree that a pruned trail begins with.
    #[error("where the audit trail begins cannot be read")]
    Beginning(#[from] TreeError),
    /// A proof.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The record that is to be proven is not there.
    #[error("there is no record {0}")]
    Absent(u64),
}

/// Where the trail of this store begins, and the tree of what is gone.
async fn beginning<S: Source + ?Sized>(store: &S) -> Result<(Head, Tree), WalkError> {
    Ok(match store.beginning().await? {
        None => (Head::BEGINNING, Tree::default()),
        Some(beginning) => (beginning.head, beginning.tree.parse()?),
    })
}

/// Records after this number, at most so many. Where the store cannot read a page, smaller ones are
/// tried: the record that cannot be read is named, and those before it are handed out.
pub async fn page<S: Source + ?Sized>(
    store: &S,
    after: u64,
    most: u32,
) -> Result<Vec<Stored>, WalkError> {
    let mut limit = most;
    loop {
        match store.stored_after(after, limit).await {
            Err(StorageError::Corrupt { .. }) if limit > 1 => limit /= 2,
            Err(StorageError::Corrupt { what, .. }) => {
                let (sequence, fault) = (after + 1, crate::Fault::Damaged(what));
                return Err(Bad { sequence, fault }.into());
            }
            answer => return Ok(answer?),
        }
    }
}

/// Verifies the whole trail; of records that are added meanwhile, those that it reaches.
pub async fn verify<S: Source + ?Sized>(
    store: &S,
    anchors: Vec<Checkpoint>,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Verified, WalkError> {
    // Read first: what is added later lies after it.
    let end = store.head().await?;
    let (head, tree) = beginning(store).await?;
    let mut verifier = Verifier::new(head, tree, anchors)?.from_beginning();
    loop {
        let page = page(store, verifier.head().sequence, PAGE).await?;
        if page.is_empty() {
            break;
        }
        for stored in &page {
            verifier.push(stored)?;
            if stored.head.sequence == end.sequence && stored.head != end {
                return Err(Bad { sequence: end.sequence, fault: crate::Fault::Head }.into());
            }
        }
        progress(verifier.head().sequence);
    }
    let reached = verifier.head();
    let known = if end.sequence > reached.sequence { end } else { reached };
    Ok(verifier.finish(Some(known))?)
}

/// What shows that a record is in the tree of a checkpoint: its text, and the proof.
pub async fn prove<S: Source + ?Sized>(
    store: &S,
    sequence: u64,
    checkpoint: u64,
) -> Result<(String, Proof), WalkError> {
    let index = sequence.checked_sub(1).ok_or(WalkError::Absent(sequence))?;
    let (head, tree) = beginning(store).await?;
    if head.sequence >= sequence {
        return Err(ProofError::Pruned(sequence).into());
    }
    let mut ranges = Ranges::new(&crate::inclusion(index, checkpoint)?, &tree)?;
    let (mut after, mut text) = (head.sequence, None);
    while after < checkpoint {
        let page = store.stored_after(after, PAGE).await?;
        if page.is_empty() {
            break;
        }
        for stored in page {
            after = stored.head.sequence;
            ranges.push(Digest::of_leaf(stored.text.as_bytes()));
            if after == sequence {
                text = Some(stored.text);
            }
        }
    }
    Ok((text.ok_or(WalkError::Absent(sequence))?, ranges.finish()?))
}
