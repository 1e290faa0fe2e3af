//! registry, policy → [proxies] → decision → audit
//!
//! Programs that decide elsewhere, in the traffic's way: what they decide by, and the records of what
//! they decided.
//!
//! ```text
//!   registry in use ─┐ one version over all        made once for each version
//!   sets in use ─────┼──────────────────→ Snapshots ──────────────────→ every proxy that asks, or waits
//!   price list ──────┘ each wakes who waits
//!
//!   a proxy's spool ─→ read, checked, of this proxy ─→ one transaction with its mark ─→ the trail
//!                                                     └─ calls of the last minutes ─→ who watches
//! ```
//!
//! What is handed out is what is in use here: a version that is pinned, a set that could be compiled.
//! Any `sarkd` of several answers: it follows what the leader uses, and the mark in the store says what
//! was taken, whoever took it.

mod calls;
mod heard;
mod records;
mod snapshots;
mod window;

pub use heard::Said;
pub use records::{RecordsError, Sent, parse};
pub use snapshots::{LONGEST_WAIT, SnapshotError, Snapshots};
pub use window::SPAN;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use jiff::SignedDuration;
use sark_api::{ProxiesResponse, ProxyTop, TopBy};
use sark_core::Clock;
use sark_core::audit::Written;
use sark_core::identity::Identity;
use sark_core::storage::{Mark, StorageError};
use tokio::time::Instant;

use crate::Storage;
use crate::api::Throttle;
use heard::Heard;
use window::Window;

/// Batches of one proxy at once, and then one in [`EVERY`]: one that sends each record by itself is
/// made to gather them.
const BURST: u32 = 200;
const EVERY: Duration = Duration::from_millis(20);
/// Proxies whose pace is kept one by one.
const MOST: usize = 10_000;

/// See the module.
pub struct Proxies {
    /// What proxies decide by.
    pub snapshots: Snapshots,
    /// Any `sarkd` may write records.
    store: Arc<dyn Storage>,
    pace: Mutex<Throttle<String>>,
    clock: Arc<dyn Clock>,
    window: Mutex<Window>,
    heard: Mutex<Heard>,
}

impl Proxies {
    /// Of these parts.
    #[must_use]
    pub fn new(snapshots: Snapshots, store: Arc<dyn Storage>, clock: Arc<dyn Clock>) -> Self {
        let pace = Mutex::new(Throttle::new(BURST, EVERY, MOST));
        let (window, heard) = Default::default();
        Self { snapshots, store, pace, clock, window, heard }
    }

    /// The newest snapshot for a proxy, as [`Snapshots::newest`] gives it.
    pub async fn snapshot(
        &self,
        by: &Identity,
        said: Said,
        have: Option<&str>,
        wait: Duration,
    ) -> Result<Option<Bytes>, SnapshotError> {
        held(&self.heard).asks(&by.name, have, said, self.clock.now());
        let newest = self.snapshots.newest(have, wait).await?;
        held(&self.heard).given(&by.name, self.clock.now());
        Ok(newest)
    }

    /// The calls of the last minutes.
    pub fn top(&self, window: SignedDuration, by: TopBy, rows: usize) -> ProxyTop {
        held(&self.window).top(window, by, rows, self.clock.now())
    }

    /// The proxies that were heard.
    pub fn status(&self) -> ProxiesResponse {
        let snapshot = self.snapshots.version();
        ProxiesResponse { at: self.clock.now(), snapshot, proxies: held(&self.heard).all() }
    }

    /// How far the records of this mark are stored.
    pub async fn mark(&self, mark: &str, by: &Identity) -> Result<u64, RecordsError> {
        let name = records::mark_of(mark, by)?;
        Ok(self.store.mark(&name).await?)
    }

    /// Whether this one may send now.
    pub fn may_send(&self, by: &Identity) -> Result<(), RecordsError> {
        held(&self.pace)
            .take(&by.name, Instant::now())
            .map_err(|wait| RecordsError::TooMany { who: by.name.clone(), wait })
    }

    /// Stores what was sent, once: all of it with the mark, or nothing.
    pub async fn store(&self, sent: Sent, by: &Identity, said: Said) -> Result<u64, RecordsError> {
        let Sent { batch, records, seen } = sent;
        let name = records::mark_of(&batch.mark, by)?;
        let after = match batch.after {
            Some(after) => after,
            None => self.store.mark(&name).await?,
        };
        if batch.position <= after {
            // Whoever says so itself has its numbers wrong; else these were stored before.
            return Err(RecordsError::Moved(self.store.mark(&name).await?));
        }
        let mark = Mark { name: &name, after, position: batch.position };
        match self.write(&records, mark).await {
            Ok(()) => {
                let now = self.clock.now();
                held(&self.heard).handed_in(&by.name, records.len() as u64, said, now);
                held(&self.window).add(&by.name, seen, now);
                Ok(batch.position)
            }
            Err(StorageError::Moved(position)) => Err(RecordsError::Moved(position)),
            Err(error) => Err(error.into()),
        }
    }

    async fn write(&self, records: &[Written], mark: Mark<'_>) -> Result<(), StorageError> {
        self.store.write(records, Some(mark)).await.map(drop)
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
