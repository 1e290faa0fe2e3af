//! From the spool to the store.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sark_core::audit::Spooled;
use sark_core::storage::{Mark, StorageError};
use sark_core::{Clock, chain};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::health::TrailHealth;
use super::spool::{Batch, Reader, SpoolError};
use super::{Destination, Shared, events, lost};

/// Records in one transaction at most.
const BATCH: usize = 16_000;

/// Between two tries of a store that does not answer.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(5),
];

/// The spool cannot be read.
const UNREAD: &str = "audit-spool-unread";

/// Moves records to the store, in their order.
pub struct Drain {
    reader: Option<Reader>,
    durable: watch::Receiver<u64>,
    store: Arc<dyn Destination>,
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    health: Arc<TrailHealth>,
    /// How far the store has them; not known at first, nor after an error: what a lost answer left open is
    /// settled by asking.
    stored: Option<u64>,
    /// Before this nothing is moved.
    next: Instant,
    /// Whether there may be files of which everything is stored.
    has_whole_files: bool,
}

/// Why a batch was not moved.
#[derive(Debug, thiserror::Error)]
pub(super) enum DrainError {
    #[error(transparent)]
    Store(#[from] StorageError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error("the thread that reads the audit spool ended")]
    Thread,
}

impl Drain {
    pub(super) fn new(
        reader: Reader,
        durable: watch::Receiver<u64>,
        store: Arc<dyn Destination>,
        shared: Arc<Shared>,
        clock: Arc<dyn Clock>,
        health: Arc<TrailHealth>,
    ) -> Self {
        let (reader, stored, next) = (Some(reader), None, Instant::now());
        let has_whole_files = true;
        Self { reader, durable, store, shared, clock, health, stored, next, has_whole_files }
    }

    /// Until told to stop, or until the writer has ended and everything is stored.
    pub async fn run(mut self, stop: CancellationToken) {
        let (mut failures, mut is_unread) = (0, false);
        loop {
            let step = tokio::select! {
                step = self.step() => step,
                () = stop.cancelled() => return,
            };
            if is_unread && step.is_ok() {
                self.health.resolved(UNREAD);
                is_unread = false;
            }
            match step {
                Ok(true) => failures = 0,
                Ok(false) => {
                    failures = 0;
                    tokio::select! {
                        changed = self.durable.changed() => if changed.is_err() { return },
                        () = stop.cancelled() => return,
                    }
                }
                Err(error) => {
                    events::not_stored(&error, &self.shared.metrics);
                    if let DrainError::Spool(error) = &error {
                        let help = "records wait in the spool: docs/runbooks/audit.md says how to \
                                    go on without what is damaged";
                        self.health.problem(UNREAD, chain(error), help);
                        is_unread = true;
                    }
                    let pause = PAUSES.get(failures).or(PAUSES.last()).copied();
                    failures += 1;
                    tokio::select! {
                        () = tokio::time::sleep(pause.unwrap_or_default()) => {}
                        () = stop.cancelled() => return,
                    }
                }
            }
        }
    }

    /// One batch; whether there was any.
    async fn step(&mut self) -> Result<bool, DrainError> {
        tokio::time::sleep_until(self.next).await;
        let durable = *self.durable.borrow_and_update();
        let Some(reader) = &self.reader else { return Err(DrainError::Thread) };
        let mark = reader.mark().to_owned();
        let stored = match self.stored {
            Some(_) if reader.last() >= durable => return Ok(false),
            Some(stored) => stored,
            None => self.store.mark(&mark).await?,
        };
        self.next = Instant::now() + self.store.pace();
        self.shared.metrics.mark.store(stored, Ordering::Release);
        let Some(reader) = self.reader.take() else { return Err(DrainError::Thread) };
        let (before, most) = (reader.place(), (BATCH, self.store.most_octets()));
        let fresh = Some(reader.last()).filter(|last| *last >= stored);
        let fresh = fresh.and_then(|last| self.shared.fresh.take(last, most));
        let (mut reader, batch) = match fresh {
            Some((batch, end)) => {
                let mut reader = reader;
                reader.go(end);
                (reader, Ok(batch))
            }
            None => {
                let reading = tokio::task::spawn_blocking(move || {
                    let mut reader = reader;
                    let batch = reader.read(stored, durable, most);
                    (reader, batch)
                });
                let Ok(read) = reading.await else { return Err(DrainError::Thread) };
                self.shared.fresh.pass(read.0.last());
                read
            }
        };
        let done = match batch {
            Err(error) => Err(error.into()),
            Ok(batch) if batch.octets == 0 && batch.lost.is_empty() => Ok(false),
            Ok(batch) => self.store(batch, &mark, stored).await,
        };
        match &done {
            Ok(_) => self.has_whole_files |= !reader.is_in_the_file_of(&before),
            Err(_) => reader.go(before),
        }
        if self.has_whole_files && done.is_ok() {
            let last = reader.last();
            let forgetting = tokio::task::spawn_blocking(move || (reader.forget(last), reader));
            let Ok((forgotten, of)) = forgetting.await else { return Err(DrainError::Thread) };
            // What cannot be taken away now is taken away later.
            self.has_whole_files = forgotten.is_err();
            reader = of;
        }
        self.stored = done.is_ok().then(|| stored.max(reader.last()));
        self.reader = Some(reader);
        done
    }

    async fn store(&self, batch: Batch, mark: &str, stored: u64) -> Result<bool, DrainError> {
        let mut records = batch.records;
        // In the transaction that passes over them: told once, whatever happens.
        records.extend(batch.lost.iter().filter_map(|gap| self.lost(*gap, mark)));
        if batch.last > stored {
            let mark = Mark { name: mark, after: stored, position: batch.last };
            let count = records.len() as u64;
            self.store.write(records, mark).await?;
            self.shared.metrics.stored.inc_by(count);
            self.shared.metrics.mark.store(batch.last, Ordering::Release);
        }
        self.shared.octets.fetch_sub(batch.octets, Ordering::AcqRel);
        Ok(true)
    }

    fn lost(&self, (from, to): (u64, u64), mark: &str) -> Option<Spooled> {
        let records = to - from + 1;
        tracing::error!(records, from, to, mark, "audit records are in neither spool nor store");
        let reason =
            "they are in neither the spool nor the store: a file was moved away, or damaged";
        let detail =
            json!({ "records": records, "from": from, "to": to, "mark": mark, "reason": reason });
        lost::lost(self.shared.program, self.clock.now(), records, detail)
    }
}
