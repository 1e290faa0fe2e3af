//! Reads the trail on and makes deliveries of it.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use sark_alerts::{LASTING, keys, take};
use sark_core::storage::StorageError;
use sark_core::storage::alerts::Taken;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Alerts;
use super::sink::Sink;
use super::unreadable::Read;
use crate::events::{AlertStoreFailed, AlertUnreadable, AlertsCounted, AlertsTaken, Event};

/// Records read at once.
const BATCH: u32 = 1000;
/// Between two looks when nothing is new.
const LOOK: Duration = Duration::from_secs(1);
/// After the store failed.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// Between two rounds of tidying up.
const TIDY: Duration = Duration::from_secs(600);
/// An open alert of which nothing was heard for so long is forgotten, unless it is a condition.
const SILENT: SignedDuration = SignedDuration::from_hours(30 * 24);

impl Alerts {
    /// Until `stop`.
    pub async fn run_taker(self: Arc<Self>, stop: CancellationToken) {
        let mut tidied: Option<Instant> = None;
        loop {
            let pause = match self.round(&mut tidied).await {
                Ok(true) => Duration::ZERO,
                Ok(false) => LOOK,
                Err(error) => {
                    AlertStoreFailed { what: "the trail", error: &error }.emit(&self.metrics);
                    AFTER_FAILURE
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn round(&self, tidied: &mut Option<Instant>) -> Result<bool, StorageError> {
        if tidied.is_none_or(|at| at.elapsed() >= TIDY) {
            self.tidy().await?;
            *tidied = Some(Instant::now());
        }
        self.take_some().await
    }

    /// Whether there may be more.
    pub async fn take_some(&self) -> Result<bool, StorageError> {
        let from = self.store.alert_cursor().await?;
        let Read { records, to, unreadable, is_cut } = self.read(from, BATCH).await?;
        if to == from {
            return Ok(false);
        }
        let groups = self.store.alert_groups(&keys(&records)).await?;
        let taken = take(&self.plan, from, &records, groups, self.clock.now());
        // Those between that have no notice were read too.
        let taken = Taken { to, ..taken };
        if !self.store.take(&taken).await? {
            // Another dispatcher was faster.
            return Ok(true);
        }
        for sink in &self.sinks {
            if taken.deliveries.iter().any(|delivery| delivery.sink == sink.name) {
                sink.wake.notify_one();
            }
        }
        for (sequence, why) in &unreadable {
            AlertUnreadable { sequence: *sequence, why }.emit(&self.metrics);
        }
        self.look_at_routes(&records);
        let (notices, deliveries) = (records.len(), taken.deliveries.len());
        AlertsTaken { cursor: to, notices, deliveries }.emit(&self.metrics);
        Ok(is_cut)
    }

    async fn tidy(&self) -> Result<(), StorageError> {
        let now = self.clock.now();
        let names: Vec<String> = self.sinks().map(str::to_owned).collect();
        self.store.give_up_others(&names, now).await?;
        let before = |age| now.checked_sub(age).unwrap_or(now);
        // What is said of a sink lasts as long as the sink is configured.
        let lasting = LASTING.into_iter().map(str::to_owned);
        let lasting: Vec<String> = lasting.chain(self.sinks.iter().map(Sink::key)).collect();
        let (delivered, dead) = (before(self.keep), before(self.keep * 3));
        self.store.forget_alerts(delivered, dead, before(SILENT), &lasting).await?;
        let counts = self.store.sink_counts().await?;
        AlertsCounted { counts: &counts }.emit(&self.metrics);
        Ok(())
    }
}
