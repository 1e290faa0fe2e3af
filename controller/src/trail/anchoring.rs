//! Anchors, and which of them have the newest checkpoint.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sark_trail::TrailHealth;
use tokio::time::Instant;

use super::anchors::Anchors;
use crate::Metrics;

/// Between two tries of one that failed.
const AGAIN: Duration = Duration::from_secs(60);

/// One that fails for longer is told.
const LONG: Duration = Duration::from_secs(300);

/// Copies, and tries again what failed.
pub(super) struct Anchoring {
    anchors: Anchors,
    /// The newest checkpoint.
    note: String,
    behind: BTreeMap<&'static str, Behind>,
    metrics: Arc<Metrics>,
    health: Arc<TrailHealth>,
}

/// An anchor that did not take the newest checkpoint.
struct Behind {
    since: Instant,
    tried: Instant,
}

impl Anchoring {
    pub(super) fn new(anchors: Anchors, metrics: Arc<Metrics>, health: Arc<TrailHealth>) -> Self {
        Self { anchors, note: String::new(), behind: BTreeMap::new(), metrics, health }
    }

    /// Copies a new checkpoint to each.
    pub(super) async fn copy(&mut self, note: &str) {
        note.clone_into(&mut self.note);
        for name in self.anchors.names() {
            if !self.try_one(name).await {
                self.metrics.auditor.unanchored.inc();
            }
        }
    }

    /// Tries those again that do not have the newest.
    pub(super) async fn again(&mut self) {
        let is_due = |(_, behind): &(&&str, &Behind)| behind.tried.elapsed() >= AGAIN;
        let due: Vec<_> = self.behind.iter().filter(is_due).map(|(name, _)| *name).collect();
        for name in due {
            self.try_one(name).await;
        }
    }

    async fn try_one(&mut self, name: &'static str) -> bool {
        let Err(error) = self.anchors.copy(name, &self.note).await else {
            if self.behind.remove(name).is_some() {
                tracing::info!(anchor = name, "the anchor has the newest checkpoint again");
            }
            self.health.resolved(code(name));
            return true;
        };
        tracing::warn!(anchor = name, error, "a checkpoint of the audit trail was not anchored");
        let now = Instant::now();
        let behind = self.behind.entry(name).or_insert(Behind { since: now, tried: now });
        behind.tried = now;
        if behind.since.elapsed() >= LONG {
            let message = format!("the anchor audit.anchors.{name} takes no checkpoints: {error}");
            let help = "until it does, nobody outside could tell that the trail was cut; the newest \
                        checkpoint is tried again every minute";
            self.health.problem(code(name), message, help);
        }
        false
    }
}

fn code(name: &str) -> &'static str {
    match name {
        "file" => "audit-anchor-file",
        "syslog" => "audit-anchor-syslog",
        _ => "audit-anchor-webhook",
    }
}
