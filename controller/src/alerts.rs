//! Alerts: audit records that have a notice, told to people and their tools.
//!
//! ```text
//!   trail ── taker ──┬ one transaction: cursor, open alerts, deliveries ─→ store
//!                    └ wake ─→ one task for each sink: due ─→ attempt ─→ settle
//!   conditions ── looks every 15 s ── record when something begins or ends ─→ trail
//! ```
//!
//! The trail is the outbox: a record that is committed is told, whatever crashes when. Between an
//! attempt and its settling a crash makes another attempt, with the same idempotency key. A sink
//! that is slow, dead or throttled holds up itself alone.

mod before;
mod bucket;
pub mod conditions;
mod deliver;
mod problems;
mod sink;
mod taker;
mod unreadable;
mod view;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::tz::TimeZone;
use sark_alerts::{Backoff, Message, Plan, Verdict};
use sark_core::Clock;
use sark_core::audit::{AuditRecord, Outcome};
use sark_core::storage::StorageError;
use sark_core::storage::alerts::{AlertStore, Replay};
use serde_json::json;

use crate::{Actor, Metrics, Storage};

pub use before::Before;
pub use deliver::{Deliver, Secrets, build};
use sink::Sink;

/// Between attempts: from one second to a quarter of an hour.
const BACKOFF: Backoff =
    Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(900) };

/// See the module.
pub struct Alerts {
    plan: Plan,
    sinks: Vec<Sink>,
    store: Arc<dyn AlertStore>,
    trail: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    /// What chance is made of.
    seed: u64,
    keep: jiff::SignedDuration,
    /// Without routes every sink is told everything, whatever is named.
    has_routes: bool,
    /// Routes that were named and that there are not.
    unknown_routes: Mutex<BTreeSet<String>>,
}

/// What the outside gives to [`Alerts::new`].
pub struct AlertParts {
    /// Checked; relative paths are absolute already.
    pub config: sark_alerts::Config,
    /// If the configuration names no source.
    pub host: String,
    /// Reads secrets.
    pub secrets: Secrets,
    /// The dispatcher's memory.
    pub store: Arc<dyn AlertStore>,
    /// The audit trail.
    pub trail: Arc<dyn Storage>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// What chance is made of.
    pub seed: u64,
}

/// Why nothing became of a request about alerts.
#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    /// There is none with this name.
    #[error("there is no sink {name:?}")]
    NoSink {
        /// As given.
        name: String,
        /// The nearest that exists.
        nearest: Option<String>,
    },
    /// The store does not answer or has no space.
    #[error("cannot use the store")]
    Store(#[from] StorageError),
}

impl Alerts {
    /// Tells nobody yet.
    #[must_use]
    pub fn new(parts: AlertParts) -> Self {
        let AlertParts { config, host, secrets, store, trail, clock, metrics, seed } = parts;
        let plan = Plan {
            source: config.source.clone().unwrap_or(host),
            runbooks: config.runbooks.clone(),
            window: Duration::try_from(config.grouping.window).unwrap_or_default(),
            // The check knows it.
            zone: TimeZone::get(&config.time_zone).unwrap_or(TimeZone::UTC),
            quiet: config.quiet_hours.clone(),
            routes: config.effective_routes(),
        };
        let sink = |config| Sink::new(config, Arc::clone(&secrets));
        let (has_routes, unknown_routes) = (!config.routes.is_empty(), Mutex::default());
        let sinks = config.sinks.into_iter().map(sink).collect();
        let keep = config.keep;
        Self { plan, sinks, store, trail, clock, metrics, seed, keep, has_routes, unknown_routes }
    }

    /// Names of the sinks.
    pub fn sinks(&self) -> impl Iterator<Item = &str> {
        self.sinks.iter().map(|sink| sink.name.as_str())
    }

    fn sink(&self, name: &str) -> Result<&Sink, AlertError> {
        self.sinks.iter().find(|sink| sink.name == name).ok_or_else(|| {
            let nearest = sark_core::document::nearest(name, self.sinks()).map(str::to_owned);
            AlertError::NoSink { name: name.to_owned(), nearest }
        })
    }

    /// Sends one message now, past routes, quiet hours and the store, and says what was answered.
    pub async fn test(&self, name: &str, actor: &Actor) -> Result<Verdict, AlertError> {
        let sink = self.sink(name)?;
        let now = self.clock.now();
        let message = Message::test(now, &actor.0, &self.plan.source, name);
        let id = sark_alerts::delivery_id(&message, name);
        let verdict = sink.attempt(&message, &id, now).await;
        let (outcome, said) = match &verdict {
            Verdict::Delivered { said } => (Outcome::Ok, said),
            Verdict::Retry { why, .. } | Verdict::Dead { why } => (Outcome::Failed, why),
        };
        let detail = json!({ "sink": name, "said": said });
        let record = AuditRecord::new(now, &actor.0, "alerts.test", outcome, detail);
        self.trail.append(&record).await?;
        Ok(verdict)
    }

    /// Makes dead letters pending again. How many. What a sink took after them it gets once more.
    pub async fn replay(&self, which: &Replay, actor: &Actor) -> Result<u64, AlertError> {
        let now = self.clock.now();
        let detail = match which {
            Replay::One(number) => json!({ "delivery": number }),
            Replay::Sink(sink) => json!({ "sink": sink }),
            Replay::All => json!({ "all": true }),
        };
        let record = AuditRecord::new(now, &actor.0, "alerts.replay", Outcome::Ok, detail);
        let many = self.store.replay(which, now, &record).await?;
        self.sinks.iter().for_each(|sink| sink.wake.notify_one());
        Ok(many)
    }

    /// The dispatcher's memory, for those who look.
    pub fn store(&self) -> &dyn AlertStore {
        &*self.store
    }
}
