//! Which set decides on what.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use sark_core::ContentHash;
use sark_core::decision::Decision;
use sark_core::storage::Stage;
use sark_policy::decision::{DecisionSet, Input, WorkerError};
use serde_json::Value;

use crate::pool::{Pool, PoolSettings};
use crate::shadow::{Comparison, Shadows};
use crate::share;
use crate::tally::{Band, Breach, Tally};

/// How everything decides.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Settings {
    /// Each set's threads.
    pub pool: PoolSettings,
    /// What a canary may do.
    pub band: Band,
}

/// What is to be decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// On what.
    pub input: Input,
    /// What the registry says of its endpoint: [`Input::facts`].
    pub facts: Option<Value>,
    /// When.
    pub at: Timestamp,
}

/// What is in use.
#[derive(Debug, Default)]
pub struct InUse {
    /// The set that decides, if there is one.
    pub active: Option<Arc<Pool>>,
    /// The one that may follow it.
    pub candidate: Option<Arc<Candidate>>,
}

/// A set on its way.
#[derive(Debug)]
pub struct Candidate {
    /// The set.
    pub pool: Arc<Pool>,
    /// How far.
    pub stage: Stage,
    /// What was counted since it is a candidate.
    pub tally: Tally,
}

/// Which set a decision is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum By {
    /// The active one.
    Active,
    /// The canary.
    Canary,
}

/// What was decided, and by what.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// What happens.
    pub decision: Decision,
    /// Version of the set that says so.
    pub version: ContentHash,
    /// Which one that is.
    pub by: By,
    /// What a canary says of which nothing happens, because it erred. What a shadow says comes later:
    /// [`Decider::compared`].
    pub shadow: Option<Shadow>,
    /// With this decision the canary of this version left its band: it decides no more.
    pub breach: Option<(ContentHash, Breach)>,
}

/// See [`Decided::shadow`].
#[derive(Debug, Clone, PartialEq)]
pub struct Shadow {
    /// Version of the candidate.
    pub version: ContentHash,
    /// What it says.
    pub decision: Decision,
}

/// Decides by what is in use.
#[derive(Debug)]
pub struct Decider {
    settings: Settings,
    in_use: RwLock<Arc<InUse>>,
    /// Threads left behind, of every set that was in use.
    lost: Arc<AtomicUsize>,
    shadows: Shadows,
}

impl Decider {
    /// With nothing in use.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let shadows = Shadows::new(settings.pool.queue);
        Self { settings, in_use: RwLock::default(), lost: Arc::default(), shadows }
    }

    /// What is in use.
    #[must_use]
    pub fn in_use(&self) -> Arc<InUse> {
        Arc::clone(&self.in_use.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Threads that were left behind in a decision and have not come back, of sets that are in use no
    /// more too.
    #[must_use]
    pub fn lost(&self) -> usize {
        self.lost.load(Ordering::Acquire)
    }

    /// What shadows said and nobody has taken yet, oldest first. More than a thousand do not wait.
    #[must_use]
    pub fn compared(&self) -> Vec<Comparison> {
        self.shadows.take()
    }

    /// Until [`compared`](Self::compared) has something.
    pub async fn has_compared(&self) {
        self.shadows.wait().await;
    }

    /// The threads of a set that is in use.
    #[must_use]
    pub fn known(&self, version: &ContentHash) -> Option<Arc<Pool>> {
        let in_use = self.in_use();
        let candidate = in_use.candidate.as_ref().map(|candidate| &candidate.pool);
        let mut pools = in_use.active.iter().chain(candidate);
        pools.find(|pool| pool.set().version() == version).cloned()
    }

    /// The threads of a set, those in use or new ones. It takes as long as the set is large.
    pub fn pool(&self, set: Arc<DecisionSet>) -> Result<Arc<Pool>, WorkerError> {
        match self.known(set.version()) {
            Some(pool) => Ok(pool),
            None => Pool::new(set, self.settings.pool, Arc::clone(&self.lost)).map(Arc::new),
        }
    }

    /// Puts these to use. A candidate that was there as it is keeps what was counted.
    pub fn put(&self, active: Option<Arc<Pool>>, candidate: Option<(Arc<Pool>, Stage)>) {
        let mut in_use = self.in_use.write().unwrap_or_else(PoisonError::into_inner);
        let is_same =
            |pool: &Arc<Pool>, other: &Arc<Pool>| pool.set().version() == other.set().version();
        let before = in_use.active.iter().zip(&active).any(|(before, now)| is_same(before, now));
        let candidate = candidate.map(|(pool, stage)| match &in_use.candidate {
            Some(known) if before && known.stage == stage && is_same(&known.pool, &pool) => {
                Arc::clone(known)
            }
            _ => Arc::new(Candidate { pool, stage, tally: Tally::default() }),
        });
        *in_use = Arc::new(InUse { active, candidate });
    }

    /// Decides; nothing if no set is active.
    pub async fn decide(&self, question: Arc<Question>) -> Option<Decided> {
        let in_use = self.in_use();
        let active = in_use.active.as_ref()?;
        let version = active.set().version().clone();
        let of_active = |decision, shadow, breach| {
            Some(Decided { decision, version, by: By::Active, shadow, breach })
        };
        let Some(candidate) = &in_use.candidate else {
            return of_active(active.decide(&question).await, None, None);
        };
        let other = candidate.pool.set().version();
        let shadow = |decision| Some(Shadow { version: other.clone(), decision });
        match candidate.stage {
            Stage::Shadow => {
                let decision = active.decide(&question).await;
                let (candidate, version) = (Arc::clone(candidate), active.set().version().clone());
                self.shadows.ask(candidate, question, version, decision.clone());
                of_active(decision, None, None)
            }
            Stage::Canary { percent } if share::has(other, percent, &question.input) => {
                let decision = candidate.pool.decide(&question).await;
                let breach = self.judge(candidate, &decision, true);
                if decision.has_error() {
                    // Nobody pays for a candidate that errs.
                    return of_active(active.decide(&question).await, shadow(decision), breach);
                }
                let version = other.clone();
                Some(Decided { decision, version, by: By::Canary, shadow: None, breach })
            }
            Stage::Canary { .. } => {
                let decision = active.decide(&question).await;
                let breach = self.judge(candidate, &decision, false);
                of_active(decision, None, breach)
            }
        }
    }

    /// What the active set says, and nothing is counted; nothing if no set is active.
    pub async fn look(&self, question: Question) -> Option<Decided> {
        let in_use = self.in_use();
        let active = in_use.active.as_ref()?;
        let decision = active.decide(&Arc::new(question)).await;
        let version = active.set().version().clone();
        Some(Decided { decision, version, by: By::Active, shadow: None, breach: None })
    }

    /// Counts a decision beside a canary; one that leaves its band is in use no more.
    fn judge(
        &self,
        canary: &Arc<Candidate>,
        decision: &Decision,
        is_its_own: bool,
    ) -> Option<(ContentHash, Breach)> {
        let breach = canary.tally.canary(decision, is_its_own, &self.settings.band)?;
        let mut in_use = self.in_use.write().unwrap_or_else(PoisonError::into_inner);
        if in_use.candidate.as_ref().is_some_and(|known| Arc::ptr_eq(known, canary)) {
            *in_use = Arc::new(InUse { active: in_use.active.clone(), candidate: None });
        }
        Some((canary.pool.set().version().clone(), breach))
    }
}
