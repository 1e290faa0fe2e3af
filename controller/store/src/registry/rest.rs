//! User entries, what was learned, price lists.

use async_trait::async_trait;
use jiff::Timestamp;
use sark_core::ContentHash;
use sark_core::audit::AuditRecord;
use sark_core::storage::StorageError;
use sark_registry::storage::{
    EntryStore, LearnedStore, Origin, PriceStore, PriceVersion, Saved, UserEntry,
};

use crate::query::sql;
use crate::row::{Row, json};
use crate::store::{Store, corrupt};
use crate::trail::insert_record;

#[async_trait]
impl EntryStore for Store {
    async fn put_entry(&self, entry: &UserEntry, record: &AuditRecord) -> Result<(), StorageError> {
        let mut session = self.writing("store a user entry").await?;
        sql("INSERT INTO registry_entry VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET json = excluded.json")
        .bind(&entry.name)
        .bind(json(entry)?)
        .run(&mut session)
        .await?;
        insert_record(&mut session, record).await?;
        session.commit().await
    }

    async fn delete_entry(&self, name: &str, record: &AuditRecord) -> Result<bool, StorageError> {
        let mut session = self.writing("delete a user entry").await?;
        let delete = sql("DELETE FROM registry_entry WHERE name = $1").bind(name);
        if delete.run(&mut session).await? == 0 {
            return Ok(false);
        }
        insert_record(&mut session, record).await?;
        session.commit().await?;
        Ok(true)
    }

    async fn entries(&self) -> Result<Vec<UserEntry>, StorageError> {
        let mut session = self.reading("list user entries").await?;
        let rows = sql("SELECT * FROM registry_entry ORDER BY name").all(&mut session).await?;
        let entry = |row: &Row| row.parsed("json", format!("user entry {}", row.text("name")?));
        rows.iter().map(entry).collect()
    }
}

#[async_trait]
impl LearnedStore for Store {
    async fn save_learned(&self, document: &str, at: Timestamp) -> Result<(), StorageError> {
        let mut session = self.writing("save what was learned").await?;
        sql("INSERT INTO registry_learned VALUES (1, $1, $2)
             ON CONFLICT (one) DO UPDATE SET document = excluded.document, at = excluded.at")
        .bind(document)
        .bind(at.to_string())
        .run(&mut session)
        .await?;
        session.commit().await
    }

    async fn learned(&self) -> Result<Option<Saved>, StorageError> {
        let mut session = self.reading("read what was learned").await?;
        let row = sql("SELECT * FROM registry_learned").first(&mut session).await?;
        let saved = |row: &Row| {
            let at = row.time("what was learned, at".into())?;
            Ok(Saved { document: row.text("document")?, at })
        };
        row.as_ref().map(saved).transpose()
    }
}

#[async_trait]
impl PriceStore for Store {
    async fn commit_prices(
        &self,
        document: &str,
        origin: &Origin,
        record: Option<&AuditRecord>,
    ) -> Result<(PriceVersion, bool), StorageError> {
        let hash = ContentHash::of(document.as_bytes());
        let mut session = self.writing("store a price list").await?;
        let newest =
            sql("SELECT number, hash, origin FROM price_version ORDER BY number DESC LIMIT 1");
        let newest = newest.first(&mut session).await?;
        if let Some(newest) = newest.as_ref().map(price_of).transpose()?
            && newest.hash == hash
        {
            return Ok((newest, false));
        }
        // The newest is never removed: a number is never used again.
        let number: i64 = sql("INSERT INTO price_version (number, hash, origin, document)
             VALUES ((SELECT coalesce(max(number), 0) + 1 FROM price_version), $1, $2, $3)
             RETURNING number")
        .bind(hash.as_str())
        .bind(json(origin)?)
        .bind(document)
        .value(&mut session)
        .await?;
        if let Some(record) = record {
            insert_record(&mut session, record).await?;
        }
        session.commit().await?;
        let number = u64::try_from(number).map_err(|e| corrupt("price_version", e))?;
        Ok((PriceVersion { number, hash, origin: origin.clone() }, true))
    }

    async fn price_versions(&self, limit: u32) -> Result<Vec<PriceVersion>, StorageError> {
        let mut session = self.reading("list price lists").await?;
        let rows =
            sql("SELECT number, hash, origin FROM price_version ORDER BY number DESC LIMIT $1")
                .bind(limit)
                .all(&mut session)
                .await?;
        rows.iter().map(price_of).collect()
    }

    async fn prices(&self, number: Option<u64>) -> Result<Option<String>, StorageError> {
        let number = number.map(|n| i64::try_from(n).unwrap_or(0));
        let mut session = self.reading("read a price list").await?;
        let row = sql("SELECT document FROM price_version WHERE $1 IS NULL OR number = $1
             ORDER BY number DESC LIMIT 1")
        .bind(number)
        .first(&mut session)
        .await?;
        row.map(|row| row.text("document")).transpose()
    }

    async fn prune_prices(&self, keep: u32) -> Result<u64, StorageError> {
        let mut session = self.writing("remove old price lists").await?;
        let removed = sql("DELETE FROM price_version WHERE number NOT IN
                 (SELECT number FROM price_version ORDER BY number DESC LIMIT $1)")
        .bind(keep.max(1))
        .run(&mut session)
        .await?;
        session.commit().await?;
        Ok(removed)
    }
}

fn price_of(row: &Row) -> Result<PriceVersion, StorageError> {
    let number = row.count("number")?;
    let origin = row.parsed("origin", format!("price list {number}, origin"))?;
    Ok(PriceVersion { number, hash: row.hash()?, origin })
}
