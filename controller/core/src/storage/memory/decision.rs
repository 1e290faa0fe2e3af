//! Sets and rollouts in memory.

use async_trait::async_trait;

use super::{MemoryStore, unwritten};
use crate::ContentHash;
use crate::audit::{AuditRecord, Written};
use crate::storage::decision::KEPT_ROLLOUTS;
use crate::storage::{DecisionStore, Rollout, StorageError, StoredSet};

#[async_trait]
impl DecisionStore for MemoryStore {
    async fn commit_rollout(
        &self,
        set: Option<&StoredSet>,
        rollout: &Rollout,
        record: &AuditRecord,
    ) -> Result<(), StorageError> {
        let mut state = self.open("store a rollout")?;
        if rollout.number != state.rollouts.last().map_or(1, |newest| newest.number + 1) {
            return Err(StorageError::Conflict(rollout.number));
        }
        let record = Written::of(record).map_err(unwritten)?;
        if let Some(set) = set
            && state.sets.iter().all(|known| known.version != set.version)
        {
            state.sets.push(set.clone());
        }
        state.rollouts.push(rollout.clone());
        let kept = |known: &Rollout| known.number + KEPT_ROLLOUTS > rollout.number;
        let rollouts = state.rollouts.clone();
        state.sets.retain(|set| {
            rollouts.iter().filter(|known| kept(known)).any(|known| names(known, &set.version))
        });
        state.push(&record);
        Ok(())
    }

    async fn rollout(&self) -> Result<Option<Rollout>, StorageError> {
        Ok(self.open("read the rollout")?.rollouts.last().cloned())
    }

    async fn rollouts(&self, limit: u32) -> Result<Vec<Rollout>, StorageError> {
        let state = self.open("list rollouts")?;
        Ok(state.rollouts.iter().rev().take(limit as usize).cloned().collect())
    }

    async fn decision_set(&self, version: &ContentHash) -> Result<Option<StoredSet>, StorageError> {
        let state = self.open("read a decision set")?;
        Ok(state.sets.iter().find(|set| set.version == *version).cloned())
    }

    async fn decision_sets(&self, limit: u32) -> Result<Vec<StoredSet>, StorageError> {
        let state = self.open("list decision sets")?;
        let newest = state.sets.iter().rev().take(limit as usize);
        Ok(newest.map(|set| StoredSet { files: Vec::new(), ..set.clone() }).collect())
    }
}

fn names(rollout: &Rollout, version: &ContentHash) -> bool {
    let candidate = rollout.candidate.as_ref().map(|candidate| &candidate.version);
    rollout.active.as_ref() == Some(version) || candidate == Some(version)
}
