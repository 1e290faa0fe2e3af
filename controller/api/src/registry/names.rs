//! Names and the addresses they lead to.

use std::net::IpAddr;

use jiff::Timestamp;
use sark_registry::ageing::Vantage;
use sark_registry::{Sharedness, State};
use serde::{Deserialize, Serialize};

/// By name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamesResponse {
    /// Whether names are asked at all (`registry.resolve.enabled`).
    pub enabled: bool,
    /// One each.
    pub names: Vec<NameView>,
}

/// A name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NameView {
    /// The name.
    pub name: String,
    /// Ids of the endpoints that have it.
    pub endpoints: Vec<String>,
    /// The last answer.
    pub answered_at: Option<Timestamp>,
    /// When it is asked next.
    pub next_at: Option<Timestamp>,
    /// No resolver has answered since; what was known stays.
    pub stale_since: Option<Timestamp>,
    /// What it leads to.
    pub addresses: Vec<AddressView>,
    /// What the last answer was, if a validating resolver gave it.
    #[serde(default)]
    pub dnssec: Option<Dnssec>,
    /// Names between it and its addresses in the last answer, in order.
    #[serde(default)]
    pub chain: Vec<String>,
    /// Questions without an answer since the last one.
    #[serde(default)]
    pub failures: u32,
    /// Addresses that it was answered with and that are not learned, latest last; the last few.
    #[serde(default)]
    pub refused: Vec<RefusedView>,
}

/// What a validating resolver says of an answer. A forged one is no answer: it counts as a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Dnssec {
    /// All of it is signed, and the signatures hold.
    Secure,
    /// Some of it is not signed.
    Insecure,
}

/// An address that is not learned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefusedView {
    /// The address.
    pub address: IpAddr,
    /// What it is instead of a destination: `private`, `loopback`.
    pub what: String,
    /// Who was answered so.
    #[schemars(with = "serde_json::Value")]
    pub vantage: Vantage,
    /// The last time.
    pub at: Timestamp,
}

/// An address that a name led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddressView {
    /// The address.
    pub address: IpAddr,
    /// `candidate` until believed; `draining` before it goes.
    #[schemars(with = "serde_json::Value")]
    pub state: State,
    /// What else lives there.
    #[schemars(with = "serde_json::Value")]
    pub sharedness: Sharedness,
    /// When it came to be active.
    pub since: Option<Timestamp>,
    /// The last answer with it.
    pub last_seen: Timestamp,
    /// When it goes unless seen again.
    pub until: Timestamp,
    /// When it was first answered.
    #[serde(default)]
    pub first_seen: Option<Timestamp>,
    /// Who got the last answer with it: `client`, or one of our resolvers.
    #[serde(default)]
    #[schemars(with = "serde_json::Value")]
    pub vantage: Option<Vantage>,
    /// A flow to it keeps it until then.
    #[serde(default)]
    pub flow_until: Option<Timestamp>,
    /// Of a candidate: our resolvers that were given it. Enough of them make it active.
    #[serde(default)]
    pub pollers: Vec<String>,
}
