//! From the queue to the spool.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sark_core::audit::{AuditRecord, Notice, Outcome, Written};
use sark_core::{Clock, Severity};
use serde_json::json;
use tokio::sync::{mpsc, watch};

use super::{Item, Shared, Spool, events};

/// Records in one batch at most: one write, one sync.
const BATCH: usize = 4_096;

/// Between two tries of a disk that refuses.
const PAUSE: Duration = Duration::from_millis(200);

/// Waits for the disk so that nobody else does.
pub struct Writer {
    spool: Spool,
    queue: mpsc::Receiver<Item>,
    spooled: watch::Sender<u64>,
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
}

impl Writer {
    pub(super) fn new(
        spool: Spool,
        queue: mpsc::Receiver<Item>,
        spooled: watch::Sender<u64>,
        shared: Arc<Shared>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { spool, queue, spooled, shared, clock }
    }

    /// Until nobody is left who could send a record; on a thread of its own.
    pub fn run(mut self) {
        let mut items = Vec::with_capacity(BATCH);
        let (mut records, mut waiting) = (Vec::new(), Vec::new());
        while self.queue.blocking_recv_many(&mut items, BATCH) > 0 {
            records.extend(self.lost());
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
    }

    /// Until it is written: the queue behind it fills, and who decides is told that it is full.
    fn write(&mut self, batch: &mut Vec<Written>) {
        loop {
            match self.spool.append(batch.iter()) {
                Ok(octets) => {
                    self.shared.octets.fetch_add(octets, Ordering::AcqRel);
                    self.shared.metrics.trail.spooled.inc_by(batch.len() as u64);
                    self.spooled.send_replace(self.spool.last());
                    batch.clear();
                    return;
                }
                Err(error) => {
                    events::not_spooled(&error, &self.shared.metrics);
                    std::thread::sleep(PAUSE);
                }
            }
        }
    }

    /// The record of those that were dropped since the last one.
    fn lost(&self) -> Option<Written> {
        let lost = self.shared.lost.swap(0, Ordering::AcqRel);
        if lost == 0 {
            return None;
        }
        let notice = Notice {
            key: "audit.lost".into(),
            title: format!("{lost} audit records of decisions were lost"),
            resolved: false,
            routes: Vec::new(),
            runbook: Some("audit".into()),
            facts: [("records".to_owned(), lost.to_string())].into(),
        };
        let detail = json!({ "records": lost, "reason": "queue or spool were full" });
        let record =
            AuditRecord::new(self.clock.now(), "sarkd", "audit.lost", Outcome::Failed, detail)
                .told(Severity::High, notice);
        Written::of(&record).ok()
    }
}
