//! Versions: one row for each, one for each content of an endpoint, and one for each pair.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;
use sark_core::ContentHash;
use sark_core::audit::AuditRecord;
use sark_core::storage::StorageError;
use sark_registry::storage::{
    Committed, Counts, Origin, Pin, Pruned, Version, VersionStore, hex_of,
};
use sark_registry::{Endpoint, Manifest, Snapshot, object_of};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::revisions::{count, insert_record, integer, json, parsed, text, time};
use crate::sqlite::{SqliteStore, corrupt, meaning};

const NEWEST: &str = "SELECT * FROM registry_version ORDER BY number DESC LIMIT 1";

#[async_trait]
impl VersionStore for SqliteStore {
    async fn commit_version(
        &self,
        snapshot: &Snapshot,
        origin: &Origin,
        record: Option<&AuditRecord>,
    ) -> Result<Committed, StorageError> {
        let failed = meaning("store a registry version");
        let manifest = snapshot.manifest();
        let mut t = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
        let newest = sqlx::query(NEWEST).fetch_optional(&mut *t).await.map_err(&failed)?;
        let newest = newest.as_ref().map(version_of).transpose()?;
        let before = match newest {
            Some(version) if version.hash == *snapshot.version() => {
                return Ok(Committed { version, stored: false });
            }
            Some(version) => manifest_of(&mut t, integer(version.number)?).await?,
            None => Manifest::default(),
        };
        let counts = Counts::of(snapshot.endpoints(), &before.difference(&manifest));
        let hash = snapshot.version();
        let number: i64 = sqlx::query_scalar(
            "INSERT INTO registry_version (hash, at, cause, actor, counts)
             VALUES (?, ?, ?, ?, ?) RETURNING number",
        )
        .bind(hash.as_str())
        .bind(origin.at.to_string())
        .bind(&origin.cause)
        .bind(&origin.actor)
        .bind(json(&counts)?)
        .fetch_one(&mut *t)
        .await
        .map_err(&failed)?;
        let hashes: Vec<_> = manifest.lines().iter().map(|(_, hash)| hash.as_str()).collect();
        let list = json(&hashes)?;
        let missing: Vec<String> = sqlx::query_scalar(
            "SELECT value FROM json_each(?)
             WHERE value NOT IN (SELECT hash FROM registry_object)",
        )
        .bind(&list)
        .fetch_all(&mut *t)
        .await
        .map_err(&failed)?;
        // Lines and endpoints are both in order of id.
        let by_hash: HashMap<&str, &Endpoint> =
            hashes.into_iter().zip(snapshot.endpoints()).collect();
        for hash in &missing {
            let Some(endpoint) = by_hash.get(hash.as_str()) else { continue };
            sqlx::query("INSERT INTO registry_object (hash, id, json) VALUES (?, ?, ?)")
                .bind(hash)
                .bind(&endpoint.id)
                .bind(object_of(endpoint))
                .execute(&mut *t)
                .await
                .map_err(&failed)?;
        }
        sqlx::query(
            "INSERT INTO registry_content SELECT ?, key FROM registry_object
             WHERE hash IN (SELECT value FROM json_each(?))",
        )
        .bind(number)
        .bind(&list)
        .execute(&mut *t)
        .await
        .map_err(&failed)?;
        if let Some(record) = record {
            insert_record(&mut t, record, &failed).await?;
        }
        t.commit().await.map_err(&failed)?;
        let number = u64::try_from(number).map_err(|e| corrupt("registry_version", e))?;
        let version = Version { number, hash: hash.clone(), origin: origin.clone(), counts };
        Ok(Committed { version, stored: true })
    }

    async fn version(&self, number: u64) -> Result<Option<Version>, StorageError> {
        let Ok(number) = i64::try_from(number) else { return Ok(None) };
        let row = sqlx::query("SELECT * FROM registry_version WHERE number = ?")
            .bind(number)
            .fetch_optional(&self.pool)
            .await
            .map_err(meaning("read a registry version"))?;
        row.as_ref().map(version_of).transpose()
    }

    async fn by_hash(&self, prefix: &str) -> Result<Vec<Version>, StorageError> {
        let Some(hex) = hex_of(prefix) else { return Ok(Vec::new()) };
        // Every digit comes before `g`.
        let rows = sqlx::query(
            "SELECT * FROM registry_version WHERE hash >= ? AND hash < ?
             ORDER BY number DESC LIMIT 100",
        )
        .bind(format!("sha256:{hex}"))
        .bind(format!("sha256:{hex}g"))
        .fetch_all(&self.pool)
        .await
        .map_err(meaning("read a registry version"))?;
        rows.iter().map(version_of).collect()
    }

    async fn newest_version(&self) -> Result<Option<Version>, StorageError> {
        let failed = meaning("read the newest registry version");
        let row = sqlx::query(NEWEST).fetch_optional(&self.pool).await.map_err(failed)?;
        row.as_ref().map(version_of).transpose()
    }

    async fn versions(
        &self,
        limit: u32,
        before: Option<u64>,
    ) -> Result<Vec<Version>, StorageError> {
        let before = before.and_then(|n| i64::try_from(n).ok()).unwrap_or(i64::MAX);
        let rows = sqlx::query(
            "SELECT * FROM registry_version WHERE number < ? ORDER BY number DESC LIMIT ?",
        )
        .bind(before)
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(meaning("list registry versions"))?;
        rows.iter().map(version_of).collect()
    }

    async fn manifest(&self, number: u64) -> Result<Option<Manifest>, StorageError> {
        if self.version(number).await?.is_none() {
            return Ok(None);
        }
        let failed = meaning("read a registry version");
        let mut connection = self.pool.acquire().await.map_err(failed)?;
        manifest_of(&mut connection, integer(number)?).await.map(Some)
    }

    async fn endpoint(&self, hash: &ContentHash) -> Result<Option<Endpoint>, StorageError> {
        let row = sqlx::query("SELECT json FROM registry_object WHERE hash = ?")
            .bind(hash.as_str())
            .fetch_optional(&self.pool)
            .await
            .map_err(meaning("read an endpoint"))?;
        row.map(|row| parsed(&row, "json", format!("endpoint {hash}"))).transpose()
    }

    async fn load_version(&self, number: u64) -> Result<Option<Vec<Endpoint>>, StorageError> {
        let Some(version) = self.version(number).await? else { return Ok(None) };
        let rows = sqlx::query(
            "SELECT o.id, o.json FROM registry_content c JOIN registry_object o ON o.key = c.object
             WHERE c.version = ? ORDER BY o.id",
        )
        .bind(integer(number)?)
        .fetch_all(&self.pool)
        .await
        .map_err(meaning("read a registry version"))?;
        let place = |row: &SqliteRow| {
            Ok(format!("registry version {number}, endpoint {}", text(row, "id")?))
        };
        let endpoints: Vec<Endpoint> = rows
            .iter()
            .map(|row| parsed(row, "json", place(row)?))
            .collect::<Result<_, StorageError>>()?;
        let found = Manifest::of(&endpoints).version();
        if found == version.hash {
            return Ok(Some(endpoints));
        }
        let why = format!("its content has the hash {found}, not {}", version.hash);
        Err(corrupt(format!("registry version {number}"), why))
    }

    async fn pin(
        &self,
        number: Option<u64>,
        at: Timestamp,
        actor: &str,
        record: &AuditRecord,
    ) -> Result<bool, StorageError> {
        let failed = meaning("pin a registry version");
        let mut t = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
        sqlx::query("DELETE FROM registry_pin").execute(&mut *t).await.map_err(&failed)?;
        if let Some(number) = number {
            let Ok(number) = i64::try_from(number) else { return Ok(false) };
            let done = sqlx::query(
                "INSERT INTO registry_pin
                 SELECT 1, number, ?, ? FROM registry_version WHERE number = ?",
            )
            .bind(at.to_string())
            .bind(actor)
            .bind(number)
            .execute(&mut *t)
            .await
            .map_err(&failed)?;
            if done.rows_affected() == 0 {
                return Ok(false);
            }
        }
        insert_record(&mut t, record, &failed).await?;
        t.commit().await.map_err(&failed)?;
        Ok(true)
    }

    async fn pinned(&self) -> Result<Option<Pin>, StorageError> {
        let row = sqlx::query("SELECT * FROM registry_pin")
            .fetch_optional(&self.pool)
            .await
            .map_err(meaning("read the pinned registry version"))?;
        let pin = |row: &SqliteRow| {
            let at = time(row, "the pinned registry version, at".into())?;
            Ok(Pin { version: count(row, "version")?, at, actor: text(row, "actor")? })
        };
        row.as_ref().map(pin).transpose()
    }

    async fn prune(&self, keep: u32) -> Result<Pruned, StorageError> {
        let failed = meaning("remove old registry versions");
        let mut t = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
        let versions = sqlx::query(
            "DELETE FROM registry_version WHERE number NOT IN
                 (SELECT number FROM registry_version ORDER BY number DESC LIMIT ?)
             AND number NOT IN (SELECT version FROM registry_pin)
             AND hash NOT IN (SELECT registry_version FROM revision)",
        )
        .bind(keep.max(1))
        .execute(&mut *t)
        .await
        .map_err(&failed)?
        .rows_affected();
        let objects = sqlx::query(
            "DELETE FROM registry_object WHERE key NOT IN (SELECT object FROM registry_content)",
        )
        .execute(&mut *t)
        .await
        .map_err(&failed)?
        .rows_affected();
        t.commit().await.map_err(&failed)?;
        Ok(Pruned { versions, objects })
    }
}

async fn manifest_of(
    connection: &mut SqliteConnection,
    number: i64,
) -> Result<Manifest, StorageError> {
    let rows = sqlx::query(
        "SELECT o.id, o.hash FROM registry_content c JOIN registry_object o ON o.key = c.object
         WHERE c.version = ?",
    )
    .bind(number)
    .fetch_all(connection)
    .await
    .map_err(meaning("read a registry version"))?;
    let line = |row: &SqliteRow| Ok((text(row, "id")?, hash_of(row)?));
    let lines: Result<_, StorageError> = rows.iter().map(line).collect();
    lines.map(Manifest::from_lines)
}

pub(super) fn hash_of(row: &SqliteRow) -> Result<ContentHash, StorageError> {
    text(row, "hash")?.parse().map_err(|e: sark_core::HashError| corrupt("hash", e))
}

fn version_of(row: &SqliteRow) -> Result<Version, StorageError> {
    let number = count(row, "number")?;
    let place = |column: &str| format!("registry version {number}, {column}");
    let at = time(row, place("at"))?;
    Ok(Version {
        number,
        hash: hash_of(row)?,
        origin: Origin { at, cause: text(row, "cause")?, actor: text(row, "actor")? },
        counts: parsed(row, "counts", place("counts"))?,
    })
}
