//! Records of schemas from before there was a chain.

use sark_core::audit::{AuditRecord, Written};
use sark_core::storage::StorageError;

use super::{insert_all, unwritten};
use crate::query::sql;
use crate::row::Row;
use crate::store::Store;

/// So many at a time are held in memory.
const AT_ONCE: u32 = 1_000;

/// Chains them in their order, in one transaction; the next time there are none.
pub(crate) async fn chain_what_is_not(store: &Store) -> Result<(), StorageError> {
    let what = "chain the audit records from before";
    let any = sql("SELECT sequence FROM audit_unchained LIMIT 1");
    if any.first(&mut store.reading(what).await?).await?.is_none() {
        return Ok(());
    }
    let mut session = store.writing(what).await?;
    let mut after = 0_i64;
    loop {
        let rows =
            sql("SELECT * FROM audit_unchained WHERE sequence > $1 ORDER BY sequence LIMIT $2");
        let rows = rows.bind(after).bind(AT_ONCE).all(&mut session).await?;
        let Some(last) = rows.last() else { break };
        after = last.get("sequence")?;
        let written = rows.iter().map(|row| Written::of(&record_of(row)?).map_err(unwritten));
        let written = written.collect::<Result<Vec<_>, _>>()?;
        insert_all(&mut session, &written).await?;
    }
    sql("DELETE FROM audit_unchained").run(&mut session).await?;
    session.commit().await
}

fn record_of(row: &Row) -> Result<AuditRecord, StorageError> {
    let sequence = row.count("sequence")?;
    let place = |column: &str| format!("unchained audit record {sequence}, {column}");
    let (severity, evidence, about, notice) = row.parsed("context", place("context"))?;
    Ok(AuditRecord {
        at: row.time(place("at"))?,
        actor: row.text("actor")?,
        event: row.text("event")?,
        outcome: row.parsed("outcome", place("outcome"))?,
        severity,
        evidence,
        about,
        notice,
        detail: row.parsed("detail", place("detail"))?,
    })
}
