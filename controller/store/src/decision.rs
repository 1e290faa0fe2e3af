//! Decision sets and rollouts as rows.

use async_trait::async_trait;
use sark_core::ContentHash;
use sark_core::audit::AuditRecord;
use sark_core::storage::decision::KEPT_ROLLOUTS;
use sark_core::storage::{DecisionStore, Rollout, StorageError, StoredSet};

use crate::query::sql;
use crate::row::{Row, integer, json};
use crate::session::Session;
use crate::store::{Store, corrupt};
use crate::trail::insert_record;

#[async_trait]
impl DecisionStore for Store {
    async fn commit_rollout(
        &self,
        set: Option<&StoredSet>,
        rollout: &Rollout,
        record: &AuditRecord,
    ) -> Result<(), StorageError> {
        let mut session = self.writing("store a rollout").await?;
        let newest: Option<i64> =
            sql("SELECT max(number) FROM decision_rollout").value(&mut session).await?;
        if i64::try_from(rollout.number) != Ok(newest.unwrap_or(0) + 1) {
            return Err(StorageError::Conflict(rollout.number));
        }
        if let Some(set) = set {
            insert_set(&mut session, set).await?;
        }
        insert_rollout(&mut session, rollout).await?;
        let oldest = integer(rollout.number.saturating_sub(KEPT_ROLLOUTS))?;
        sql("DELETE FROM decision_set WHERE NOT EXISTS (
                 SELECT 1 FROM decision_rollout
                 WHERE number > $1
                 AND (active = decision_set.hash OR following = decision_set.hash))")
        .bind(oldest)
        .run(&mut session)
        .await?;
        insert_record(&mut session, record).await?;
        session.commit().await
    }

    async fn rollout(&self) -> Result<Option<Rollout>, StorageError> {
        Ok(self.rollouts(1).await?.pop())
    }

    async fn rollouts(&self, limit: u32) -> Result<Vec<Rollout>, StorageError> {
        let mut session = self.reading("list rollouts").await?;
        let rows = sql("SELECT * FROM decision_rollout ORDER BY number DESC LIMIT $1")
            .bind(limit)
            .all(&mut session)
            .await?;
        rows.iter().map(rollout_of).collect()
    }

    async fn decision_set(&self, version: &ContentHash) -> Result<Option<StoredSet>, StorageError> {
        let mut session = self.reading("read a decision set").await?;
        let one = sql("SELECT * FROM decision_set WHERE hash = $1").bind(version.as_str());
        one.first(&mut session).await?.as_ref().map(set_of).transpose()
    }

    async fn decision_sets(&self, limit: u32) -> Result<Vec<StoredSet>, StorageError> {
        let mut session = self.reading("list decision sets").await?;
        let rows = sql("SELECT hash, name, origin, revision, signed_by, policies, at, actor,
                    '[]' AS files
             FROM decision_set ORDER BY sequence DESC LIMIT $1")
        .bind(limit)
        .all(&mut session)
        .await?;
        rows.iter().map(set_of).collect()
    }
}

async fn insert_set(session: &mut Session, set: &StoredSet) -> Result<(), StorageError> {
    sql("INSERT INTO decision_set (hash, name, origin, revision, signed_by, policies, at, actor,
                                   files)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (hash) DO NOTHING")
    .bind(set.version.as_str())
    .bind(&set.name)
    .bind(&set.origin)
    .bind(set.revision.as_deref())
    .bind(set.signed_by.as_deref())
    .bind(set.policies)
    .bind(set.at.to_string())
    .bind(&set.actor)
    .bind(json(&set.files)?)
    .run(session)
    .await?;
    Ok(())
}

async fn insert_rollout(session: &mut Session, rollout: &Rollout) -> Result<(), StorageError> {
    let candidate = rollout.candidate.as_ref();
    sql("INSERT INTO decision_rollout VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(integer(rollout.number)?)
        .bind(rollout.at.to_string())
        .bind(&rollout.actor)
        .bind(&rollout.cause)
        .bind(rollout.active.as_ref().map(ContentHash::as_str))
        .bind(candidate.map(|candidate| candidate.version.as_str()))
        .bind(candidate.map(json).transpose()?)
        .run(session)
        .await?;
    Ok(())
}

fn rollout_of(row: &Row) -> Result<Rollout, StorageError> {
    let number = row.count("number")?;
    let place = |column: &str| format!("rollout {number}, {column}");
    let active: Option<String> = row.get("active")?;
    let active = active.map(|hash| hash.parse()).transpose();
    let candidate: Option<String> = row.get("candidate")?;
    let candidate = candidate.map(|text| serde_json::from_str(&text)).transpose();
    Ok(Rollout {
        number,
        at: row.time(place("at"))?,
        actor: row.text("actor")?,
        cause: row.text("cause")?,
        active: active.map_err(|e: sark_core::HashError| corrupt(place("active"), e))?,
        candidate: candidate.map_err(|e| corrupt(place("candidate"), e))?,
    })
}

fn set_of(row: &Row) -> Result<StoredSet, StorageError> {
    let version = row.hash()?;
    let place = |column: &str| format!("decision set {}, {column}", version.short());
    let policies = u32::try_from(row.count("policies")?);
    Ok(StoredSet {
        name: row.text("name")?,
        origin: row.text("origin")?,
        revision: row.get("revision")?,
        signed_by: row.get("signed_by")?,
        policies: policies.map_err(|e| corrupt(place("policies"), e))?,
        at: row.time(place("at"))?,
        actor: row.text("actor")?,
        files: row.parsed("files", place("files"))?,
        version,
    })
}
