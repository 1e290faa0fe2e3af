//! Every snapshot that ever was in use, and why it came to be.

use async_trait::async_trait;
use jiff::Timestamp;
use sark_core::ContentHash;
use sark_core::audit::AuditRecord;
use sark_core::storage::StorageError;
use serde::{Deserialize, Serialize};

use crate::manifest::Difference;
use crate::{Endpoint, Manifest, Snapshot};

/// Why there is a new version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// When.
    pub at: Timestamp,
    /// `feed tor-relays`, `resolved api.openai.com`, `overlay file /etc/…`, `rollback to 41`.
    pub cause: String,
    /// `sarkd`, `uid:0(root)`.
    pub actor: String,
}

/// How much it holds, and how it differs from the version before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the words say it")]
pub struct Counts {
    pub endpoints: u64,
    pub names: u64,
    pub prefixes: u64,
    /// Addresses that names led to.
    pub learned: u64,
    /// Endpoints.
    pub added: u64,
    /// Endpoints.
    pub removed: u64,
    /// Endpoints.
    pub changed: u64,
}

impl Counts {
    /// Of these endpoints, which differ so from the version before.
    #[must_use]
    pub fn of(endpoints: &[Endpoint], difference: &Difference<'_>) -> Self {
        let sum = |of: fn(&Endpoint) -> usize| endpoints.iter().map(|e| of(e) as u64).sum();
        Self {
            endpoints: endpoints.len() as u64,
            names: sum(|e| e.names.len()),
            prefixes: sum(|e| e.prefixes.len()),
            learned: sum(|e| e.learned.len()),
            added: difference.added.len() as u64,
            removed: difference.removed.len() as u64,
            changed: difference.changed.len() as u64,
        }
    }
}

/// One stored snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// From 1, rising; numbers are never used again.
    pub number: u64,
    /// [`Snapshot::version`].
    pub hash: ContentHash,
    /// Why it came to be.
    #[serde(flatten)]
    pub origin: Origin,
    /// See the type.
    pub counts: Counts,
}

/// What [`VersionStore::commit_version`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The newest.
    pub version: Version,
    /// Whether it was stored now; otherwise the content was the newest already.
    pub stored: bool,
}

/// The version that shall stay in use whatever feeds say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pin {
    /// Its number.
    pub version: u64,
    /// Since when.
    pub at: Timestamp,
    /// By whom.
    pub actor: String,
}

/// What [`VersionStore::prune`] removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Versions.
    pub versions: u64,
    /// Endpoints that no version held any more.
    pub objects: u64,
}

/// Versions of the registry. Endpoints are stored once for each content.
#[async_trait]
pub trait VersionStore: Send + Sync {
    /// Stores a snapshot as the newest version, with the record of it. If the newest has the same
    /// content nothing is written, the record neither.
    async fn commit_version(
        &self,
        snapshot: &Snapshot,
        origin: &Origin,
        record: Option<&AuditRecord>,
    ) -> Result<Committed, StorageError>;
    /// One.
    async fn version(&self, number: u64) -> Result<Option<Version>, StorageError>;
    /// Those whose hash begins so, newest first, at most a hundred; `sha256:` may be left out. A
    /// content that came back after a rollback has several.
    async fn by_hash(&self, prefix: &str) -> Result<Vec<Version>, StorageError>;
    /// The newest.
    async fn newest_version(&self) -> Result<Option<Version>, StorageError>;
    /// Newest first, those before a number if it is given.
    async fn versions(&self, limit: u32, before: Option<u64>)
    -> Result<Vec<Version>, StorageError>;
    /// Ids and hashes of a version's endpoints.
    async fn manifest(&self, number: u64) -> Result<Option<Manifest>, StorageError>;
    /// One endpoint by the hash of its content.
    async fn endpoint(&self, hash: &ContentHash) -> Result<Option<Endpoint>, StorageError>;
    /// A version's endpoints, by id: [`Snapshot::build`] of them has the version's hash, or this
    /// fails as [`StorageError::Corrupt`].
    async fn load_version(&self, number: u64) -> Result<Option<Vec<Endpoint>>, StorageError>;
    /// Pins a version, or none. False if there is no such version: nothing was written.
    async fn pin(
        &self,
        number: Option<u64>,
        at: Timestamp,
        actor: &str,
        record: &AuditRecord,
    ) -> Result<bool, StorageError>;
    /// The pinned one.
    async fn pinned(&self) -> Result<Option<Pin>, StorageError>;
    /// Removes all but the newest `keep` versions, and then endpoints that none holds. The newest,
    /// the pinned one and those that a policy revision names stay in any case.
    async fn prune(&self, keep: u32) -> Result<Pruned, StorageError>;
}

/// The hex digits that a hash shall begin with; `None` if no hash begins so.
#[must_use]
pub fn hex_of(prefix: &str) -> Option<String> {
    let hex = prefix.strip_prefix("sha256:").unwrap_or(prefix).to_ascii_lowercase();
    let good = (1..=64).contains(&hex.len()) && hex.bytes().all(|b| b.is_ascii_hexdigit());
    good.then_some(hex)
}
