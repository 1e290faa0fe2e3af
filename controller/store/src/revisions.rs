//! Revisions as rows.

use async_trait::async_trait;
use sark_core::audit::AuditRecord;
use sark_core::storage::{Revision, RevisionStore, StorageError};

use crate::query::sql;
use crate::row::{Row, integer, json};
use crate::session::Session;
use crate::store::Store;
use crate::trail::insert_record;

#[async_trait]
impl RevisionStore for Store {
    async fn commit(&self, revision: &Revision, record: &AuditRecord) -> Result<(), StorageError> {
        let mut session = self.writing("store a revision").await?;
        let newest: Option<i64> =
            sql("SELECT max(number) FROM revision").value(&mut session).await?;
        if i64::try_from(revision.number) != Ok(newest.unwrap_or(0) + 1) {
            return Err(StorageError::Conflict(revision.number));
        }
        insert_revision(&mut session, revision).await?;
        insert_record(&mut session, record).await?;
        session.commit().await
    }

    async fn newest(&self) -> Result<Option<u64>, StorageError> {
        let mut session = self.reading("read the newest revision").await?;
        let number: Option<i64> =
            sql("SELECT max(number) FROM revision").value(&mut session).await?;
        Ok(number.and_then(|n| u64::try_from(n).ok()))
    }

    async fn current(&self) -> Result<Option<Revision>, StorageError> {
        let mut session = self.reading("read the newest revision").await?;
        let newest = sql("SELECT * FROM revision ORDER BY number DESC LIMIT 1");
        newest.first(&mut session).await?.as_ref().map(revision_of).transpose()
    }

    async fn revision(&self, number: u64) -> Result<Option<Revision>, StorageError> {
        let Ok(number) = i64::try_from(number) else { return Ok(None) };
        let mut session = self.reading("read a revision").await?;
        let one = sql("SELECT * FROM revision WHERE number = $1").bind(number);
        one.first(&mut session).await?.as_ref().map(revision_of).transpose()
    }

    async fn revisions(&self, limit: u32) -> Result<Vec<Revision>, StorageError> {
        let mut session = self.reading("list revisions").await?;
        let rows =
            sql("SELECT number, at, actor, cause, '[]' AS files, activated, registry_version,
                    policy_version, announce, withdraw, keep
             FROM revision ORDER BY number DESC LIMIT $1")
            .bind(limit)
            .all(&mut session)
            .await?;
        rows.iter().map(revision_of).collect()
    }
}

async fn insert_revision(session: &mut Session, revision: &Revision) -> Result<(), StorageError> {
    sql("INSERT INTO revision VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
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
        .run(session)
        .await?;
    Ok(())
}

fn revision_of(row: &Row) -> Result<Revision, StorageError> {
    let number = row.count("number")?;
    let place = |column: &str| format!("revision {number}, {column}");
    Ok(Revision {
        number,
        at: row.time(place("at"))?,
        actor: row.text("actor")?,
        cause: row.text("cause")?,
        files: row.parsed("files", place("files"))?,
        activated: row.parsed("activated", place("activated"))?,
        registry_version: row.text("registry_version")?,
        policy_version: row.text("policy_version")?,
        announce: row.count("announce")?,
        withdraw: row.count("withdraw")?,
        keep: row.count("keep")?,
    })
}
