use async_trait::async_trait;
use jiff::Timestamp;
use sark_core::ContentHash;
use sark_core::audit::AuditRecord;
use sark_core::storage::StorageError;

use super::{Feed, MemoryRegistry, State};
use crate::storage::{Check, FeedCopy, FeedState, FeedStore};

impl State {
    fn feed(&mut self, name: &str) -> &mut Feed {
        self.feeds
            .entry(name.to_owned())
            .or_insert_with(|| Feed { state: FeedState::new(name), ..Feed::default() })
    }
}

#[async_trait]
impl FeedStore for MemoryRegistry {
    async fn feeds(&self) -> Result<Vec<FeedState>, StorageError> {
        let state = self.open("list feeds")?;
        Ok(state.feeds.values().map(|feed| feed.state.clone()).collect())
    }

    async fn feed(&self, name: &str) -> Result<Option<FeedState>, StorageError> {
        Ok(self.open("read a feed")?.feeds.get(name).map(|feed| feed.state.clone()))
    }

    async fn copy_in_use(&self, feed: &str) -> Result<Option<FeedCopy>, StorageError> {
        let state = self.open("read a feed's copy")?;
        Ok(state.feeds.get(feed).and_then(|feed| feed.in_use.clone()))
    }

    async fn copy_pending(&self, feed: &str) -> Result<Option<FeedCopy>, StorageError> {
        let state = self.open("read a feed's copy")?;
        Ok(state.feeds.get(feed).and_then(|feed| feed.pending.clone()))
    }

    async fn use_copy(
        &self,
        feed: &str,
        copy: &FeedCopy,
        check: &Check,
        record: Option<&AuditRecord>,
    ) -> Result<(), StorageError> {
        let mut state = self.open("store a feed's copy")?;
        self.note(record)?;
        let feed = state.feed(feed);
        feed.state.used(copy, check);
        (feed.in_use, feed.pending) = (Some(copy.clone()), None);
        Ok(())
    }

    async fn hold(
        &self,
        feed: &str,
        copy: &FeedCopy,
        doubts: &serde_json::Value,
        check: &Check,
        record: Option<&AuditRecord>,
    ) -> Result<(), StorageError> {
        let mut state = self.open("store a feed's copy")?;
        self.note(record)?;
        let feed = state.feed(feed);
        feed.state.held(copy, doubts, check);
        feed.pending = Some(copy.clone());
        Ok(())
    }

    async fn checked(
        &self,
        feed: &str,
        check: &Check,
        validators: Option<&serde_json::Value>,
        record: Option<&AuditRecord>,
    ) -> Result<(), StorageError> {
        let mut state = self.open("store that a feed was asked")?;
        self.note(record)?;
        let feed = state.feed(feed);
        feed.state.was_checked(check, validators);
        if let (Some(copy), Some(now)) = (&mut feed.in_use, &feed.state.in_use) {
            copy.validators = now.validators.clone();
            copy.fetched_at = now.fetched_at;
        }
        Ok(())
    }

    async fn accept(
        &self,
        feed: &str,
        hash: &ContentHash,
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<bool, StorageError> {
        let mut state = self.open("accept a feed's copy")?;
        let Some(feed) = state.feeds.get_mut(feed) else { return Ok(false) };
        if !feed.state.accepted(hash, at) {
            return Ok(false);
        }
        self.note(Some(record))?;
        feed.in_use = feed.pending.take();
        Ok(true)
    }

    async fn reject(
        &self,
        feed: &str,
        hash: &ContentHash,
        at: Timestamp,
        actor: &str,
        record: &AuditRecord,
    ) -> Result<bool, StorageError> {
        let mut state = self.open("reject a feed's copy")?;
        let Some(feed) = state.feeds.get_mut(feed) else { return Ok(false) };
        if !feed.state.refused(hash, at, actor) {
            return Ok(false);
        }
        self.note(Some(record))?;
        feed.pending = None;
        Ok(true)
    }

    async fn forget(&self, feed: &str, record: &AuditRecord) -> Result<bool, StorageError> {
        let mut state = self.open("forget a feed")?;
        if state.feeds.remove(feed).is_none() {
            return Ok(false);
        }
        self.note(Some(record))?;
        Ok(true)
    }
}
