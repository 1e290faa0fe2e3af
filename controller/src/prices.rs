//! The price list in use, and every one that was.
//!
//! ```text
//!   Feeds ── a copy that is believed ─→ Prices ─┬─→ store: version, with its cause
//!                                               └─→ PricesHolder ─→ whoever prices calls
//! ```
//!
//! The list comes as the feed `price-list`: asked, doubted, held and decided on like any other. As
//! with the registry a list is stored before it is used, and what was in use stays until then.

use std::sync::{Arc, PoisonError, RwLock};

use sark_core::audit::{AuditRecord, Outcome};
use sark_core::storage::StorageError;
use sark_core::{Clock, ContentHash};
use sark_prices::{Limits, PriceList};
use sark_registry::storage::{Origin, PriceVersion, RegistryStore};
use serde_json::json;
use tokio::sync::watch;

use crate::chain;
use crate::events::{Event, PricesChanged};
use crate::{Actor, Metrics};

/// Holds the list that is used now. Readers take an `Arc` and keep it as long as they like.
#[derive(Debug, Default)]
pub struct PricesHolder {
    current: RwLock<PricesInUse>,
    replaced: watch::Sender<()>,
}

/// See [`PricesHolder`].
#[derive(Debug, Clone, Default)]
pub struct PricesInUse {
    /// The list; without one, the empty one, by which everything is unpriced.
    pub list: Arc<PriceList>,
    /// Its number.
    pub version: Option<u64>,
}

impl PricesHolder {
    /// The list that is used now.
    pub fn list(&self) -> Arc<PriceList> {
        self.current().list
    }

    /// With its number.
    pub fn current(&self) -> PricesInUse {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Wakes when another is in use; for as many as like.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<()> {
        self.replaced.subscribe()
    }

    fn replace(&self, next: PricesInUse) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = next;
        self.replaced.send_replace(());
    }
}

/// See the module.
pub struct Prices {
    holder: Arc<PricesHolder>,
    store: Arc<dyn RegistryStore>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    keep_versions: u32,
}

/// Why there is no answer about prices.
#[derive(Debug, thiserror::Error)]
pub enum PricesError {
    /// There is no list of this number, or not any more.
    #[error("there is no price list {0}")]
    NoVersion(u64),
    /// A stored list cannot be read any more.
    #[error("price list {number} cannot be read")]
    Unreadable {
        /// Its number.
        number: u64,
        /// Why.
        source: sark_prices::ParseError,
    },
    /// The store does not answer or has no space.
    #[error("cannot use the store")]
    Store(#[from] StorageError),
    /// A defect.
    #[error("the price list could not be read")]
    Defect(#[from] tokio::task::JoinError),
}

impl Prices {
    /// Without a list. At most `keep_versions` are kept.
    #[must_use]
    pub fn new(
        store: Arc<dyn RegistryStore>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
        keep_versions: u32,
    ) -> Self {
        Self { holder: Arc::default(), store, clock, metrics, keep_versions }
    }

    /// For whoever prices calls.
    #[must_use]
    pub fn holder(&self) -> Arc<PricesHolder> {
        Arc::clone(&self.holder)
    }

    /// Whether the list of this hash is in use already.
    pub(crate) fn uses(&self, hash: &ContentHash) -> bool {
        let current = self.holder.current();
        current.version.is_some() && current.list.hash() == hash
    }

    /// Stores a list and uses it. `document` is what it was read from.
    pub(crate) async fn use_list(
        &self,
        list: Arc<PriceList>,
        document: &str,
        cause: &str,
        actor: &Actor,
    ) -> Result<(), StorageError> {
        let at = self.clock.now();
        let origin = Origin { at, cause: cause.to_owned(), actor: actor.0.clone() };
        let record = AuditRecord::new(
            at,
            &actor.0,
            "registry.prices",
            Outcome::Ok,
            json!({
                "cause": cause, "list": list.hash().to_string(), "models": list.len(),
            }),
        );
        let (version, is_new) = self.store.commit_prices(document, &origin, Some(&record)).await?;
        if is_new {
            PricesChanged { version: &version, list: &list }.emit(&self.metrics);
            self.prune().await;
        }
        self.metrics.price_models.set(i64::try_from(list.len()).unwrap_or(i64::MAX));
        self.holder.replace(PricesInUse { list, version: Some(version.number) });
        Ok(())
    }

    async fn prune(&self) {
        match self.store.prune_prices(self.keep_versions).await {
            Ok(0) => {}
            Ok(lists) => tracing::info!(lists, "old price lists are removed"),
            Err(error) => tracing::warn!(error = chain(&error), "old price lists stay"),
        }
    }

    /// The list of this number; without one, that in use.
    pub async fn list(&self, number: Option<u64>) -> Result<PricesInUse, PricesError> {
        let current = self.holder.current();
        let Some(number) = number.filter(|number| current.version != Some(*number)) else {
            return Ok(current);
        };
        let document = self.document(number).await?;
        let read = tokio::task::spawn_blocking(move || {
            // It was within the limits of its day.
            let limits = Limits { octets: usize::MAX, entries: usize::MAX };
            sark_prices::parse(document.as_bytes(), &limits)
        });
        let list = read.await?.map_err(|source| PricesError::Unreadable { number, source })?;
        Ok(PricesInUse { list: Arc::new(list), version: Some(number) })
    }

    /// What the list of this number was read from.
    pub async fn document(&self, number: u64) -> Result<String, PricesError> {
        self.store.prices(Some(number)).await?.ok_or(PricesError::NoVersion(number))
    }

    /// Uses the list that the leader uses. Stores nothing.
    pub async fn follow(&self) -> Result<(), PricesError> {
        let newest = self.versions(1).await?.first().map(|version| version.number);
        if newest.is_some() && newest != self.holder.current().version {
            self.holder.replace(self.list(newest).await?);
        }
        Ok(())
    }

    /// Those that are kept, newest first.
    pub async fn versions(&self, limit: u32) -> Result<Vec<PriceVersion>, PricesError> {
        Ok(self.store.price_versions(limit).await?)
    }
}
