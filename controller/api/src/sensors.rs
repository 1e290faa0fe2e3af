//! Reports of sensors.

use jiff::Timestamp;
use sark_core::Action;
use sark_core::sensor::SensorReport;
use serde::{Deserialize, Serialize};

/// What a sensor is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportTaken {
    /// The report's id.
    pub id: String,
    /// The sensor.
    pub sensor: String,
    /// Its kind.
    pub kind: String,
    /// Reports of this kind and event at this site in the last half hour, with this one; for kinds that
    /// say so (`x-sark-recent: alerts`) those before it that somebody was to be told of.
    pub recent: u32,
    /// What was decided, if somebody decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportsResponse {
    /// Newest first.
    pub reports: Vec<ReportView>,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportView {
    /// When it came.
    pub at: Timestamp,
    /// Who sent it.
    pub actor: String,
    /// What it says.
    pub report: SensorReport,
    /// What was answered.
    pub answer: ReportTaken,
}

/// Kinds of sensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KindsResponse {
    /// By name.
    pub kinds: Vec<KindView>,
}

/// A kind of sensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KindView {
    /// Its name.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// JSON Schema of what it may report.
    pub schema: serde_json::Value,
}

/// Sensors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SensorsResponse {
    /// By kind and name.
    pub sensors: Vec<SensorView>,
}

/// A sensor: one that reported, or one that has to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SensorView {
    /// Its name.
    pub sensor: String,
    /// Its kind.
    pub kind: String,
    /// When it last reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Timestamp>,
    /// Reports that are kept.
    pub reports: u64,
    /// Seconds in which it has to report, if it has to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// Whether it is late.
    pub silent: bool,
}
