//! What the dispatcher of alerts remembers: how far it has read the audit trail, which alerts are
//! open, and what is still to be delivered to whom.

#[cfg(feature = "test-util")]
pub mod contract;
#[cfg(feature = "test-util")]
mod memory;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::StorageError;
use crate::audit::AuditRecord;
use crate::decision::Severity;

#[cfg(feature = "test-util")]
pub use memory::MemoryAlerts;

/// An open alert: what has the same key is the same alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// See [`Notice::key`](crate::audit::Notice).
    pub key: String,
    /// Event of its first record.
    pub event: String,
    /// Title of its newest record.
    pub title: String,
    /// The most severe so far.
    pub severity: Severity,
    /// When its first record was made.
    pub opened_at: Timestamp,
    /// When its newest was.
    pub last_at: Timestamp,
    /// When the one was that was told last.
    pub told_at: Timestamp,
    /// Records so far.
    pub count: u64,
    /// Sinks that were told of it.
    pub sinks: Vec<String>,
}

/// Something to be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// Idempotency key: unique, and the same on every attempt.
    pub id: String,
    /// To whom.
    pub sink: String,
    /// The alert.
    pub key: String,
    /// Number of the record in the trail.
    pub sequence: u64,
    /// Not sooner.
    pub due_at: Timestamp,
    /// Whether what waits before it comes with it: those of the same sink and alert that were never
    /// attempted and are due later are then due when this is. What is worse does not wait for what
    /// quiet hours hold back, and nothing overtakes.
    pub hurries: bool,
    /// What is told, as JSON.
    pub message: serde_json::Value,
}

/// What became of a piece of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The cursor before.
    pub from: u64,
    /// The cursor after: the number of the last record that was read.
    pub to: u64,
    /// When.
    pub at: Timestamp,
    /// Open alerts as they are now.
    pub groups: Vec<Group>,
    /// Keys of alerts that are not open any more.
    pub closed: Vec<String>,
    /// What is to be delivered.
    pub deliveries: Vec<NewDelivery>,
}

/// How a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// To be attempted, again perhaps.
    Pending,
    /// The receiver has it.
    Delivered,
    /// Given up, until a person has it replayed.
    Dead,
}

impl DeliveryState {
    /// As stored and told.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

impl std::str::FromStr for DeliveryState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let states = [Self::Pending, Self::Delivered, Self::Dead];
        let found = states.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is no state of a delivery"))
    }
}

/// A delivery as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Of this store; they only grow.
    pub number: u64,
    /// See [`NewDelivery::id`].
    pub id: String,
    /// To whom.
    pub sink: String,
    /// The alert.
    pub key: String,
    /// Number of the record in the trail.
    pub sequence: u64,
    /// What is told, as JSON.
    pub message: serde_json::Value,
    /// How it is.
    pub state: DeliveryState,
    /// Attempts so far.
    pub attempts: u32,
    /// When it was made.
    pub made_at: Timestamp,
    /// Not sooner.
    pub due_at: Timestamp,
    /// When it was delivered or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// What the receiver said last, or why it could not be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Of the delivery.
    pub number: u64,
    /// How it is now.
    pub state: DeliveryState,
    /// Attempts so far.
    pub attempts: u32,
    /// When it is attempted again, if it is pending.
    pub due_at: Timestamp,
    /// When the attempt ended.
    pub at: Timestamp,
    /// What the receiver said.
    pub note: String,
}

/// Which deliveries are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Of this sink.
    pub sink: Option<String>,
    /// In this state.
    pub state: Option<DeliveryState>,
    /// Of this alert.
    pub key: Option<String>,
}

/// How many deliveries a sink has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SinkCount {
    /// Its name.
    pub sink: String,
    /// To be attempted.
    pub pending: u64,
    /// Delivered, as far as they are kept.
    pub delivered: u64,
    /// Given up.
    pub dead: u64,
    /// When the oldest pending one was made.
    pub oldest_pending: Option<Timestamp>,
    /// When one was last delivered.
    pub last_delivered: Option<Timestamp>,
}

/// The dispatcher's memory. One dispatcher writes; whoever asks reads.
#[async_trait]
pub trait AlertStore: Send + Sync {
    /// Number of the last record that was read from the trail; 0 at first.
    async fn alert_cursor(&self) -> Result<u64, StorageError>;
    /// The open alerts of these keys.
    async fn alert_groups(&self, keys: &[String]) -> Result<Vec<Group>, StorageError>;
    /// As [`AuditStore::alerts_after`](super::AuditStore::alerts_after), but each record is read by
    /// itself: one that cannot be read says why, and hides none of the others.
    async fn alerts_singly(
        &self,
        sequence: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Result<AuditRecord, StorageError>)>, StorageError>;
    /// Open alerts, the newest first.
    async fn open_alerts(&self, limit: u32) -> Result<Vec<Group>, StorageError>;
    /// All of it or, on any error or if the cursor is not `from` any more, nothing. `false`: the
    /// cursor was another. A delivery whose id is known is not made again. The trail's cursor
    /// [`READER`] moves with this one, so that what was not read is not pruned.
    async fn take(&self, taken: &Taken) -> Result<bool, StorageError>;
    /// Pending deliveries of a sink that are due, oldest first: of each alert only the oldest
    /// pending one, due or not, so that nobody hears of an end before the beginning.
    async fn due(
        &self,
        sink: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, StorageError>;
    /// When the next pending delivery of a sink is due.
    async fn next_due(&self, sink: &str) -> Result<Option<Timestamp>, StorageError>;
    /// How an attempt ended, with the record of it if there is one: both or neither.
    async fn settle(
        &self,
        settled: &Settled,
        record: Option<&AuditRecord>,
    ) -> Result<(), StorageError>;
    /// Newest first.
    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        limit: u32,
    ) -> Result<Vec<Delivery>, StorageError>;
    /// One.
    async fn delivery(&self, number: u64) -> Result<Option<Delivery>, StorageError>;
    /// Makes dead letters pending again, their attempts counted from 0: this one, or all of a sink.
    /// How many; the record is stored with them, if there were any. Of the same alert, the newest
    /// that the sink took after such a letter is pending again too: what a receiver hears last is
    /// how the alert is, and what has ended is not opened for good.
    async fn replay(
        &self,
        which: &Replay,
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<u64, StorageError>;
    /// One for each sink that has a delivery, by name.
    async fn sink_counts(&self) -> Result<Vec<SinkCount>, StorageError>;
    /// Gives up what is pending for sinks that are none of these; how many.
    async fn give_up_others(&self, sinks: &[String], at: Timestamp) -> Result<u64, StorageError>;
    /// Forgets what was delivered or given up before these times, and open alerts of which nothing
    /// was heard since `silent`; not those whose keys begin with one of `lasting`. What a sink took
    /// after a dead letter of the same alert stays as long as that.
    async fn forget_alerts(
        &self,
        delivered: Timestamp,
        dead: Timestamp,
        silent: Timestamp,
        lasting: &[String],
    ) -> Result<(), StorageError>;
}

/// The dispatcher's name among the [readers of the trail](super::CheckpointStore::set_cursor).
pub const READER: &str = "alerts";

/// Which dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replay {
    /// One delivery.
    One(u64),
    /// All of a sink.
    Sink(String),
    /// All.
    All,
}

/// Why a delivery was given up whose sink is not configured any more.
pub const NO_SINK: &str = "no such sink is configured any more";
