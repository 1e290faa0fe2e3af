//! What happened, who did it, on what evidence.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One record of the audit trail. Product data: never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditRecord {
    /// When.
    pub at: Timestamp,
    /// Who: `uid:0(root)`, `sarkd`.
    pub actor: String,
    /// What, such as `flowspec.apply`.
    pub event: String,
    /// `ok`, `refused` or `failed`.
    pub outcome: Outcome,
    /// On what: revision, registry and policy version, counts, reason. A JSON object.
    pub detail: serde_json::Value,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Outcome {
    Ok,
    Refused,
    Failed,
}
