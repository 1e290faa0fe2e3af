//! What the audit trail says of a change.

use jiff::Timestamp;
use sark_core::audit::{AuditRecord, Outcome};
use sark_core::storage::Revision;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Actor, ChangeError, Changed, Changes};
use crate::events::{AuditLost, ChangeDone, ChangeFailed, Event};

/// Mistakes and refusals listed in one record at most.
const LISTED: usize = 50;

/// Which change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Apply,
    Withdraw,
}

impl Kind {
    fn event(self) -> &'static str {
        match self {
            Self::Apply => "flowspec.apply",
            Self::Withdraw => "flowspec.withdraw",
        }
    }
}

/// A change under way.
pub(super) struct Attempt {
    kind: Kind,
    pub(super) actor: Actor,
    pub(super) cause: String,
    begun: Instant,
}

impl Attempt {
    pub(super) fn new(kind: Kind, actor: &Actor, cause: String) -> Self {
        Self { kind, actor: actor.clone(), cause, begun: Instant::now() }
    }

    /// The record that is committed with the revision.
    pub(super) fn record_of(&self, revision: &Revision) -> AuditRecord {
        let detail = json!({
            "revision": revision.number,
            "changed": true,
            "cause": self.cause,
            "policyVersion": revision.policy_version,
            "registryVersion": revision.registry_version,
            "policies": revision.activated.keys().collect::<Vec<_>>(),
            "announce": revision.announce,
            "withdraw": revision.withdraw,
            "keep": revision.keep,
        });
        self.record(revision.at, Outcome::Ok, detail)
    }

    fn record(&self, at: Timestamp, outcome: Outcome, detail: Value) -> AuditRecord {
        AuditRecord::new(at, &self.actor.0, self.kind.event(), outcome, detail)
    }
}

impl Changes {
    /// Logs, counts and records the end of an attempt. What was committed has its record already.
    pub(super) async fn finish(
        &self,
        attempt: Attempt,
        outcome: Result<Changed, ChangeError>,
    ) -> Result<Changed, ChangeError> {
        let (event, took) = (attempt.kind.event(), attempt.begun.elapsed());
        let actor = &attempt.actor.0;
        let now = self.clock.now();
        let record = match &outcome {
            Ok(changed) => {
                ChangeDone { event, actor, took, changed }.emit(&self.metrics);
                let detail = json!({
                    "revision": changed.revision,
                    "changed": false,
                    "cause": attempt.cause,
                    "policyVersion": changed.plan.policy_version,
                });
                (!changed.changed).then(|| attempt.record(now, Outcome::Ok, detail))
            }
            Err(error) => {
                ChangeFailed { event, actor, took, error }.emit(&self.metrics);
                let (outcome, mut detail) = failure(error);
                detail["cause"] = json!(attempt.cause);
                Some(attempt.record(now, outcome, detail))
            }
        };
        if let Some(record) = record
            && let Err(error) = self.store.append(&record).await
        {
            // The answer is given all the same: what is lost is the record of something that
            // changed nothing.
            AuditLost { record: &record, error: &error }.emit(&self.metrics);
        }
        outcome
    }
}

fn failure(error: &ChangeError) -> (Outcome, Value) {
    match error {
        ChangeError::Input(mistakes) => (
            Outcome::Failed,
            json!({
                "reason": error.to_string(),
                "mistakes": mistakes.iter().take(LISTED).collect::<Vec<_>>(),
            }),
        ),
        ChangeError::Refused(plan) => (
            Outcome::Refused,
            json!({
                "reason": error.to_string(),
                "policyVersion": plan.policy_version,
                "registryVersion": plan.registry_version,
                "refused": plan.refused.iter().take(LISTED).collect::<Vec<_>>(),
            }),
        ),
        ChangeError::Unexpected { .. } | ChangeError::Conflict => {
            (Outcome::Refused, json!({ "reason": error.to_string() }))
        }
        _ => (Outcome::Failed, json!({ "reason": error.to_string() })),
    }
}
