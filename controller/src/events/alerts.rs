//! Of alerts.

use sark_core::storage::StorageError;
use sark_core::storage::alerts::SinkCount;

use super::Event;
use crate::Metrics;
use crate::chain;
use crate::metrics::{AttemptLabels, DeliveryLabels};

/// An attempt to deliver an alert ended.
#[derive(Debug)]
pub struct AlertAttempted<'a> {
    /// The sink's name.
    pub sink: &'a str,
    /// The alert.
    pub key: &'a str,
    /// Attempts so far.
    pub attempts: u32,
    /// What came of it.
    pub came: Attempted<'a>,
}

/// What came of an attempt; with what the sink said last, if it did not take the alert.
#[derive(Debug, Clone, Copy)]
pub enum Attempted<'a> {
    /// The sink has it.
    Delivered,
    /// It is tried again.
    Retry(&'a str),
    /// It is given up.
    Dead(&'a str),
}

impl Event for AlertAttempted<'_> {
    fn emit(self, metrics: &Metrics) {
        let Self { sink, key: alert, attempts, came } = self;
        let outcome = match came {
            Attempted::Delivered => {
                tracing::info!(sink, alert, attempts, "an alert was delivered");
                "delivered"
            }
            Attempted::Retry(why) => {
                tracing::warn!(
                    sink,
                    alert,
                    attempts,
                    why,
                    "an alert was not delivered; will try again"
                );
                "retry"
            }
            Attempted::Dead(why) => {
                tracing::error!(
                    sink,
                    alert,
                    attempts,
                    why,
                    "an alert is given up; sarkctl alerts dead, then sarkctl alerts replay"
                );
                "dead"
            }
        };
        metrics.alerts.attempts.get_or_create(&AttemptLabels::of(sink, outcome)).inc();
    }
}

/// A piece of the trail was read.
#[derive(Debug)]
pub struct AlertsTaken {
    /// The last record of it.
    pub cursor: u64,
    /// Alerts in it.
    pub notices: usize,
    /// Deliveries that were made of them.
    pub deliveries: usize,
}

impl Event for AlertsTaken {
    fn emit(self, metrics: &Metrics) {
        let Self { cursor, notices, deliveries } = self;
        if notices > 0 {
            tracing::debug!(cursor, notices, deliveries, "alerts were taken from the trail");
        }
        metrics.alerts.notices.inc_by(notices as u64);
        metrics.alerts.cursor.set(i64::try_from(cursor).unwrap_or(i64::MAX));
    }
}

/// An alert cannot be read: another is told in its place.
#[derive(Debug)]
pub struct AlertUnreadable<'a> {
    /// Number of its record in the trail.
    pub sequence: u64,
    /// Why.
    pub why: &'a str,
}

impl Event for AlertUnreadable<'_> {
    fn emit(self, metrics: &Metrics) {
        let Self { sequence, why } = self;
        tracing::error!(
            record = sequence,
            why,
            "an alert cannot be read and is stepped over; see sarkctl audit verify"
        );
        metrics.alerts.unreadable.inc();
    }
}

/// How many deliveries there are.
#[derive(Debug)]
pub struct AlertsCounted<'a> {
    /// One for each sink.
    pub counts: &'a [SinkCount],
}

impl Event for AlertsCounted<'_> {
    fn emit(self, metrics: &Metrics) {
        for SinkCount { sink, pending, delivered, dead, .. } in self.counts {
            for (state, many) in [("pending", pending), ("delivered", delivered), ("dead", dead)] {
                let gauge =
                    metrics.alerts.deliveries.get_or_create(&DeliveryLabels::of(sink, state));
                gauge.set(i64::try_from(*many).unwrap_or(i64::MAX));
            }
        }
    }
}

/// The store failed the dispatcher; it is tried again, and nothing is lost.
#[derive(Debug)]
pub struct AlertStoreFailed<'a> {
    /// What it was about.
    pub what: &'static str,
    /// Why.
    pub error: &'a StorageError,
}

impl Event for AlertStoreFailed<'_> {
    fn emit(self, metrics: &Metrics) {
        let error = chain(self.error);
        tracing::error!(error, what = self.what, "alerts wait for the store");
        metrics.alerts.store_failures.inc();
    }
}
