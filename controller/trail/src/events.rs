//! What the trail says of itself, and counts.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use sark_core::chain;

use super::spool::Found;
use super::{SpoolError, drain::DrainError};

/// Counters of the trail.
#[derive(Debug, Default)]
pub struct TrailMetrics {
    pub(crate) spooled: Counter,
    pub(crate) stored: Counter,
    pub(crate) refused: Counter,
    pub(crate) dropped: Counter,
    pub(crate) failures: Counter,
    /// The number of the last record on the disk.
    pub(crate) last: AtomicU64,
    /// And of the last that the destination has.
    pub(crate) mark: AtomicU64,
}

impl TrailMetrics {
    /// Records that are on the disk, and not at their destination as far as that is known.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.last.load(Ordering::Acquire).saturating_sub(self.mark.load(Ordering::Acquire))
    }

    /// Under these names, after the registry's prefix.
    pub fn register(&self, registry: &mut Registry) {
        for (name, help, counter) in [
            ("audit_spooled", "Audit records that are on the disk", &self.spooled),
            ("audit_stored", "Audit records that the drain has stored", &self.stored),
            (
                "audit_refused",
                "Audit records refused because spool or queue were full",
                &self.refused,
            ),
            (
                "audit_dropped",
                "Audit records dropped because spool or queue were full",
                &self.dropped,
            ),
            ("audit_failures", "Tries of spool or store that failed", &self.failures),
        ] {
            registry.register(name, help, counter.clone());
        }
    }
}

pub(super) fn opened(found: &Found, metrics: &TrailMetrics) {
    let Found { records, octets, torn, damaged } = found;
    metrics.spooled.inc_by(*records);
    if let Some((records, file)) = damaged {
        tracing::error!(
            octets = torn,
            records,
            file = %file.display(),
            "the end of the audit spool is damaged, and whole records follow: it was cut off and is \
             kept in the file"
        );
    } else if *torn > 0 {
        tracing::warn!(
            octets = torn,
            "a record at the end of the audit spool was torn by a crash and cut off; it was never \
             acknowledged"
        );
    }
    tracing::info!(records, octets, "opened the audit spool");
}

pub(super) fn resumed(found: u64, stored: u64, last: u64) {
    tracing::warn!(
        found,
        stored,
        "the audit spool ends before the last number that it gave ({last}): a file was moved away, or \
         damaged; numbers go on after that one"
    );
}

pub(super) fn not_spooled(error: &SpoolError, metrics: &TrailMetrics) {
    tracing::error!(error = chain(error), "audit records wait: the spool cannot be written");
    metrics.failures.inc();
}

pub(super) fn not_stored(error: &DrainError, metrics: &TrailMetrics) {
    tracing::warn!(
        error = chain(error),
        "audit records stay in the spool: the store does not take them"
    );
    metrics.failures.inc();
}
