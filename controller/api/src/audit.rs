//! The audit trail: what was recorded, and what it takes to verify it oneself.

use sark_core::audit::{AuditRecord, Head, Stored};
use sark_core::storage::{Beginning, KeptCheckpoint};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the trail is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrailResponse {
    /// The last record.
    #[schemars(with = "serde_json::Value")]
    pub head: Head,
    /// What was pruned, if anything was.
    #[schemars(with = "Option<serde_json::Value>")]
    pub beginning: Option<Beginning>,
    /// Whose trail it is.
    pub origin: String,
    /// The public half of the key that signs checkpoints.
    pub key: Option<String>,
}

/// Records that a search finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditResponse {
    /// In the order that was asked for.
    pub records: Vec<NumberedRecord>,
}

/// A record with its number in the trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NumberedRecord {
    /// From 1, without gaps.
    pub sequence: u64,
    /// The record.
    #[serde(flatten)]
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub record: AuditRecord,
}

/// Records as they are stored, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoredResponse {
    /// With their hashes.
    #[schemars(with = "Vec<serde_json::Value>")]
    pub stored: Vec<Stored>,
}

/// Checkpoints, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckpointsResponse {
    /// Each with its signed note.
    #[schemars(with = "Vec<serde_json::Value>")]
    pub checkpoints: Vec<KeptCheckpoint>,
}
