//! Alerts: open ones, deliveries, sinks.

use sark_core::storage::alerts::{Delivery, Group, SinkCount};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Open alerts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertsResponse {
    /// The newest first.
    #[schemars(with = "Vec<serde_json::Value>")]
    pub alerts: Vec<Group>,
}

/// Deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveriesResponse {
    /// The newest first.
    #[schemars(with = "Vec<serde_json::Value>")]
    pub deliveries: Vec<Delivery>,
}

/// Who can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SinksResponse {
    /// Configured ones first, as configured.
    pub sinks: Vec<SinkView>,
    /// The last record of the trail that was looked at.
    pub cursor: u64,
}

/// One sink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SinkView {
    /// `slack`; none if it is not configured any more.
    pub kind: Option<String>,
    /// Why it did not take what it was sent last.
    pub problem: Option<String>,
    /// Its name, and how many deliveries it has.
    #[serde(flatten)]
    #[schemars(with = "serde_json::Value")]
    pub count: SinkCount,
}

/// What became of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SinkTest {
    /// Its name.
    pub sink: String,
    /// Whether it took the message.
    pub outcome: SinkOutcome,
    /// What it said, or why it could not be asked.
    pub said: String,
}

/// See [`SinkTest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SinkOutcome {
    /// It took it.
    Delivered,
    /// Not now.
    Retry,
    /// Never like this.
    Dead,
}

/// Which dead letters are delivered again: exactly one of these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ReplayRequest {
    /// One delivery.
    pub delivery: Option<u64>,
    /// All of a sink.
    pub sink: Option<String>,
    /// All.
    pub all: bool,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplayResponse {
    /// Deliveries that are attempted again.
    pub replayed: u64,
}
