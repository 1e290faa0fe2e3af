//! A store in memory that can be told to fail.

mod identity;
mod lease;
mod sensor;

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{AuditStore, Revision, RevisionStore, StorageError, StoredReport};
use crate::approval::Approval;
use crate::audit::AuditRecord;
use crate::identity::Token;

/// Keeps everything until dropped.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    revisions: Vec<Revision>,
    records: Vec<AuditRecord>,
    tokens: Vec<Token>,
    approvals: Vec<Approval>,
    reports: Vec<StoredReport>,
    broken: bool,
    lease: lease::Held,
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
        self.open("append to the audit trail")?.records.push(record.clone());
        Ok(())
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
        state.revisions.push(revision.clone());
        state.records.push(record.clone());
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
    async fn append(&self, record: &AuditRecord) -> Result<(), StorageError> {
        self.append_now(record)
    }

    async fn records(&self, limit: u32) -> Result<Vec<AuditRecord>, StorageError> {
        let state = self.open("read the audit trail")?;
        Ok(state.records.iter().rev().take(limit as usize).cloned().collect())
    }

    async fn records_after(
        &self,
        sequence: u64,
        limit: u32,
    ) -> Result<Vec<(u64, AuditRecord)>, StorageError> {
        let state = self.open("read the audit trail")?;
        let numbered = (1..).zip(&state.records).filter(|(number, _)| *number > sequence);
        Ok(numbered.take(limit as usize).map(|(n, record)| (n, record.clone())).collect())
    }
}
