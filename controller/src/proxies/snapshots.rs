//! What proxies decide by, made once for each version and handed to all who ask.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use sark_api::{EndpointView, ProxyCandidate, ProxySnapshot};
use sark_core::ContentHash;
use sark_core::storage::Candidate;
use sark_registry::Snapshot;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::RegistryHolder;
use crate::decisions::{Decisions, DecisionsError};
use crate::prices::{Prices, PricesError, PricesInUse};

/// Nobody waits longer for a change.
pub const LONGEST_WAIT: Duration = Duration::from_secs(55);

/// See the module.
pub struct Snapshots {
    registry: Arc<RegistryHolder>,
    decisions: Arc<Decisions>,
    prices: Arc<Prices>,
    made: Mutex<Option<Made>>,
    /// Nobody waits any more.
    over: CancellationToken,
}

/// The newest, as it is sent.
struct Made {
    version: ContentHash,
    body: Bytes,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A set.
    #[error("a decision set that is in use cannot be had")]
    Set(#[from] DecisionsError),
    /// The price list.
    #[error("the price list that is in use cannot be had")]
    Prices(#[from] PricesError),
    /// A defect.
    #[error("the snapshot was not made")]
    Join(#[from] tokio::task::JoinError),
    /// A defect.
    #[error("the snapshot cannot be written")]
    Json(#[from] serde_json::Error),
}

/// What is in use at one time.
struct InUse {
    registry: Arc<Snapshot>,
    active: Option<ContentHash>,
    candidate: Option<Candidate>,
    prices: PricesInUse,
}

impl InUse {
    /// Hash over the versions of all.
    fn version(&self) -> ContentHash {
        let prices = self.prices.version.map(|number| (number, self.prices.list.hash()));
        let all = json!([self.registry.version(), self.active, self.candidate, prices]);
        ContentHash::of(all.to_string().as_bytes())
    }
}

impl Snapshots {
    /// Of what these have in use.
    #[must_use]
    pub fn new(
        registry: Arc<RegistryHolder>,
        decisions: Arc<Decisions>,
        prices: Arc<Prices>,
    ) -> Self {
        let (made, over) = Default::default();
        Self { registry, decisions, prices, made, over }
    }

    /// The newest, as JSON; nothing if it is still the one that the caller has when they have waited so
    /// long, or when `sarkd` ends.
    pub async fn newest(
        &self,
        have: Option<&str>,
        wait: Duration,
    ) -> Result<Option<Bytes>, SnapshotError> {
        let until = Instant::now() + wait.min(LONGEST_WAIT);
        // From before it is looked: what changes then wakes.
        let mut registry = self.registry.watch();
        let mut decisions = self.decisions.watch();
        let mut prices = self.prices.holder().watch();
        while have == Some(self.in_use().version().as_str()) {
            // That one of them is gone is the end too.
            let changed = tokio::select! {
                changed = registry.changed() => changed,
                changed = decisions.changed() => changed,
                changed = prices.changed() => changed,
                () = tokio::time::sleep_until(until) => return Ok(None),
                () = self.over.cancelled() => return Ok(None),
            };
            if changed.is_err() {
                return Ok(None);
            }
        }
        self.body().await.map(Some)
    }

    /// The version of the newest.
    #[must_use]
    pub fn version(&self) -> String {
        self.in_use().version().to_string()
    }

    /// From now on nobody waits for a change.
    pub fn end(&self) {
        self.over.cancel();
    }

    fn in_use(&self) -> InUse {
        let (active, candidate) = self.decisions.in_use();
        let (registry, prices) = (self.registry.snapshot(), self.prices.holder().current());
        InUse { registry, active, candidate, prices }
    }

    /// One at a time: those who come meanwhile are given what was made.
    async fn body(&self) -> Result<Bytes, SnapshotError> {
        let mut made = self.made.lock().await;
        let in_use = self.in_use();
        let version = in_use.version();
        if let Some(made) = made.as_ref().filter(|made| made.version == version) {
            return Ok(made.body.clone());
        }
        let body = self.make(in_use, version.to_string()).await?;
        *made = Some(Made { version, body: body.clone() });
        Ok(body)
    }

    async fn make(&self, in_use: InUse, version: String) -> Result<Bytes, SnapshotError> {
        let InUse { registry, active, candidate, prices } = in_use;
        let active = match &active {
            None => None,
            Some(version) => Some(self.decisions.whole(version).await?),
        };
        let candidate = match candidate {
            None => None,
            Some(Candidate { version, stage }) => {
                Some(ProxyCandidate { set: self.decisions.whole(&version).await?, stage })
            }
        };
        let price_version = prices.version;
        let prices = match price_version {
            None => None,
            Some(number) => Some(self.prices.document(number).await?),
        };
        let written = tokio::task::spawn_blocking(move || {
            let registry_version = registry.version().to_string();
            let endpoints = registry.endpoints().iter().map(EndpointView::from).collect();
            let snapshot = ProxySnapshot {
                version,
                registry_version,
                endpoints,
                active,
                candidate,
                prices,
                price_version,
            };
            serde_json::to_vec(&snapshot)
        });
        Ok(written.await??.into())
    }
}
