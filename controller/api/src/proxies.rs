//! What programs that decide elsewhere are given to decide by, and how their records come back.

use jiff::Timestamp;
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

/// What calls are summed by.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum TopBy {
    /// The provider.
    Provider,
    /// Provider and model.
    #[default]
    Model,
    /// The user, or else the address.
    Client,
    /// The agent.
    Agent,
    /// The proxy.
    Proxy,
}

impl TopBy {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Model, Self::Provider, Self::Client, Self::Agent, Self::Proxy];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Model => "model",
            Self::Client => "client",
            Self::Agent => "agent",
            Self::Proxy => "proxy",
        }
    }
}

/// The calls of the last minutes that this `sarkd` was told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProxyTop {
    /// Now.
    pub at: Timestamp,
    /// From here on it is all of them.
    pub since: Timestamp,
    /// What the rows are.
    pub by: TopBy,
    /// All calls.
    pub total: TopRow,
    /// Those with the most calls first.
    pub rows: Vec<TopRow>,
    /// Rows that are left out.
    pub others: u64,
    /// The last calls, newest first.
    pub last: Vec<CallView>,
}

/// Calls that have something in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopRow {
    /// What: `openai/gpt-4o`; `-` where it has no name.
    pub name: String,
    /// How many.
    pub requests: u64,
    /// Of these, denied.
    pub denied: u64,
    /// Answered with an error, or broken off.
    pub failed: u64,
    /// Tokens of prompts.
    pub input_tokens: u64,
    /// Tokens of answers.
    pub output_tokens: u64,
    /// Millionths of a US dollar, as far as there are prices.
    pub cost_microusd: u64,
    /// Calls that used something without a price: it is not in the cost.
    #[serde(default)]
    pub unpriced: u64,
    /// From the request to the end of the answer, of half of those that were answered.
    pub p50_milliseconds: Option<u64>,
    /// And of 99 of a hundred.
    pub p99_milliseconds: Option<u64>,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallView {
    /// Its id, for `sarkctl explain`.
    pub request: String,
    /// When it was decided on.
    pub at: Timestamp,
    /// Through which proxy.
    pub proxy: String,
    /// The user, or else the address.
    pub client: Option<String>,
    /// The agent.
    pub agent: Option<String>,
    /// The provider.
    pub provider: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// Such as `chat`.
    pub operation: Option<String>,
    /// Whether it was denied.
    pub denied: bool,
    /// HTTP status; absent until it is answered.
    pub status: Option<u64>,
    /// From the request to the end of the answer.
    pub milliseconds: Option<u64>,
}

/// Proxies that this `sarkd` heard since it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProxiesResponse {
    /// Now.
    pub at: Timestamp,
    /// The snapshot that they should have.
    pub snapshot: String,
    /// By name.
    pub proxies: Vec<ProxyView>,
}

/// A proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProxyView {
    /// As records name it.
    pub proxy: String,
    /// When it was heard last. One that is well asks again within a minute.
    pub heard_at: Timestamp,
    /// Its program and version.
    pub program: Option<String>,
    /// The snapshot that it had when it asked last; absent while it has none.
    pub snapshot: Option<String>,
    /// When it asked for one last.
    pub asked_at: Option<Timestamp>,
    /// When it handed in records last.
    pub handed_in_at: Option<Timestamp>,
    /// Records that it handed in here.
    pub records: u64,
    /// Records that waited in its spool when it was heard last.
    pub waiting: Option<u64>,
}
