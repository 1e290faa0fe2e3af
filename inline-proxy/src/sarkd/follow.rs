//! Keeps what decisions rest on as it is in `sarkd`, and on the disk for a start without it.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, StatusCode};
use sark_api::routes;
use sark_caller::{CallError, Caller};
use sark_decider::Decider;
use tokio_util::sync::CancellationToken;

use super::snapshot::{SnapshotError, Usable, usable};
use crate::proxy::Proxy;

/// How long `sarkd` waits for something new.
const WAIT: Duration = Duration::from_secs(45);
/// And we for it.
const WITHIN: Duration = Duration::from_secs(75);
/// Between tries of one that does not answer.
const PAUSES: [u64; 5] = [200, 500, 1_000, 2_000, 5_000];

/// Follows `sarkd`.
#[derive(Debug)]
pub struct Follower {
    caller: Caller,
    kept: PathBuf,
    version: Option<String>,
}

/// What is put to use.
#[derive(Debug, Clone)]
pub struct Parts {
    /// Where sets go.
    pub decider: Arc<Decider>,
    /// Where the rest goes.
    pub proxy: Arc<Proxy>,
}

impl Follower {
    /// `kept` is a file, of the last snapshot that could be used.
    #[must_use]
    pub const fn new(caller: Caller, kept: PathBuf) -> Self {
        Self { caller, kept, version: None }
    }

    /// What was kept, for as long as `sarkd` says nothing. There may be none.
    pub async fn begin(&mut self, parts: &Parts) {
        let text = match std::fs::read(&self.kept) {
            Ok(text) => Bytes::from(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => {
                tracing::error!(%error, file = %self.kept.display(), "the kept snapshot cannot be read");
                return;
            }
        };
        match self.put(text, parts).await {
            Ok(()) => tracing::info!(version = self.version, "decides by the kept snapshot"),
            Err(error) => tracing::error!(
                error = sark_core::chain(&error),
                "the kept snapshot cannot be used"
            ),
        }
    }

    /// Until told to stop.
    pub async fn run(mut self, parts: Parts, stop: CancellationToken) {
        let (mut failures, mut confirmed) = (0, Instant::now());
        loop {
            let asked = tokio::select! {
                asked = self.ask() => asked,
                () = stop.cancelled() => return,
            };
            let pause = match asked {
                Ok(None) => {
                    (failures, confirmed) = (0, Instant::now());
                    None
                }
                Ok(Some(text)) => match self.put(text.clone(), &parts).await {
                    Ok(()) => {
                        (failures, confirmed) = (0, Instant::now());
                        self.keep(&text);
                        tracing::info!(version = self.version, "decides by a new snapshot");
                        None
                    }
                    Err(error) => {
                        let error = sark_core::chain(&error);
                        tracing::error!(error, "a snapshot cannot be used: the one in use stays");
                        PAUSES.last().copied()
                    }
                },
                Err(error) => {
                    tracing::warn!(error = sark_core::chain(&error), "the snapshot in use stays");
                    failures += 1;
                    PAUSES.get(failures - 1).or(PAUSES.last()).copied()
                }
            };
            let age = i64::try_from(confirmed.elapsed().as_secs()).unwrap_or(i64::MAX);
            parts.proxy.metrics.set_age(age);
            if let Some(pause) = pause {
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(pause)) => {}
                    () = stop.cancelled() => return,
                }
            }
        }
    }

    /// The snapshot, once it is another than ours.
    async fn ask(&self) -> Result<Option<Bytes>, CallError> {
        let path = match &self.version {
            None => routes::PROXY_SNAPSHOT.to_owned(),
            Some(version) => {
                format!("{}?have={version}&wait={}", routes::PROXY_SNAPSHOT, WAIT.as_secs())
            }
        };
        let kind = "application/json";
        let (status, body) =
            self.caller.call(Method::GET, &path, kind, Bytes::new(), WITHIN).await?;
        Ok((status != StatusCode::NO_CONTENT).then_some(body))
    }

    async fn put(&mut self, text: Bytes, parts: &Parts) -> Result<(), SnapshotError> {
        let decider = Arc::clone(&parts.decider);
        let made = tokio::task::spawn_blocking(move || usable(&text, &decider)).await;
        let Usable { version, known, active, candidate } = match made {
            Ok(made) => made?,
            Err(error) => return Err(SnapshotError::Thread(error)),
        };
        // Both are swapped; a request in between has the new facts and the old set.
        parts.proxy.judge.learn(known);
        parts.decider.put(active, candidate);
        self.version = Some(version);
        Ok(())
    }

    fn keep(&self, text: &[u8]) {
        if let Err(error) = keep(&self.kept, text) {
            tracing::warn!(%error, file = %self.kept.display(), "the snapshot could not be kept");
        }
    }
}

/// Whole or not at all, whenever the machine stops.
fn keep(path: &Path, text: &[u8]) -> std::io::Result<()> {
    // While one program takes over from another, both do this.
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(text)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}
