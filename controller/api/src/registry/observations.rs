//! What clients were answered, told by whoever stood beside them.

use std::net::IpAddr;

use sark_registry::resolve::Seen;
use serde::{Deserialize, Serialize};

/// Answers that clients were given, and flows that live. Both keep addresses from leaving; answers
/// bring new ones, at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ObservationsRequest {
    /// At most [`MOST_OBSERVATIONS`].
    #[schemars(with = "serde_json::Value")]
    pub answers: Vec<Seen>,
    /// Destinations of flows that are alive now; at most [`MOST_OBSERVATIONS`].
    pub flows: Vec<IpAddr>,
}

/// In one request.
pub const MOST_OBSERVATIONS: usize = 10_000;

/// What became of observations.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub struct ObservationsResponse {
    /// Answers for names of endpoints.
    pub known: u64,
    /// Answers for names that are nobody's here.
    pub unknown: u64,
}
