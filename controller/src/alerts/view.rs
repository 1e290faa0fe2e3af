//! How alerts are, for people.

use sark_api::{AlertsResponse, DeliveriesResponse, SinkView, SinksResponse};
use sark_core::storage::alerts::{Delivery, DeliveryFilter, SinkCount};

use super::{AlertError, Alerts};

impl Alerts {
    /// Open alerts, the newest first.
    pub async fn open(&self, limit: u32) -> Result<AlertsResponse, AlertError> {
        Ok(AlertsResponse { alerts: self.store.open_alerts(limit).await? })
    }

    /// Deliveries, newest first.
    pub async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        limit: u32,
    ) -> Result<DeliveriesResponse, AlertError> {
        Ok(DeliveriesResponse { deliveries: self.store.deliveries(filter, limit).await? })
    }

    /// One.
    pub async fn delivery(&self, number: u64) -> Result<Option<Delivery>, AlertError> {
        Ok(self.store.delivery(number).await?)
    }

    /// Every sink, and those that still have deliveries.
    pub async fn sink_views(&self) -> Result<SinksResponse, AlertError> {
        let counts = self.store.sink_counts().await?;
        let mut sinks = Vec::new();
        for sink in &self.sinks {
            let count = counts.iter().find(|count| count.sink == sink.name).cloned();
            let kind = sink.config.kinds().first().map(|kind| (*kind).to_owned());
            let last = self.last_problem(&sink.name).await?;
            sinks.push(SinkView {
                kind,
                problem: last,
                count: count.unwrap_or_else(|| none(&sink.name)),
            });
        }
        for count in counts {
            if self.sinks().all(|name| name != count.sink) {
                sinks.push(SinkView { kind: None, problem: None, count });
            }
        }
        let cursor = self.store.alert_cursor().await?;
        Ok(SinksResponse { sinks, cursor })
    }

    /// What it said last, if it did not take it.
    async fn last_problem(&self, sink: &str) -> Result<Option<String>, AlertError> {
        let filter = DeliveryFilter { sink: Some(sink.to_owned()), ..DeliveryFilter::default() };
        let newest = self.store.deliveries(&filter, 20).await?;
        let tried = newest.iter().filter(|delivery| delivery.attempts > 0);
        let last = tried.max_by_key(|delivery| delivery.ended_at.unwrap_or(delivery.due_at));
        Ok(last
            .filter(|last| last.state != sark_core::storage::alerts::DeliveryState::Delivered)
            .and_then(|last| last.note.clone()))
    }
}

fn none(sink: &str) -> SinkCount {
    SinkCount {
        sink: sink.to_owned(),
        pending: 0,
        delivered: 0,
        dead: 0,
        oldest_pending: None,
        last_delivered: None,
    }
}
