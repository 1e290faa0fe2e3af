//! Leaves, minted once and shown many times.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use quick_cache::sync::{Cache, EntryAction, EntryResult};
use rustls::sign::CertifiedKey;

use crate::authority::{Authority, later};
use crate::host::Host;
use crate::key::KeyError;
use crate::leaf::{Leaf, LeafError, LeafKey, Mint};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// How long leaves live, and how many are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeafConfig {
    /// How long a leaf is valid: 1 to 7 days.
    pub lifetime: SignedDuration,
    /// How long it is shown; half of its lifetime at most, so that nobody is shown one that ends soon.
    pub shown: SignedDuration,
    /// How long leaves get the same key.
    pub key_age: SignedDuration,
    /// How many leaves are kept, about.
    pub capacity: usize,
}

impl Default for LeafConfig {
    /// Three days, shown for one; a key a day; ten thousand.
    fn default() -> Self {
        Self { lifetime: DAY * 3, shown: DAY, key_age: DAY, capacity: 10_000 }
    }
}

/// Why leaves cannot be as configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LeavesError {
    /// Its lifetime.
    #[error("a leaf lives for 1 to 7 days")]
    Lifetime,
    /// How long it is shown.
    #[error("a leaf is shown for a minute at least, and for half of its lifetime at most")]
    Shown,
    /// Their key.
    #[error("a key of leaves is used for an hour at least, and for 7 days at most")]
    KeyAge,
    /// How many.
    #[error("at least one leaf is kept, and a million at most")]
    Capacity,
    /// The first key.
    #[error("the key of leaves could not be made")]
    Key(#[from] KeyError),
}

impl LeafConfig {
    /// Whether it can be.
    pub fn check(&self) -> Result<(), LeavesError> {
        let minute = SignedDuration::from_mins(1);
        if !(DAY..=DAY * 7).contains(&self.lifetime) {
            return Err(LeavesError::Lifetime);
        }
        if !(minute..=self.lifetime / 2).contains(&self.shown) {
            return Err(LeavesError::Shown);
        }
        if !(minute * 60..=DAY * 7).contains(&self.key_age) {
            return Err(LeavesError::KeyAge);
        }
        if !(1..=1_000_000).contains(&self.capacity) {
            return Err(LeavesError::Capacity);
        }
        Ok(())
    }
}

/// A leaf that is kept.
#[derive(Debug, Clone)]
struct Kept {
    certified: Arc<CertifiedKey>,
    from: Timestamp,
    until: Timestamp,
}

/// The leaves of one authority, and their key. Whoever asks for one that is being minted waits for it.
#[derive(Debug)]
pub struct Leaves {
    mint: Mint,
    config: LeafConfig,
    key: RwLock<Arc<LeafKey>>,
    kept: Cache<Host, Kept>,
    minted: AtomicU64,
}

impl Leaves {
    /// None yet.
    pub fn new(
        authority: Arc<Authority>,
        config: LeafConfig,
        now: Timestamp,
    ) -> Result<Self, LeavesError> {
        config.check()?;
        Ok(Self {
            mint: Mint::of(authority),
            config,
            key: RwLock::new(Arc::new(LeafKey::generate(now)?)),
            kept: Cache::new(config.capacity),
            minted: AtomicU64::new(0),
        })
    }

    /// The leaf for a host, with those above it but the root; minted if there is none to show now.
    pub fn get(&self, host: &Host, now: Timestamp) -> Result<Arc<CertifiedKey>, LeafError> {
        if let Some(kept) = self.kept.get(host).filter(|kept| kept.is_fresh(now)) {
            return Ok(kept.certified);
        }
        let found = self.kept.entry(host, None, |_, kept| {
            if kept.is_fresh(now) {
                EntryAction::Retain(Arc::clone(&kept.certified))
            } else {
                EntryAction::ReplaceWithGuard
            }
        });
        match found {
            EntryResult::Retained(certified) => Ok(certified),
            EntryResult::Vacant(place) | EntryResult::Replaced(place, _) => {
                let kept = self.keep(self.mint(host, now)?, now);
                let certified = Arc::clone(&kept.certified);
                // Whoever clears the cache meanwhile clears it of this one too.
                let _ = place.insert(kept);
                Ok(certified)
            }
            // Neither happens: nothing is removed above, and nobody waits for a time.
            EntryResult::Removed(..) | EntryResult::Timeout => Ok(self.mint(host, now)?.certified),
        }
    }

    /// How many were minted.
    #[must_use]
    pub fn minted(&self) -> u64 {
        self.minted.load(Ordering::Relaxed)
    }

    /// How many are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    fn mint(&self, host: &Host, now: Timestamp) -> Result<Leaf, LeafError> {
        let leaf = self.mint.leaf(host, &*self.key(now)?, self.config.lifetime, now)?;
        self.minted.fetch_add(1, Ordering::Relaxed);
        Ok(leaf)
    }

    /// Where an authority ends soon, half of what is left is still left when the leaf is shown last.
    fn keep(&self, leaf: Leaf, now: Timestamp) -> Kept {
        let left = leaf.not_after.duration_since(now) / 2;
        let until = later(now, self.config.shown.min(left));
        Kept { certified: leaf.certified, from: leaf.not_before, until }
    }

    /// The key of leaves that are minted now. Those that were minted before keep theirs.
    fn key(&self, now: Timestamp) -> Result<Arc<LeafKey>, KeyError> {
        let is_young = |key: &LeafKey| now.duration_since(key.made) < self.config.key_age;
        // A key that was being replaced when somebody panicked is whole: it is replaced in one step.
        let key = Arc::clone(&self.key.read().unwrap_or_else(PoisonError::into_inner));
        if is_young(&key) {
            return Ok(key);
        }
        let mut key = self.key.write().unwrap_or_else(PoisonError::into_inner);
        if !is_young(&key) {
            *key = Arc::new(LeafKey::generate(now)?);
        }
        Ok(Arc::clone(&key))
    }
}

impl Kept {
    /// Also after the clock was set back.
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}
