//! A lease in memory: it ends when it is told to, or had no length.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::MemoryStore;
use crate::audit::Written;
use crate::storage::lease::record;
use crate::storage::{Lease, LeaseStore, StorageError, Taking};

#[derive(Debug, Default)]
pub(super) struct Held {
    leader: String,
    fence: u64,
    left: Duration,
    released: bool,
}

impl Held {
    fn lease(&self) -> Option<Lease> {
        let Self { leader, fence, left, .. } = self;
        (!left.is_zero()).then(|| Lease { leader: leader.clone(), fence: *fence, left: *left })
    }
}

impl MemoryStore {
    /// The leader's time is over.
    pub fn end_lease(&self) {
        self.lock().lease.left = Duration::ZERO;
    }
}

#[async_trait]
impl LeaseStore for MemoryStore {
    async fn take_lease(
        &self,
        leader: &str,
        length: Duration,
        at: Timestamp,
    ) -> Result<Taking, StorageError> {
        let mut state = self.open("take the lead")?;
        if let Some(lease) = state.lease.lease() {
            return Ok(Taking::Held(lease));
        }
        let fence = state.lease.fence + 1;
        let lost = (fence > 1 && !state.lease.released).then(|| state.lease.leader.clone());
        let record = record(at, leader, fence, lost.as_deref());
        state.push(&Written::of(&record).map_err(super::unwritten)?);
        state.lease = Held { leader: leader.to_owned(), fence, left: length, released: false };
        Ok(Taking::Taken { fence })
    }

    async fn renew_lease(&self, fence: u64, length: Duration) -> Result<bool, StorageError> {
        let mut state = self.open("keep the lead")?;
        let is_ours = state.lease.fence == fence && fence > 0 && !state.lease.released;
        if is_ours {
            state.lease.left = length;
        }
        Ok(is_ours)
    }

    async fn release_lease(&self, fence: u64) -> Result<bool, StorageError> {
        let mut state = self.open("give up the lead")?;
        let is_ours = state.lease.fence == fence && fence > 0 && !state.lease.released;
        if is_ours {
            (state.lease.left, state.lease.released) = (Duration::ZERO, true);
        }
        Ok(is_ours)
    }

    async fn leader(&self) -> Result<Option<Lease>, StorageError> {
        Ok(self.open("read who leads")?.lease.lease())
    }
}
