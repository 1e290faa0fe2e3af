//! Plans, and the two ways to make a new revision: apply and withdraw.

mod apply;
mod excise;
mod record;
mod withdraw;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sark_api::{ApplyResponse, Convergence, DiagnosticBody, ReconcileView};
use sark_compiler::{Compiled, DesiredRule, Plan, PlanDocument, Warning, compile, rehearse};
use sark_core::Clock;
use sark_core::storage::{PolicyFile, Revision, StorageError};
use sark_flowspec::{Observed, Speaker};
use sark_policy::{PolicySet, parse_set};
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

pub use withdraw::Which;

use crate::chain;
use crate::desired::Basis;
use crate::{Desired, DesiredError, DesiredState, Metrics, Signals, Storage};

/// Who asks, as the audit trail names them: `uid:0(root)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor(pub String);

/// A plan and what it was made against.
pub struct Planned {
    /// The plan.
    pub document: PlanDocument,
    /// The newest revision, if there is one.
    pub current: Option<Revision>,
}

/// What a change came to.
pub type Changed = ApplyResponse;

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The files are wrong.
    #[error("the policy files have {} mistake{}", .0.len(), if .0.len() == 1 { "" } else { "s" })]
    Input(Vec<DiagnosticBody>),
    /// There is no policy in them.
    #[error("there is no policy in these files")]
    NoPolicy,
    /// The request names nothing, or both ways at once.
    #[error("name the policies to withdraw, or all")]
    NothingNamed,
    /// A policy to withdraw is not there.
    #[error("there is no policy named {name:?}")]
    UnknownPolicy {
        /// As given.
        name: String,
        /// The nearest that exists.
        nearest: Option<String>,
    },
    /// The current policy set is not the one that was expected.
    #[error("the current policy set is {current}, not {expected}")]
    Unexpected {
        /// As given.
        expected: String,
        /// Version of the current set, or `none`.
        current: String,
    },
    /// Well formed, and refused.
    #[error("the policy set is refused")]
    Refused(Box<PlanDocument>),
    /// Somebody else made a revision at the same time.
    #[error("another revision was stored first")]
    Conflict,
    /// The store does not answer or has no space.
    #[error("cannot use the store")]
    Store(#[source] StorageError),
    /// The newest revision cannot be read or compiled.
    #[error(transparent)]
    Current(DesiredError),
    /// A defect.
    #[error("{0}")]
    Internal(String),
}

/// Makes revisions, one at a time.
pub struct Changes {
    pub(crate) store: Arc<dyn Storage>,
    pub(crate) desired: Arc<DesiredState>,
    pub(crate) speaker: Arc<dyn Speaker>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) signals: Arc<Signals>,
    pub(crate) status: watch::Receiver<ReconcileView>,
    pub(crate) metrics: Arc<Metrics>,
    /// Longest wait for the speaker: for its table before, and for convergence after.
    pub(crate) patience: Duration,
    pub(crate) turn: Mutex<()>,
}

impl Changes {
    /// What applying these files would change. Changes nothing.
    pub async fn plan(&self, files: Vec<PolicyFile>) -> Result<Planned, ChangeError> {
        let candidate = self.candidate(files).await?;
        let document = self.against_table(&candidate).await.document;
        Ok(Planned { document, current: candidate.current })
    }

    /// Parses and compiles a policy set beside the current one.
    async fn candidate(&self, files: Vec<PolicyFile>) -> Result<Candidate, ChangeError> {
        let now = self.clock.now();
        let current = self.store.current().await.map_err(ChangeError::Store)?;
        // Only to name the policies of rules that go; a set that no longer compiles has none.
        let before = self.desired.at(now).await.ok().flatten();
        let basis = self.desired.basis();
        let work = move || {
            let policies = parse_set(&files).map_err(|mistakes| {
                ChangeError::Input(mistakes.into_iter().map(DiagnosticBody::from).collect())
            })?;
            let activated = activated(&policies, current.as_ref(), before.as_deref(), now);
            let Basis { registry, environment } = &basis;
            let mut compiled =
                compile(&policies, registry, environment, &activated, now).map_err(|mistakes| {
                    ChangeError::Input(mistakes.into_iter().map(DiagnosticBody::from).collect())
                })?;
            if compiled.refused.is_empty() {
                compiled.refuse(rehearse(&policies, registry, environment, &activated, now));
            }
            Ok(Candidate { files, policies, activated, compiled, basis, current, before, now })
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|e| ChangeError::Internal(format!("the compiler failed: {e}")))?
    }

    /// The plan against the speaker's table; against an empty one, with a warning, when the
    /// speaker does not answer: a revision may be made without it.
    async fn against_table(&self, candidate: &Candidate) -> Plan {
        let table = tokio::time::timeout(self.patience, self.speaker.table()).await;
        let failure = match table {
            Ok(Ok(table)) => return self.between(candidate, &table),
            Ok(Err(error)) => chain(&error),
            Err(_) => "it did not answer in time".to_owned(),
        };
        let mut plan = self.between(candidate, &[]);
        plan.document.warnings.push(Warning {
            policy: String::new(),
            code: "speaker-unreachable".to_owned(),
            message: format!(
                "the BGP speaker's table could not be read ({failure}): every rule is shown as \
                 announced, rules that would go are not shown"
            ),
        });
        plan
    }

    fn between(&self, candidate: &Candidate, table: &[Observed]) -> Plan {
        let environment = self.desired.environment();
        let before: &[DesiredRule] =
            candidate.before.as_ref().map_or(&[], |before| &before.compiled.rules);
        Plan::between_knowing(
            &candidate.compiled,
            table,
            environment.asn,
            environment.instance,
            before,
        )
    }

    /// Waits until a round after `rounds` found nothing left to do for this revision.
    async fn converge(&self, revision: u64, rounds: u64) -> Convergence {
        let begun = Instant::now();
        self.signals.wake.notify_one();
        let mut status = self.status.clone();
        let there = status.wait_for(|s| {
            s.rounds > rounds && s.converged && s.revision.is_some_and(|n| n >= revision)
        });
        let converged = tokio::time::timeout(self.patience, there).await.is_ok_and(|s| s.is_ok());
        let reason = (!converged).then(|| {
            let error = self.status.borrow().error.clone();
            error.unwrap_or_else(|| "the reconciler is still at work".to_owned())
        });
        let waited_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Convergence { converged, waited_ms, reason }
    }
}

/// A policy set that may become the next revision.
struct Candidate {
    files: Vec<PolicyFile>,
    policies: PolicySet,
    activated: BTreeMap<String, Timestamp>,
    compiled: Compiled,
    basis: Basis,
    current: Option<Revision>,
    before: Option<Arc<Desired>>,
    now: Timestamp,
}

/// When each policy was first applied in its present wording: as before if the wording is as
/// before, else now.
fn activated(
    policies: &PolicySet,
    current: Option<&Revision>,
    before: Option<&Desired>,
    now: Timestamp,
) -> BTreeMap<String, Timestamp> {
    let parsed;
    let known = match (current, before) {
        (Some(current), Some(before)) if before.revision.number == current.number => {
            Some((current, &before.policies))
        }
        (Some(current), _) => {
            // A stored set that no longer parses remembers no wording.
            parsed = parse_set(&current.files).ok();
            parsed.as_ref().map(|policies| (current, policies))
        }
        (None, _) => None,
    };
    let versions: HashMap<&str, _> = known
        .iter()
        .flat_map(|(_, set)| &set.policies)
        .map(|policy| (policy.name.as_str(), &policy.version))
        .collect();
    let since = |policy: &sark_policy::Policy| {
        let (revision, _) = known?;
        let same = versions.get(policy.name.as_str()) == Some(&&policy.version);
        same.then(|| revision.activated.get(&policy.name).copied())?
    };
    policies
        .policies
        .iter()
        .map(|policy| (policy.name.clone(), since(policy).unwrap_or(now)))
        .collect()
}
