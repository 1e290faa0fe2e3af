//! Names and the addresses they lead to.

use std::net::IpAddr;

use jiff::Timestamp;
use sark_registry::{Sharedness, State};
use serde::{Deserialize, Serialize};

/// By name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamesResponse {
    /// Whether names are asked at all (`registry.resolve.enabled`).
    pub enabled: bool,
    /// One each.
    pub names: Vec<NameView>,
}

/// A name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
}

/// An address that a name led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddressView {
    /// The address.
    pub address: IpAddr,
    /// `candidate` until believed; `draining` before it goes.
    pub state: State,
    /// What else lives there.
    pub sharedness: Sharedness,
    /// When it came to be active.
    pub since: Option<Timestamp>,
    /// The last answer with it.
    pub last_seen: Timestamp,
    /// When it goes unless seen again.
    pub until: Timestamp,
}
