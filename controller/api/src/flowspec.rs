//! Plans, revisions and rules.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sark_compiler::{Collateral, Origin, PlanDocument, PlannedAction, Warning};
use sark_core::storage::{PolicyFile, Revision};
use sark_flowspec::Afi;
use serde::{Deserialize, Serialize};

/// What would change?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanRequest {
    /// The whole policy set.
    pub files: Vec<PolicyFile>,
}

/// What would change. A plan with refusals is an answer, not an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanResponse {
    /// The plan.
    #[schemars(with = "serde_json::Value")]
    pub plan: PlanDocument,
    /// The newest revision, if there is one.
    pub revision: Option<u64>,
    /// Its policy set version: what `expect` of an apply wants.
    pub current_policy_version: Option<String>,
}

/// Make it so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApplyRequest {
    /// The whole policy set: what is not in it goes.
    pub files: Vec<PolicyFile>,
    /// Policy set version that must be the current one (`none` while there is none); else 409.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<String>,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplyResponse {
    /// The revision that now holds.
    pub revision: u64,
    /// Whether it is new. The same policy set again makes no revision.
    pub changed: bool,
    /// The plan as it was when the revision was stored.
    #[schemars(with = "serde_json::Value")]
    pub plan: PlanDocument,
    /// Whether the BGP speaker has the rules already.
    pub convergence: Convergence,
}

/// How far the BGP speaker was when the answer was sent. The revision holds in any case: the
/// reconciler goes on until the speaker has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Convergence {
    /// The speaker's table is what the revision asks for.
    pub converged: bool,
    /// Milliseconds from the stored revision to this.
    pub waited_ms: u64,
    /// Why not, if not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Takes policies out of the current set; one of the two fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WithdrawRequest {
    /// Names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// All of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
}

/// The rules, desired and observed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RulesResponse {
    /// The newest revision, if there is one.
    pub revision: Option<u64>,
    /// The speaker's table could be read; if not, every desired rule is shown as `missing`.
    pub observed: bool,
    /// Ours in section 5.1 order, IPv4 first; then the foreign ones.
    pub rules: Vec<RuleView>,
    /// Those that say what they have counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enforcers: Vec<EnforcerView>,
    /// What a person should know of rules that are not there, or not as ever: pools that are down.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<serde_json::Value>")]
    pub warnings: Vec<Warning>,
}

/// Desired against observed, for one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RuleState {
    /// Desired, and in the speaker's table.
    InPlace,
    /// Desired, and not in the speaker's table yet.
    Missing,
    /// In the speaker's table as ours, with other actions or no longer desired.
    Stale,
    /// In the speaker's table and not ours: never touched.
    Foreign,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RuleView {
    /// See the type.
    pub state: RuleState,
    /// Policy or `guard:NAME`; `None` when nothing asks for it.
    pub policy: Option<String>,
    /// Address family.
    #[schemars(with = "serde_json::Value")]
    pub afi: Afi,
    /// NLRI in lowercase hex, with the length octets.
    pub nlri: String,
    /// What it matches, as text; the hex again if it cannot be decoded.
    #[serde(rename = "match")]
    pub matches: String,
    /// As in Plan JSON; empty means accept.
    #[schemars(with = "serde_json::Value")]
    pub actions: Vec<PlannedAction>,
    /// The actions in the speaker's table, when they are others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "serde_json::Value")]
    pub observed_actions: Option<Vec<PlannedAction>>,
    /// Whose it is: ours if there is one, else the first it has.
    pub large_community: Option<String>,
    /// Where it comes from; `None` when nothing asks for it.
    #[schemars(with = "serde_json::Value")]
    pub origin: Option<Origin>,
    /// What it touches; `None` when nothing asks for it.
    #[schemars(with = "serde_json::Value")]
    pub collateral: Option<Collateral>,
    /// What it has counted; `None` where nobody says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counters: Option<CountersView>,
}

/// What rules have counted over all enforcers that said so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CountersView {
    /// Packets, in all.
    pub packets: u64,
    /// Octets of them, in all.
    pub bytes: u64,
    /// Of each enforcer.
    pub enforcers: Vec<EnforcerCounter>,
}

/// What a rule has counted at one enforcer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnforcerCounter {
    /// Which.
    pub enforcer: String,
    /// When it said so.
    pub at: Timestamp,
    /// Packets.
    pub packets: u64,
    /// Octets.
    pub bytes: u64,
}

/// An enforcer that says what its rules count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnforcerView {
    /// Which.
    pub enforcer: String,
    /// When it said so last.
    pub at: Timestamp,
    /// Rules that it has.
    pub rules: u64,
}

/// What an enforcer's rules have counted by now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CountersRequest {
    /// All that it has.
    pub rules: Vec<RuleCounter>,
}

/// A rule and what it has counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuleCounter {
    /// Address family.
    #[schemars(with = "String")]
    pub afi: Afi,
    /// NLRI in hex, with the length octets.
    pub nlri: String,
    /// Packets.
    pub packets: u64,
    /// Octets of them.
    pub bytes: u64,
}

/// Counters were taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CountersTaken {
    /// Of so many rules.
    pub rules: u64,
}

/// Newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevisionsResponse {
    /// Without their files.
    pub revisions: Vec<RevisionView>,
}

/// An accepted state of the policy set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevisionView {
    /// From 1, without gaps.
    pub number: u64,
    /// When it was accepted.
    pub at: Timestamp,
    /// By whom.
    pub actor: String,
    /// Why.
    pub cause: String,
    /// Policy set version.
    pub policy_version: String,
    /// Registry version it was planned on.
    pub registry_version: String,
    /// Names of its policies and when each was first applied in its present wording.
    pub policies: BTreeMap<String, Timestamp>,
    /// Rules its plan announced.
    pub announce: u64,
    /// Rules its plan withdrew.
    pub withdraw: u64,
    /// Rules its plan kept.
    pub keep: u64,
    /// The policy set; only when one revision is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "serde_json::Value")]
    pub files: Option<Vec<PolicyFile>>,
}

impl RevisionView {
    /// Without the files.
    #[must_use]
    pub fn summary(revision: &Revision) -> Self {
        Self {
            number: revision.number,
            at: revision.at,
            actor: revision.actor.clone(),
            cause: revision.cause.clone(),
            policy_version: revision.policy_version.clone(),
            registry_version: revision.registry_version.clone(),
            policies: revision.activated.clone(),
            announce: revision.announce,
            withdraw: revision.withdraw,
            keep: revision.keep,
            files: None,
        }
    }

    /// With the files.
    #[must_use]
    pub fn whole(revision: &Revision) -> Self {
        Self { files: Some(revision.files.clone()), ..Self::summary(revision) }
    }
}
