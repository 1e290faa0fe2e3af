//! From the queue to the spool.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sark_core::audit::Spooled;
use sark_core::{Clock, chain};
use serde_json::json;
use tokio::sync::{mpsc, oneshot, watch};

use super::health::TrailHealth;
use super::{Item, Shared, Spool, SpoolError, events, lost};

/// Records between two syncs at most, about.
const BATCH: usize = 4_096;

/// How long records that nobody waits for wait for a sync: it costs as much for one as for many. The
/// kernel has them at once.
const GATHER: Duration = Duration::from_millis(20);

/// How often it is looked meanwhile whether there are more.
const LOOK: Duration = Duration::from_millis(1);

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
    begin_with: Vec<Spooled>,
    /// Not known to be on the disk.
    behind: Vec<Spooled>,
    has_failed: bool,
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
        let (begin_with, behind) = (Vec::new(), Vec::new());
        Self { spool, queue, spooled, shared, clock, health, begin_with, behind, has_failed: false }
    }

    pub(super) fn begin_with(&mut self, records: impl IntoIterator<Item = Spooled>) {
        self.begin_with.extend(records);
    }

    /// Until nobody is left who could send a record; on a thread of its own.
    pub fn run(mut self) {
        // Not when somebody sends one: that something was lost is told at once.
        if !self.begin_with.is_empty() {
            let first = std::mem::take(&mut self.begin_with);
            self.add(first);
            self.sync();
        }
        let mut items = Vec::with_capacity(BATCH);
        let mut waiting = Vec::new();
        while self.queue.blocking_recv_many(&mut items, BATCH) > 0 {
            let until = Instant::now() + GATHER;
            loop {
                let is_urgent = self.take(&mut items, &mut waiting);
                if is_urgent || self.behind.len() >= BATCH || Instant::now() >= until {
                    break;
                }
                std::thread::sleep(LOOK);
                while items.len() < BATCH
                    && let Ok(item) = self.queue.try_recv()
                {
                    items.push(item);
                }
            }
            self.sync();
            for acknowledge in waiting.drain(..) {
                // Who asked may have gone away.
                let _ = acknowledge.send(());
            }
        }
        if let Err(error) = self.spool.close() {
            tracing::warn!(error = chain(&error), "the audit spool does not know its own end");
        }
    }

    /// Adds what came; whether it has to be on the disk now: somebody waits, or it is the end.
    fn take(&mut self, items: &mut Vec<Item>, waiting: &mut Vec<oneshot::Sender<()>>) -> bool {
        let ends = items.iter().any(|item| matches!(item, Item::Close));
        let mut records: Vec<_> = self.missing(ends).collect();
        for item in items.drain(..) {
            match item {
                Item::Close => self.queue.close(),
                Item::Record { spooled, acknowledge } => {
                    records.push(spooled);
                    waiting.extend(acknowledge);
                }
            }
        }
        self.add(records);
        ends || !waiting.is_empty()
    }

    fn add(&mut self, records: Vec<Spooled>) {
        if records.is_empty() {
            return;
        }
        let added = self.spool.add(records.iter());
        self.behind.extend(records);
        if let Err(error) = added {
            self.failed(&error);
            self.again();
        }
    }

    fn sync(&mut self) {
        if self.behind.is_empty() {
            return;
        }
        let octets = loop {
            match self.spool.sync() {
                Ok(octets) => break octets,
                Err(error) => {
                    self.failed(&error);
                    self.again();
                }
            }
        };
        let records = std::mem::take(&mut self.behind);
        self.shared.octets.fetch_add(octets, Ordering::AcqRel);
        self.shared.metrics.spooled.inc_by(records.len() as u64);
        self.shared.fresh.add(records, octets, self.spool.place());
        self.shared.metrics.last.store(self.spool.last(), Ordering::Release);
        self.spooled.send_replace(self.spool.last());
        if std::mem::take(&mut self.has_failed) {
            self.health.resolved(UNWRITTEN);
        }
    }

    /// All that is not on the disk, until it is added: the queue behind it fills, and who decides is told
    /// that it is full.
    fn again(&mut self) {
        while let Err(error) = self.spool.add(self.behind.iter()) {
            self.failed(&error);
        }
    }

    fn failed(&mut self, error: &SpoolError) {
        events::not_spooled(error, &self.shared.metrics);
        let help = "records wait, and decisions are refused when the queue is full: is the disk of \
                    audit.spool.directory full, or failing?";
        self.health.problem(UNWRITTEN, chain(error), help);
        self.has_failed = true;
        std::thread::sleep(PAUSE);
    }

    /// The records of those that were dropped or refused since the last one.
    fn missing(&self, ends: bool) -> impl Iterator<Item = Spooled> + use<> {
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
