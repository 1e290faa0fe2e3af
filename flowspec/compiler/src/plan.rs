//! Desired against observed.

use sark_flowspec::{Nlri, Observed, Route};
use serde::{Deserialize, Serialize};

use crate::{Compiled, Refusal, Unresolved, Warning};

/// What has to change, as a value that can be printed, stored, refused and carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The stable JSON form of it all.
    pub document: PlanDocument,
    /// To announce, in section 5.1 order.
    pub announce: Vec<Route>,
    /// To withdraw.
    pub withdraw: Vec<Nlri>,
}

/// Plan JSON, schema 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanDocument {
    /// 1.
    pub schema: u32,
    /// In section 5.1 order, IPv4 first.
    pub rules: Vec<PlannedRule>,
    /// Refusals.
    pub refused: Vec<Refusal>,
    /// Endpoints without an address.
    pub unresolved: Vec<Unresolved>,
    /// Warnings.
    pub warnings: Vec<Warning>,
    /// Counts.
    pub summary: Summary,
    /// Registry version.
    pub registry_version: String,
    /// Policy set version.
    pub policy_version: String,
}

/// Counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words say it")]
pub struct Summary {
    pub announce: u64,
    pub withdraw: u64,
    pub keep: u64,
    pub refused: u64,
}

/// What happens to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Change {
    Announce,
    Withdraw,
    Keep,
}

/// One rule of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedRule {
    /// See the type.
    pub change: Change,
}

impl Plan {
    /// Only paths that are ours (local, and the ownership community's first two parts match) are
    /// ever withdrawn or kept.
    pub fn between(desired: &Compiled, observed: &[Observed], asn: u32, instance: u32) -> Self {
        todo!()
    }
}
