//! The story of one request: all records about it, and the rule that steered its flow.

mod told;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use jiff::Timestamp;
use sark_compiler::PlannedAction;
use sark_core::audit::Outcome;
use sark_core::decision::{Action, Obligation, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::NumberedRecord;

/// What is known of a request. What no record says is absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Its id, whole.
    pub request: String,
    /// Who asked.
    pub client: ClientView,
    /// Where to.
    pub destination: DestinationView,
    /// What the routers' rules did with its flow; absent where there was no such flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steering: Option<SteeringView>,
    /// What was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<AskedView>,
    /// What was decided, oldest first. One that asks for several things has several.
    pub decisions: Vec<DecisionView>,
    /// What came back, oldest first.
    pub answers: Vec<AnswerView>,
    /// All records about it, oldest first.
    pub records: Vec<NumberedRecord>,
    /// What could not be found, and what was taken in its place.
    pub notes: Vec<String>,
}

/// Who asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientView {
    /// Address and port.
    pub address: Option<SocketAddr>,
    /// The user behind it.
    pub user: Option<String>,
    /// And their groups.
    pub groups: Vec<String>,
    /// The host.
    pub host: Option<String>,
    /// The process.
    pub process: Option<String>,
    /// The agent, by what it says.
    pub agent: Option<String>,
}

/// Where to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DestinationView {
    /// Where the client's packets went, before anything was redirected; of a client that knows the
    /// proxy, the proxy.
    pub address: Option<SocketAddr>,
    /// The host that the request is for.
    pub name: Option<String>,
    /// The server that was meant: `address:port` or `name:port`.
    pub target: Option<String>,
    /// `transparent`, `explicit` or `reverse`.
    pub entrance: Option<String>,
    /// Fingerprint of the client's hello (JA4).
    pub ja4: Option<String>,
    /// The provider.
    pub provider: Option<String>,
    /// The endpoint.
    pub endpoint: Option<String>,
    /// What the registry of then has at that address, or of that name; best first.
    pub registered: Vec<RegisteredView>,
}

/// An endpoint that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegisteredView {
    /// Its id.
    pub endpoint: String,
    /// Its prefix or name pattern.
    pub by: String,
    /// Documents and feeds that it is from.
    pub sources: Vec<String>,
    /// Names that led to the address.
    pub learned: Vec<String>,
}

/// What the routers' rules did with the flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SteeringView {
    /// The revision that was in use.
    pub revision: u64,
    /// Since when.
    pub since: Timestamp,
    /// The registry version that its rules were made from here.
    pub registry_version: String,
    /// One sentence: what happened to the packets.
    pub outcome: String,
    /// The rules that match, in the routers' order; the first wins.
    pub rules: Vec<SteeringRule>,
    /// Why the first precedes the second (RFC 8955 section 5.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
}

/// A rule that matches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SteeringRule {
    /// Its large community; the last part is the rule's id.
    pub large_community: String,
    /// NLRI in lowercase hex, with the length octets.
    pub nlri: String,
    /// What it matches.
    #[serde(rename = "match")]
    pub matches: String,
    /// As in Plan JSON; empty means accept.
    #[schemars(with = "serde_json::Value")]
    pub actions: Vec<PlannedAction>,
    /// Policy or `guard:NAME`.
    pub policy: String,
    /// Policy file.
    pub file: String,
    /// Line in it; 0 for guards.
    pub line: u32,
    /// Endpoints that it is made for.
    pub endpoints: Vec<String>,
    /// Documents and feeds behind them.
    pub sources: Vec<String>,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AskedView {
    /// When.
    pub at: Timestamp,
    /// Such as `chat` or `tool_call`.
    pub operation: String,
    /// The model, as the client names it.
    pub model: Option<String>,
    /// Whether the answer was to be streamed.
    pub stream: bool,
    /// Octets of the body.
    pub body_octets: u64,
    /// Whether all of it was read.
    pub inspected: bool,
    /// Tools that were offered to the model.
    pub tools: Vec<String>,
    /// What was called at which MCP server: `server name`.
    pub calls: Vec<String>,
    /// Millionths of a US dollar that it might cost at most, as far as it could be told.
    pub most_microusd: Option<u64>,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecisionView {
    /// Its record's number.
    pub record: u64,
    /// When.
    pub at: Timestamp,
    /// By whom: `proxy:edge-1`; or who says that it is of them, and who sent it:
    /// `proxy:edge-1 (uid:0(root))`.
    pub by: String,
    /// Whether it might go on.
    pub allow: bool,
    /// What was to happen.
    pub action: Action,
    /// Severity.
    pub severity: Severity,
    /// The policy that won.
    pub policy: String,
    /// Its rule.
    pub rule: String,
    /// Why, as the client was told.
    pub reason: String,
    /// All rules that matched, the winner first: `policy/rule`.
    pub matched: Vec<String>,
    /// What else had to be done.
    pub obligations: Vec<Obligation>,
    /// The decision set.
    pub policy_version: Option<String>,
    /// The registry that it rested on.
    pub registry_version: Option<String>,
}

/// An answer of the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnswerView {
    /// Its record's number.
    pub record: u64,
    /// When it was over.
    pub at: Timestamp,
    /// `ok`, or `failed` also where it broke off.
    #[schemars(with = "String")]
    pub outcome: Outcome,
    /// HTTP status.
    pub status: Option<u64>,
    /// The model that answered.
    pub model: Option<String>,
    /// Tokens and other things that cost, by kind.
    pub usage: BTreeMap<String, u64>,
    /// Millionths of a US dollar.
    pub cost_microusd: Option<u64>,
    /// Whether some of it has no price.
    pub unpriced: bool,
    /// Tools that the model called.
    pub tool_calls: Vec<String>,
    /// How it ended, in the provider's word.
    pub finish: Option<String>,
    /// The provider's error.
    pub failure: Option<String>,
    /// Whether it came to its end.
    pub whole: bool,
    /// From the request to the end of the answer.
    pub milliseconds: Option<u64>,
}
