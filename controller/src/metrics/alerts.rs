//! Of alerts.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Default)]
pub(crate) struct AlertMetrics {
    pub(crate) attempts: Family<AttemptLabels, Counter>,
    pub(crate) deliveries: Family<DeliveryLabels, Gauge>,
    pub(crate) notices: Counter,
    pub(crate) cursor: Gauge,
    pub(crate) store_failures: Counter,
    pub(crate) unreadable: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct AttemptLabels {
    sink: String,
    outcome: String,
}

impl AttemptLabels {
    pub(crate) fn of(sink: &str, outcome: &str) -> Self {
        Self { sink: sink.to_owned(), outcome: outcome.to_owned() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct DeliveryLabels {
    sink: String,
    state: String,
}

impl DeliveryLabels {
    pub(crate) fn of(sink: &str, state: &str) -> Self {
        Self { sink: sink.to_owned(), state: state.to_owned() }
    }
}

impl AlertMetrics {
    pub(super) fn register(&self, r: &mut Registry) {
        let (attempts, deliveries) = (self.attempts.clone(), self.deliveries.clone());
        r.register("alert_attempts", "Attempts to deliver, by sink and outcome", attempts);
        r.register("alert_deliveries", "Deliveries kept, by sink and state", deliveries);
        r.register("alert_notices", "Audit records that are alerts", self.notices.clone());
        let cursor = self.cursor.clone();
        r.register("alert_cursor", "The last audit record that was looked at for alerts", cursor);
        let failures = self.store_failures.clone();
        r.register("alert_store_failures", "Times the store failed the dispatcher", failures);
        let unreadable = self.unreadable.clone();
        r.register("alert_unreadable", "Alerts that could not be read from the trail", unreadable);
    }
}
