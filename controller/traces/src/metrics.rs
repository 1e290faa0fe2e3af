//! What became of spans: counted, and said once when it changes.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use sark_core::chain;

use crate::exporter::SendError;

/// Counters of spans, and of traces that are none.
#[derive(Debug, Default)]
pub struct TraceMetrics {
    exported: Counter,
    dropped: Family<DroppedLabels, Counter>,
    unheeded: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DroppedLabels {
    why: &'static str,
}

/// Why spans are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// As many as may wait do.
    Full,
    /// The program ends, or has.
    Ended,
    /// The collector was not reached, or was not ready, twice.
    Away,
    /// The collector does not want them.
    Refused,
}

impl Why {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Ended => "ended",
            Self::Away => "away",
            Self::Refused => "refused",
        }
    }
}

impl TraceMetrics {
    /// Under these names, after the registry's prefix.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Spans that the collector took";
        registry.register("trace_spans_exported", help, self.exported.clone());
        let help = "Spans that were dropped: too many at a time, or not taken";
        registry.register("trace_spans_dropped", help, self.dropped.clone());
        let help = "Requests whose clients sample them, beyond those that clients may have kept";
        registry.register("traces_unheeded", help, self.unheeded.clone());
    }

    /// How many the collector took.
    #[must_use]
    pub fn exported(&self) -> u64 {
        self.exported.get()
    }

    /// How many were dropped for this reason.
    #[must_use]
    pub fn dropped(&self, why: &'static str) -> u64 {
        self.dropped.get_or_create(&DroppedLabels { why }).get()
    }

    /// How many were not kept although their clients sample them.
    #[must_use]
    pub fn requests_unheeded(&self) -> u64 {
        self.unheeded.get()
    }

    pub(crate) fn unheeded(&self) {
        self.unheeded.inc();
    }

    pub(crate) fn drop_and_count(&self, spans: usize, why: Why) {
        let labels = DroppedLabels { why: why.as_str() };
        self.dropped.get_or_create(&labels).inc_by(spans as u64);
    }

    /// The program ends, and these were not sent.
    pub(crate) fn ended(&self, spans: usize) {
        if spans > 0 {
            self.drop_and_count(spans, Why::Ended);
            tracing::warn!(spans, "the last spans are not with the collector of traces");
        }
    }

    /// The collector took these, but for `rejected`; `was_away` if it did not take the last ones.
    pub(crate) fn took(&self, spans: usize, rejected: u64, was_away: bool) {
        let rejected = rejected.min(spans as u64);
        self.exported.inc_by(spans as u64 - rejected);
        if rejected > 0 {
            self.drop_and_count(usize::try_from(rejected).unwrap_or(spans), Why::Refused);
        }
        if was_away {
            tracing::info!("the collector of traces takes spans again");
        }
    }

    /// It did not take these; `was_away` if it did not take the last ones either.
    pub(crate) fn lost(&self, spans: usize, error: &SendError, was_away: bool) {
        self.drop_and_count(spans, error.why());
        if !was_away {
            let error = chain(error);
            tracing::warn!(error, "the collector of traces does not take spans: they are dropped");
        }
    }
}
