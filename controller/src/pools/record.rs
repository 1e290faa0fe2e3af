//! What the audit trail says of a proxy that comes or goes.

use std::sync::Arc;

use jiff::Timestamp;
use sark_compiler::{Environment, Fate, Steering};
use sark_core::Clock;
use sark_core::audit::{AuditRecord, Outcome};
use sark_core::decision::Severity;
use sark_flowspec::Afi;
use sark_health::Turn;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::events::{AuditLost, Event};
use crate::registrar::OURSELVES;
use crate::{DesiredState, Metrics, Storage};

/// What these records are called.
pub(super) const EVENT: &str = "pool.state";

/// A proxy came or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turned {
    /// When.
    pub at: Timestamp,
    /// Its pool.
    pub pool: String,
    /// Its name.
    pub proxy: String,
    /// Which of the two.
    pub turn: Turn,
    /// What it answered.
    pub words: String,
}

/// Writes a record of each turn, with what becomes of policies.
pub struct Recorder {
    /// Turns to be recorded.
    pub turned: mpsc::Receiver<Turned>,
    /// What policies do.
    pub desired: Arc<DesiredState>,
    /// Where records go.
    pub trail: Arc<dyn Storage>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Counts.
    pub metrics: Arc<Metrics>,
}

impl Recorder {
    /// Until `stop`, and what has been taken by then is written.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let turned = tokio::select! {
                turned = self.turned.recv() => turned,
                () = stop.cancelled() => self.turned.try_recv().ok(),
            };
            let Some(turned) = turned else { return };
            self.record(&turned).await;
        }
    }

    async fn record(&self, turned: &Turned) {
        // What cannot be known now is not in the record; that something turned is.
        let desired = self.desired.at(self.clock.now()).await.ok().flatten();
        let steering = desired.as_ref().map_or(&[][..], |desired| &desired.compiled.steering);
        let record = record(turned, &self.desired.environment(), steering);
        if let Err(error) = self.trail.append(&record).await {
            AuditLost { record: &record, error: &error }.emit(&self.metrics);
        }
    }
}

/// There is no room for its record.
pub(super) fn lost(turned: &Turned, metrics: &Metrics) {
    let record = plain(turned, Severity::Medium, json!({}));
    AuditLost { record: &record, error: &NoRoom }.emit(metrics);
}

#[derive(Debug, thiserror::Error)]
#[error("too many records of pools wait for the store")]
struct NoRoom;

/// The record, as everything is when it is written.
fn record(turned: &Turned, environment: &Environment, steering: &[Steering]) -> AuditRecord {
    let pool = environment.pools.iter().find(|pool| pool.name == turned.pool);
    let up: Vec<&str> = pool
        .iter()
        .flat_map(|pool| &pool.proxies)
        .filter(|proxy| proxy.is_up)
        .map(|proxy| proxy.name.as_str())
        .collect();
    let severity = match turned.turn {
        Turn::Up => Severity::Info,
        Turn::Down { .. } if up.is_empty() => Severity::High,
        Turn::Down { .. } => Severity::Medium,
    };
    let policies: Vec<Value> = steering
        .iter()
        .filter(|steering| steering.pool == turned.pool)
        .map(
            |it| json!({ "policy": it.policy, "family": family(it.afi), "packets": fate(it.fate) }),
        )
        .collect();
    plain(turned, severity, json!({ "up": up, "policies": policies }))
}

pub(super) fn plain(turned: &Turned, severity: Severity, more: Value) -> AuditRecord {
    let Turned { at, pool, proxy, turn, words } = turned;
    let (state, outcome) = match turn {
        Turn::Up => ("up", Outcome::Ok),
        Turn::Down { .. } => ("down", Outcome::Failed),
    };
    let mut detail = json!({ "pool": pool, "proxy": proxy, "state": state, "answer": words });
    if let Turn::Down { hold_down } = turn {
        detail["holdDownSeconds"] = json!(hold_down.as_secs());
    }
    if let (Value::Object(detail), Value::Object(more)) = (&mut detail, more) {
        detail.extend(more);
    }
    let record = AuditRecord::new(*at, OURSELVES, EVENT, outcome, detail);
    AuditRecord { severity, ..record }
}

fn family(afi: Afi) -> &'static str {
    match afi {
        Afi::Ipv4 => "IPv4",
        Afi::Ipv6 => "IPv6",
    }
}

fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Redirected => "redirected",
        Fate::Kept => "kept",
        Fate::Dropped => "dropped",
        Fate::Withdrawn => "unseen",
    }
}
