//! The operator's own entries: overlay documents given through the API.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::EndpointDifference;
use crate::DiagnosticBody;

/// By name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EntriesResponse {
    /// One each.
    pub entries: Vec<EntryView>,
}

/// One document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EntryView {
    /// As in its metadata.
    pub name: String,
    /// Who answers for it.
    pub owner: String,
    /// After this it is not used.
    pub expires: Option<Timestamp>,
    /// When it was given.
    pub at: Timestamp,
    /// By whom.
    pub actor: String,
    /// YAML.
    pub text: String,
}

/// Documents to put in place of those of the same names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EntriesRequest {
    /// YAML, one or more documents.
    pub text: String,
    /// Its name, for messages.
    pub file: String,
    /// Say what would change, and change nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// [`EntriesChanged::before`] of what was looked at: refused if the registry is another by now,
    /// and not by names alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<String>,
}

/// What became of a change of entries, or would become of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EntriesChanged {
    /// Names of what was put or deleted.
    pub entries: Vec<String>,
    /// Registry version afterwards.
    pub version: String,
    /// What is odd and no mistake.
    pub notes: Vec<DiagnosticBody>,
    /// Hash of the registry before, without the addresses that names lead to: for
    /// [`EntriesRequest::expect`].
    #[serde(default)]
    pub before: String,
    /// How endpoints change by it.
    #[serde(default)]
    pub endpoints: Vec<EndpointDifference>,
    /// This version is pinned: the new one is recorded, and not used.
    #[serde(default)]
    pub pinned: Option<u64>,
}
