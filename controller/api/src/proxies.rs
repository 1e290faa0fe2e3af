//! What programs that decide elsewhere are given to decide by, and how their records come back.

use sark_core::storage::{PolicyFile, Stage};
use serde::{Deserialize, Serialize};

use crate::EndpointView;

/// Everything that a proxy decides by, as it is in use here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProxySnapshot {
    /// Hash over the versions of all of it: what is the same has the same.
    pub version: String,
    /// Version of the registry.
    pub registry_version: String,
    /// Its endpoints.
    pub endpoints: Vec<EndpointView>,
    /// The set that decides; absent while none is in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<ProxySet>,
    /// The one that may follow it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<ProxyCandidate>,
    /// The price list as it came; absent while there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<String>,
    /// Its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_version: Option<u64>,
}

/// A set of decision policies, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProxySet {
    /// Hash of all that decides in it.
    pub version: String,
    /// Policies, data and settings.
    pub files: Vec<PolicyFile>,
}

/// A candidate, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProxyCandidate {
    /// The set.
    pub set: ProxySet,
    /// How far its decisions go.
    #[serde(flatten)]
    pub stage: Stage,
}

/// The first line of records that are sent: where the sender's mark goes with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrailBatch {
    /// The mark's name, which is the sender's own: others have others of the same name.
    pub mark: String,
    /// Where it goes: the sender's number of the last of these records.
    pub position: u64,
    /// Where the sender thinks it is: if it is elsewhere, nothing is taken (409). Without, it has to be
    /// before `position`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
}

/// Where a mark is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrailPosition {
    /// The sender's number of the last record that is stored; 0 if none is.
    pub position: u64,
}
