//! Feeds in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{Feed, FetchError, Fetched, FetchedPart, Source, Validator, Validators};

/// Answers with what it is told, each copy with a tag of its own. A feed that it was told nothing of
/// cannot be reached.
#[derive(Debug, Default)]
pub struct FakeSource {
    copies: Mutex<BTreeMap<String, (u64, Vec<u8>)>>,
    asked: Mutex<Vec<String>>,
}

impl FakeSource {
    /// From now on the feed is this.
    pub fn set(&self, feed: &str, octets: impl Into<Vec<u8>>) {
        let mut copies = lock(&self.copies);
        let tag = copies.get(feed).map_or(1, |(tag, _)| tag + 1);
        copies.insert(feed.to_owned(), (tag, octets.into()));
    }

    /// From now on the feed cannot be reached.
    pub fn fail(&self, feed: &str) {
        lock(&self.copies).remove(feed);
    }

    /// Feeds asked for since the last call, in order.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.asked))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Source for FakeSource {
    async fn fetch(&self, feed: &Feed, have: Option<&Validators>) -> Result<Fetched, FetchError> {
        lock(&self.asked).push(feed.name.clone());
        let (at, copies) = (feed.name.clone(), lock(&self.copies));
        let Some((tag, octets)) = copies.get(&feed.name) else {
            return Err(FetchError::Unreachable { at, source: "nobody listens there".into() });
        };
        let validator = Validator { name: at.clone(), tag: Some(tag.to_string()), modified: None };
        let validators = Validators(vec![validator]);
        if have == Some(&validators) {
            return Ok(Fetched::Unchanged);
        }
        let parts = vec![FetchedPart { name: at, octets: octets.clone() }];
        Ok(Fetched::Copy { parts, validators })
    }
}
