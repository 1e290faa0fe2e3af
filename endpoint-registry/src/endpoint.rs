//! The one record type: LLM providers, tunnels, VPNs, Tor, DoH and proxies differ by `kind`.

use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What an endpoint serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Kind {
    Api,
    Chat,
    Asset,
    Telemetry,
    Tunnel,
    Vpn,
    Tor,
    Doh,
    Proxy,
}

/// Which end of a connection the addresses are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Clients connect to it.
    Ingress,
    /// The provider connects from it: never a destination.
    Egress,
    /// Tunnel or VPN entry.
    Relay,
    /// Where tunnel traffic leaves: never a destination.
    Exit,
}

/// What else lives at the addresses; the widest action follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sharedness {
    /// Published by the owner for this service alone.
    Dedicated,
    /// Shared among services of one provider.
    Provider,
    /// Shared among a cloud's customers.
    Cloud,
    /// A content network's front: any site.
    Cdn,
}

/// Where a record is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum State {
    Candidate,
    Active,
    Draining,
    Retired,
}

/// Where a fact is from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provenance {
    /// Document or feed.
    pub source: String,
    /// First seen there.
    pub first_seen: Timestamp,
    /// Last seen there.
    pub last_seen: Timestamp,
}

/// A host name, or `*.` and a suffix (one or more labels before it).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamePattern {
    pub(crate) wildcard: bool,
    pub(crate) name: String,
}

/// Transport protocol of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Transport {
    Tcp,
    Udp,
}

/// Ports of one transport, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortRange {
    /// TCP or UDP.
    pub transport: Transport,
    /// First.
    pub first: u16,
    /// Last.
    pub last: u16,
}

/// A set of names and addresses that serve one purpose, and what is known of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Unique: `anthropic/api`.
    pub id: String,
    /// Slug of the provider or service: `anthropic`, `ngrok`.
    pub provider: String,
    /// For people: `Anthropic`.
    pub title: String,
    /// See the type.
    pub kind: Kind,
    /// See the type.
    pub role: Role,
    /// See the type.
    pub sharedness: Sharedness,
    /// Percent, 0 to 100.
    pub confidence: u8,
    /// Confirmed by its owner's own document. An unverified endpoint never carries a drop.
    pub verified: bool,
    /// See the type.
    pub state: State,
    /// Names, sorted.
    pub names: Vec<NamePattern>,
    /// Prefixes, sorted, host bits zero.
    pub prefixes: Vec<IpNet>,
    /// Ports, sorted; empty means any.
    pub ports: Vec<PortRange>,
    /// After this it is not used.
    pub expires_at: Option<Timestamp>,
    /// Reference into the price table.
    pub price_ref: Option<String>,
    /// Never empty.
    pub sources: Vec<Provenance>,
}
