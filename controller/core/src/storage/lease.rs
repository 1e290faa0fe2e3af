//! Who leads, where several controllers share a store.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::StorageError;
use crate::audit::{AuditRecord, Notice, Outcome};
use crate::decision::Severity;

/// One leads at a time, for a time. The time is the store's own: clocks of controllers do not count.
#[async_trait]
pub trait LeaseStore: Send + Sync {
    /// Leads from now for so long, unless another does; the record of it is in the same
    /// transaction. `at` is for the record alone.
    async fn take_lease(
        &self,
        leader: &str,
        length: Duration,
        at: Timestamp,
    ) -> Result<Taking, StorageError>;
    /// Leads on, from now for so long. False if another has led since.
    async fn renew_lease(&self, fence: u64, length: Duration) -> Result<bool, StorageError>;
    /// Leads no more, so that nobody has to wait. False if another has led since.
    async fn release_lease(&self, fence: u64) -> Result<bool, StorageError>;
    /// Who leads now.
    async fn leader(&self) -> Result<Option<Lease>, StorageError>;
}

/// Who leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Its name.
    pub leader: String,
    /// Grows with every leader: what an earlier one still writes is refused by it.
    pub fence: u64,
    /// How long it leads if it is not heard of.
    pub left: Duration,
}

/// What came of wanting to lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taking {
    /// We lead.
    Taken {
        /// See [`Lease`].
        fence: u64,
    },
    /// Another leads.
    Held(Lease),
}

/// The record of a new leader. `lost` is the one before, if it ended without saying so: somebody is
/// told of that.
#[must_use]
pub fn record(at: Timestamp, leader: &str, fence: u64, lost: Option<&str>) -> AuditRecord {
    let detail = serde_json::json!({ "leader": leader, "fence": fence, "lost": lost });
    let record = AuditRecord::new(at, "sarkd", "store.leader", Outcome::Ok, detail);
    let Some(lost) = lost else { return record };
    let facts = [("leader".to_owned(), leader.to_owned()), ("lost".to_owned(), lost.to_owned())];
    let notice = Notice {
        key: format!("store.leader:{fence}"),
        title: format!("sarkd {leader} leads: {lost} was not heard of any more"),
        resolved: false,
        routes: Vec::new(),
        runbook: None,
        facts: facts.into(),
    };
    record.told(Severity::Medium, notice)
}
