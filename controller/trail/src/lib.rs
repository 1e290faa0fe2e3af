//! packet → proxy → request → decision → **audit**
//!
//! How records of decisions reach the trail without holding anybody up: sarkd's own, and those of
//! programs that decide elsewhere.
//!
//! ```text
//!   record ──┐ bounded queue        fsync, then acknowledged       one transaction with the mark
//!   durable ─┴───────────────→ Writer ──────────────────→ Spool ──→ Drain ───────────→ Destination
//! ```
//!
//! A record is acknowledged when it is in the spool and the spool is on the disk. One that nobody waits for
//! is in the spool within a millisecond, and on the disk when others are, too. The drain moves it
//! to its [`Destination`], in batches; the spool's number of the last record is stored in the same
//! transaction (a [`Mark`](sark_core::storage::Mark)), so after a crash none is stored twice and none is left out. What is on the disk no
//! more, although it was numbered, is on record (`audit.lost`). What changes state does
//! not come this way: its record is committed with the change.
//!
//! **Back-pressure.** [`Trail::record`] never waits. When the queue is full (the disk is slow) or the
//! spool has its most octets (the store is away), the configuration says what happens: `block`
//! (the default) gives [`Full`] back, and whoever decides fails closed; `drop-and-count` counts it,
//! and the next record that is written says how many were lost. [`Trail::durable`] waits in both
//! cases.

mod destination;
mod drain;
mod events;
mod fresh;
mod health;
mod lost;
mod spool;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sark_core::Clock;
use sark_core::audit::{AuditRecord, Spooled};
use sark_core::storage::StorageError;
use serde::Serialize;
use serde_json::json;
use tokio::sync::{mpsc, oneshot, watch};

use fresh::Fresh;

pub use destination::Destination;
pub use drain::Drain;
pub use events::TrailMetrics;
pub use health::{TrailHealth, Trouble};
pub use spool::{Spool, SpoolError};
pub use writer::Writer;

/// How the trail takes records.
#[derive(Debug, Clone)]
pub struct TrailSettings {
    /// Where the spool is.
    pub directory: PathBuf,
    /// Records that wait to be spooled.
    pub queue: usize,
    /// Octets of records that wait to be stored.
    pub most_octets: u64,
    /// When either is full.
    pub when_full: WhenFull,
    /// The program that writes, as records of losses name it.
    pub program: &'static str,
}

/// What becomes of a decision's record that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// It is refused: whoever decides fails closed.
    Block,
    /// It is dropped and counted.
    DropAndCount,
}

/// A record was not taken: queue or spool are full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the audit trail takes no more records: its spool is full, or the disk is too slow")]
pub struct Full;

/// Why a record was not made durable.
#[derive(Debug, thiserror::Error)]
pub enum DurableError {
    /// The program ends.
    #[error("the audit trail is closed")]
    Closed,
    /// It cannot be written as JSON.
    #[error("the audit record cannot be written")]
    Unwritable(#[from] sark_core::audit::UnreadableRecord),
}

/// What goes through the queue.
enum Item {
    /// A record on its way, and who waits for it.
    Record { spooled: Spooled, acknowledge: Option<oneshot::Sender<()>> },
    /// Nothing comes after it.
    Close,
}

/// What the parts see of each other.
#[derive(Debug)]
struct Shared {
    /// Octets in the spool that are not stored.
    octets: AtomicU64,
    most_octets: u64,
    /// Records dropped since the last one that said so.
    lost: AtomicU64,
    /// Refused since.
    refused: AtomicU64,
    metrics: Arc<TrailMetrics>,
    program: &'static str,
    /// On the disk, and not stored yet.
    fresh: Fresh,
}

impl Shared {
    fn has_room(&self) -> bool {
        self.octets.load(Ordering::Acquire) < self.most_octets
    }
}

/// Takes records; cheap to clone.
#[derive(Debug, Clone)]
pub struct Trail {
    queue: mpsc::Sender<Item>,
    shared: Arc<Shared>,
    when_full: WhenFull,
}

/// Why there is no trail.
#[derive(Debug, thiserror::Error)]
pub enum TrailError {
    /// The spool.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// How far the store has what was in it.
    #[error("how far the audit spool is stored cannot be read")]
    Store(#[from] StorageError),
}

/// The trail, and its two tasks: the writer belongs on a thread that may wait for the disk.
///
/// The destination is asked how far it has the spool's records, and if it does not say there is no
/// trail: a new record with a number that it has seen would be passed over.
pub async fn trail(
    settings: &TrailSettings,
    store: Arc<dyn Destination>,
    clock: Arc<dyn Clock>,
    metrics: Arc<TrailMetrics>,
    health: Arc<TrailHealth>,
) -> Result<(Trail, Writer, Drain), TrailError> {
    let (mut spool, found) = Spool::open(&settings.directory)?;
    let stored = store.mark(&spool.mark()).await?;
    let last = spool.last();
    let missing = spool.resume(stored)?;
    metrics.last.store(spool.last(), Ordering::Release);
    metrics.mark.store(stored, Ordering::Release);
    let shared = Arc::new(Shared {
        octets: AtomicU64::new(found.octets),
        most_octets: settings.most_octets,
        lost: AtomicU64::new(0),
        refused: AtomicU64::new(0),
        metrics,
        program: settings.program,
        fresh: Fresh::default(),
    });
    health.watch(Arc::downgrade(&shared), settings.when_full);
    events::opened(&found, &shared.metrics);
    if missing > 0 {
        events::resumed(last, stored, spool.last());
    }
    // Full: `record` is refused or dropped, `durable` waits.
    let (sender, receiver) = mpsc::channel(settings.queue.max(1));
    let (spooled, durable) = watch::channel(spool.last());
    let reader = spool.reader();
    let trail = Trail { queue: sender, shared: Arc::clone(&shared), when_full: settings.when_full };
    // The drain names those whose numbers are known.
    let damaged = found.damaged.filter(|_| spool.ended() <= last.max(stored));
    let cut = damaged.and_then(|(records, file)| {
        let least = (last + 1 + records).checked_sub(stored).filter(|least| *least > 0)?;
        let least = least.min(records + 1);
        let reason = "the audit spool was damaged before them; what was cut off is in the file";
        let detail = json!({ "records": least, "orMore": true, "file": file, "reason": reason });
        lost::lost(settings.program, clock.now(), least, detail)
    });
    let (writing, drained) = (Arc::clone(&health), Arc::clone(&shared));
    let mut writer = Writer::new(spool, receiver, spooled, shared, Arc::clone(&clock), writing);
    writer.begin_with(cut);
    Ok((trail, writer, Drain::new(reader, durable, store, drained, clock, health)))
}

impl Trail {
    /// Takes a record of a decision, without waiting.
    pub fn record<D: Serialize>(&self, record: &AuditRecord<D>) -> Result<(), Full> {
        if self.offer(record) {
            return Ok(());
        }
        match self.when_full {
            WhenFull::Block => {
                self.shared.refused.fetch_add(1, Ordering::AcqRel);
                self.shared.metrics.refused.inc();
                Err(Full)
            }
            WhenFull::DropAndCount => {
                self.drop_and_count();
                Ok(())
            }
        }
    }

    /// Takes a record of what happened already and cannot be refused, without waiting.
    pub fn note<D: Serialize>(&self, record: &AuditRecord<D>) {
        if !self.offer(record) {
            self.drop_and_count();
        }
    }

    fn offer<D: Serialize>(&self, record: &AuditRecord<D>) -> bool {
        let taken = Spooled::of(record).ok().filter(|_| self.shared.has_room());
        let taken = taken.map(|spooled| Item::Record { spooled, acknowledge: None });
        taken.is_some_and(|item| self.queue.try_send(item).is_ok())
    }

    fn drop_and_count(&self) {
        self.shared.lost.fetch_add(1, Ordering::AcqRel);
        self.shared.metrics.dropped.inc();
    }

    /// Takes a record and waits until it is on the disk; however long that takes.
    pub async fn durable(&self, record: &AuditRecord) -> Result<(), DurableError> {
        let (acknowledge, done) = oneshot::channel();
        let item = Item::Record { spooled: Spooled::of(record)?, acknowledge: Some(acknowledge) };
        self.queue.send(item).await.map_err(|_| DurableError::Closed)?;
        done.await.map_err(|_| DurableError::Closed)
    }

    /// Whether the spool has room; whoever is refused can wait for it.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.shared.has_room()
    }

    /// Takes no more: what was taken is written, and then the writer ends.
    pub async fn close(&self) {
        // Closed already is as well.
        let _ = self.queue.send(Item::Close).await;
    }
}

#[cfg(test)]
mod tests;
