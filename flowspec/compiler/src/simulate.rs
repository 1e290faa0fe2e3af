//! Which rule a packet hits, and why.

use sark_flowspec::{Component, Nlri, Packet, PrefixMatch};
use serde::{Deserialize, Serialize};

use crate::document::{hex, words};
use crate::intent::GUARD;
use crate::{Compiled, DesiredRule, Origin, PlannedAction};

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
#[must_use]
pub fn simulate(compiled: &Compiled, packet: &Packet) -> Simulation {
    let hits: Vec<&DesiredRule> =
        compiled.rules.iter().filter(|rule| rule.route.nlri.matches(packet)).collect();
    let intents = &compiled.intents;
    let mut meant: Vec<(u32, SimulatedPolicy)> = intents
        .intents
        .iter()
        .filter(|intent| intent.matches(packet))
        .map(|intent| {
            let decider = intents.decider(intent.decider);
            let actions = &intents.actions[intent.action as usize];
            let policy = SimulatedPolicy {
                policy: decider.name.clone(),
                priority: u16::try_from(decider.priority).ok(),
                actions: actions.iter().map(PlannedAction::from).collect(),
                file: decider.file.clone(),
                line: decider.line,
            };
            (GUARD - decider.priority, policy)
        })
        .collect();
    meant.sort_by(|(a, one), (b, other)| a.cmp(b).then_with(|| one.policy.cmp(&other.policy)));
    meant.dedup_by(|(_, a), (_, b)| a == b);
    let intended: Vec<SimulatedPolicy> = meant.into_iter().map(|(_, policy)| policy).collect();
    let matches: Vec<SimulatedRule> = hits.iter().map(|rule| described(rule)).collect();
    let actions = matches.first().map(|rule| rule.actions.clone()).unwrap_or_default();
    // Of equal priority there are several only if each will do.
    let highest = intended.first().map(|policy| policy.priority);
    let is_wanted = match highest {
        None => actions.is_empty(),
        Some(priority) => {
            let highest = intended.iter().take_while(|policy| policy.priority == priority);
            highest.into_iter().any(|policy| policy.actions == actions)
        }
    };
    let outcome = match (matches.first(), intended.first()) {
        // A guard is written nowhere.
        (Some(rule), _) if rule.origin.line == 0 => format!("{}: {}", words(&actions), rule.policy),
        (Some(rule), _) => {
            format!(
                "{}: {} ({}:{})",
                words(&actions),
                rule.policy,
                rule.origin.file,
                rule.origin.line
            )
        }
        (None, Some(guard)) => format!("untouched: no rule matches, as {} wants", guard.policy),
        (None, None) => "untouched: no rule matches".to_owned(),
    };
    let order = match hits.as_slice() {
        [first, second, ..] => Some(reason(&first.route.nlri, &second.route.nlri)),
        _ => None,
    };
    Simulation { outcome, agrees: is_wanted, actions, matches, order, intended }
}

fn described(rule: &DesiredRule) -> SimulatedRule {
    SimulatedRule {
        policy: rule.policy.to_string(),
        nlri: hex(&rule.route.nlri.encode()),
        matches: rule.route.nlri.to_string(),
        actions: rule.route.actions.iter().map(PlannedAction::from).collect(),
        origin: Origin::clone(&rule.origin),
    }
}

/// Why `first` precedes `second`, by the steps of section 5.1.
fn reason(first: &Nlri, second: &Nlri) -> String {
    for (a, b) in first.components().iter().zip(second.components()) {
        let (one, other) = (a.component_type(), b.component_type());
        if one != other {
            return format!(
                "it has {one} (type {}) where the next rule has {other} (type {}): the lower type \
                 is first",
                one as u8, other as u8
            );
        }
        if a == b {
            continue;
        }
        if let (Component::Destination(a), Component::Destination(b))
        | (Component::Source(a), Component::Source(b)) = (a, b)
        {
            let text = |p: &PrefixMatch| p.to_net().map_or_else(String::new, |net| net.to_string());
            return format!(
                "its {one} {} lies in the next rule's {}: the more specific prefix is first",
                text(a),
                text(b)
            );
        }
        return format!("both have {one}, and its octets compare lower than the next rule's");
    }
    "it has all components of the next rule and more: the longer rule is first".into()
}
