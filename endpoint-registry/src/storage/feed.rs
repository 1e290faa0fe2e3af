//! Copies of feeds: the one in use, the one that is doubted, and what was rejected.

use async_trait::async_trait;
use jiff::Timestamp;
use sark_core::ContentHash;
use sark_core::audit::AuditRecord;
use sark_core::storage::StorageError;
use serde::{Deserialize, Serialize};

/// One document of a feed, as it was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its address or file name.
    pub name: String,
    /// After decompression.
    pub octets: Vec<u8>,
}

/// One copy of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedCopy {
    /// In the order of the feed's location.
    pub parts: Vec<Part>,
    /// What the fetcher wants back at the next request: entity tags, dates. Its own form.
    pub validators: serde_json::Value,
    /// When it was fetched.
    pub fetched_at: Timestamp,
}

impl FeedCopy {
    /// Over names and octets of all parts, in order. Validators and time do not count.
    #[must_use]
    pub fn hash(&self) -> ContentHash {
        let line = |part: &Part| {
            let name = ContentHash::of(part.name.as_bytes());
            format!("{name} {}\n", ContentHash::of(&part.octets))
        };
        ContentHash::of(self.parts.iter().map(line).collect::<String>().as_bytes())
    }

    /// Octets of all parts.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.parts.iter().map(|part| part.octets.len() as u64).sum()
    }
}

/// The last time a feed was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// When.
    pub at: Timestamp,
    /// How it ended.
    pub outcome: CheckOutcome,
    /// Failures since the last answer; 0 after one.
    pub failures: u32,
}

/// See [`Check`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "outcome")]
pub enum CheckOutcome {
    /// The copy in use, or the held one, is what there is.
    Unchanged,
    /// A new copy is in use.
    Changed,
    /// A new copy is held.
    Held,
    /// It was rejected before.
    Rejected,
    /// No copy.
    Failed {
        /// For programs: `timeout`, `too-large`.
        code: String,
        /// For people.
        message: String,
    },
}

/// The copy in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InUse {
    /// [`FeedCopy::hash`].
    pub hash: ContentHash,
    /// When it was fetched, or last confirmed unchanged.
    pub fetched_at: Timestamp,
    /// See [`FeedCopy`].
    pub validators: serde_json::Value,
    /// Octets of all parts.
    pub size: u64,
    /// When the feed first had a copy in use.
    pub first_seen: Timestamp,
    /// When this content came into use.
    pub last_changed: Timestamp,
}

/// A copy that a person has to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pending {
    /// [`FeedCopy::hash`].
    pub hash: ContentHash,
    /// When it was fetched.
    pub fetched_at: Timestamp,
    /// See [`FeedCopy`].
    pub validators: serde_json::Value,
    /// Octets of all parts.
    pub size: u64,
    /// Why it is doubted; the gate's own form.
    pub doubts: serde_json::Value,
}

/// The last copy that a person did not want.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rejected {
    /// [`FeedCopy::hash`].
    pub hash: ContentHash,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub actor: String,
}

/// All that is known of a feed, without its octets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FeedState {
    /// Its name.
    pub name: String,
    /// See the type.
    pub in_use: Option<InUse>,
    /// See the type.
    pub pending: Option<Pending>,
    /// See the type.
    pub rejected: Option<Rejected>,
    /// See the type.
    pub last_check: Option<Check>,
}

/// What each call does to the state, the same in every store.
impl FeedState {
    /// Of a feed that was never asked.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// [`FeedStore::use_copy`].
    pub fn used(&mut self, copy: &FeedCopy, check: &Check) {
        let hash = copy.hash();
        let same = self.in_use.as_ref().filter(|now| now.hash == hash);
        let last_changed = same.map_or(copy.fetched_at, |now| now.last_changed);
        let pending = Pending {
            hash,
            fetched_at: copy.fetched_at,
            validators: copy.validators.clone(),
            size: copy.size(),
            doubts: serde_json::Value::Null,
        };
        self.replace(pending, last_changed);
        self.last_check = Some(check.clone());
    }

    /// [`FeedStore::hold`].
    pub fn held(&mut self, copy: &FeedCopy, doubts: &serde_json::Value, check: &Check) {
        self.pending = Some(Pending {
            hash: copy.hash(),
            fetched_at: copy.fetched_at,
            validators: copy.validators.clone(),
            size: copy.size(),
            doubts: doubts.clone(),
        });
        self.last_check = Some(check.clone());
    }

    /// [`FeedStore::checked`].
    pub fn was_checked(&mut self, check: &Check, validators: Option<&serde_json::Value>) {
        if let (Some(now), Some(validators)) = (&mut self.in_use, validators) {
            now.validators = validators.clone();
            now.fetched_at = check.at;
        }
        self.last_check = Some(check.clone());
    }

    /// [`FeedStore::accept`].
    pub fn accepted(&mut self, hash: &ContentHash, at: Timestamp) -> bool {
        match self.pending.take_if(|pending| pending.hash == *hash) {
            Some(pending) => {
                self.replace(pending, at);
                true
            }
            None => false,
        }
    }

    /// [`FeedStore::reject`].
    pub fn refused(&mut self, hash: &ContentHash, at: Timestamp, actor: &str) -> bool {
        let dropped = self.pending.take_if(|pending| pending.hash == *hash).is_some();
        if dropped {
            self.rejected = Some(Rejected { hash: hash.clone(), at, actor: actor.to_owned() });
        }
        dropped
    }

    fn replace(&mut self, copy: Pending, last_changed: Timestamp) {
        let first_seen = self.in_use.as_ref().map_or(last_changed, |now| now.first_seen);
        self.in_use = Some(InUse {
            hash: copy.hash,
            fetched_at: copy.fetched_at,
            validators: copy.validators,
            size: copy.size,
            first_seen,
            last_changed,
        });
        self.pending = None;
    }
}

/// Copies of feeds; of each at most one in use and one pending.
#[async_trait]
pub trait FeedStore: Send + Sync {
    /// All feeds that were ever asked, by name.
    async fn feeds(&self) -> Result<Vec<FeedState>, StorageError>;
    /// One.
    async fn feed(&self, name: &str) -> Result<Option<FeedState>, StorageError>;
    /// The copy in use, with its octets.
    async fn copy_in_use(&self, feed: &str) -> Result<Option<FeedCopy>, StorageError>;
    /// The pending copy, with its octets.
    async fn copy_pending(&self, feed: &str) -> Result<Option<FeedCopy>, StorageError>;
    /// A copy that nobody doubts comes into use; what was pending is dropped. A copy with the
    /// content in use keeps its `last_changed`.
    async fn use_copy(
        &self,
        feed: &str,
        copy: &FeedCopy,
        check: &Check,
        record: Option<&AuditRecord>,
    ) -> Result<(), StorageError>;
    /// A doubted copy becomes the pending one; the copy in use stays.
    async fn hold(
        &self,
        feed: &str,
        copy: &FeedCopy,
        doubts: &serde_json::Value,
        check: &Check,
        record: Option<&AuditRecord>,
    ) -> Result<(), StorageError>;
    /// Nothing new, or a failure. With validators, those of the copy in use and its `fetched_at`
    /// are renewed.
    async fn checked(
        &self,
        feed: &str,
        check: &Check,
        validators: Option<&serde_json::Value>,
        record: Option<&AuditRecord>,
    ) -> Result<(), StorageError>;
    /// The pending copy comes into use if it is this one; false, and nothing written, if not.
    async fn accept(
        &self,
        feed: &str,
        hash: &ContentHash,
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<bool, StorageError>;
    /// The pending copy is dropped if it is this one, and its hash remembered as the last rejected;
    /// false, and nothing written, if not.
    async fn reject(
        &self,
        feed: &str,
        hash: &ContentHash,
        at: Timestamp,
        actor: &str,
        record: &AuditRecord,
    ) -> Result<bool, StorageError>;
    /// Forgets a feed whole, when a person says so. False if there was none.
    async fn forget(&self, feed: &str, record: &AuditRecord) -> Result<bool, StorageError>;
}
