//! A store in memory that can be told to fail.

mod feeds;
mod rest;
mod versions;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sark_core::ContentHash;
use sark_core::audit::AuditRecord;
use sark_core::storage::{MemoryStore, StorageError};

use super::{FeedCopy, FeedState, Pin, PriceVersion, Saved, UserEntry, Version};
use crate::Endpoint;

/// Keeps everything until dropped. Audit records go to the store that it stands on, whose
/// revisions protect the versions they name; told to fail, both fail.
#[derive(Debug, Default)]
pub struct MemoryRegistry {
    base: Arc<MemoryStore>,
    state: Mutex<State>,
    refuses_prices: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    versions: Vec<(Version, Vec<ContentHash>)>,
    objects: BTreeMap<ContentHash, Endpoint>,
    pin: Option<Pin>,
    feeds: BTreeMap<String, Feed>,
    entries: BTreeMap<String, UserEntry>,
    learned: Option<Saved>,
    prices: Vec<(PriceVersion, String)>,
    last_prices: u64,
}

#[derive(Debug, Default)]
struct Feed {
    state: FeedState,
    in_use: Option<FeedCopy>,
    pending: Option<FeedCopy>,
}

impl MemoryRegistry {
    /// Empty, on this store.
    #[must_use]
    pub fn new(base: Arc<MemoryStore>) -> Self {
        Self { base, state: Mutex::default(), refuses_prices: AtomicBool::new(false) }
    }

    /// Where audit records and revisions are.
    #[must_use]
    pub fn base(&self) -> &MemoryStore {
        &self.base
    }

    /// From now on no price list can be stored (or can again).
    pub fn refuse_prices(&self, refuse: bool) {
        self.refuses_prices.store(refuse, Ordering::Relaxed);
    }

    fn open(&self, what: &'static str) -> Result<MutexGuard<'_, State>, StorageError> {
        self.base.check(what)?;
        Ok(self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, record: Option<&AuditRecord>) -> Result<(), StorageError> {
        record.map_or(Ok(()), |record| self.base.append_now(record))
    }
}
