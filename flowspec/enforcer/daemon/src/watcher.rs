//! Notices of gobgpd: "look now", and that they ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use sark_flowspec::Speaker;
use sark_gobgp::Gobgp;
use tokio::sync::Notify;

/// Between two attempts to watch.
const BREATH: Duration = Duration::from_secs(1);

/// What rounds know of the watch.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    look: Arc<Notify>,
    losses: Arc<AtomicU64>,
}

impl Watch {
    /// Something changed; several times are one.
    pub async fn look(&self) {
        self.look.notified().await;
    }

    /// How often the watch broke: as often as this changes, gobgpd may be another.
    #[must_use]
    pub fn losses(&self) -> u64 {
        self.losses.load(Ordering::SeqCst)
    }

    /// Watches until dropped.
    pub async fn keep(self, speaker: Gobgp) {
        loop {
            match speaker.watch().await {
                Ok(mut notices) => {
                    // What happened before the watch is seen by looking.
                    self.look.notify_one();
                    while notices.next().await.is_some() {
                        self.look.notify_one();
                    }
                    self.losses.fetch_add(1, Ordering::SeqCst);
                    self.look.notify_one();
                }
                Err(error) => tracing::debug!(error = crate::chain(&error), "cannot watch gobgpd"),
            }
            tokio::time::sleep(BREATH).await;
        }
    }
}
