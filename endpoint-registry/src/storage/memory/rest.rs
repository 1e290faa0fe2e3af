use std::sync::atomic::Ordering;

use async_trait::async_trait;
use jiff::Timestamp;
use sark_core::ContentHash;
use sark_core::audit::AuditRecord;
use sark_core::storage::StorageError;

use super::MemoryRegistry;
use crate::storage::{
    EntryStore, LearnedStore, Origin, PriceStore, PriceVersion, Saved, UserEntry,
};

#[async_trait]
impl EntryStore for MemoryRegistry {
    async fn put_entry(&self, entry: &UserEntry, record: &AuditRecord) -> Result<(), StorageError> {
        let mut state = self.open("store a user entry")?;
        self.note(Some(record))?;
        state.entries.insert(entry.name.clone(), entry.clone());
        Ok(())
    }

    async fn delete_entry(&self, name: &str, record: &AuditRecord) -> Result<bool, StorageError> {
        let mut state = self.open("delete a user entry")?;
        if state.entries.remove(name).is_none() {
            return Ok(false);
        }
        self.note(Some(record))?;
        Ok(true)
    }

    async fn entries(&self) -> Result<Vec<UserEntry>, StorageError> {
        Ok(self.open("list user entries")?.entries.values().cloned().collect())
    }
}

#[async_trait]
impl LearnedStore for MemoryRegistry {
    async fn save_learned(&self, document: &str, at: Timestamp) -> Result<(), StorageError> {
        let mut state = self.open("save what was learned")?;
        state.learned = Some(Saved { document: document.to_owned(), at });
        Ok(())
    }

    async fn learned(&self) -> Result<Option<Saved>, StorageError> {
        Ok(self.open("read what was learned")?.learned.clone())
    }
}

#[async_trait]
impl PriceStore for MemoryRegistry {
    async fn commit_prices(
        &self,
        document: &str,
        origin: &Origin,
        record: Option<&AuditRecord>,
    ) -> Result<(PriceVersion, bool), StorageError> {
        let what = "store a price list";
        let mut state = self.open(what)?;
        if self.refuses_prices.load(Ordering::Relaxed) {
            return Err(StorageError::Unavailable { what, source: "told to fail".into() });
        }
        let hash = ContentHash::of(document.as_bytes());
        if let Some((newest, _)) = state.prices.last()
            && newest.hash == hash
        {
            return Ok((newest.clone(), false));
        }
        self.note(record)?;
        state.last_prices += 1;
        let version = PriceVersion { number: state.last_prices, hash, origin: origin.clone() };
        state.prices.push((version.clone(), document.to_owned()));
        Ok((version, true))
    }

    async fn price_versions(&self, limit: u32) -> Result<Vec<PriceVersion>, StorageError> {
        let state = self.open("list price lists")?;
        let newest = state.prices.iter().rev().take(limit as usize);
        Ok(newest.map(|(version, _)| version.clone()).collect())
    }

    async fn prices(&self, number: Option<u64>) -> Result<Option<String>, StorageError> {
        let state = self.open("read a price list")?;
        let wanted = |version: &PriceVersion| number.is_none_or(|n| version.number == n);
        let found = state.prices.iter().rev().find(|(version, _)| wanted(version));
        Ok(found.map(|(_, document)| document.clone()))
    }

    async fn prune_prices(&self, keep: u32) -> Result<u64, StorageError> {
        let mut state = self.open("remove old price lists")?;
        let gone = state.prices.len().saturating_sub(keep.max(1) as usize);
        state.prices.drain(..gone);
        Ok(gone as u64)
    }
}
