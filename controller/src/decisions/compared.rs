//! What a shadow would have said: counted, and recorded where it is not what was decided.

use sark_core::audit::{AuditRecord, Correlation, Evidence, Outcome};
use sark_decider::Comparison;
use serde_json::json;

use super::Decisions;
use crate::events::{AuditLost, Event};
use crate::registrar::OURSELVES;

impl Decisions {
    /// Counts and records what shadows said since the last time.
    pub(super) async fn tell_shadows(&self) {
        let compared = self.decider.compared();
        for one in &compared {
            self.parts.metrics.shadowed(one.question.input.line(), &one.shadow);
        }
        let records: Vec<_> = compared.iter().filter_map(record).collect();
        if records.is_empty() {
            return;
        }
        if let Err(error) = self.parts.sets.store.append_all(&records).await {
            for record in &records {
                AuditLost { record, error: &error }.emit(&self.parts.metrics);
            }
        }
    }
}

/// Nothing if the shadow says the same. What was decided on is in the record of the decision.
fn record(compared: &Comparison) -> Option<AuditRecord> {
    let Comparison { question, active, decision, candidate, shadow } = compared;
    if decision == shadow {
        return None;
    }
    let input = &question.input;
    let detail = json!({
        "line": input.line(), "candidate": candidate, "decided": decision, "shadow": shadow,
    });
    let evidence = Evidence { policy_version: Some(active.to_string()), ..Evidence::default() };
    let about = Correlation {
        request: Some(input.id().to_owned()),
        user: input.user().map(str::to_owned),
        ..Correlation::default()
    };
    let record = AuditRecord::new(question.at, OURSELVES, "policy.shadow", Outcome::Ok, detail);
    Some(record.on(evidence).about(about))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use sark_core::ContentHash;
    use sark_core::decision::{Action, Decision};
    use sark_decider::Question;
    use sark_policy::decision::{Input, Line};

    use super::*;

    #[test]
    fn what_a_shadow_says_is_recorded_if_it_is_not_what_was_decided() {
        let json = r#"{"id": "q-1", "operation": "chat", "user": "ada"}"#;
        let input = Input::from_json(Line::Llm, json).unwrap();
        let question = Question { input, facts: None, at: Timestamp::UNIX_EPOCH };
        let says = |action| Decision::without_rule(action, "p", "r", "because".to_owned());
        let mut compared = Comparison {
            question: Arc::new(question),
            active: ContentHash::of(b"active"),
            decision: says(Action::Audit),
            candidate: ContentHash::of(b"candidate"),
            shadow: says(Action::Audit),
        };
        assert_eq!(record(&compared), None);
        compared.shadow.reason = "for another reason".to_owned();
        assert!(record(&compared).is_some());
        compared.shadow = says(Action::Deny);
        let record = record(&compared).unwrap();
        assert_eq!((&*record.event, record.at), ("policy.shadow", Timestamp::UNIX_EPOCH));
        assert_eq!(record.about.request.as_deref(), Some("q-1"));
        assert_eq!(record.detail["shadow"]["action"], "deny");
        assert_eq!(record.detail["candidate"], ContentHash::of(b"candidate").as_str());
        assert_eq!(record.notice, None, "nobody is told of what did not happen");
    }
}
