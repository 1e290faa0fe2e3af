//! Records of records that are not there.

use jiff::Timestamp;
use sark_core::Severity;
use sark_core::audit::{AuditRecord, Notice, Outcome, Spooled};
use serde_json::Value;

/// So many were lost; an alert. `detail` says which, and why.
pub(super) fn lost(program: &str, now: Timestamp, records: u64, detail: Value) -> Option<Spooled> {
    let title = format!("{records} audit records were lost");
    told(program, now, "audit.lost", records, title, detail)
}

/// So many decisions were refused because they could not be recorded; an alert.
pub(super) fn refused(
    program: &str,
    now: Timestamp,
    records: u64,
    detail: Value,
) -> Option<Spooled> {
    let title = format!("{records} decisions were refused: the audit trail was full");
    told(program, now, "audit.refused", records, title, detail)
}

fn told(
    program: &str,
    now: Timestamp,
    event: &str,
    records: u64,
    title: String,
    detail: Value,
) -> Option<Spooled> {
    let notice = Notice {
        key: event.to_owned(),
        title,
        resolved: false,
        routes: Vec::new(),
        runbook: Some("audit".into()),
        facts: [("records".to_owned(), records.to_string())].into(),
    };
    let record =
        AuditRecord::new(now, program, event, Outcome::Failed, detail).told(Severity::High, notice);
    Spooled::of(&record).ok()
}
