//! What a store must do. Adapters implement these traits; one contract suite runs on each.

#[cfg(feature = "test-util")]
pub mod contract;
mod identity;
pub mod lease;
#[cfg(feature = "test-util")]
mod memory;
mod sensor;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::audit::AuditRecord;

pub use identity::{ApprovalStore, TokenStore};
pub use lease::{Lease, LeaseStore, Taking};
#[cfg(feature = "test-util")]
pub use memory::MemoryStore;
pub use sensor::{Added, LastReport, ReportFilter, SensorStore, StoredReport};

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

/// The audit trail.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Appends.
    async fn append(&self, record: &AuditRecord) -> Result<(), StorageError>;
    /// Newest first.
    async fn records(&self, limit: u32) -> Result<Vec<AuditRecord>, StorageError>;
    /// Those after this number (0 is before the first), oldest first, with their numbers, which only
    /// grow.
    async fn records_after(
        &self,
        sequence: u64,
        limit: u32,
    ) -> Result<Vec<(u64, AuditRecord)>, StorageError>;
}
