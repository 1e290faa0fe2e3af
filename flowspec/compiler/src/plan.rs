//! Desired against observed.

use std::collections::HashMap;

use sark_flowspec::{Nlri, Observed, Route};

use crate::document::{PlannedAction, hex};
use crate::emit::rule_id_of;
use crate::{
    Change, Collateral, Compiled, DesiredRule, Diff, Origin, PlanDocument, PlannedRule, Refusal,
    Summary, Warning,
};

/// What has to change, as a value that can be printed, stored, refused and carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The stable JSON form of it all.
    pub document: PlanDocument,
    /// To announce, in section 5.1 order. Empty when compiling refused something.
    pub announce: Vec<Route>,
    /// To withdraw. Empty when compiling refused something.
    pub withdraw: Vec<Nlri>,
}

impl Plan {
    /// Only paths that are ours (local, and the ownership community's first two parts match) are
    /// ever withdrawn or kept. A local path of somebody else on an NLRI that we want is a refusal,
    /// `foreign-route`, and is left alone; the rest of the plan is still there for a reconciler.
    #[must_use]
    pub fn between(desired: &Compiled, observed: &[Observed], asn: u32, instance: u32) -> Self {
        Self::between_knowing(desired, observed, asn, instance, &[])
    }

    /// The same, with the rules that were desired before, so that what is withdrawn can name its
    /// policy.
    #[must_use]
    pub fn between_knowing(
        desired: &Compiled,
        observed: &[Observed],
        asn: u32,
        instance: u32,
        previous: &[DesiredRule],
    ) -> Self {
        let acts = desired.refused.is_empty();
        let mut refused = desired.refused.clone();
        let mut warnings = desired.warnings.clone();
        let diff = Diff::between(desired, observed, asn, instance);

        let (mut announce, mut withdraw) = (Vec::new(), Vec::new());
        let mut rules = Vec::with_capacity(diff.keep.len() + diff.announce.len());
        for rule in &diff.keep {
            rules.push((&rule.route.nlri, describe(rule, Change::Keep)));
        }
        for (rule, seen) in &diff.announce {
            let mut planned = describe(rule, Change::Announce);
            planned.previous = seen.map(actions).filter(|before| *before != planned.actions);
            announce.push(rule.route.clone());
            rules.push((&rule.route.nlri, planned));
        }
        let known: HashMap<&Nlri, &DesiredRule> = match diff.withdraw.is_empty() {
            true => HashMap::new(),
            false => previous.iter().map(|rule| (&rule.route.nlri, rule)).collect(),
        };
        for (nlri, seen) in &diff.withdraw {
            withdraw.push((*nlri).clone());
            rules.push((*nlri, withdrawn(nlri, seen, known.get(nlri).copied())));
        }
        refused.extend(diff.foreign.iter().map(|rule| foreign(rule)));
        warnings.extend(diff.unreadable.iter().map(|seen| Warning {
            policy: "unknown".into(),
            code: "unreadable".into(),
            message: format!(
                "a path that is ours cannot be read, and stays: {}",
                hex(&seen.octets)
            ),
        }));
        // Rules come sorted, and runs that are sorted cost little.
        rules.sort_by_key(|(nlri, _)| *nlri);
        warnings.sort();
        if !acts {
            announce.clear();
            withdraw.clear();
        }
        let rules: Vec<PlannedRule> = rules.into_iter().map(|(_, planned)| planned).collect();
        let count = |change| rules.iter().filter(|rule| rule.change == change).count() as u64;
        let summary = Summary {
            announce: count(Change::Announce),
            withdraw: count(Change::Withdraw),
            keep: count(Change::Keep),
            refused: refused.len() as u64,
        };
        Self {
            document: PlanDocument {
                schema: 1,
                rules,
                refused,
                unresolved: desired.unresolved.clone(),
                warnings,
                summary,
                registry_version: desired.registry_version.clone(),
                policy_version: desired.policy_version.clone(),
            },
            announce,
            withdraw,
        }
    }
}

fn actions(seen: &Observed) -> Vec<PlannedAction> {
    seen.communities.iter().map(PlannedAction::from).collect()
}

fn describe(rule: &DesiredRule, change: Change) -> PlannedRule {
    PlannedRule {
        change,
        policy: rule.policy.to_string(),
        afi: rule.route.nlri.afi(),
        nlri: hex(&rule.route.nlri.encode()),
        matches: rule.route.nlri.to_string(),
        actions: rule.route.actions.iter().map(PlannedAction::from).collect(),
        previous: None,
        large_community: rule.route.large_community.to_string(),
        origin: Origin::clone(&rule.origin),
        collateral: Collateral::clone(&rule.collateral),
    }
}

fn withdrawn(nlri: &Nlri, seen: &Observed, known: Option<&DesiredRule>) -> PlannedRule {
    let unknown = || Origin { file: "unknown".into(), ..Origin::default() };
    PlannedRule {
        change: Change::Withdraw,
        policy: known.map_or_else(|| "unknown".to_owned(), |rule| rule.policy.to_string()),
        afi: seen.afi,
        nlri: hex(&seen.octets),
        matches: nlri.to_string(),
        actions: actions(seen),
        previous: None,
        large_community: seen
            .large_communities
            .first()
            .map(ToString::to_string)
            .unwrap_or_default(),
        origin: known.map_or_else(unknown, |rule| Origin::clone(&rule.origin)),
        collateral: known
            .map_or_else(Collateral::default, |rule| Collateral::clone(&rule.collateral)),
    }
}

fn foreign(rule: &DesiredRule) -> Refusal {
    let nlri = &rule.route.nlri;
    let id = rule_id_of(nlri.afi(), &nlri.encode());
    Refusal {
        policy: rule.policy.to_string(),
        guard: "foreign-route".into(),
        why: format!(
            "the speaker already announces `{nlri}` for somebody else (its large community is not \
             {}:{}:{id})",
            rule.route.large_community.global, rule.route.large_community.local1
        ),
        fix: format!(
            "withdraw that route where it was made, or change {}:{} so that it does not want it",
            rule.origin.file, rule.origin.line
        ),
    }
}
