//! The auditor: reads behind the trail, signs checkpoints, copies them out of reach, prunes.
//!
//! Before it signs it has read and verified everything since the last checkpoint: a trail that is
//! not as it was written is not vouched for, and that is told.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sark_audit::{Checkpoint, Note, SigningKey, Tree, Verifier, WalkError};
use sark_core::Clock;
use sark_core::audit::{AuditRecord, Head, Notice, Outcome};
use sark_core::decision::Severity;
use sark_core::storage::{KeptCheckpoint, StorageError};
use sark_trail::TrailHealth;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::anchoring::Anchoring;
use super::anchors::Anchors;
use crate::Metrics;
use crate::Storage;
use crate::chain;

/// How often it looks.
const LOOK: Duration = Duration::from_millis(500);

/// Checkpoints pruned at a time: a transaction that is short enough for others to wait.
const AT_ONCE: u32 = 10;

/// Records read at a time.
const PAGE: u32 = 2_000;

/// When it signs, and what it lets go.
#[derive(Debug, Clone)]
pub struct AuditorSettings {
    /// After so many records.
    pub records: u64,
    /// And after this time, if there is a new one.
    pub interval: Duration,
    /// Records older than this may go.
    pub keep_days: Option<u32>,
    /// Of more records than this the oldest may go.
    pub keep_records: Option<u64>,
}

/// Signs and prunes.
pub struct Auditor {
    store: Arc<dyn Storage>,
    key: Arc<SigningKey>,
    anchors: Anchoring,
    settings: AuditorSettings,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    /// Chain and tree at the last checkpoint.
    reached: (Head, Tree),
    signed_at: Timestamp,
    pruned_at: Option<Timestamp>,
    is_bad: bool,
}

/// Why there is no checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum AuditorError {
    /// The trail, or the store.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StorageError),
}

impl Auditor {
    /// Goes on from the newest checkpoint.
    pub async fn begin(
        store: Arc<dyn Storage>,
        key: Arc<SigningKey>,
        anchors: Anchors,
        settings: AuditorSettings,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
        health: Arc<TrailHealth>,
    ) -> Result<Self, AuditorError> {
        let newest = store.checkpoint_at(u64::MAX).await?;
        if let Some(kept) = &newest {
            compare(kept, &key, &health);
        }
        let anchors = Anchoring::new(anchors, Arc::clone(&metrics), health);
        let reached = match newest {
            Some(kept) => (kept.head, kept.tree.parse().map_err(WalkError::from)?),
            None => (Head::BEGINNING, Tree::default()),
        };
        let signed_at = clock.now();
        Ok(Self {
            store,
            key,
            anchors,
            settings,
            clock,
            metrics,
            reached,
            signed_at,
            pruned_at: None,
            is_bad: false,
        })
    }

    /// Until told to stop; a last checkpoint then covers everything.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => self.look(false).await,
                () = stop.cancelled() => break,
            }
        }
        self.look(true).await;
    }

    async fn look(&mut self, is_last: bool) {
        match self.try_look(is_last).await {
            Ok(()) => {}
            Err(AuditorError::Walk(WalkError::Bad(bad))) => self.bad(&bad).await,
            Err(error) => {
                tracing::warn!(error = chain(&error), "no checkpoint of the audit trail");
            }
        }
        self.anchors.again().await;
    }

    async fn try_look(&mut self, is_last: bool) -> Result<(), AuditorError> {
        let (head, now) = (self.store.head().await?, self.clock.now());
        let new = head.sequence.saturating_sub(self.reached.0.sequence);
        let waited = Duration::try_from(now.duration_since(self.signed_at)).unwrap_or_default();
        let is_due = new >= self.settings.records || waited >= self.settings.interval || is_last;
        if new > 0 && is_due && !self.is_bad {
            self.checkpoint(now).await?;
            if !is_last {
                self.prune(now).await?;
            }
        }
        Ok(())
    }

    /// Reads on, at most so many records as one checkpoint has, and signs.
    async fn checkpoint(&mut self, now: Timestamp) -> Result<(), AuditorError> {
        let (from, tree) = self.reached.clone();
        let last = from.sequence.saturating_add(self.settings.records);
        let mut verifier = Verifier::new(from, tree, []).map_err(WalkError::from)?;
        while verifier.head().sequence < last {
            let after = verifier.head().sequence;
            let most = u32::try_from(last - after).unwrap_or(PAGE).min(PAGE);
            let page = sark_audit::page(&*self.store, after, most).await?;
            if page.is_empty() {
                break;
            }
            for stored in &page {
                verifier.push(stored).map_err(WalkError::from)?;
            }
        }
        let verified = verifier.finish(None).map_err(WalkError::from)?;
        let (head, tree) = (verified.head, verified.tree);
        if head.sequence == from.sequence {
            return Ok(());
        }
        let checkpoint = Checkpoint::new(self.key.public(), head, &tree, now);
        let note = checkpoint.sign(&self.key).to_string();
        let kept = KeptCheckpoint { head, at: now, note, tree: tree.to_string() };
        self.store.keep_checkpoint(&kept).await?;
        tracing::debug!(record = head.sequence, root = %checkpoint.root, "signed a checkpoint");
        self.metrics.auditor.checkpoint(head.sequence);
        self.reached = (head, tree);
        self.signed_at = now;
        self.anchors.copy(&kept.note).await;
        Ok(())
    }

    /// Lets go what a checkpoint covers, every reader has read and nobody wants kept.
    async fn prune(&mut self, now: Timestamp) -> Result<(), AuditorError> {
        let AuditorSettings { keep_days, keep_records, .. } = self.settings;
        if keep_days.is_none() && keep_records.is_none() {
            return Ok(());
        }
        let begun = self.store.beginning().await?.map_or(0, |beginning| beginning.head.sequence);
        let read = self.store.cursors().await?.into_iter().map(|(_, read)| read).min();
        let most = read.unwrap_or(u64::MAX);
        let newest = self.reached.0.sequence;
        // The checkpoints after the beginning, oldest first, while what they cover may go.
        let mut chosen = None;
        for kept in self.store.checkpoints_after(begun, AT_ONCE).await? {
            let is_old = keep_days
                .is_some_and(|days| now.duration_since(kept.at).as_hours() >= i64::from(days) * 24);
            let is_many = keep_records.is_some_and(|keep| newest - kept.head.sequence >= keep);
            if kept.head.sequence > most || !(is_old || is_many) {
                break;
            }
            chosen = Some((kept, if is_old { "keepDays" } else { "keepRecords" }));
        }
        let Some((kept, reason)) = chosen else { return Ok(()) };
        let sequence = kept.head.sequence;
        // Pruning is on record too: little by little it would make what it prunes.
        let is_much = sequence - begun >= self.settings.records;
        let is_long_ago = |at: Timestamp| now.duration_since(at).as_hours() >= 24;
        if !is_much && !self.pruned_at.is_none_or(is_long_ago) {
            return Ok(());
        }
        let record = sark_audit::prune_record(now, &kept, reason);
        if let Some(records) = self.store.prune(&kept.head, &record).await? {
            tracing::info!(records, up_to = sequence, "pruned the audit trail");
            self.pruned_at = Some(now);
        }
        Ok(())
    }

    /// Told once: until somebody has looked, nothing is signed.
    async fn bad(&mut self, bad: &sark_audit::Bad) {
        self.is_bad = true;
        tracing::error!(record = bad.sequence, error = %bad, "the audit trail is not as it was written");
        self.metrics.auditor.bad.set(i64::try_from(bad.sequence).unwrap_or(i64::MAX));
        let notice = Notice {
            key: "audit.tampered".into(),
            title: format!(
                "The audit trail is not as it was written, from record {}",
                bad.sequence
            ),
            resolved: false,
            routes: Vec::new(),
            runbook: Some("audit".into()),
            facts: [("fault".to_owned(), bad.fault.to_string())].into(),
        };
        let detail = json!({ "record": bad.sequence, "reason": bad.to_string() });
        let now = self.clock.now();
        let record = AuditRecord::new(now, "sarkd", "audit.tampered", Outcome::Failed, detail)
            .told(Severity::Critical, notice);
        if let Err(error) = self.store.append(&record).await {
            tracing::error!(error = chain(&error), "and that could not be recorded");
        }
    }
}

/// Whether the newest checkpoint is of this key. Whoever verifies has to be given both if it is not.
fn compare(kept: &KeptCheckpoint, key: &SigningKey, health: &TrailHealth) {
    let signers = match Note::parse(&kept.note) {
        Ok(note) if Checkpoint::open(&note, key.public()).is_ok() => return,
        Ok(note) => note.signers().join(", "),
        Err(error) => error.to_string(),
    };
    let message = format!(
        "the checkpoint of audit record {} is signed by {signers}, and this sarkd signs with {}",
        kept.head.sequence,
        key.public().short()
    );
    let help = "if the key was changed, or another sarkd signed with its own, `sarkctl audit verify` \
                wants --key with each of them: docs/audit.md, Keys. Else somebody forged it";
    health.problem("audit-key-differs", message, help);
}

#[cfg(test)]
mod tests;
