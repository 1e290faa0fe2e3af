//! What a policy's `keep` obligation names stays in the record, encrypted; nothing else of it does.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;

use sark_audit::Seal;
use sark_core::audit::AuditRecord;
use sark_core::decision::{Decision, Obligation};
use serde_json::{Map, Value, json};

/// Keeps, if there is a key (`audit.seal`).
#[derive(Debug, Default)]
pub struct Keep(Option<Seal>);

impl Keep {
    /// With this key; without one nothing is kept.
    #[must_use]
    pub const fn new(seal: Option<Seal>) -> Self {
        Self(seal)
    }

    /// The record with what the decision's `keep` obligations name of these fields, under `kept`.
    /// What is named and could not be kept is listed under `notKept`: its text is nowhere.
    #[must_use]
    pub fn into_record(
        &self,
        mut record: AuditRecord,
        decision: &Decision,
        plain: &BTreeMap<&str, &str>,
    ) -> AuditRecord {
        let named = decision.obligations.iter().filter_map(|obligation| match obligation {
            Obligation::Keep { fields } => Some(fields),
            _ => None,
        });
        let request = record.about.request.clone().unwrap_or_default();
        let (mut kept, mut not_kept) = (Map::new(), Vec::new());
        for field in named.flatten() {
            let Some(text) = plain.get(field.as_str()) else { continue };
            let sealed = self.0.as_ref().and_then(|seal| {
                let sealed = seal.seal(nonce()?, &request, field, text).ok()?;
                serde_json::to_value(sealed).ok()
            });
            match sealed {
                Some(sealed) => drop(kept.insert(field.clone(), sealed)),
                None => not_kept.push(json!(field)),
            }
        }
        if let Value::Object(detail) = &mut record.detail {
            if !kept.is_empty() {
                detail.insert("kept".to_owned(), Value::Object(kept));
            }
            if !not_kept.is_empty() {
                detail.insert("notKept".to_owned(), Value::Array(not_kept));
            }
        }
        record
    }
}

/// Random: of 2^32 with one key two are the same with a probability of 2^-33.
fn nonce() -> Option<[u8; 12]> {
    let mut nonce = [0; 12];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut nonce)).ok()?;
    Some(nonce)
}

#[cfg(test)]
mod tests {
    use sark_audit::Sealed;
    use sark_core::audit::{Correlation, Outcome, Written};
    use sark_core::decision::{Action, Matched, Severity};
    use sark_core::secret::Secret;

    use super::*;

    fn seal() -> Seal {
        // 32 octets of zero.
        Seal::parse(&Secret::new(format!("{}=", "A".repeat(43)))).unwrap()
    }

    #[test]
    fn what_is_named_is_kept_and_only_encrypted() {
        let decision = Decision::of(vec![Matched {
            action: Action::Audit,
            severity: Severity::Info,
            policy_id: "p".into(),
            rule_id: "r".into(),
            reason: "because".into(),
            obligations: vec![Obligation::Keep { fields: vec!["prompt".into(), "tool".into()] }],
        }])
        .unwrap();
        let plain = [("prompt", "my words"), ("reply", "its words")].into();
        let about = Correlation { request: Some("r1".into()), ..Correlation::default() };
        let at = jiff::Timestamp::UNIX_EPOCH;
        let record =
            AuditRecord::new(at, "sarkd", "decision.llm", Outcome::Ok, json!({})).about(about);
        let record = |keep: &Keep| {
            let record = keep.into_record(record.clone(), &decision, &plain);
            Written::of(&record).unwrap()
        };
        let kept = record(&Keep::new(Some(seal())));
        assert!(!kept.text().contains("words"), "{}", kept.text());
        let detail = kept.record().unwrap().detail;
        let sealed: Sealed = serde_json::from_value(detail["kept"]["prompt"].clone()).unwrap();
        assert_eq!(seal().open(&sealed, "r1", "prompt").as_deref(), Ok("my words"));
        let not_kept = record(&Keep::default());
        assert!(!not_kept.text().contains("words"));
        assert_eq!(not_kept.record().unwrap().detail, json!({ "notKept": ["prompt"] }));
    }
}
