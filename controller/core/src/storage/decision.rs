//! Sets of decision policies, and which of them decides.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{PolicyFile, StorageError};
use crate::ContentHash;
use crate::audit::AuditRecord;

/// Rollouts whose sets are kept.
pub const KEPT_ROLLOUTS: u64 = 100;

/// A set as it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSet {
    /// Hash of all that decides in it.
    pub version: ContentHash,
    /// As it names itself.
    pub name: String,
    /// Where it is from: `api`, or the source that the configuration names.
    pub origin: String,
    /// What a bundle calls this state of it.
    pub revision: Option<String>,
    /// The key that a bundle's signature was checked with.
    pub signed_by: Option<String>,
    /// Policies in it.
    pub policies: u32,
    /// When it was taken.
    pub at: Timestamp,
    /// By whom.
    pub actor: String,
    /// Policies, data and settings.
    pub files: Vec<PolicyFile>,
}

/// How far a candidate's decisions go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase", tag = "stage")]
pub enum Stage {
    /// It decides on everything, and nothing happens of it: it is counted and recorded.
    Shadow,
    /// What it decides on a share of the sources happens.
    Canary {
        /// Of a hundred sources, 1 to 99.
        #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 99)))]
        percent: u8,
    },
}

/// A set on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Candidate {
    /// The set.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub version: ContentHash,
    /// How far.
    #[serde(flatten)]
    pub stage: Stage,
}

/// Which sets decide; the newest holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// From 1, without gaps.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub actor: String,
    /// Why: `source`, `activate`, `rollback`, `canary left its band`.
    pub cause: String,
    /// The set that decides.
    pub active: Option<ContentHash>,
    /// The one that may follow it.
    pub candidate: Option<Candidate>,
}

/// Sets and rollouts.
#[async_trait]
pub trait DecisionStore: Send + Sync {
    /// Stores a rollout (its number must be the newest plus one), the set that it brings unless that
    /// is there already, and the record of it: all or, on any error, nothing. Sets that none of the
    /// newest [`KEPT_ROLLOUTS`] names are forgotten.
    async fn commit_rollout(
        &self,
        set: Option<&StoredSet>,
        rollout: &Rollout,
        record: &AuditRecord,
    ) -> Result<(), StorageError>;
    /// The one that holds.
    async fn rollout(&self) -> Result<Option<Rollout>, StorageError>;
    /// Newest first.
    async fn rollouts(&self, limit: u32) -> Result<Vec<Rollout>, StorageError>;
    /// One set.
    async fn decision_set(&self, version: &ContentHash) -> Result<Option<StoredSet>, StorageError>;
    /// Newest first, their files left out.
    async fn decision_sets(&self, limit: u32) -> Result<Vec<StoredSet>, StorageError>;
}
