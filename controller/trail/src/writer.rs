//! From the queue to the spool.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sark_core::audit::Written;
use sark_core::{Clock, chain};
use serde_json::json;
use tokio::sync::{mpsc, watch};

use super::health::TrailHealth;
use super::{Item, Shared, Spool, events, lost};

/// Records in one batch at most: one write, one sync.
const BATCH: usize = 4_096;

/// How long records that nobody waits for wait for others: a sync costs as much for one as for many.
const GATHER: Duration = Duration::from_millis(5);

/// So many are worth a sync.
const ENOUGH: usize = 64;

/// Between two tries of a disk that refuses.
const PAUSE: Duration = Duration::from_millis(200);

/// The spool cannot be written.
const UNWRITTEN: &str = "audit-spool-unwritten";

/// Waits for the disk so that nobody else does.
pub struct Writer {
    spool: Spool,
    queue: mpsc::Receiver<Item>,
    spooled: watch::Sender<u64>,
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    health: Arc<TrailHealth>,
    /// Before everything else.
    begin_with: Vec<Written>,
}

impl Writer {
    pub(super) fn new(
        spool: Spool,
        queue: mpsc::Receiver<Item>,
        spooled: watch::Sender<u64>,
        shared: Arc<Shared>,
        clock: Arc<dyn Clock>,
        health: Arc<TrailHealth>,
    ) -> Self {
        Self { spool, queue, spooled, shared, clock, health, begin_with: Vec::new() }
    }

    pub(super) fn begin_with(&mut self, records: impl IntoIterator<Item = Written>) {
        self.begin_with.extend(records);
    }

    /// Until nobody is left who could send a record; on a thread of its own.
    pub fn run(mut self) {
        // Not when somebody sends one: that something was lost is told at once.
        if !self.begin_with.is_empty() {
            let mut first = std::mem::take(&mut self.begin_with);
            self.write(&mut first);
        }
        let mut items = Vec::with_capacity(BATCH);
        let (mut records, mut waiting) = (Vec::new(), Vec::new());
        while self.queue.blocking_recv_many(&mut items, BATCH) > 0 {
            if items.len() < ENOUGH && items.iter().all(Item::is_patient) {
                std::thread::sleep(GATHER);
                while items.len() < BATCH
                    && let Ok(item) = self.queue.try_recv()
                {
                    items.push(item);
                }
            }
            let ends = items.iter().any(|item| matches!(item, Item::Close));
            records.extend(self.missing(ends));
            for item in items.drain(..) {
                match item {
                    Item::Close => self.queue.close(),
                    Item::Record { written, acknowledge } => {
                        records.push(written);
                        waiting.extend(acknowledge);
                    }
                }
            }
            if !records.is_empty() {
                self.write(&mut records);
            }
            for acknowledge in waiting.drain(..) {
                // Who asked may have gone away.
                let _ = acknowledge.send(());
            }
        }
        if let Err(error) = self.spool.close() {
            tracing::warn!(error = chain(&error), "the audit spool does not know its own end");
        }
    }

    /// Until it is written: the queue behind it fills, and who decides is told that it is full.
    fn write(&mut self, batch: &mut Vec<Written>) {
        let mut has_failed = false;
        loop {
            match self.spool.append(batch.iter()) {
                Ok(octets) => {
                    self.shared.octets.fetch_add(octets, Ordering::AcqRel);
                    self.shared.metrics.spooled.inc_by(batch.len() as u64);
                    self.shared.metrics.last.store(self.spool.last(), Ordering::Release);
                    self.spooled.send_replace(self.spool.last());
                    batch.clear();
                    if has_failed {
                        self.health.resolved(UNWRITTEN);
                    }
                    return;
                }
                Err(error) => {
                    events::not_spooled(&error, &self.shared.metrics);
                    let help = "records wait, and decisions are refused when the queue is full: is \
                                the disk of audit.spool.directory full, or failing?";
                    self.health.problem(UNWRITTEN, chain(&error), help);
                    has_failed = true;
                    std::thread::sleep(PAUSE);
                }
            }
        }
    }

    /// The records of those that were dropped or refused since the last one.
    fn missing(&self, ends: bool) -> impl Iterator<Item = Written> + use<> {
        let (program, now) = (self.shared.program, self.clock.now());
        let why = "queue or spool were full";
        let counted = |counter: &AtomicU64| {
            let counted = counter.swap(0, Ordering::AcqRel);
            Some(counted).filter(|counted| *counted > 0)
        };
        let dropped = counted(&self.shared.lost).and_then(|many| {
            lost::lost(program, now, many, json!({ "records": many, "reason": why }))
        });
        // When it is over, or nobody could say it any more: while it lasts the store takes nothing, and
        // the status says so.
        let refused = Some(&self.shared.refused).filter(|_| ends || self.shared.has_room());
        let refused = refused.and_then(counted).and_then(|many| {
            lost::refused(program, now, many, json!({ "decisions": many, "reason": why }))
        });
        dropped.into_iter().chain(refused)
    }
}
