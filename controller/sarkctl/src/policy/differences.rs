//! In what two decisions differ.

use sark_core::decision::{Decision, Obligation};
use serde::Serialize;
use serde_json::{Value, json};

/// Something of a decision that is not the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Difference {
    /// `action`, `severity`, `reason`, `obligations` or `rules`.
    pub what: &'static str,
    /// As it was: of obligations and rules, those that are there no more.
    pub was: Value,
    /// As it becomes: of obligations and rules, those that were not there.
    pub becomes: Value,
}

/// In everything that a decision says; nothing if they are the same.
pub(super) fn between(was: &Decision, becomes: &Decision) -> Vec<Difference> {
    let one = |what, was: Value, becomes: Value| {
        (was != becomes).then_some(Difference { what, was, becomes })
    };
    let many = |what, was: Vec<Value>, becomes: Vec<Value>| {
        let gone = was.iter().filter(|one| !becomes.contains(one)).cloned().collect();
        let new = becomes.iter().filter(|one| !was.contains(one)).cloned().collect();
        one(what, Value::Array(gone), Value::Array(new))
    };
    let differences = [
        one("action", json!(was.action), json!(becomes.action)),
        one("severity", json!(was.severity), json!(becomes.severity)),
        one("reason", json!(was.reason), json!(becomes.reason)),
        many("obligations", obligations(was), obligations(becomes)),
        many("rules", rules(was), rules(becomes)),
    ];
    differences.into_iter().flatten().collect()
}

/// The order of what an obligation names does not count.
fn obligations(decision: &Decision) -> Vec<Value> {
    let sorted = |obligation: &Obligation| {
        let mut obligation = obligation.clone();
        if let Obligation::Redact { findings: list } | Obligation::Keep { fields: list } =
            &mut obligation
        {
            list.sort();
            list.dedup();
        }
        json!(obligation)
    };
    decision.obligations.iter().map(sorted).collect()
}

/// Each rule that matched; the one that won, where none did.
fn rules(decision: &Decision) -> Vec<Value> {
    let name = |policy: &str, rule: &str| json!(format!("{policy}/{rule}"));
    if decision.matched.is_empty() {
        return vec![name(&decision.policy_id, &decision.rule_id)];
    }
    decision.matched.iter().map(|rule| name(&rule.policy_id, &rule.rule_id)).collect()
}

#[cfg(test)]
mod tests {
    use sark_core::decision::{Action, Matched, Severity};

    use super::*;

    fn rule(action: Action, obligations: &[Obligation]) -> Matched {
        Matched {
            action,
            severity: Severity::Medium,
            policy_id: "p".into(),
            rule_id: "r".into(),
            reason: "because".into(),
            obligations: obligations.to_vec(),
        }
    }

    fn of(rules: &[Matched]) -> Decision {
        Decision::of(rules.to_vec()).unwrap()
    }

    fn redact(findings: &[&str]) -> Obligation {
        Obligation::Redact { findings: findings.iter().map(|it| (*it).to_owned()).collect() }
    }

    fn what(was: &Decision, becomes: &Decision) -> Vec<&'static str> {
        between(was, becomes).into_iter().map(|difference| difference.what).collect()
    }

    #[test]
    fn each_part_of_a_decision_counts() {
        let plain = of(&[rule(Action::Audit, &[])]);
        assert_eq!(what(&plain, &plain), [""; 0]);
        let graver = of(&[Matched { severity: Severity::High, ..rule(Action::Audit, &[]) }]);
        assert_eq!(what(&plain, &graver), ["severity"]);
        let why = of(&[Matched { reason: "since".into(), ..rule(Action::Audit, &[]) }]);
        assert_eq!(what(&plain, &why), ["reason"]);
        let other = of(&[Matched { rule_id: "s".into(), ..rule(Action::Audit, &[]) }]);
        assert_eq!(what(&plain, &other), ["rules"]);
        assert_eq!(what(&plain, &of(&[rule(Action::Deny, &[])])), ["action"]);
        for obligation in [
            Obligation::Notify { route: "soc".into() },
            Obligation::Keep { fields: vec!["prompt".into()] },
            Obligation::Redirect { to: "local/gateway".into() },
        ] {
            let more = of(&[rule(Action::Audit, std::slice::from_ref(&obligation))]);
            let [lost] = &between(&more, &plain)[..] else { panic!("{obligation:?}") };
            assert_eq!((lost.what, &lost.was), ("obligations", &json!([obligation])));
            assert_eq!(lost.becomes, json!([]));
        }
        // A rule beside the one that wins, and a default in the place of a rule.
        let beside = Matched { rule_id: "s".into(), ..rule(Action::Audit, &[]) };
        let both = of(&[rule(Action::Audit, &[]), beside]);
        let [more] = &between(&plain, &both)[..] else { panic!("{both:?}") };
        assert_eq!((more.what, &more.becomes), ("rules", &json!(["p/s"])));
        let none = Decision {
            severity: Severity::Medium,
            ..Decision::without_rule(Action::Audit, "default", "llm", "because".into())
        };
        assert_eq!(what(&plain, &none), ["rules"]);
    }

    #[test]
    fn a_narrower_redaction_is_another() {
        let all = of(&[rule(Action::Redact, &[redact(&["*"])])]);
        let some = of(&[rule(Action::Redact, &[redact(&["email"])])]);
        let [differs] = &between(&all, &some)[..] else { panic!("{some:?}") };
        assert_eq!(differs.what, "obligations");
        assert_eq!(differs.was, json!([redact(&["*"])]));
        assert_eq!(differs.becomes, json!([redact(&["email"])]));
        let two = |list: &[&str]| of(&[rule(Action::Redact, &[redact(list)])]);
        assert_eq!(what(&two(&["a", "b"]), &two(&["b", "a"])), [""; 0], "the order is nothing");
    }
}
