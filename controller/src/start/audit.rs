//! The audit trail: its writer, its drain, its auditor.

use std::path::Path;
use std::sync::Arc;

use sark_api::config::{AnchorsConfig, AuditConfig, Config, WhenFull};
use sark_audit::{Seal, SealError, VerifyingKey};
use sark_core::audit::{AuditRecord, Outcome};
use sark_core::storage::AuditStore as _;
use sark_core::{Clock as _, ContentHash, SystemClock};
use sark_outbound::{Client, Reach, Settings};
use sark_program::secret;
use sark_store::Store;
use sark_trail::{Drain, Trail, TrailError, TrailHealth, TrailSettings, Writer};
use serde_json::json;

use crate::Metrics;
use crate::chain;
use crate::trail::{self, Anchors, Auditor, AuditorError, AuditorSettings, Keep, TrailKeyError};

/// Why there is no trail.
#[derive(Debug, thiserror::Error)]
pub enum AuditWiringError {
    /// The spool, or what the store has of it.
    #[error(transparent)]
    Trail(#[from] TrailError),
    /// The key.
    #[error(transparent)]
    Key(#[from] TrailKeyError),
    /// Where the trail is.
    #[error("the audit trail cannot be read")]
    Auditor(#[from] AuditorError),
    /// The anchor.
    #[error("audit.anchors.webhook cannot be used")]
    Webhook(#[from] sark_outbound::SettingsError),
    /// The key of what is kept.
    #[error("audit.seal cannot be used")]
    Seal(#[from] SealError),
    /// And where it is.
    #[error("audit.seal cannot be read: {0}")]
    SealSecret(String),
    /// The start is not on record.
    #[error("the start cannot be recorded")]
    Record(#[from] sark_core::storage::StorageError),
}

/// Made, and not yet moving.
pub(super) struct Wired {
    pub(super) trail: Trail,
    pub(super) writer: Writer,
    pub(super) drain: Drain,
    pub(super) auditor: Auditor,
    pub(super) key: VerifyingKey,
    pub(super) keep: Keep,
}

/// Makes it, and records that `sarkd` starts, with which configuration.
pub(super) async fn wire(
    config: &Config,
    base: &Path,
    store: &Store,
    metrics: &Arc<Metrics>,
    health: &Arc<TrailHealth>,
) -> Result<Wired, AuditWiringError> {
    let AuditConfig { checkpoints, anchors, retention, spool, seal } = &config.audit;
    let state = &config.state.directory;
    let key = match &checkpoints.key {
        None => trail::signing_key(&state.join("audit.key"), &checkpoints.origin)?,
        Some(reference) => {
            let text = secret::read(reference);
            let text = text.map_err(|error| TrailKeyError::Secret(error.to_string()))?;
            trail::of_text(&text, &checkpoints.origin)?
        }
    };
    let settings = TrailSettings {
        directory: match &spool.directory {
            Some(directory) => base.join(directory),
            None => state.join("audit-spool"),
        },
        queue: spool.queue,
        most_octets: spool.most_octets,
        when_full: match spool.when_full {
            WhenFull::Block => sark_trail::WhenFull::Block,
            WhenFull::DropAndCount => sark_trail::WhenFull::DropAndCount,
        },
        program: "sarkd",
    };
    let clock = Arc::new(SystemClock);
    let shared = Arc::new(store.clone());
    let parts = (shared.clone(), clock.clone(), Arc::clone(metrics.trail()), Arc::clone(health));
    let (trail, writer, drain) =
        sark_trail::trail(&settings, parts.0, parts.1, parts.2, parts.3).await?;
    let public = key.public().clone();
    let auditor_settings = AuditorSettings {
        records: checkpoints.records,
        interval: std::time::Duration::try_from(checkpoints.interval).unwrap_or_default(),
        keep_days: retention.keep_days,
        keep_records: retention.keep_records,
    };
    let seal = seal.as_ref().map(|reference| {
        let text = secret::read(reference);
        let text = text.map_err(|error| AuditWiringError::SealSecret(error.to_string()))?;
        Ok::<_, AuditWiringError>(Seal::parse(&text)?)
    });
    let keep = Keep::new(seal.transpose()?);
    let anchors = wire_anchors(anchors, base)?;
    let (key, metrics, health) = (Arc::new(key), Arc::clone(metrics), Arc::clone(health));
    let auditor =
        Auditor::begin(shared, key, anchors, auditor_settings, clock, metrics, health).await?;
    let text = serde_json::to_vec(config).unwrap_or_default();
    let detail = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "configuration": ContentHash::of(&text),
        "auditKey": public.to_string(),
    });
    store.append(&record("sarkd.start", detail)).await?;
    Ok(Wired { trail, writer, drain, auditor, key: public, keep })
}

fn wire_anchors(config: &AnchorsConfig, base: &Path) -> Result<Anchors, AuditWiringError> {
    let AnchorsConfig { file, webhook, syslog } = config;
    let client = |is_private| {
        let reach = if is_private { Reach::Any } else { Reach::Public };
        Client::new(Settings { reach, ..Settings::default() })
    };
    let webhook = match webhook {
        None => None,
        Some(webhook) => Some((client(webhook.private)?, webhook.url.clone())),
    };
    Ok(Anchors { file: file.as_ref().map(|path| base.join(path)), syslog: syslog.clone(), webhook })
}

/// The last record of this run.
pub(super) async fn stopped(store: &Store) {
    if let Err(error) = store.append(&record("sarkd.stop", json!({}))).await {
        tracing::warn!(error = chain(&error), "the end could not be recorded");
    }
}

/// That what may change without a restart was read again, and what of it stays as it was.
pub(super) async fn reloaded(store: &Store, wrong: &[String]) {
    let outcome = if wrong.is_empty() { Outcome::Ok } else { Outcome::Failed };
    let record = AuditRecord { outcome, ..record("config.reload", json!({ "wrong": wrong })) };
    if let Err(error) = store.append(&record).await {
        tracing::warn!(error = chain(&error), "the reload could not be recorded");
    }
}

fn record(event: &str, detail: serde_json::Value) -> AuditRecord {
    AuditRecord::new(SystemClock.now(), "sarkd", event, Outcome::Ok, detail)
}
