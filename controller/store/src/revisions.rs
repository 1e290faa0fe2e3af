//! Revisions and audit records as rows.

use std::str::FromStr;

use async_trait::async_trait;
use jiff::Timestamp;
use sark_core::audit::AuditRecord;
use sark_core::storage::{AuditStore, Revision, RevisionStore, StorageError};
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::sqlite::{SqliteStore, corrupt, meaning};

#[async_trait]
impl RevisionStore for SqliteStore {
    async fn commit(&self, revision: &Revision, record: &AuditRecord) -> Result<(), StorageError> {
        let failed = meaning("store a revision");
        // Immediate: the newest number is read and the next written under one write lock.
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
        let newest: Option<i64> = sqlx::query_scalar("SELECT max(number) FROM revision")
            .fetch_one(&mut *transaction)
            .await
            .map_err(&failed)?;
        if i64::try_from(revision.number) != Ok(newest.unwrap_or(0) + 1) {
            return Err(StorageError::Conflict(revision.number));
        }
        insert_revision(&mut transaction, revision, &failed).await?;
        insert_record(&mut transaction, record, &failed).await?;
        transaction.commit().await.map_err(&failed)
    }

    async fn newest(&self) -> Result<Option<u64>, StorageError> {
        let number: Option<i64> = sqlx::query_scalar("SELECT max(number) FROM revision")
            .fetch_one(&self.pool)
            .await
            .map_err(meaning("read the newest revision"))?;
        Ok(number.and_then(|n| u64::try_from(n).ok()))
    }

    async fn current(&self) -> Result<Option<Revision>, StorageError> {
        let row = sqlx::query("SELECT * FROM revision ORDER BY number DESC LIMIT 1")
            .fetch_optional(&self.pool)
            .await
            .map_err(meaning("read the newest revision"))?;
        row.as_ref().map(revision_of).transpose()
    }

    async fn revision(&self, number: u64) -> Result<Option<Revision>, StorageError> {
        let Ok(number) = i64::try_from(number) else { return Ok(None) };
        let row = sqlx::query("SELECT * FROM revision WHERE number = ?")
            .bind(number)
            .fetch_optional(&self.pool)
            .await
            .map_err(meaning("read a revision"))?;
        row.as_ref().map(revision_of).transpose()
    }

    async fn revisions(&self, limit: u32) -> Result<Vec<Revision>, StorageError> {
        let rows = sqlx::query(
            "SELECT number, at, actor, cause, '[]' AS files, activated, registry_version,
                    policy_version, announce, withdraw, keep
             FROM revision ORDER BY number DESC LIMIT ?",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(meaning("list revisions"))?;
        rows.iter().map(revision_of).collect()
    }
}

#[async_trait]
impl AuditStore for SqliteStore {
    async fn append(&self, record: &AuditRecord) -> Result<(), StorageError> {
        let failed = meaning("append to the audit trail");
        let mut connection = self.pool.acquire().await.map_err(&failed)?;
        insert_record(&mut connection, record, &failed).await
    }

    async fn records(&self, limit: u32) -> Result<Vec<AuditRecord>, StorageError> {
        let rows = sqlx::query("SELECT * FROM audit ORDER BY sequence DESC LIMIT ?")
            .bind(limit)
            .fetch_all(&self.pool)
            .await
            .map_err(meaning("read the audit trail"))?;
        rows.iter().map(record_of).collect()
    }

    async fn records_after(
        &self,
        sequence: u64,
        limit: u32,
    ) -> Result<Vec<(u64, AuditRecord)>, StorageError> {
        let Ok(sequence) = i64::try_from(sequence) else { return Ok(Vec::new()) };
        let rows = sqlx::query("SELECT * FROM audit WHERE sequence > ? ORDER BY sequence LIMIT ?")
            .bind(sequence)
            .bind(limit)
            .fetch_all(&self.pool)
            .await
            .map_err(meaning("read the audit trail"))?;
        rows.iter().map(|row| Ok((count(row, "sequence")?, record_of(row)?))).collect()
    }
}

async fn insert_revision(
    connection: &mut SqliteConnection,
    revision: &Revision,
    failed: &impl Fn(sqlx::Error) -> StorageError,
) -> Result<(), StorageError> {
    sqlx::query("INSERT INTO revision VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(integer(revision.number)?)
        .bind(revision.at.to_string())
        .bind(&revision.actor)
        .bind(&revision.cause)
        .bind(json(&revision.files)?)
        .bind(json(&revision.activated)?)
        .bind(&revision.registry_version)
        .bind(&revision.policy_version)
        .bind(integer(revision.announce)?)
        .bind(integer(revision.withdraw)?)
        .bind(integer(revision.keep)?)
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

pub(crate) async fn insert_record(
    connection: &mut SqliteConnection,
    record: &AuditRecord,
    failed: &impl Fn(sqlx::Error) -> StorageError,
) -> Result<(), StorageError> {
    let statement = "INSERT INTO audit (at, actor, event, outcome, detail, context)
                     VALUES (?, ?, ?, ?, ?, ?)";
    sqlx::query(statement)
        .bind(record.at.to_string())
        .bind(&record.actor)
        .bind(&record.event)
        .bind(json(&record.outcome)?)
        .bind(json(&record.detail)?)
        .bind(json(&(record.severity, &record.evidence, &record.about, &record.notice))?)
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

fn revision_of(row: &SqliteRow) -> Result<Revision, StorageError> {
    let number = count(row, "number")?;
    let place = |column: &str| format!("revision {number}, {column}");
    Ok(Revision {
        number,
        at: time(row, place("at"))?,
        actor: text(row, "actor")?,
        cause: text(row, "cause")?,
        files: parsed(row, "files", place("files"))?,
        activated: parsed(row, "activated", place("activated"))?,
        registry_version: text(row, "registry_version")?,
        policy_version: text(row, "policy_version")?,
        announce: count(row, "announce")?,
        withdraw: count(row, "withdraw")?,
        keep: count(row, "keep")?,
    })
}

fn record_of(row: &SqliteRow) -> Result<AuditRecord, StorageError> {
    let sequence = count(row, "sequence")?;
    let place = |column: &str| format!("audit record {sequence}, {column}");
    let (severity, evidence, about, notice) = parsed(row, "context", place("context"))?;
    Ok(AuditRecord {
        at: time(row, place("at"))?,
        actor: text(row, "actor")?,
        event: text(row, "event")?,
        outcome: parsed(row, "outcome", place("outcome"))?,
        severity,
        evidence,
        about,
        notice,
        detail: parsed(row, "detail", place("detail"))?,
    })
}

pub(crate) fn text(row: &SqliteRow, column: &'static str) -> Result<String, StorageError> {
    row.try_get(column).map_err(meaning(column))
}

pub(crate) fn count(row: &SqliteRow, column: &'static str) -> Result<u64, StorageError> {
    let value: i64 = row.try_get(column).map_err(meaning(column))?;
    u64::try_from(value).map_err(|e| corrupt(column, e))
}

pub(crate) fn time(row: &SqliteRow, place: String) -> Result<Timestamp, StorageError> {
    Timestamp::from_str(&text(row, "at")?).map_err(|e| corrupt(place, e))
}

pub(crate) fn parsed<T: DeserializeOwned>(
    row: &SqliteRow,
    column: &'static str,
    place: String,
) -> Result<T, StorageError> {
    serde_json::from_str(&text(row, column)?).map_err(|e| corrupt(place, e))
}

pub(crate) fn json<T: serde::Serialize>(value: &T) -> Result<String, StorageError> {
    serde_json::to_string(value)
        .map_err(|e| StorageError::Unavailable { what: "write JSON", source: Box::new(e) })
}

pub(crate) fn integer(value: u64) -> Result<i64, StorageError> {
    i64::try_from(value)
        .map_err(|e| StorageError::Unavailable { what: "write a number", source: Box::new(e) })
}
