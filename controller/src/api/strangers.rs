//! Those whom nobody knows: how often they may try, and what the trail says of them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sark_core::audit::{AuditRecord, Outcome};
use serde_json::json;
use tokio::time::Instant;

use super::Api;
use super::refusals::{Refusals, Refused};
use super::source::Source;
use super::throttle::Throttle;
use crate::events::{AuditLost, Event};
use crate::{Metrics, Storage};

/// Failures of one client at once, and then one each [`AGAIN`].
const FAILURES: u32 = 10;
/// See [`FAILURES`].
const AGAIN: Duration = Duration::from_secs(6);
/// Clients, and tokens, that are told apart.
const MOST: usize = 10_000;

/// Who fails.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Client {
    /// Elsewhere.
    Source(Source),
    /// On this machine.
    User(u32),
}

impl std::fmt::Display for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Source(source) => source.fmt(f),
            Self::User(uid) => write!(f, "uid:{uid}"),
        }
    }
}

/// Counts failures.
#[derive(Debug)]
pub(crate) struct Strangers {
    clients: Mutex<Throttle<Client>>,
    tokens: Mutex<Throttle<String>>,
    refusals: Refusals,
}

impl Default for Strangers {
    fn default() -> Self {
        Self {
            clients: Mutex::new(Throttle::new(FAILURES, AGAIN, MOST)),
            tokens: Mutex::new(Throttle::new(FAILURES, AGAIN, MOST)),
            refusals: Refusals::default(),
        }
    }
}

impl Strangers {
    /// How long until this client may show a token again.
    pub(crate) fn wait(&self, client: &Client) -> Option<Duration> {
        let clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.wait(client, Instant::now())
    }

    /// A client showed something that does not hold, perhaps as a token of this id. How long until
    /// somebody may be wrong about that token again: who has its text is not held up.
    pub(crate) fn failed(&self, client: &Client, id: Option<&String>) -> Option<Duration> {
        let now = Instant::now();
        self.clients.lock().unwrap_or_else(PoisonError::into_inner).spend(client, now);
        let id = id?;
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).take(id, now).err()
    }

    /// Tells the trail of a refusal, now or when the minute is over.
    pub(crate) async fn refused(&self, refused: Refused, api: &Api) {
        let Refused { who, route, why } = refused.clone();
        if self.refusals.note(refused, Instant::now()) {
            let (now, detail) =
                (api.observatory.clock.now(), json!({ "route": route, "why": why }));
            let record = AuditRecord::new(now, who, "api.refused", Outcome::Refused, detail);
            note(api, &record).await;
        }
    }

    /// Tells the trail what was counted, if a minute is over.
    pub(crate) async fn tell(&self, api: &Api) {
        if let Some(detail) = self.refusals.counted(Instant::now()) {
            let now = api.observatory.clock.now();
            let record = AuditRecord::new(now, "sarkd", "api.refused", Outcome::Refused, detail);
            note(api, &record).await;
        }
    }
}

/// Records what changes nothing: on the way of decisions, which holds nobody up, and which is open where
/// the store takes no changes, as on a follower.
pub(super) async fn note(api: &Api, record: &AuditRecord) {
    match &api.trail {
        Some(trail) => trail.note(record),
        None => append(&*api.observatory.store, record, &api.metrics).await,
    }
}

pub(super) async fn append(store: &dyn Storage, record: &AuditRecord, metrics: &Metrics) {
    if let Err(error) = store.append(record).await {
        AuditLost { record, error: &error }.emit(metrics);
    }
}
