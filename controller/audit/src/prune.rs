//! The record of a pruning: what went, and by which checkpoint.
//!
//! It is written with the pruning, so it comes after what went and stays in the chain until a later
//! pruning, with a record of its own, takes it away: a trail that begins after its first record has
//! one that names where it begins. Without it somebody else removed the records before.

use jiff::Timestamp;
use sark_core::audit::{AuditRecord, Head, Outcome};
use sark_core::storage::KeptCheckpoint;
use serde_json::json;

/// Who prunes.
const ACTOR: &str = "sarkd";
/// What the record is called.
const EVENT: &str = "audit.prune";

/// Of pruning what this checkpoint covers.
#[must_use]
pub fn prune_record(now: Timestamp, kept: &KeptCheckpoint, reason: &str) -> AuditRecord {
    let Head { sequence, hash } = kept.head;
    let detail = json!({
        "upTo": sequence, "hash": hash, "checkpoint": kept.note, "reason": reason,
    });
    AuditRecord::new(now, ACTOR, EVENT, Outcome::Ok, detail)
}

/// Whether this record says that everything up to here was pruned.
pub(crate) fn says(record: &AuditRecord, gone: &Head) -> bool {
    record.event == EVENT
        && record.actor == ACTOR
        && record.detail.get("upTo").and_then(serde_json::Value::as_u64) == Some(gone.sequence)
        && record.detail.get("hash").and_then(serde_json::Value::as_str)
            == Some(gone.hash.to_string().as_str())
}
