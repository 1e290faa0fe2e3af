//! Feeds, one task each: asked at their schedule, doubted, stored, used.
//!
//! ```text
//!   Source ── copy ─→ parse ─→ judge ─┬─ believed ─→ store ─→ Registrar
//!                                     └─ doubted ──→ store, until a person decides
//! ```
//!
//! Whatever happens to a feed, the copy in use stays until a better one is stored.

mod decide;
mod pass;
mod prices;
mod start;
mod view;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ipnet::IpNet;
use jiff::Timestamp;
use sark_core::Clock;
use sark_core::storage::StorageError;
use sark_registry::feed::{Feed, Source};
use sark_registry::storage::RegistryStore;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::prices::Prices;
use crate::registrar::{OURSELVES, RegistrarError};
use crate::{Actor, Metrics, Registrar};
pub use start::copies;

/// Between the first questions of two feeds after a start, in milliseconds.
const APART: u64 = 250;

/// See the module.
pub struct Feeds {
    asked: BTreeMap<String, Asked>,
    is_enabled: bool,
    source: Arc<dyn Source>,
    store: Arc<dyn RegistryStore>,
    registrar: Arc<Registrar>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    prices: Arc<Prices>,
    protected: Vec<(String, IpNet)>,
}

/// One feed and what its task needs.
struct Asked {
    feed: Arc<Feed>,
    /// One at a time: the schedule, a person.
    turn: tokio::sync::Mutex<()>,
    next: Mutex<Option<Timestamp>>,
    /// Something else than the schedule asked for it.
    done: Notify,
}

/// What the outside gives to [`Feeds::new`].
pub struct FeedParts {
    /// Those of the configuration.
    pub feeds: Vec<Arc<Feed>>,
    /// Whether they are asked by themselves.
    pub is_enabled: bool,
    /// Who fetches.
    pub source: Arc<dyn Source>,
    /// Keeps copies.
    pub store: Arc<dyn RegistryStore>,
    /// Uses them.
    pub registrar: Arc<Registrar>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Uses the prices that one of them brings.
    pub prices: Arc<Prices>,
    /// Prefixes that no feed may list.
    pub protected: Vec<(String, IpNet)>,
}

/// Why nothing became of a request about a feed.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// There is none with this name.
    #[error("there is no feed {name:?}")]
    Unknown {
        /// As given.
        name: String,
        /// The nearest that exists.
        nearest: Option<String>,
    },
    /// There is no pending copy, or another one.
    #[error("feed {0} has no such pending copy: another one came, or it was decided already")]
    NotPending(String),
    /// The pending copy cannot be read any more.
    #[error("the pending copy of feed {feed} cannot be read: {why}")]
    Unreadable {
        /// Its name.
        feed: String,
        /// Why.
        why: String,
    },
    /// The registry stays as it was.
    #[error(transparent)]
    Registrar(#[from] RegistrarError),
    /// The store does not answer or has no space.
    #[error("cannot use the store")]
    Store(#[from] StorageError),
}

impl Feeds {
    /// Asks nobody yet.
    #[must_use]
    pub fn new(parts: FeedParts) -> Self {
        let FeedParts { feeds, is_enabled, source, store, registrar, .. } = parts;
        let FeedParts { clock, metrics, prices, protected, .. } = parts;
        let asked = |feed: Arc<Feed>| {
            let (turn, next, done) = (tokio::sync::Mutex::new(()), Mutex::new(None), Notify::new());
            (feed.name.clone(), Asked { feed, turn, next, done })
        };
        let asked = feeds.into_iter().map(asked).collect();
        Self { asked, is_enabled, source, store, registrar, clock, metrics, prices, protected }
    }

    /// Names of those that are asked by themselves.
    pub fn scheduled(&self) -> impl Iterator<Item = String> {
        let on = self.asked.values().filter(|asked| self.is_on(&asked.feed));
        on.map(|asked| asked.feed.name.clone())
    }

    /// Asks one feed at its schedule, until `stop`.
    pub async fn run(self: Arc<Self>, name: String, number: u64, stop: CancellationToken) {
        let Some(asked) = self.asked.get(&name) else { return };
        let first = self.first(asked, number).await;
        asked.set_next(Some(first));
        let ourselves = Actor(OURSELVES.to_owned());
        loop {
            let now = self.clock.now();
            let next = asked.next().unwrap_or(now);
            let pause = std::time::Duration::try_from(next.duration_since(now)).unwrap_or_default();
            tokio::select! {
                () = stop.cancelled() => return,
                // Somebody asked already: the time of the next question is another now.
                () = asked.done.notified() => continue,
                () = tokio::time::sleep(pause) => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                _ = self.refresh(&name, &ourselves) => {}
            }
        }
    }

    /// At once if it was never asked or should have been asked while nobody was here.
    async fn first(&self, asked: &Asked, number: u64) -> Timestamp {
        let now = self.clock.now();
        let soon = now + jiff::SignedDuration::from_millis((number * APART) as i64);
        let state = self.store.feed(&asked.feed.name).await.ok().flatten();
        let check = state.and_then(|state| state.last_check);
        match check {
            None => soon,
            Some(check) => {
                let Feed { name, schedule, .. } = &*asked.feed;
                schedule.next_attempt(name, check.at, check.failures).max(soon)
            }
        }
    }

    /// Whether it is asked by itself.
    fn is_on(&self, feed: &Feed) -> bool {
        feed.enabled && (self.is_enabled || prices::is_prices(feed))
    }

    fn known(&self, name: &str) -> Result<&Asked, FeedError> {
        self.asked.get(name).ok_or_else(|| {
            let names = self.asked.keys().map(String::as_str);
            let nearest = sark_core::document::nearest(name, names).map(str::to_owned);
            FeedError::Unknown { name: name.to_owned(), nearest }
        })
    }
}

impl Asked {
    fn next(&self) -> Option<Timestamp> {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_next(&self, next: Option<Timestamp>) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = next;
    }
}
