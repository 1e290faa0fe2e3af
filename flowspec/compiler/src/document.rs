//! Plan JSON, schema 1: stable, for people's tools.

use sark_flowspec::{Action, Afi};
use serde::{Deserialize, Serialize};

use crate::{Collateral, Origin, Refusal, Unresolved, Warning};

/// Plan JSON, schema 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanDocument {
    /// 1.
    pub schema: u32,
    /// In section 5.1 order, IPv4 first.
    pub rules: Vec<PlannedRule>,
    /// Refusals. When there is one, nothing is applied.
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
    /// What happens to it. Changed actions on the same NLRI are `announce` with `previous`.
    pub change: Change,
    /// Policy, `guard:NAME`, or `unknown` for a withdrawn rule that nobody remembers.
    pub policy: String,
    /// Family.
    pub afi: Afi,
    /// Lowercase hex, with the length octets.
    pub nlri: String,
    /// Text form of the NLRI.
    #[serde(rename = "match")]
    pub matches: String,
    /// Empty means accept.
    pub actions: Vec<PlannedAction>,
    /// The actions on this NLRI before, when they change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Vec<PlannedAction>>,
    /// `ASN:INSTANCE:RULE`.
    pub large_community: String,
    /// Where it comes from.
    pub origin: Origin,
    /// What it touches.
    pub collateral: Collateral,
}

/// An action and its community: 16 hex digits, or 40 for attribute 25.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedAction {
    /// What it does.
    #[serde(flatten)]
    pub kind: ActionDocument,
    /// Lowercase hex.
    pub community: String,
}

/// The action's `type` and values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the fields of the actions of the same names")]
pub enum ActionDocument {
    TrafficRateBytes {
        asn: u16,
        bytes_per_second: f32,
    },
    TrafficRatePackets {
        asn: u16,
        packets_per_second: f32,
    },
    TrafficAction {
        sample: bool,
        terminal: bool,
    },
    RedirectVrf {
        route_target: String,
    },
    RedirectIp {
        address: std::net::IpAddr,
        copy: bool,
    },
    TrafficMarking {
        dscp: u8,
    },
    /// A community on an observed path that is no action we know.
    Unknown {},
}

impl From<&Action> for PlannedAction {
    fn from(action: &Action) -> Self {
        let _ = action;
        todo!()
    }
}
