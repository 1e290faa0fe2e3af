//! Feeds: what each said, when it is asked next, and copies that wait for a person.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// All feeds, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeedsResponse {
    /// Whether feeds are asked at all (`registry.feeds.enabled`).
    pub enabled: bool,
    /// One each.
    pub feeds: Vec<FeedView>,
}

/// One feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeedView {
    /// Unique.
    pub name: String,
    /// For people.
    pub title: String,
    /// Who answers for it here.
    pub owner: String,
    /// Licence or note of its publisher.
    pub licence: Option<String>,
    /// Where it is; no credentials.
    pub location: String,
    /// How it is read.
    pub format: String,
    /// Cron expression, UTC.
    pub schedule: String,
    /// See the type.
    pub state: FeedState,
    /// Ids of the endpoints that it makes or adds to.
    pub endpoints: Vec<String>,
    /// The copy in use.
    pub copy: Option<CopyView>,
    /// The last time it was asked.
    pub checked_at: Option<Timestamp>,
    /// When it is asked next.
    pub next_at: Option<Timestamp>,
    /// Failures since the last answer.
    pub failures: u32,
    /// Why the last one failed.
    pub problem: Option<ProblemView>,
    /// A copy that is not believed.
    pub pending: Option<PendingView>,
}

/// How a feed is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FeedState {
    /// Not asked.
    Off,
    /// Not asked yet.
    Waiting,
    /// The last answer is in use.
    Current,
    /// The last answer could not be had; the copy in use stays.
    Failing,
    /// The last answer waits for a person; the copy in use stays.
    Held,
}

/// A copy that is in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CopyView {
    /// SHA-256 of its octets.
    pub hash: String,
    /// When its content was first had.
    pub changed_at: Timestamp,
    /// When the publisher last was seen to have it.
    #[serde(default)]
    pub fetched_at: Option<Timestamp>,
    /// The publisher's own word for its version.
    pub published: Option<String>,
    /// Names and prefixes in it.
    pub entries: u64,
    /// Lines that could not be used.
    pub skipped: u64,
}

/// Something that went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProblemView {
    /// Stable: `too-large`, `change-share`.
    pub code: String,
    /// For people.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// A copy that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PendingView {
    /// SHA-256 of its octets; what is accepted or rejected.
    pub hash: String,
    /// When it was fetched.
    pub fetched_at: Timestamp,
    /// Names and prefixes in it.
    pub entries: u64,
    /// How many the copy in use does not have.
    pub added: u64,
    /// How many only the copy in use has.
    pub removed: u64,
    /// Some of those added.
    pub added_sample: Vec<String>,
    /// Some of those removed.
    pub removed_sample: Vec<String>,
    /// Why it is not believed.
    pub doubts: Vec<ProblemView>,
}

/// Accepts or rejects a pending copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecisionRequest {
    /// The copy that was looked at; another one that came since is not touched.
    pub hash: String,
}

/// Feeds to ask now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RefreshRequest {
    /// By name; empty means every feed that is on.
    pub feeds: Vec<String>,
}

/// What became of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefreshResponse {
    /// Registry version afterwards.
    pub version: String,
    /// One for each feed, by name.
    pub results: Vec<RefreshResult>,
}

/// What became of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefreshResult {
    /// Its name.
    pub feed: String,
    /// See the type.
    pub outcome: RefreshOutcome,
    /// Names and prefixes that came.
    pub added: u64,
    /// Names and prefixes that went.
    pub removed: u64,
    /// Why it failed or is held.
    pub problems: Vec<ProblemView>,
}

/// See [`RefreshResult`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum RefreshOutcome {
    Unchanged,
    Updated,
    Held,
    Rejected,
    Failed,
}
