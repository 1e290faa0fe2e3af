//! Apply: the files become the newest revision.

use sark_api::Convergence;
use sark_core::storage::{PolicyFile, Revision, StorageError};

use super::record::{Attempt, Kind};
use super::{Actor, Candidate, ChangeError, Changed, Changes};
use crate::Desired;

impl Changes {
    /// Makes this policy set the newest revision: parse, compile, refuse or commit (revision and
    /// audit record together), wake the reconciler, wait a while for convergence. The same set
    /// again changes nothing. `expect` is the version that the current set must have, or `none`.
    pub async fn apply(
        &self,
        files: Vec<PolicyFile>,
        expect: Option<&str>,
        actor: &Actor,
    ) -> Result<Changed, ChangeError> {
        let _turn = self.turn.lock().await;
        let attempt = Attempt::new(Kind::Apply, actor, "apply".to_owned());
        let outcome = self.try_apply(files, expect, &attempt).await;
        self.finish(attempt, outcome).await
    }

    async fn try_apply(
        &self,
        files: Vec<PolicyFile>,
        expect: Option<&str>,
        attempt: &Attempt,
    ) -> Result<Changed, ChangeError> {
        let candidate = self.candidate(files).await?;
        if candidate.policies.policies.is_empty() {
            return Err(ChangeError::NoPolicy);
        }
        if let Some(expected) = expect {
            let current = candidate.current.as_ref().map_or("none", |r| &r.policy_version);
            if expected != current {
                return Err(ChangeError::Unexpected {
                    expected: expected.to_owned(),
                    current: current.to_owned(),
                });
            }
        }
        self.accept(candidate, attempt).await
    }

    /// Commits a candidate, unless it is refused or nothing new.
    pub(super) async fn accept(
        &self,
        candidate: Candidate,
        attempt: &Attempt,
    ) -> Result<Changed, ChangeError> {
        let plan = self.against_table(&candidate).await;
        if !plan.document.refused.is_empty() {
            return Err(ChangeError::Refused(Box::new(plan.document)));
        }
        let rounds = self.status.borrow().rounds;
        let current = candidate.current.as_ref();
        if let Some(current) = current
            && current.policy_version == candidate.policies.version.as_str()
        {
            let idle = plan.announce.is_empty() && plan.withdraw.is_empty();
            let convergence = if idle && self.status.borrow().converged {
                Convergence { converged: true, waited_ms: 0, reason: None }
            } else {
                self.converge(current.number, rounds).await
            };
            let (revision, plan) = (current.number, plan.document);
            return Ok(Changed { revision, changed: false, plan, convergence });
        }
        let number = current.map_or(0, |r| r.number) + 1;
        let summary = plan.document.summary;
        let revision = Revision {
            number,
            at: candidate.now,
            actor: attempt.actor.0.clone(),
            cause: attempt.cause.clone(),
            files: candidate.files,
            activated: candidate.activated,
            registry_version: candidate.compiled.registry_version.clone(),
            policy_version: candidate.policies.version.to_string(),
            announce: summary.announce,
            withdraw: summary.withdraw,
            keep: summary.keep,
        };
        let record = attempt.record_of(&revision);
        self.store.commit(&revision, &record).await.map_err(|error| match error {
            StorageError::Conflict(_) => ChangeError::Conflict,
            other => ChangeError::Store(other),
        })?;
        let Candidate { policies, compiled, basis, now, .. } = candidate;
        self.desired.remember(Desired::of(revision, policies, compiled, basis, now)).await;
        let convergence = self.converge(number, rounds).await;
        Ok(Changed { revision: number, changed: true, plan: plan.document, convergence })
    }
}
