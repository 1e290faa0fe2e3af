//! Desired against observed, rule by rule.

use std::collections::HashMap;
use std::fmt::Write;

use sark_api::{RuleState, RuleView, RulesResponse};
use sark_compiler::{ActionDocument, Change, POOL_DOWN, Plan, PlannedAction, PlannedRule};
use sark_flowspec::{Action, ExtendedCommunity, LargeCommunity, Observed};

use super::{Observatory, QuestionError, glance};
use crate::reconcile::is_ours;

impl Observatory {
    /// All rules: what the newest revision asks for, and what the speaker's table holds.
    pub async fn rules(&self) -> Result<RulesResponse, QuestionError> {
        let desired = self.desired.at(self.clock.now()).await?;
        let table = glance("table", self.speaker.table()).await.ok();
        let environment = self.desired.environment();
        let (asn, instance) = (environment.asn, environment.instance);
        let observed = table.as_deref().unwrap_or_default();
        let of_octets: HashMap<String, &Observed> =
            observed.iter().map(|o| (hex(&o.octets), o)).collect();
        let mut rules: Vec<RuleView> = Vec::new();
        if let Some(desired) = &desired {
            let plan = Plan::between(&desired.compiled, observed, asn, instance);
            rules.extend(plan.document.rules.into_iter().map(|rule| ours(rule, &of_octets)));
        } else {
            // Without a revision nothing is desired and nothing is touched.
            let orphans = observed.iter().filter(|o| is_ours(o, asn, instance));
            rules.extend(orphans.map(|o| seen(o, RuleState::Stale, asn, instance)));
        }
        let foreign = observed.iter().filter(|o| !is_ours(o, asn, instance));
        rules.extend(foreign.map(|o| seen(o, RuleState::Foreign, asn, instance)));
        let enforcers = self.enforcers.counted(&mut rules);
        let warnings = desired.iter().flat_map(|desired| &desired.compiled.warnings);
        let warnings = warnings.filter(|warning| warning.code == POOL_DOWN).cloned().collect();
        Ok(RulesResponse {
            revision: desired.map(|d| d.revision.number),
            observed: table.is_some(),
            rules,
            enforcers,
            warnings,
        })
    }

    /// The rule of this id: the last part of its large community (decimal, or hex of eight digits
    /// or with `0x`), the whole of it, or its NLRI in hex.
    pub async fn rule(&self, id: &str) -> Result<Option<RuleView>, QuestionError> {
        let id = id.to_ascii_lowercase();
        let number = id
            .strip_prefix("0x")
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .map(|number| number.to_string());
        let eight = (id.len() == 8)
            .then(|| u32::from_str_radix(&id, 16).ok().map(|number| number.to_string()))
            .flatten();
        let is_it = |rule: &&RuleView, wanted: &str| {
            rule.nlri == wanted
                || rule.large_community.as_deref().is_some_and(|community| {
                    community == wanted || community.rsplit(':').next() == Some(wanted)
                })
        };
        let rules = self.rules().await?.rules;
        // A decimal number of eight digits is a hex number too: the decimal reading goes first.
        let found = [Some(id), number, eight]
            .into_iter()
            .flatten()
            .find_map(|wanted| rules.iter().find(|rule| is_it(rule, &wanted)).cloned());
        Ok(found)
    }
}

fn ours(rule: PlannedRule, observed: &HashMap<String, &Observed>) -> RuleView {
    let state = match (rule.change, &rule.previous) {
        (Change::Keep, _) => RuleState::InPlace,
        (Change::Announce, None) => RuleState::Missing,
        (Change::Announce, Some(_)) | (Change::Withdraw, _) => RuleState::Stale,
    };
    let desired = rule.change != Change::Withdraw;
    // What is to be withdrawn is shown with the actions it has.
    let actions = match observed.get(&rule.nlri) {
        Some(observed) if !desired => actions_of(observed),
        _ => rule.actions,
    };
    RuleView {
        state,
        policy: desired.then_some(rule.policy),
        afi: rule.afi,
        nlri: rule.nlri,
        matches: rule.matches,
        actions,
        observed_actions: rule.previous,
        large_community: Some(rule.large_community),
        origin: desired.then_some(rule.origin),
        collateral: desired.then_some(rule.collateral),
        counters: None,
    }
}

fn seen(observed: &Observed, state: RuleState, asn: u32, instance: u32) -> RuleView {
    let nlri = hex(&observed.octets);
    let is_our_mark = |c: &&LargeCommunity| c.global == asn && c.local1 == instance;
    let mark = observed.large_communities.iter().find(is_our_mark);
    RuleView {
        state,
        policy: None,
        afi: observed.afi,
        matches: observed.nlri.as_ref().map_or_else(|_| nlri.clone(), ToString::to_string),
        nlri,
        actions: actions_of(observed),
        observed_actions: None,
        large_community: mark.or(observed.large_communities.first()).map(ToString::to_string),
        origin: None,
        collateral: None,
        counters: None,
    }
}

fn actions_of(observed: &Observed) -> Vec<PlannedAction> {
    observed
        .communities
        .iter()
        .map(|community| match Action::decode(community) {
            Ok(Some(action)) => PlannedAction::from(&action),
            _ => PlannedAction {
                kind: ActionDocument::Unknown {},
                community: match community {
                    ExtendedCommunity::Basic(octets) => hex(octets),
                    ExtendedCommunity::Ipv6(octets) => hex(octets),
                },
            },
        })
        .collect()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(octets.len() * 2), |mut text, octet| {
        // Writing into a `String` does not fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}
