//! What was told before a start and has not ended.

use sark_core::storage::StorageError;
use sark_core::storage::alerts::{AlertStore, Group};

use crate::Storage;

/// Most alerts that were open before a start.
const OPEN: u32 = 100_000;

/// What is open, once the dispatcher has read all that was written when this was asked first: what a
/// crash left between the two would be told again.
#[derive(Debug, Default)]
pub struct Before {
    written: Option<u64>,
}

impl Before {
    /// `None`: the dispatcher is not there yet.
    pub async fn open(
        &mut self,
        alerts: &dyn AlertStore,
        trail: &dyn Storage,
    ) -> Result<Option<Vec<Group>>, StorageError> {
        let written = match self.written {
            Some(number) => number,
            None => *self.written.insert(trail.head().await?.sequence),
        };
        if alerts.alert_cursor().await? < written {
            return Ok(None);
        }
        alerts.open_alerts(OPEN).await.map(Some)
    }
}
