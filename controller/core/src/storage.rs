//! What a store must do. Adapters implement these traits; one contract suite runs on each.

pub mod alerts;
#[cfg(feature = "test-util")]
pub mod contract;
pub mod decision;
mod identity;
pub mod lease;
#[cfg(feature = "test-util")]
mod memory;
mod sensor;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::audit::{AuditRecord, Head, Page, Search, Stored, Written};

pub use decision::{Candidate, DecisionStore, Rollout, Stage, StoredSet};
pub use identity::{ApprovalStore, TokenStore};
pub use lease::{Lease, LeaseStore, Taking};
#[cfg(feature = "test-util")]
pub use memory::MemoryStore;
pub use sensor::{Added, Alike, LastReport, ReportFilter, SensorStore, StoredReport};

/// A policy file as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PolicyFile {
    /// Name as given, for messages.
    pub name: String,
    /// YAML.
    pub text: String,
}

/// One accepted state of the policy set; the newest is what routers shall hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Revision {
    /// From 1, without gaps.
    pub number: u64,
    /// When it was accepted.
    pub at: Timestamp,
    /// By whom.
    pub actor: String,
    /// Why: `apply`, `withdraw NAME`.
    pub cause: String,
    /// The whole policy set.
    pub files: Vec<PolicyFile>,
    /// When each policy (by name) was first applied in its present wording: `expires: 30d`
    /// counts from here.
    pub activated: std::collections::BTreeMap<String, Timestamp>,
    /// Registry version it was planned on.
    pub registry_version: String,
    /// Policy set version.
    pub policy_version: String,
    /// Rules announced, withdrawn and kept by its plan.
    pub announce: u64,
    /// See `announce`.
    pub withdraw: u64,
    /// See `announce`.
    pub keep: u64,
}

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Disk full, file locked, connection lost: nothing was written.
    #[error("the store could not {what}")]
    Unavailable {
        /// The operation.
        what: &'static str,
        /// Cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What is stored cannot be read.
    #[error("the store holds something unreadable in {what}")]
    Corrupt {
        /// Where.
        what: String,
        /// Cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// This number is not the newest plus one: somebody else stored a revision first.
    #[error("revision {0} is not the next one")]
    Conflict(u64),
    /// The mark of these records is elsewhere: somebody else moved it, or these were written before.
    #[error("the mark is at {0}, and not where it was thought to be: nothing was written")]
    Moved(u64),
    /// Several controllers share the store, and this one does not lead (any more): nothing was
    /// written.
    #[error("this sarkd does not lead{}: nothing was written", leader(.0.as_deref()))]
    NotLeading(
        /// Who does, or did last.
        Option<String>,
    ),
}

fn leader(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!(", {name} does"))
}

/// Revisions and their audit records, in one transaction.
#[async_trait]
pub trait RevisionStore: Send + Sync {
    /// Stores a revision (its number must be the newest plus one) and the record of it: both or,
    /// on any error, neither.
    async fn commit(&self, revision: &Revision, record: &AuditRecord) -> Result<(), StorageError>;
    /// The newest one's number.
    async fn newest(&self) -> Result<Option<u64>, StorageError>;
    /// The newest.
    async fn current(&self) -> Result<Option<Revision>, StorageError>;
    /// One.
    async fn revision(&self, number: u64) -> Result<Option<Revision>, StorageError>;
    /// Newest first, their files left out.
    async fn revisions(&self, limit: u32) -> Result<Vec<Revision>, StorageError>;
}

/// The audit trail: one chain, to which records are added and from which none is taken.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Appends these, in this order and without another's between them: all or, on an error, none.
    /// With a mark, that is moved in the same transaction; if it is elsewhere than it is thought to
    /// be, nothing is written ([`StorageError::Moved`]).
    async fn write(
        &self,
        records: &[Written],
        mark: Option<Mark<'_>>,
    ) -> Result<Head, StorageError>;
    /// The last record's place; [`Head::BEGINNING`] if there is none.
    async fn head(&self) -> Result<Head, StorageError>;
    /// Where a mark was moved to last; 0 if it never was.
    async fn mark(&self, name: &str) -> Result<u64, StorageError>;
    /// Those that a search finds, a page of them, with their numbers.
    async fn search(
        &self,
        search: &Search,
        page: Page,
    ) -> Result<Vec<(u64, AuditRecord)>, StorageError>;
    /// Those after this number (0 is before the first), oldest first, as they are stored.
    async fn stored_after(&self, sequence: u64, limit: u32) -> Result<Vec<Stored>, StorageError>;

    /// Appends one.
    async fn append(&self, record: &AuditRecord) -> Result<(), StorageError> {
        self.append_all(std::slice::from_ref(record)).await
    }

    /// Appends these: all or, on an error, none.
    async fn append_all(&self, records: &[AuditRecord]) -> Result<(), StorageError> {
        let written: Result<Vec<_>, _> = records.iter().map(Written::of).collect();
        let written = written.map_err(|source| StorageError::Unavailable {
            what: "write an audit record",
            source: source.into(),
        })?;
        self.write(&written, None).await.map(drop)
    }

    /// Newest first.
    async fn records(&self, limit: u32) -> Result<Vec<AuditRecord>, StorageError> {
        let page = Page::Back { before: None, limit };
        let found = self.search(&Search::default(), page).await?;
        Ok(found.into_iter().map(|(_, record)| record).collect())
    }

    /// Those after this number (0 is before the first), oldest first, with their numbers, which only
    /// grow.
    async fn records_after(
        &self,
        sequence: u64,
        limit: u32,
    ) -> Result<Vec<(u64, AuditRecord)>, StorageError> {
        self.search(&Search::default(), Page::On { after: sequence, limit }).await
    }

    /// Those after this number that have a notice, oldest first, and the number up to which that are
    /// all of them.
    async fn alerts_after(
        &self,
        sequence: u64,
        limit: u32,
    ) -> Result<(Vec<(u64, AuditRecord)>, u64), StorageError> {
        // The head first: what is added meanwhile is found too, or comes after it.
        let head = self.head().await?.sequence;
        if head <= sequence {
            return Ok((Vec::new(), sequence));
        }
        let search = Search { alerts: true, ..Search::default() };
        let found = self.search(&search, Page::On { after: sequence, limit }).await?;
        let last = found.last().map_or(sequence, |(last, _)| *last);
        let is_all = found.len() < limit as usize;
        Ok((found, if is_all { head.max(last) } else { last }))
    }
}

/// How far a source of records has been stored, so that none of them is stored twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark<'a> {
    /// Whose: `spool`.
    pub name: &'a str,
    /// Where it is before, as the source thinks: what was stored meanwhile is not stored again.
    pub after: u64,
    /// The source's own number of the last of its records.
    pub position: u64,
}

/// Where the trail was vouched for, and where it begins.
#[async_trait]
pub trait CheckpointStore: Send + Sync {
    /// Keeps a checkpoint; one of the same number that is kept already stays.
    async fn keep_checkpoint(&self, kept: &KeptCheckpoint) -> Result<(), StorageError>;
    /// The newest at or before this number.
    async fn checkpoint_at(&self, sequence: u64) -> Result<Option<KeptCheckpoint>, StorageError>;
    /// Those after this number, oldest first.
    async fn checkpoints_after(
        &self,
        sequence: u64,
        limit: u32,
    ) -> Result<Vec<KeptCheckpoint>, StorageError>;
    /// How far this reader has read. What it has not read is not pruned.
    async fn set_cursor(&self, reader: &str, sequence: u64) -> Result<(), StorageError>;
    /// All readers.
    async fn cursors(&self) -> Result<Vec<(String, u64)>, StorageError>;
    /// Where the trail begins; nothing if no record was ever pruned.
    async fn beginning(&self) -> Result<Option<Beginning>, StorageError>;
    /// Takes away what this checkpoint, which is kept, covers, and appends the record of it. Nothing
    /// happens, and `None` is the answer, if a reader has not read so far, if there is no such
    /// checkpoint of this hash, or if it is pruned already. The answer is how many went.
    async fn prune(&self, up_to: &Head, record: &AuditRecord) -> Result<Option<u64>, StorageError>;
}

/// A checkpoint as it is kept: `sark-audit` makes and reads its texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptCheckpoint {
    /// The last record that it covers.
    pub head: Head,
    /// When it was made.
    pub at: Timestamp,
    /// The signed note.
    pub note: String,
    /// The Merkle tree so far, to go on from.
    pub tree: String,
}

/// Where a pruned trail begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beginning {
    /// The last record that is gone.
    pub head: Head,
    /// The Merkle tree of what is gone.
    pub tree: String,
}
