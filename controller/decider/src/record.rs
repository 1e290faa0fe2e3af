//! The record of a decision, and whether somebody is told.

use std::collections::BTreeMap;

use sark_core::activity::Process;
use sark_core::audit::{AuditRecord, Correlation, Evidence, Notice, Outcome};
use sark_core::decision::{Action, Decision, ENGINE, Matched, Obligation};
use sark_policy::decision::Input;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{By, Decided, Question, Shadow};

/// On what was decided, and what.
#[derive(Debug, Clone, Serialize)]
pub struct Detail<'a> {
    input: &'a Input,
    decision: &'a Decision,
    #[serde(skip_serializing_if = "Option::is_none")]
    registry: Option<&'a Value>,
    #[serde(flatten)]
    sets: Sets,
}

/// Which sets had a say beside the one in use.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Sets {
    /// Whether a canary decided.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    canary: bool,
    /// What a candidate says of which nothing happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    candidate: Option<Value>,
}

/// What the trail has of a decision: enough to make it again. `by` is who asked.
#[must_use]
pub fn of<'a>(
    question: &'a Question,
    decided: &'a Decided,
    by: &str,
    registry: &str,
) -> AuditRecord<Detail<'a>> {
    let record = of_decision(question, &decided.decision, by, sets_of(decided));
    record.on(evidence(decided, registry))
}

/// The same where no set is in use, and the caller's settings said what happens.
#[must_use]
pub fn undecided<'a>(
    question: &'a Question,
    decision: &'a Decision,
    by: &str,
    registry: &str,
) -> AuditRecord<Detail<'a>> {
    let registry_version = Some(registry.to_owned());
    let evidence = Evidence { registry_version, policy_version: None, rules: rules(decision) };
    of_decision(question, decision, by, Sets::default()).on(evidence)
}

fn of_decision<'a>(
    question: &'a Question,
    decision: &'a Decision,
    by: &str,
    sets: Sets,
) -> AuditRecord<Detail<'a>> {
    let Question { input, facts, at } = question;
    let line = input.line();
    let registry = facts.as_ref();
    let detail = Detail { input, decision, registry, sets };
    let outcome = if decision.allow { Outcome::Ok } else { Outcome::Refused };
    let record = AuditRecord::new(*at, by, format!("decision.{line}"), outcome, detail);
    let record = AuditRecord { severity: decision.severity, ..record }.about(about(input));
    match told(decision) {
        None => record,
        Some(rule) => record.told(decision.severity, notice(input, decision, &rule)),
    }
}

/// Which sets had a say in it.
#[must_use]
pub fn sets_of(decided: &Decided) -> Sets {
    Sets { canary: decided.by == By::Canary, candidate: decided.shadow.as_ref().map(aside) }
}

/// What a decision rests on.
#[must_use]
pub fn evidence(decided: &Decided, registry: &str) -> Evidence {
    Evidence {
        registry_version: Some(registry.to_owned()),
        policy_version: Some(decided.version.to_string()),
        rules: rules(&decided.decision),
    }
}

fn rules(decision: &Decision) -> Vec<String> {
    let name = |policy: &str, rule: &str| format!("{policy}/{rule}");
    if decision.matched.is_empty() {
        return vec![name(&decision.policy_id, &decision.rule_id)];
    }
    decision.matched.iter().map(|rule| name(&rule.policy_id, &rule.rule_id)).collect()
}

fn aside(shadow: &Shadow) -> Value {
    let Shadow { version, decision } = shadow;
    json!({ "version": version, "action": decision.action, "rules": rules(decision) })
}

/// The rule because of which somebody is told, if there is one: it alerts, or cuts off, or could not
/// be asked, or says itself who is told. A refusal alone is told to who is refused, and to nobody else.
#[must_use]
pub fn told(decision: &Decision) -> Option<Matched> {
    let tells = |rule: &&Matched| {
        matches!(rule.action, Action::Alert | Action::Block | Action::Isolate)
            || rule.policy_id == ENGINE
            || rule.obligations.iter().any(|other| matches!(other, Obligation::Notify { .. }))
    };
    if let Some(rule) = decision.matched.iter().find(tells) {
        return Some(rule.clone());
    }
    // What no rule matched, and whose default is to alert.
    let rule = Matched {
        action: decision.action,
        severity: decision.severity,
        policy_id: decision.policy_id.clone(),
        rule_id: decision.rule_id.clone(),
        reason: decision.reason.clone(),
        obligations: Vec::new(),
    };
    (decision.matched.is_empty() && tells(&&rule)).then_some(rule)
}

/// Routes that obligations name.
#[must_use]
pub fn routes(decision: &Decision) -> Vec<String> {
    let route = |obligation: &Obligation| match obligation {
        Obligation::Notify { route } => Some(route.clone()),
        _ => None,
    };
    decision.obligations.iter().filter_map(route).collect()
}

fn notice(input: &Input, decision: &Decision, rule: &Matched) -> Notice {
    let about = about(input);
    let mut facts: BTreeMap<String, String> = BTreeMap::new();
    let mut fact = |name: &str, value: Option<&str>| {
        facts.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    };
    fact("action", Some(decision.action.as_str()));
    fact("rule", Some(&format!("{}/{}", rule.policy_id, rule.rule_id)));
    fact("user", about.user.as_deref());
    fact("host", about.host.as_deref());
    fact("process", about.process.as_deref());
    match input {
        Input::Request(request) => {
            fact("provider", request.provider.as_deref());
            fact("model", request.model.as_deref());
        }
        Input::Activity(activity) => fact("provider", activity.provider.as_deref()),
        Input::Tunnel(sighting) => fact("service", sighting.service.as_deref()),
        Input::Report(_) => {}
    }
    // An error is one cause, whoever meets it.
    let of_whom = about.user.or(about.host).filter(|_| rule.policy_id != ENGINE);
    let (line, whom) = (input.line(), of_whom.as_deref().unwrap_or("-"));
    Notice {
        key: format!("decision.{line}:{}/{}:{whom}", rule.policy_id, rule.rule_id),
        title: rule.reason.clone(),
        resolved: false,
        routes: routes(decision),
        runbook: Some("decisions".to_owned()),
        facts,
    }
}

fn about(input: &Input) -> Correlation {
    let (host, process, user) = match input {
        Input::Request(it) => (it.host.clone(), it.process.clone(), it.user.clone()),
        Input::Tunnel(it) => (it.host.clone(), it.process.clone(), it.user.clone()),
        Input::Activity(it) => {
            let Process { name, pid, .. } = &it.process;
            let process = pid.map_or_else(|| name.clone(), |pid| format!("{name}[{pid}]"));
            (Some(it.host.id.clone()), Some(process), it.user.clone())
        }
        Input::Report(it) => (Some(it.sensor.clone()), None, None),
    };
    let request = Some(input.id().to_owned());
    Correlation { request, host, process, user, ..Correlation::default() }
}

#[cfg(test)]
mod tests {
    use sark_core::decision::Severity;

    use super::*;

    fn rule(action: Action, policy: &str) -> Matched {
        Matched {
            action,
            severity: Severity::Low,
            policy_id: policy.into(),
            rule_id: "r".into(),
            reason: format!("{policy} says so"),
            obligations: Vec::new(),
        }
    }

    fn told_by(rules: Vec<Matched>) -> Option<String> {
        told(&Decision::of(rules).unwrap()).map(|rule| rule.policy_id)
    }

    #[test]
    fn a_denial_is_told_only_if_a_rule_says_so() {
        assert_eq!(told_by(vec![rule(Action::Deny, "a")]), None);
        assert_eq!(told_by(vec![rule(Action::Audit, "a"), rule(Action::Hold, "b")]), None);
        let both = vec![rule(Action::Deny, "a"), rule(Action::Alert, "b")];
        assert_eq!(told_by(both).as_deref(), Some("b"), "the denial wins and the alert is told");
        assert_eq!(told_by(vec![rule(Action::Block, "a")]).as_deref(), Some("a"));
        assert_eq!(told_by(vec![rule(Action::Deny, ENGINE)]).as_deref(), Some(ENGINE));
        let route = Obligation::Notify { route: "soc".into() };
        let named = Matched { obligations: vec![route], ..rule(Action::Deny, "a") };
        assert_eq!(told_by(vec![named]).as_deref(), Some("a"));
        let default = Decision::without_rule(Action::Alert, "default", "edr", "no rule".into());
        assert_eq!(told(&default).map(|rule| rule.rule_id).as_deref(), Some("edr"));
        let default = Decision::without_rule(Action::Deny, "default", "llm", "no rule".into());
        assert_eq!(told(&default), None);
    }
}
