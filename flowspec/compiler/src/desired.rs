//! Policies, registry and time → the rules that should be there.

use std::sync::Arc;

use sark_flowspec::Route;
use serde::{Deserialize, Serialize};

use crate::Steering;
use crate::intent::Intents;

/// The rules that should be there, in the routers' order, and what was refused.
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled {
    /// In the order of section 5.1, IPv4 first. Empty when anything is refused.
    pub rules: Vec<DesiredRule>,
    /// When something is refused: what the rest would give, to be printed and never to be acted on.
    pub preview: Vec<DesiredRule>,
    /// Rules that exist only so that the routers' order gives what the priorities mean: added
    /// intersections and the extra pieces of rules that were split.
    pub rewritten: u64,
    /// A set with refusals is never applied.
    pub refused: Vec<Refusal>,
    /// Endpoints without an address.
    pub unresolved: Vec<Unresolved>,
    /// What a person should know.
    pub warnings: Vec<Warning>,
    /// What each policy that redirects to a pool does now, by family.
    pub steering: Vec<Steering>,
    /// Registry version.
    pub registry_version: String,
    /// Policy set version.
    pub policy_version: String,
    /// What policies and guards mean, for [`crate::simulate`].
    pub(crate) intents: Intents,
}

impl Compiled {
    /// Refuses it for more reasons.
    pub fn refuse(&mut self, why: Vec<Refusal>) {
        if why.is_empty() {
            return;
        }
        self.refused.extend(why);
        self.refused.sort();
        self.refused.dedup();
        self.preview.append(&mut self.rules);
    }
}

/// One rule and why it exists.
#[derive(Debug, Clone, PartialEq)]
pub struct DesiredRule {
    /// To be announced.
    pub route: Route,
    /// Policy, or `guard:NAME`.
    pub policy: Arc<str>,
    /// Where it comes from.
    pub origin: Arc<Origin>,
    /// What it touches.
    pub collateral: Arc<Collateral>,
}

/// Where a rule comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// Policy file, or `guard:NAME`; `unknown` for a withdrawn rule that nobody remembers.
    pub file: String,
    /// Line in it; 0 for guards.
    pub line: u32,
    /// Endpoint ids, or `prefix` for a literal prefix.
    pub endpoint: Vec<String>,
    /// Documents or feeds behind the endpoint.
    pub source: Vec<String>,
}

/// The blast radius of a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Collateral {
    /// Destination addresses covered, in decimal (an IPv6 count does not fit a JSON number).
    pub addresses: String,
    /// Endpoints of other providers that are known to live at them.
    pub others: Vec<String>,
}

/// Why a policy is refused and what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unresolved {
    /// Policy.
    pub policy: String,
    /// Endpoint id.
    pub endpoint: String,
    /// Its names.
    pub names: Vec<String>,
}

/// Something a person should know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Warning {
    /// Policy.
    pub policy: String,
    /// Such as `not-programmed`, `shadowed`, `uncovered-family`, `fragments`.
    pub code: String,
    /// The sentence.
    pub message: String,
}

/// A policy says something that does not exist here: an unknown pool, provider, service, tunnel or
/// name. Bad input, not a refusal (exit code 2).
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error,
)]
#[serde(rename_all = "camelCase")]
#[error("{file}:{line}: policy {policy}: {message}{}", help.as_deref().map(|h| format!(" ({h})")).unwrap_or_default())]
pub struct InputError {
    /// Policy file.
    pub file: String,
    /// Line in it.
    pub line: u32,
    /// Policy.
    pub policy: String,
    /// What is wrong.
    pub message: String,
    /// What to do, such as `did you mean "anthropic"?`.
    pub help: Option<String>,
}
