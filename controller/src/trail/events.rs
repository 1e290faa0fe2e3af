//! What the auditor counts.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Counters of the auditor.
#[derive(Debug, Default)]
pub(crate) struct AuditorMetrics {
    checkpoints: Counter,
    vouched: Gauge,
    pub(crate) unanchored: Counter,
    pub(crate) bad: Gauge,
}

impl AuditorMetrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        for (name, help, counter) in [
            ("audit_checkpoints", "Checkpoints signed", &self.checkpoints),
            ("audit_unanchored", "Checkpoints that an anchor did not take", &self.unanchored),
        ] {
            registry.register(name, help, counter.clone());
        }
        for (name, help, gauge) in [
            ("audit_vouched", "The last record that a checkpoint covers", &self.vouched),
            ("audit_bad", "The first record that is not as it was written; 0 is none", &self.bad),
        ] {
            registry.register(name, help, gauge.clone());
        }
    }

    pub(super) fn checkpoint(&self, sequence: u64) {
        self.checkpoints.inc();
        self.vouched.set(i64::try_from(sequence).unwrap_or(i64::MAX));
    }
}
