//! A store in memory that can be told to fail.

mod decision;
mod identity;
mod lease;
mod sensor;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{
    AuditStore, Beginning, CheckpointStore, KeptCheckpoint, Mark, Revision, RevisionStore, Rollout,
    StorageError, StoredReport, StoredSet,
};
use crate::approval::Approval;
use crate::audit::{AuditRecord, Head, Page, Search, Stored, UnreadableRecord, Written};
use crate::identity::Token;

/// Keeps everything until dropped.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    revisions: Vec<Revision>,
    tokens: Vec<Token>,
    approvals: Vec<Approval>,
    reports: Vec<StoredReport>,
    sets: Vec<StoredSet>,
    rollouts: Vec<Rollout>,
    records: Vec<Stored>,
    marks: BTreeMap<String, u64>,
    cursors: BTreeMap<String, u64>,
    checkpoints: BTreeMap<u64, KeptCheckpoint>,
    beginning: Option<Beginning>,
    broken: bool,
    lease: lease::Held,
}

impl State {
    fn head(&self) -> Head {
        let beginning = self.beginning.as_ref().map_or(Head::BEGINNING, |beginning| beginning.head);
        self.records.last().map_or(beginning, |last| last.head)
    }

    fn push(&mut self, written: &Written) {
        let head = self.head().with_octets(written.text().as_bytes());
        let (text, index) = (written.text().to_owned(), written.index().clone());
        self.records.push(Stored { head, text, index, unreadable: None });
    }

    fn record(&mut self, record: &AuditRecord) -> Result<(), StorageError> {
        self.push(&Written::of(record).map_err(unwritten)?);
        Ok(())
    }
}

impl MemoryStore {
    /// From now on every call fails (or works again).
    pub fn set_broken(&self, broken: bool) {
        self.lock().broken = broken;
    }

    /// Fails if it was told to fail; for stores in memory that stand on this one.
    pub fn check(&self, what: &'static str) -> Result<(), StorageError> {
        self.open(what).map(drop)
    }

    /// [`AuditStore::append`], without waiting.
    pub fn append_now(&self, record: &AuditRecord) -> Result<(), StorageError> {
        self.open("append to the audit trail")?.record(record)
    }

    /// [`CheckpointStore::set_cursor`], without waiting.
    pub fn read_up_to(&self, reader: &str, sequence: u64) {
        self.lock().cursors.insert(reader.to_owned(), sequence);
    }

    /// Whether a revision was planned on this registry version.
    #[must_use]
    pub fn names_registry(&self, version: &str) -> bool {
        self.lock().revisions.iter().any(|r| r.registry_version == version)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, what: &'static str) -> Result<MutexGuard<'_, State>, StorageError> {
        let state = self.lock();
        if state.broken {
            return Err(StorageError::Unavailable { what, source: "told to fail".into() });
        }
        Ok(state)
    }
}

#[async_trait]
impl RevisionStore for MemoryStore {
    async fn commit(&self, revision: &Revision, record: &AuditRecord) -> Result<(), StorageError> {
        let mut state = self.open("store a revision")?;
        let next = state.revisions.last().map_or(1, |r| r.number + 1);
        if revision.number != next {
            return Err(StorageError::Conflict(revision.number));
        }
        let record = Written::of(record).map_err(unwritten)?;
        state.revisions.push(revision.clone());
        state.push(&record);
        Ok(())
    }

    async fn newest(&self) -> Result<Option<u64>, StorageError> {
        Ok(self.open("read the newest revision")?.revisions.last().map(|r| r.number))
    }

    async fn current(&self) -> Result<Option<Revision>, StorageError> {
        Ok(self.open("read the newest revision")?.revisions.last().cloned())
    }

    async fn revision(&self, number: u64) -> Result<Option<Revision>, StorageError> {
        let state = self.open("read a revision")?;
        Ok(state.revisions.iter().find(|r| r.number == number).cloned())
    }

    async fn revisions(&self, limit: u32) -> Result<Vec<Revision>, StorageError> {
        let state = self.open("list revisions")?;
        let newest = state.revisions.iter().rev().take(limit as usize);
        Ok(newest.map(|r| Revision { files: Vec::new(), ..r.clone() }).collect())
    }
}

#[async_trait]
impl AuditStore for MemoryStore {
    async fn write(
        &self,
        records: &[Written],
        mark: Option<Mark<'_>>,
    ) -> Result<Head, StorageError> {
        let mut state = self.open("append to the audit trail")?;
        if let Some(Mark { name, after, position }) = mark {
            let found = state.marks.get(name).copied().unwrap_or(0);
            if found != after {
                return Err(StorageError::Moved(found));
            }
            state.marks.insert(name.to_owned(), position);
        }
        records.iter().for_each(|record| state.push(record));
        Ok(state.head())
    }

    async fn head(&self) -> Result<Head, StorageError> {
        Ok(self.open("read the audit trail")?.head())
    }

    async fn mark(&self, name: &str) -> Result<u64, StorageError> {
        Ok(self.open("read a mark")?.marks.get(name).copied().unwrap_or(0))
    }

    async fn search(
        &self,
        search: &Search,
        page: Page,
    ) -> Result<Vec<(u64, AuditRecord)>, StorageError> {
        let state = self.open("read the audit trail")?;
        let (first, past, limit) = match page {
            Page::Back { before, limit } => (1, before.unwrap_or(u64::MAX), limit),
            Page::On { after, limit } => (after.saturating_add(1), u64::MAX, limit),
        };
        let mut found = Vec::new();
        for stored in &state.records {
            let number = stored.head.sequence;
            let record = stored.record().map_err(unwritten)?;
            if (first..past).contains(&number) && search.finds(&record) {
                found.push((number, record));
            }
        }
        if matches!(page, Page::Back { .. }) {
            found.reverse();
        }
        found.truncate(limit as usize);
        Ok(found)
    }

    async fn stored_after(&self, sequence: u64, limit: u32) -> Result<Vec<Stored>, StorageError> {
        let state = self.open("read the audit trail")?;
        let after = state.records.iter().filter(|stored| stored.head.sequence > sequence);
        Ok(after.take(limit as usize).cloned().collect())
    }
}

#[async_trait]
impl CheckpointStore for MemoryStore {
    async fn keep_checkpoint(&self, kept: &KeptCheckpoint) -> Result<(), StorageError> {
        let mut state = self.open("keep a checkpoint")?;
        state.checkpoints.entry(kept.head.sequence).or_insert_with(|| kept.clone());
        Ok(())
    }

    async fn checkpoint_at(&self, sequence: u64) -> Result<Option<KeptCheckpoint>, StorageError> {
        let state = self.open("read a checkpoint")?;
        Ok(state.checkpoints.range(..=sequence).next_back().map(|(_, kept)| kept.clone()))
    }

    async fn checkpoints_after(
        &self,
        sequence: u64,
        limit: u32,
    ) -> Result<Vec<KeptCheckpoint>, StorageError> {
        let state = self.open("read checkpoints")?;
        let after = state.checkpoints.values().filter(|kept| kept.head.sequence > sequence);
        Ok(after.take(limit as usize).cloned().collect())
    }

    async fn set_cursor(&self, reader: &str, sequence: u64) -> Result<(), StorageError> {
        self.open("keep a reader's cursor")?.cursors.insert(reader.to_owned(), sequence);
        Ok(())
    }

    async fn cursors(&self) -> Result<Vec<(String, u64)>, StorageError> {
        let state = self.open("read the cursors")?;
        Ok(state.cursors.iter().map(|(name, sequence)| (name.clone(), *sequence)).collect())
    }

    async fn beginning(&self) -> Result<Option<Beginning>, StorageError> {
        Ok(self.open("read where the trail begins")?.beginning.clone())
    }

    async fn prune(&self, up_to: &Head, record: &AuditRecord) -> Result<Option<u64>, StorageError> {
        let mut state = self.open("prune the audit trail")?;
        let begun = state.beginning.as_ref().map_or(0, |beginning| beginning.head.sequence);
        let is_unread = state.cursors.values().any(|read| *read < up_to.sequence);
        let kept = state.checkpoints.get(&up_to.sequence).filter(|kept| kept.head == *up_to);
        let Some(kept) = kept.filter(|_| up_to.sequence > begun && !is_unread) else {
            return Ok(None);
        };
        state.beginning = Some(Beginning { head: *up_to, tree: kept.tree.clone() });
        let before = state.records.len();
        state.records.retain(|stored| stored.head.sequence > up_to.sequence);
        let gone = before - state.records.len();
        state.push(&Written::of(record).map_err(unwritten)?);
        Ok(Some(gone as u64))
    }
}

fn unwritten(source: UnreadableRecord) -> StorageError {
    StorageError::Unavailable { what: "write an audit record", source: source.into() }
}
