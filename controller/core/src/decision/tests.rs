use proptest::prelude::*;

use super::{Action, Contradiction, Decision, Matched, Obligation, Severity};

fn rule(action: Action, policy: &str, rule: &str) -> Matched {
    Matched {
        action,
        severity: action.severity(),
        policy_id: policy.to_owned(),
        rule_id: rule.to_owned(),
        reason: format!("{policy}/{rule}"),
        obligations: match action {
            Action::Redact => vec![Obligation::Redact { findings: vec!["*".to_owned()] }],
            _ => Vec::new(),
        },
    }
}

#[test]
fn actions_are_in_order_and_allow_up_to_redact() {
    assert!(Action::ALL.is_sorted());
    let allowed: Vec<_> = Action::ALL.into_iter().filter(|action| action.allows()).collect();
    assert_eq!(allowed, [Action::Allow, Action::Audit, Action::Alert, Action::Redact]);
    for action in Action::ALL {
        assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
    }
}

#[test]
fn the_greatest_action_wins_and_everything_is_recorded() {
    let rules = [rule(Action::Alert, "a", "1"), rule(Action::Deny, "b", "2")];
    let decision = Decision::of(rules.to_vec()).unwrap();
    assert_eq!((decision.action, decision.allow), (Action::Deny, false));
    assert_eq!(decision.reason, "b/2");
    assert_eq!(decision.matched, [rules[1].clone(), rules[0].clone()]);
}

#[test]
fn the_highest_severity_is_kept_even_of_a_milder_rule() {
    let mut loud = rule(Action::Alert, "a", "1");
    loud.severity = Severity::Critical;
    let decision = Decision::of(vec![rule(Action::Deny, "b", "2"), loud]).unwrap();
    assert_eq!((decision.action, decision.severity), (Action::Deny, Severity::Critical));
}

#[test]
fn obligations_of_all_rules_hold_unless_what_they_change_is_stopped() {
    let notify = Obligation::Notify { route: "soc".to_owned() };
    let mut told = rule(Action::Alert, "a", "1");
    told.obligations = vec![notify.clone(), notify.clone()];
    let redacting = rule(Action::Redact, "b", "1");
    let both = Decision::of(vec![told.clone(), redacting.clone()]).unwrap();
    assert_eq!(both.obligations, [redacting.obligations[0].clone(), notify.clone()]);
    let denied = Decision::of(vec![told, redacting, rule(Action::Deny, "c", "1")]).unwrap();
    assert_eq!(denied.obligations, [notify]);
}

#[test]
fn contradictions_are_errors() {
    assert_eq!(Decision::of(Vec::new()), Err(Contradiction::Nothing));
    let mut nothing = rule(Action::Redact, "a", "1");
    nothing.obligations.clear();
    let error = Decision::of(vec![nothing]).unwrap_err();
    assert!(matches!(error, Contradiction::RedactsNothing { .. }), "{error}");

    let mut beside = rule(Action::Redact, "a", "1");
    beside.action = Action::Alert;
    let error = Decision::of(vec![beside]).unwrap_err();
    assert!(matches!(error, Contradiction::RedactsBeside { .. }), "{error}");

    let sent = |action, to: &str| {
        let mut sent = rule(action, "a", to);
        sent.obligations = vec![Obligation::Redirect { to: to.to_owned() }];
        sent
    };
    let error = Decision::of(vec![sent(Action::Deny, "x/y")]).unwrap_err();
    assert!(matches!(error, Contradiction::RedirectsStopped { .. }), "{error}");
    let error = Decision::of(vec![sent(Action::Audit, "x/y"), sent(Action::Allow, "z/y")]);
    assert_eq!(error, Err(Contradiction::TwoWays("x/y".to_owned(), "z/y".to_owned())));
}

proptest! {
    #[test]
    fn the_order_of_rules_does_not_count(
        picked in prop::collection::vec((0usize..8, 0u8..3, 0u8..3), 1..12),
        turn in 0usize..12,
    ) {
        let rules: Vec<Matched> = picked
            .iter()
            .map(|(action, policy, id)| rule(Action::ALL[*action], &policy.to_string(), &id.to_string()))
            .collect();
        let mut turned = rules.clone();
        turned.rotate_left(turn % rules.len());
        turned.reverse();
        let decision = Decision::of(rules.clone()).unwrap();
        prop_assert_eq!(&decision, &Decision::of(turned).unwrap());
        prop_assert_eq!(Some(decision.action), rules.iter().map(|rule| rule.action).max());
        prop_assert_eq!(decision.allow, decision.action.allows());
    }
}
