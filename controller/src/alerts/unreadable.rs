//! Alerts that cannot be read: stepped over one by one, each of them an alert itself.

use sark_core::audit::{AuditRecord, Notice, Outcome};
use sark_core::decision::Severity;
use sark_core::storage::StorageError;
use serde_json::json;

use super::Alerts;
use crate::chain;
use crate::registrar::OURSELVES;

/// Records read at once when one of them cannot be read.
const FEW: u32 = 100;

/// A piece of the trail.
pub(super) struct Read {
    pub(super) records: Vec<(u64, AuditRecord)>,
    /// All alerts up to this number are among them.
    pub(super) to: u64,
    /// Those in whose place another stands, and why.
    pub(super) unreadable: Vec<(u64, String)>,
    /// Whether there may be more.
    pub(super) is_cut: bool,
}

impl Alerts {
    /// The alerts after this number. What is damaged hides none of the others.
    pub(super) async fn read(&self, from: u64, limit: u32) -> Result<Read, StorageError> {
        match self.trail.alerts_after(from, limit).await {
            Ok((records, to)) => {
                let is_cut = records.len() == limit as usize;
                Ok(Read { records, to, unreadable: Vec::new(), is_cut })
            }
            Err(error @ StorageError::Corrupt { .. }) => self.read_singly(from, error).await,
            Err(error) => Err(error),
        }
    }

    async fn read_singly(&self, from: u64, why: StorageError) -> Result<Read, StorageError> {
        let found = self.store.alerts_singly(from, FEW).await?;
        let Some((to, _)) = found.last() else {
            // Something else is damaged.
            return Err(why);
        };
        let mut read = Read { records: Vec::new(), to: *to, unreadable: Vec::new(), is_cut: true };
        for (sequence, record) in found {
            let record = record.unwrap_or_else(|error| {
                read.unreadable.push((sequence, chain(&error)));
                self.stand_in(sequence)
            });
            read.records.push((sequence, record));
        }
        Ok(read)
    }

    /// What is told in the place of a record that cannot be read. Why is in the log alone: it may have
    /// words of the record. The trail gets no other record: what is there stays, for `audit verify`.
    fn stand_in(&self, sequence: u64) -> AuditRecord {
        let notice = Notice {
            key: "alerts.unreadable".to_owned(),
            title: format!("Alert {sequence} of the audit trail cannot be read, and was not told"),
            resolved: false,
            routes: Vec::new(),
            runbook: Some("alerts".to_owned()),
            facts: [("record".to_owned(), sequence.to_string())].into(),
        };
        let (now, detail) = (self.clock.now(), json!({ "record": sequence }));
        AuditRecord::new(now, OURSELVES, "alerts.unreadable", Outcome::Failed, detail)
            .told(Severity::High, notice)
    }
}
