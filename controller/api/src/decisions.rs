//! Decisions, the sets that make them, and which of those is in use.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sark_core::audit::Flow;
use sark_core::decision::Decision;
use sark_core::storage::{Candidate, PolicyFile, Rollout, Stage, StoredSet};
use sark_policy::decision::Line;
use serde::{Deserialize, Serialize};

use crate::Problem;

/// What is to be decided on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecideRequest {
    /// Which policies are asked.
    pub line: Line,
    /// A `Request`, `Activity`, `TunnelSighting` or `SensorReport`, as the line says: see
    /// `policies/decision/schemas`, without `groups` of the set, `time` and `registry`.
    pub input: serde_json::Map<String, serde_json::Value>,
    /// Texts by name, such as `prompt`: stored only if a policy says so, and only encrypted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: BTreeMap<String, String>,
    /// The flow that it is about, as the record has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<Flow>,
    /// Only to see: nothing is recorded, counted or told.
    #[serde(default)]
    pub dry_run: bool,
    /// The answer waits until its record is on the disk: no crash loses it.
    #[serde(default)]
    pub durable: bool,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecideResponse {
    /// What happens.
    pub decision: Decision,
    /// Version of the set that decided.
    pub policy_version: String,
    /// Version of the registry that it saw.
    pub registry_version: String,
    /// Whether the set is a canary.
    #[serde(default)]
    pub canary: bool,
}

/// Which sets are in use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutResponse {
    /// Its number; absent while there never was a set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutView>,
    /// The set that decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<SetView>,
    /// The one that may follow it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<CandidateView>,
    /// What is wrong with the source, or with what is stored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
}

/// A candidate, and what it did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CandidateView {
    /// The set.
    pub set: SetView,
    /// How far its decisions go.
    #[serde(flatten)]
    pub stage: Stage,
    /// What this `sarkd` counted since it is a candidate, or since the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<Counted>,
}

/// Decisions while there is a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counted {
    /// Of the candidate.
    pub candidate: Counts,
    /// Of the active set in the same time.
    pub active: Counts,
    /// In shadow: the actions were not the same.
    pub differ: u64,
    /// In shadow: left out, because there were more than it could answer.
    #[serde(default)]
    pub left_out: u64,
}

/// Decisions of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// All.
    pub decided: u64,
    /// That stopped something.
    pub denied: u64,
    /// That a policy could not be asked for.
    pub failed: u64,
}

/// A rollout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutView {
    /// From 1.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub actor: String,
    /// Why.
    pub cause: String,
    /// Version of the set that decides.
    pub active: Option<String>,
    /// The one that may follow it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<Candidate>,
}

impl From<Rollout> for RolloutView {
    fn from(rollout: Rollout) -> Self {
        let Rollout { number, at, actor, cause, active, candidate } = rollout;
        let active = active.map(|version| version.to_string());
        Self { number, at, actor, cause, active, candidate }
    }
}

/// Sets that are kept, and rollouts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SetsResponse {
    /// Newest first.
    pub sets: Vec<SetView>,
    /// Newest first.
    pub rollouts: Vec<RolloutView>,
}

/// A set of decision policies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SetView {
    /// Hash of all that decides in it.
    pub version: String,
    /// As it names itself.
    pub name: String,
    /// Where it is from: `api`, or a directory, file or address of the configuration.
    pub origin: String,
    /// What a bundle calls this state of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The key that a bundle's signature was checked with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
    /// Policies in it.
    pub policies: u32,
    /// When it was taken.
    pub at: Timestamp,
    /// By whom.
    pub actor: String,
    /// Policies, data and settings; only of one set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<PolicyFile>,
}

impl From<StoredSet> for SetView {
    fn from(set: StoredSet) -> Self {
        let StoredSet { version, name, origin, revision, signed_by, policies, at, actor, files } =
            set;
        let version = version.to_string();
        Self { version, name, origin, revision, signed_by, policies, at, actor, files }
    }
}

/// How far a set shall go.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "Stage says it")]
pub enum Wanted {
    #[default]
    Active,
    Shadow,
    Canary,
}

/// Puts a set to use: one that is stored, or files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ActivateRequest {
    /// A stored set: its version, or the beginning of its hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// A whole set; refused where `decisions.keys` asks for signed bundles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<PolicyFile>,
    /// How far.
    #[serde(default)]
    pub stage: Wanted,
    /// Of a canary: of a hundred sources, 1 to 99.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// Number of the rollout that must be the newest (0 while there is none); else 409.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<u64>,
}

/// Takes the candidate back, or the active set if there is no candidate.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RollbackRequest {
    /// See [`ActivateRequest::expect`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<u64>,
}

/// What is in use now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActivateResponse {
    /// Whether anything changed.
    pub changed: bool,
    /// What holds.
    #[serde(flatten)]
    pub now: RolloutResponse,
}
