//! The dispatcher's memory, in memory; fails when the store that it stands on was told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    AlertStore, Delivery, DeliveryFilter, DeliveryState, Group, NO_SINK, NewDelivery, READER,
    Replay, Settled, SinkCount, Taken,
};
use crate::audit::{AuditRecord, Stored};
use crate::storage::{AuditStore as _, MemoryStore, StorageError};

/// See the module.
#[derive(Debug, Default)]
pub struct MemoryAlerts {
    base: Arc<MemoryStore>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    cursor: u64,
    groups: BTreeMap<String, Group>,
    last: u64,
    deliveries: BTreeMap<u64, Delivery>,
}

impl MemoryAlerts {
    /// Empty, on this store.
    #[must_use]
    pub fn new(base: Arc<MemoryStore>) -> Self {
        base.read_up_to(READER, 0);
        Self { base, state: Mutex::default() }
    }

    fn open(&self, what: &'static str) -> Result<MutexGuard<'_, State>, StorageError> {
        self.base.check(what)?;
        Ok(self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    /// Of each alert the oldest pending one of this sink.
    fn heads(&self, sink: &str) -> Vec<&Delivery> {
        let mut heads: BTreeMap<&str, &Delivery> = BTreeMap::new();
        for delivery in self.deliveries.values() {
            if delivery.sink == sink && delivery.state == DeliveryState::Pending {
                heads.entry(&delivery.key).or_insert(delivery);
            }
        }
        let mut heads: Vec<_> = heads.into_values().collect();
        heads.sort_by_key(|delivery| delivery.number);
        heads
    }

    /// What waits before this one comes with it.
    fn hurry(&mut self, new: &NewDelivery) {
        for delivery in self.deliveries.values_mut() {
            let waits = delivery.state == DeliveryState::Pending && delivery.attempts == 0;
            if waits && delivery.sink == new.sink && delivery.key == new.key {
                delivery.due_at = delivery.due_at.min(new.due_at);
            }
        }
    }

    /// The newest that was delivered after this one, to the same sink and of the same alert.
    fn delivered_after(&self, dead: &Delivery) -> Option<u64> {
        let mut after = self.deliveries.range(dead.number..).map(|(_, after)| after);
        let fits = |after: &&Delivery| {
            after.state == DeliveryState::Delivered
                && after.sink == dead.sink
                && after.key == dead.key
        };
        after.rfind(fits).map(|after| after.number)
    }
}

#[async_trait]
impl AlertStore for MemoryAlerts {
    async fn alert_cursor(&self) -> Result<u64, StorageError> {
        Ok(self.open("read the cursor of alerts")?.cursor)
    }

    async fn alert_groups(&self, keys: &[String]) -> Result<Vec<Group>, StorageError> {
        let state = self.open("read open alerts")?;
        Ok(keys.iter().filter_map(|key| state.groups.get(key).cloned()).collect())
    }

    async fn alerts_singly(
        &self,
        sequence: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Result<AuditRecord, StorageError>)>, StorageError> {
        let stored = self.base.stored_after(sequence, u32::MAX).await?;
        let alerts = stored.into_iter().filter(|one| one.index.is_alert).take(limit as usize);
        let read = |one: Stored| {
            let what = format!("audit record {}", one.head.sequence);
            one.record().map_err(|e| StorageError::Corrupt { what, source: e.into() })
        };
        Ok(alerts.map(|one| (one.head.sequence, read(one))).collect())
    }

    async fn open_alerts(&self, limit: u32) -> Result<Vec<Group>, StorageError> {
        let state = self.open("list open alerts")?;
        let mut groups: Vec<_> = state.groups.values().cloned().collect();
        groups.sort_by(|a, b| b.last_at.cmp(&a.last_at).then_with(|| a.key.cmp(&b.key)));
        groups.truncate(limit as usize);
        Ok(groups)
    }

    async fn take(&self, taken: &Taken) -> Result<bool, StorageError> {
        let mut state = self.open("store deliveries")?;
        if state.cursor != taken.from {
            return Ok(false);
        }
        state.cursor = taken.to;
        self.base.read_up_to(READER, taken.to);
        for key in &taken.closed {
            state.groups.remove(key);
        }
        for group in &taken.groups {
            state.groups.insert(group.key.clone(), group.clone());
        }
        for new in &taken.deliveries {
            if state.deliveries.values().any(|known| known.id == new.id) {
                continue;
            }
            if new.hurries {
                state.hurry(new);
            }
            state.last += 1;
            let number = state.last;
            let delivery = Delivery {
                number,
                id: new.id.clone(),
                sink: new.sink.clone(),
                key: new.key.clone(),
                sequence: new.sequence,
                message: new.message.clone(),
                state: DeliveryState::Pending,
                attempts: 0,
                made_at: taken.at,
                due_at: new.due_at,
                ended_at: None,
                note: None,
            };
            state.deliveries.insert(number, delivery);
        }
        Ok(true)
    }

    async fn due(
        &self,
        sink: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, StorageError> {
        let state = self.open("read what is due")?;
        let heads = state.heads(sink).into_iter().filter(|delivery| delivery.due_at <= now);
        Ok(heads.take(limit as usize).cloned().collect())
    }

    async fn next_due(&self, sink: &str) -> Result<Option<Timestamp>, StorageError> {
        let state = self.open("read what is due next")?;
        Ok(state.heads(sink).into_iter().map(|delivery| delivery.due_at).min())
    }

    async fn settle(
        &self,
        settled: &Settled,
        record: Option<&AuditRecord>,
    ) -> Result<(), StorageError> {
        let mut state = self.open("store how a delivery ended")?;
        let Some(delivery) = state.deliveries.get_mut(&settled.number) else { return Ok(()) };
        if delivery.state != DeliveryState::Pending {
            return Ok(());
        }
        delivery.state = settled.state;
        delivery.attempts = settled.attempts;
        delivery.due_at = settled.due_at;
        delivery.ended_at = (settled.state != DeliveryState::Pending).then_some(settled.at);
        delivery.note = Some(settled.note.clone());
        record.map_or(Ok(()), |record| self.base.append_now(record))
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        limit: u32,
    ) -> Result<Vec<Delivery>, StorageError> {
        let state = self.open("list deliveries")?;
        let fits = |delivery: &&Delivery| {
            filter.sink.as_ref().is_none_or(|sink| *sink == delivery.sink)
                && filter.state.is_none_or(|state| state == delivery.state)
                && filter.key.as_ref().is_none_or(|key| *key == delivery.key)
        };
        let newest = state.deliveries.values().rev().filter(fits);
        Ok(newest.take(limit as usize).cloned().collect())
    }

    async fn delivery(&self, number: u64) -> Result<Option<Delivery>, StorageError> {
        Ok(self.open("read a delivery")?.deliveries.get(&number).cloned())
    }

    async fn replay(
        &self,
        which: &Replay,
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<u64, StorageError> {
        let mut state = self.open("replay dead letters")?;
        let fits = |delivery: &&Delivery| {
            let is_meant = match which {
                Replay::One(number) => delivery.number == *number,
                Replay::Sink(sink) => delivery.sink == *sink,
                Replay::All => true,
            };
            is_meant && delivery.state == DeliveryState::Dead
        };
        let dead: Vec<&Delivery> = state.deliveries.values().filter(fits).collect();
        let many = dead.len() as u64;
        let after = dead.iter().filter_map(|dead| state.delivered_after(dead));
        let again: Vec<u64> = dead.iter().map(|dead| dead.number).chain(after).collect();
        for number in again {
            if let Some(delivery) = state.deliveries.get_mut(&number) {
                delivery.state = DeliveryState::Pending;
                (delivery.attempts, delivery.due_at, delivery.ended_at) = (0, at, None);
            }
        }
        if many > 0 {
            self.base.append_now(record)?;
        }
        Ok(many)
    }

    async fn sink_counts(&self) -> Result<Vec<SinkCount>, StorageError> {
        let state = self.open("count deliveries")?;
        let mut counts: BTreeMap<String, SinkCount> = BTreeMap::new();
        for delivery in state.deliveries.values() {
            let sink = delivery.sink.clone();
            let count = counts.entry(sink.clone()).or_insert(SinkCount {
                sink,
                pending: 0,
                delivered: 0,
                dead: 0,
                oldest_pending: None,
                last_delivered: None,
            });
            match delivery.state {
                DeliveryState::Pending => {
                    count.pending += 1;
                    let oldest = count.oldest_pending.unwrap_or(delivery.made_at);
                    count.oldest_pending = Some(oldest.min(delivery.made_at));
                }
                DeliveryState::Delivered => {
                    count.delivered += 1;
                    count.last_delivered = count.last_delivered.max(delivery.ended_at);
                }
                DeliveryState::Dead => count.dead += 1,
            }
        }
        Ok(counts.into_values().collect())
    }

    async fn give_up_others(&self, sinks: &[String], at: Timestamp) -> Result<u64, StorageError> {
        let mut state = self.open("give up deliveries")?;
        let mut many = 0;
        for delivery in state.deliveries.values_mut() {
            if delivery.state == DeliveryState::Pending && !sinks.contains(&delivery.sink) {
                delivery.state = DeliveryState::Dead;
                delivery.ended_at = Some(at);
                delivery.note = Some(NO_SINK.to_owned());
                many += 1;
            }
        }
        Ok(many)
    }

    async fn forget_alerts(
        &self,
        delivered: Timestamp,
        dead: Timestamp,
        silent: Timestamp,
        lasting: &[String],
    ) -> Result<(), StorageError> {
        let mut state = self.open("forget old deliveries")?;
        state.deliveries.retain(|_, delivery| {
            delivery.state != DeliveryState::Dead || delivery.ended_at.is_none_or(|at| at >= dead)
        });
        let letters = state.deliveries.values().filter(|it| it.state == DeliveryState::Dead);
        let needed: Vec<u64> = letters.filter_map(|dead| state.delivered_after(dead)).collect();
        state.deliveries.retain(|number, delivery| {
            delivery.state != DeliveryState::Delivered
                || needed.contains(number)
                || delivery.ended_at.is_none_or(|at| at >= delivered)
        });
        state.groups.retain(|key, group| {
            group.last_at >= silent || lasting.iter().any(|prefix| key.starts_with(prefix))
        });
        Ok(())
    }
}
