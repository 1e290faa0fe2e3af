//! Versions of the registry: every one is kept, with its cause.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::EndpointView;

/// Newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionsResponse {
    /// The one that rules are made from.
    pub in_use: Option<u64>,
    /// The one that is pinned: later ones are recorded and not used.
    pub pinned: Option<u64>,
    /// One each.
    pub versions: Vec<VersionView>,
}

/// One version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionView {
    /// From 1.
    pub number: u64,
    /// Hash of its content.
    pub version: String,
    /// When it came to be.
    pub at: Timestamp,
    /// Why: `feed tor-relays`, `api.openai.com resolved`.
    pub cause: String,
    /// By whom.
    pub actor: String,
    /// Endpoints in it.
    pub endpoints: u64,
}

/// How two versions differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DifferenceResponse {
    /// Before.
    pub from: VersionView,
    /// After.
    pub to: VersionView,
    /// By id; those that are the same are left out.
    pub endpoints: Vec<EndpointDifference>,
}

/// How an endpoint differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndpointDifference {
    /// Its id.
    pub id: String,
    /// See the type.
    pub change: ChangeKind,
    /// Names, prefixes and learned addresses that came.
    pub added: Vec<String>,
    /// Names, prefixes and learned addresses that went.
    pub removed: Vec<String>,
    /// Other fields that changed.
    pub fields: Vec<FieldDifference>,
}

/// See [`EndpointDifference`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum ChangeKind {
    Added,
    Removed,
    Changed,
}

/// A field with two values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldDifference {
    /// As in [`EndpointView`].
    pub field: String,
    /// Before.
    pub from: String,
    /// After.
    pub to: String,
}

/// When a name or prefix came and went; newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryResponse {
    /// The question, in canonical form.
    pub query: String,
    /// One for each version that changed the answer.
    pub steps: Vec<HistoryStep>,
    /// Older versions were not looked at.
    pub truncated: bool,
}

/// One version that changed the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryStep {
    /// The version.
    pub version: VersionView,
    /// Endpoints that had it from then on: their ids, and by what.
    pub came: Vec<String>,
    /// Endpoints that no longer had it.
    pub went: Vec<String>,
}

/// Which version rules are made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PinRequest {
    /// See the type.
    pub to: PinTarget,
}

/// See [`PinRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PinTarget {
    /// This number.
    Version(u64),
    /// The one before the one in use.
    Previous,
    /// The newest, now and from now on.
    Newest,
}

/// What a pin came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PinResponse {
    /// What is pinned now.
    pub pinned: Option<u64>,
    /// What rules are made from now.
    pub in_use: VersionView,
}

/// One version with its endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionResponse {
    /// Which.
    pub version: VersionView,
    /// By id.
    pub endpoints: Vec<EndpointView>,
}
