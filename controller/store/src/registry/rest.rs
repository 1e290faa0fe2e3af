//! User entries, what was learned, price lists.

use async_trait::async_trait;
use jiff::Timestamp;
use sark_core::ContentHash;
use sark_core::audit::AuditRecord;
use sark_core::storage::StorageError;
use sark_registry::storage::{
    EntryStore, LearnedStore, Origin, PriceStore, PriceVersion, Saved, UserEntry,
};
use sqlx::sqlite::SqliteRow;

use super::versions::hash_of;
use crate::revisions::{count, insert_record, json, parsed, text, time};
use crate::sqlite::{SqliteStore, corrupt, meaning};

#[async_trait]
impl EntryStore for SqliteStore {
    async fn put_entry(&self, entry: &UserEntry, record: &AuditRecord) -> Result<(), StorageError> {
        let failed = meaning("store a user entry");
        let mut t = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
        sqlx::query(
            "INSERT INTO registry_entry VALUES (?, ?) ON CONFLICT DO UPDATE SET json = excluded.json",
        )
        .bind(&entry.name)
        .bind(json(entry)?)
        .execute(&mut *t)
        .await
        .map_err(&failed)?;
        insert_record(&mut t, record, &failed).await?;
        t.commit().await.map_err(&failed)
    }

    async fn delete_entry(&self, name: &str, record: &AuditRecord) -> Result<bool, StorageError> {
        let failed = meaning("delete a user entry");
        let mut t = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
        let delete = sqlx::query("DELETE FROM registry_entry WHERE name = ?").bind(name);
        if delete.execute(&mut *t).await.map_err(&failed)?.rows_affected() == 0 {
            return Ok(false);
        }
        insert_record(&mut t, record, &failed).await?;
        t.commit().await.map_err(&failed)?;
        Ok(true)
    }

    async fn entries(&self) -> Result<Vec<UserEntry>, StorageError> {
        let failed = meaning("list user entries");
        let all = sqlx::query("SELECT * FROM registry_entry ORDER BY name");
        let rows = all.fetch_all(&self.pool).await.map_err(failed)?;
        let entry =
            |row: &SqliteRow| parsed(row, "json", format!("user entry {}", text(row, "name")?));
        rows.iter().map(entry).collect()
    }
}

#[async_trait]
impl LearnedStore for SqliteStore {
    async fn save_learned(&self, document: &str, at: Timestamp) -> Result<(), StorageError> {
        sqlx::query("INSERT OR REPLACE INTO registry_learned VALUES (1, ?, ?)")
            .bind(document)
            .bind(at.to_string())
            .execute(&self.pool)
            .await
            .map_err(meaning("save what was learned"))?;
        Ok(())
    }

    async fn learned(&self) -> Result<Option<Saved>, StorageError> {
        let failed = meaning("read what was learned");
        let one = sqlx::query("SELECT * FROM registry_learned");
        let row = one.fetch_optional(&self.pool).await.map_err(failed)?;
        let saved = |row: &SqliteRow| {
            let at = time(row, "what was learned, at".into())?;
            Ok(Saved { document: text(row, "document")?, at })
        };
        row.as_ref().map(saved).transpose()
    }
}

#[async_trait]
impl PriceStore for SqliteStore {
    async fn commit_prices(
        &self,
        document: &str,
        origin: &Origin,
        record: Option<&AuditRecord>,
    ) -> Result<(PriceVersion, bool), StorageError> {
        let failed = meaning("store a price list");
        let hash = ContentHash::of(document.as_bytes());
        let mut t = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
        let newest = sqlx::query(
            "SELECT number, hash, origin FROM price_version ORDER BY number DESC LIMIT 1",
        );
        let newest = newest.fetch_optional(&mut *t).await.map_err(&failed)?;
        if let Some(newest) = newest.as_ref().map(price_of).transpose()?
            && newest.hash == hash
        {
            return Ok((newest, false));
        }
        let number: i64 = sqlx::query_scalar(
            "INSERT INTO price_version (hash, origin, document) VALUES (?, ?, ?) RETURNING number",
        )
        .bind(hash.as_str())
        .bind(json(origin)?)
        .bind(document)
        .fetch_one(&mut *t)
        .await
        .map_err(&failed)?;
        if let Some(record) = record {
            insert_record(&mut t, record, &failed).await?;
        }
        t.commit().await.map_err(&failed)?;
        let number = u64::try_from(number).map_err(|e| corrupt("price_version", e))?;
        Ok((PriceVersion { number, hash, origin: origin.clone() }, true))
    }

    async fn price_versions(&self, limit: u32) -> Result<Vec<PriceVersion>, StorageError> {
        let rows = sqlx::query(
            "SELECT number, hash, origin FROM price_version ORDER BY number DESC LIMIT ?",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(meaning("list price lists"))?;
        rows.iter().map(price_of).collect()
    }

    async fn prices(&self, number: Option<u64>) -> Result<Option<String>, StorageError> {
        let number = number.map(|n| i64::try_from(n).unwrap_or(0));
        sqlx::query_scalar(
            "SELECT document FROM price_version WHERE ?1 IS NULL OR number = ?1
             ORDER BY number DESC LIMIT 1",
        )
        .bind(number)
        .fetch_optional(&self.pool)
        .await
        .map_err(meaning("read a price list"))
    }

    async fn prune_prices(&self, keep: u32) -> Result<u64, StorageError> {
        let done = sqlx::query(
            "DELETE FROM price_version WHERE number NOT IN
                 (SELECT number FROM price_version ORDER BY number DESC LIMIT ?)",
        )
        .bind(keep.max(1))
        .execute(&self.pool)
        .await
        .map_err(meaning("remove old price lists"))?;
        Ok(done.rows_affected())
    }
}

fn price_of(row: &SqliteRow) -> Result<PriceVersion, StorageError> {
    let number = count(row, "number")?;
    let origin = parsed(row, "origin", format!("price list {number}, origin"))?;
    Ok(PriceVersion { number, hash: hash_of(row)?, origin })
}
