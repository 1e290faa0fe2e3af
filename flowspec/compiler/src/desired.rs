//! Policies, registry and time → the rules that should be there.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sark_flowspec::Route;
use sark_policy::PolicySet;
use sark_registry::Snapshot;

use crate::Environment;

/// The rules that should be there, in the routers' order, and what was refused.
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled {
    /// In the order of section 5.1, IPv4 first. Empty when anything is refused.
    pub rules: Vec<DesiredRule>,
    /// A set with refusals is never applied.
    pub refused: Vec<Refusal>,
    /// Endpoints without an address.
    pub unresolved: Vec<Unresolved>,
    /// What a person should know.
    pub warnings: Vec<Warning>,
    /// Registry version.
    pub registry_version: String,
    /// Policy set version.
    pub policy_version: String,
}

/// One rule and why it exists.
#[derive(Debug, Clone, PartialEq)]
pub struct DesiredRule {
    /// To be announced.
    pub route: Route,
    /// Policy, or `guard:NAME`.
    pub policy: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a rule comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Policy file, or `guard:NAME`.
    pub file: String,
    /// Line in it; 0 for guards.
    pub line: u32,
    /// Endpoint ids, or `prefix` for a literal prefix.
    pub endpoint: Vec<String>,
    /// Documents or feeds behind the endpoint.
    pub source: Vec<String>,
}

/// Why a policy is refused and what to do.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Refusal {
    /// Policy.
    pub policy: String,
    /// Which guard, such as `priority-tie`, `ceiling`, `budget`.
    pub guard: String,
    /// What is wrong.
    pub why: String,
    /// The way out.
    pub fix: String,
}

/// An endpoint that a policy selects and that has no address.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Unresolved {
    /// Policy.
    pub policy: String,
    /// Endpoint id.
    pub endpoint: String,
    /// Its names.
    pub names: Vec<String>,
}

/// Something a person should know.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Warning {
    /// Policy.
    pub policy: String,
    /// Such as `not-programmed`, `shadowed`, `uncovered-family`, `fragments`.
    pub code: String,
    /// The sentence.
    pub message: String,
}

/// Compiles. `activated` says when each policy (by name) was first applied in its present
/// wording; a policy that is missing there counts from `now`.
pub fn compile(
    policies: &PolicySet,
    registry: &Snapshot,
    environment: &Environment,
    activated: &BTreeMap<String, Timestamp>,
    now: Timestamp,
) -> Compiled {
    todo!()
}
