//! Which rule a packet hits, and why.

use sark_flowspec::Packet;
use serde::{Deserialize, Serialize};

use crate::{Compiled, Origin, PlannedAction};

/// The way of one packet through a compiled set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Simulation {
    /// One sentence: what happens to the packet.
    pub outcome: String,
    /// What the winning rule does; empty when untouched or accepted.
    pub actions: Vec<PlannedAction>,
    /// The rules that match, in the routers' order; the first wins.
    pub matches: Vec<SimulatedRule>,
    /// Why the first precedes the second, in the words of section 5.1.
    pub order: Option<String>,
    /// The policies that match, highest priority first; the first is what was meant.
    pub intended: Vec<SimulatedPolicy>,
    /// Whether routers do what was meant. The compiler proves it; this says it for this packet.
    pub agrees: bool,
}

/// A rule that matches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SimulatedRule {
    /// Policy or `guard:NAME`.
    pub policy: String,
    /// Lowercase hex, with the length octets.
    pub nlri: String,
    /// Text form of the NLRI.
    #[serde(rename = "match")]
    pub matches: String,
    /// Empty means accept.
    pub actions: Vec<PlannedAction>,
    /// Where it comes from.
    pub origin: Origin,
}

/// A policy that matches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SimulatedPolicy {
    /// Policy or `guard:NAME`.
    pub policy: String,
    /// Its priority; `None` for guards, which stand above all.
    pub priority: Option<u16>,
    /// What it means to do.
    pub actions: Vec<PlannedAction>,
    /// Policy file, or `guard:NAME`.
    pub file: String,
    /// Line in it; 0 for guards.
    pub line: u32,
}

/// Follows one packet.
pub fn simulate(compiled: &Compiled, packet: &Packet) -> Simulation {
    let _ = (compiled, packet);
    todo!()
}
