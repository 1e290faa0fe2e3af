//! Pools of proxies, and how these are.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use jiff::Timestamp;
use sark_compiler::Fate;
use sark_flowspec::Afi;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// All pools.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PoolsResponse {
    /// Whether the `sarkd` that answers asks proxies how they are: the leader does.
    pub asks: bool,
    /// As configured.
    pub pools: Vec<PoolView>,
    /// What could not be carried out if proxies went, with the registry of now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub would_refuse: Vec<PoolRefusal>,
}

/// A policy that could not be carried out if proxies went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PoolRefusal {
    /// Its name.
    pub policy: String,
    /// With which proxies down, and what is wrong then.
    pub why: String,
    /// The way out.
    pub fix: String,
}

/// One pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PoolView {
    /// Its name.
    pub name: String,
    /// How it is.
    pub state: PoolState,
    /// As configured.
    pub proxies: Vec<PoolProxyView>,
    /// What policies that redirect to it do now.
    pub policies: Vec<PoolPolicyView>,
}

/// How a pool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PoolState {
    /// No proxy is down.
    Up,
    /// Some are.
    Degraded,
    /// All are.
    Down,
}

/// One proxy of a pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PoolProxyView {
    /// Its name.
    pub name: String,
    /// How it is.
    pub state: ProxyState,
    /// Since when.
    pub since: Option<Timestamp>,
    /// It stays down until then, whatever it answers, unless it is the last of its pool.
    pub held_until: Option<Timestamp>,
    /// Where routers send IPv4 flows.
    pub next_hop4: Option<Ipv4Addr>,
    /// Where routers send IPv6 flows.
    pub next_hop6: Option<Ipv6Addr>,
    /// What it is asked, and where: `http 192.0.2.10:9467/readyz`.
    pub check: Option<String>,
    /// What it answered last.
    pub answer: Option<ProxyAnswer>,
    /// Why `sarkd` itself cannot ask it, if it cannot; how the proxy is, is what was known before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cannot_ask: Option<String>,
    /// Percent of the source addresses of the policies that redirect to the pool.
    pub share: Option<f64>,
    /// Which sources these are.
    #[schemars(with = "Vec<String>")]
    pub sources: Vec<IpNet>,
}

/// How a proxy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProxyState {
    /// It gets flows.
    Up,
    /// It gets none.
    Down,
    /// It is taken for up: there was no verdict yet, or another `sarkd` asks.
    Unknown,
    /// It is taken for up: nobody asks.
    Unasked,
}

/// What a proxy answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProxyAnswer {
    /// Whether it is what was hoped for.
    pub works: bool,
    /// In words: `200`, `connected`, `connection refused`.
    pub words: String,
    /// When.
    pub at: Timestamp,
    /// How long it took.
    pub milliseconds: u64,
}

/// What a policy does now in one family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PoolPolicyView {
    /// Its name.
    pub policy: String,
    /// The family.
    #[schemars(with = "serde_json::Value")]
    pub afi: Afi,
    /// What becomes of its packets.
    #[schemars(with = "String")]
    pub fate: Fate,
}
