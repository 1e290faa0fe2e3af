//! Decision sets as the API shows them.

use sark_api::{CandidateView, Counted, Counts, ProxySet, RolloutResponse, SetView, SetsResponse};
use sark_core::ContentHash;
use sark_core::storage::{Candidate, StorageError, StoredSet};
use tokio::sync::watch;

use super::{Decisions, DecisionsError};

/// Rollouts and sets that a list has.
const LISTED: u32 = 100;

impl Decisions {
    /// What is in use.
    pub async fn rollout(&self) -> Result<RolloutResponse, StorageError> {
        let store = &self.parts.sets.store;
        let rollout = store.rollout().await?;
        let (mut active, mut candidate) = (None, None);
        if let Some(rollout) = &rollout {
            if let Some(version) = &rollout.active {
                active = self.bare(version).await?;
            }
            if let Some(one) = &rollout.candidate {
                let counted = self.counted(&one.version);
                candidate = self.bare(&one.version).await?.map(|set| CandidateView {
                    set,
                    stage: one.stage,
                    counted,
                });
            }
        }
        let problems = self.problems();
        Ok(RolloutResponse { rollout: rollout.map(Into::into), active, candidate, problems })
    }

    /// What is kept.
    pub async fn sets(&self) -> Result<SetsResponse, StorageError> {
        let store = &self.parts.sets.store;
        let sets = store.decision_sets(LISTED).await?.into_iter().map(Into::into).collect();
        let rollouts = store.rollouts(LISTED).await?.into_iter().map(Into::into).collect();
        Ok(SetsResponse { sets, rollouts })
    }

    /// One set, with its files.
    pub async fn set(&self, version: &str) -> Result<SetView, DecisionsError> {
        Ok(self.find(version).await?.into())
    }

    /// What decides here now: not always the newest rollout, which may be unreadable.
    #[must_use]
    pub fn in_use(&self) -> (Option<ContentHash>, Option<Candidate>) {
        let in_use = self.decider.in_use();
        let active = in_use.active.as_ref().map(|pool| pool.set().version().clone());
        let candidate = in_use.candidate.as_ref().map(|candidate| Candidate {
            version: candidate.pool.set().version().clone(),
            stage: candidate.stage,
        });
        (active, candidate)
    }

    /// Wakes when [`in_use`](Self::in_use) may be another; for as many as like.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<()> {
        self.put.subscribe()
    }

    /// A set to decide by elsewhere.
    pub async fn whole(&self, version: &ContentHash) -> Result<ProxySet, DecisionsError> {
        let set = self.parts.sets.store.decision_set(version).await?;
        let set = set.ok_or_else(|| DecisionsError::Unknown(version.to_string()))?;
        Ok(ProxySet { version: set.version.to_string(), files: set.files })
    }

    /// A set without its files.
    async fn bare(&self, version: &ContentHash) -> Result<Option<SetView>, StorageError> {
        let set = self.parts.sets.store.decision_set(version).await?;
        Ok(set.map(|set| StoredSet { files: Vec::new(), ..set }.into()))
    }

    fn counted(&self, version: &ContentHash) -> Option<Counted> {
        let in_use = self.decider.in_use();
        let candidate = in_use.candidate.as_ref()?;
        if candidate.pool.set().version() != version {
            return None;
        }
        let (active, own, differ) = candidate.tally.counts();
        let counts = |counts: sark_decider::Counts| {
            let sark_decider::Counts { decided, denied, failed } = counts;
            Counts { decided, denied, failed }
        };
        let left_out = candidate.tally.left_out();
        Some(Counted { candidate: counts(own), active: counts(active), differ, left_out })
    }
}
