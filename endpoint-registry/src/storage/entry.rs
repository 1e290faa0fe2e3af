//! Overlays that users put through the API.

use async_trait::async_trait;
use jiff::Timestamp;
use sark_core::audit::AuditRecord;
use sark_core::storage::StorageError;
use serde::{Deserialize, Serialize};

/// An overlay as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserEntry {
    /// Unique.
    pub name: String,
    /// YAML.
    pub text: String,
    /// Who answers for it.
    pub owner: String,
    /// When it was put.
    pub created_at: Timestamp,
    /// Who put it.
    pub actor: String,
    /// After this it is not used.
    pub expires: Option<Timestamp>,
}

/// User entries.
#[async_trait]
pub trait EntryStore: Send + Sync {
    /// Puts one, in place of the one with its name.
    async fn put_entry(&self, entry: &UserEntry, record: &AuditRecord) -> Result<(), StorageError>;
    /// False, and nothing written, if there is none with this name.
    async fn delete_entry(&self, name: &str, record: &AuditRecord) -> Result<bool, StorageError>;
    /// All, expired ones too, by name.
    async fn entries(&self) -> Result<Vec<UserEntry>, StorageError>;
}
