//! What waits for another person.

use jiff::Timestamp;
use sark_core::approval::{Approval, State, Step};
use serde::{Deserialize, Serialize};

/// Asks for an approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalRequest {
    /// What kind of thing, such as `flowspec.plan`.
    pub kind: String,
    /// Hash of exactly what is to be done: `sha256:` and 64 digits.
    pub subject: String,
    /// For the person who decides: one line.
    pub title: String,
    /// Seconds for which it waits, and may be used; an hour if not given, at most seven days.
    #[serde(default)]
    pub seconds: Option<u64>,
}

/// Approves or rejects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalDecision {
    /// Why: one line.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Approvals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalsResponse {
    /// Newest first.
    pub approvals: Vec<ApprovalView>,
}

/// An approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalView {
    /// Its id.
    pub id: String,
    /// What kind of thing.
    pub kind: String,
    /// Hash of exactly what.
    pub subject: String,
    /// One line.
    pub title: String,
    /// How it is.
    pub state: State,
    /// Who asked.
    pub requested_by: String,
    /// When.
    pub requested_at: Timestamp,
    /// From then on it is no longer waited for, and no longer used.
    pub until: Timestamp,
    /// Who approved or rejected it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who used it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_by: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Timestamp>,
}

impl ApprovalView {
    /// As it is at this time.
    #[must_use]
    pub fn of(approval: Approval, now: Timestamp) -> Self {
        let state = approval.state(now);
        let (decided, used) = match approval.step {
            Step::Pending | Step::Expired { .. } => (None, None),
            Step::Approved(decided) | Step::Rejected(decided) => (Some(decided), None),
            Step::Used { approved, by, at } => (Some(approved), Some((by, at))),
        };
        let (used_by, used_at) = used.unzip();
        Self {
            id: approval.id,
            kind: approval.kind,
            subject: approval.subject.to_string(),
            title: approval.title,
            state,
            requested_by: approval.requested_by,
            requested_at: approval.requested_at,
            until: approval.until,
            decided_by: decided.as_ref().map(|decided| decided.by.clone()),
            decided_at: decided.as_ref().map(|decided| decided.at),
            reason: decided.and_then(|decided| decided.reason),
            used_by,
            used_at,
        }
    }
}
