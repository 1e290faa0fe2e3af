//! What anything outside reports, in one shape for every kind of sensor.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::request::Confidence;

/// A report of an external sensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SensorReport {
    /// The sensor's own id of the report: sent twice, it is one report.
    pub id: String,
    /// Which sensor, such as `roof-cat-2`.
    pub sensor: String,
    /// What kind of thing it watches, such as `rfc1149`.
    pub kind: String,
    /// What it saw, such as `carrier`.
    pub event: String,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// How sure it is.
    pub confidence: Confidence,
    /// Reports of this kind and event at this site in the last half hour, with this one; for kinds that
    /// say so (`x-sark-recent: alerts`) those before it that somebody was to be told of.
    #[serde(default)]
    pub recent: u32,
    /// What the kind's own schema allows: names and plain values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, Fact>,
}

/// A plain value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
#[expect(missing_docs, reason = "the words say it")]
pub enum Fact {
    Flag(bool),
    Count(i64),
    Measure(f64),
    Text(String),
}
