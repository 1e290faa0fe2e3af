//! Of alerts.

use sark_core::storage::StorageError;
use sark_core::storage::alerts::SinkCount;

use super::Event;
use crate::Metrics;
use crate::chain::chain;
use crate::metrics::{AttemptLabels, DeliveryLabels};

/// A sink took an alert.
#[derive(Debug)]
pub struct AlertDelivered<'a> {
    /// Its name.
    pub sink: &'a str,
    /// The alert.
    pub key: &'a str,
    /// Attempts that it took.
    pub attempts: u32,
}

impl Event for AlertDelivered<'_> {
    fn emit(self, metrics: &Metrics) {
        let Self { sink, key, attempts } = self;
        tracing::info!(sink, alert = key, attempts, "an alert was delivered");
        metrics.alerts.attempts.get_or_create(&AttemptLabels::of(sink, "delivered")).inc();
    }
}

/// A sink did not take an alert; it is tried again.
#[derive(Debug)]
pub struct AlertRetried<'a> {
    /// Its name.
    pub sink: &'a str,
    /// The alert.
    pub key: &'a str,
    /// Attempts so far.
    pub attempts: u32,
    /// What it said.
    pub why: &'a str,
}

impl Event for AlertRetried<'_> {
    fn emit(self, metrics: &Metrics) {
        let Self { sink, key, attempts, why } = self;
        tracing::warn!(
            sink,
            alert = key,
            attempts,
            why,
            "an alert was not delivered; will try again"
        );
        metrics.alerts.attempts.get_or_create(&AttemptLabels::of(sink, "retry")).inc();
    }
}

/// An alert is given up.
#[derive(Debug)]
pub struct AlertDead<'a> {
    /// The sink.
    pub sink: &'a str,
    /// The alert.
    pub key: &'a str,
    /// Attempts that were made.
    pub attempts: u32,
    /// What the sink said last.
    pub why: &'a str,
}

impl Event for AlertDead<'_> {
    fn emit(self, metrics: &Metrics) {
        let Self { sink, key, attempts, why } = self;
        tracing::error!(
            sink,
            alert = key,
            attempts,
            why,
            "an alert is given up; sarkctl alerts dead, then sarkctl alerts replay"
        );
        metrics.alerts.attempts.get_or_create(&AttemptLabels::of(sink, "dead")).inc();
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
