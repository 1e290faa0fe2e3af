//! Where records go: to `sarkd`, in the spool's order, each once.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use sark_api::{TrailBatch, TrailPosition, routes};
use sark_core::audit::Written;
use sark_core::storage::{Mark, StorageError};
use sark_trail::Destination;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::caller::{CallError, Caller};

const WITHIN: Duration = Duration::from_secs(30);
/// Octets of one request, about; `sarkd` takes 8 MB.
const PORTION: u64 = 4 << 20;
/// Between two batches: what is spooled meanwhile goes together, and not by a connection for each few.
const PACE: Duration = Duration::from_millis(50);

/// Gives records to `sarkd`.
#[derive(Debug)]
pub struct Deposit {
    caller: Caller,
    /// How far it had them when it said so last: for a start while it is away. It is never further than
    /// `sarkd` is, and the spool's own numbers go on after both.
    kept: PathBuf,
    /// Before this `sarkd` is not asked again.
    next: Mutex<Instant>,
}

impl Deposit {
    /// `kept` is a file.
    #[must_use]
    pub fn new(caller: Caller, kept: PathBuf) -> Self {
        Self { caller, kept, next: Mutex::new(Instant::now()) }
    }

    async fn pace(&self) {
        let mut next = self.next.lock().await;
        tokio::time::sleep_until(*next).await;
        *next = Instant::now() + PACE;
    }

    async fn ask(&self, name: &str) -> Result<u64, CallError> {
        let path = routes::PROXY_MARK.replace("{mark}", name);
        let answer = self.caller.call(Method::GET, &path, JSON, Bytes::new(), WITHIN).await?;
        read(&answer.1)
    }

    async fn give(&self, mark: Mark<'_>, records: &[Written]) -> Result<(), CallError> {
        let batch = TrailBatch {
            mark: mark.name.to_owned(),
            position: mark.position,
            after: Some(mark.after),
        };
        let batch = serde_json::to_string(&batch).unwrap_or_default();
        // Megabytes: made room for once.
        let octets: usize = records.iter().map(|record| record.text().len() + 1).sum();
        let mut body = String::with_capacity(batch.len() + octets);
        body.push_str(&batch);
        for record in records {
            body.push('\n');
            body.push_str(record.text());
        }
        let path = routes::PROXY_RECORDS;
        let answer = self.caller.call(Method::POST, path, LINES, body.into(), WITHIN).await?;
        let position = read(&answer.1)?;
        self.keep(position);
        Ok(())
    }

    /// What cannot be kept is asked for again at the next start.
    fn keep(&self, position: u64) {
        let beside = self.kept.with_extension("new");
        let written = std::fs::write(&beside, position.to_string());
        if let Err(error) = written.and_then(|()| std::fs::rename(&beside, &self.kept)) {
            tracing::warn!(%error, "how far sarkd has the records could not be kept");
        }
    }

    fn kept(&self) -> Option<u64> {
        std::fs::read_to_string(&self.kept).ok()?.trim().parse().ok()
    }
}

const JSON: &str = "application/json";
const LINES: &str = "application/x-ndjson";

fn read(body: &[u8]) -> Result<u64, CallError> {
    let read: Result<TrailPosition, _> = serde_json::from_slice(body);
    read.map(|it| it.position).map_err(|error| CallError::Answer(error.to_string()))
}

#[async_trait]
impl Destination for Deposit {
    async fn mark(&self, name: &str) -> Result<u64, StorageError> {
        self.pace().await;
        match self.ask(name).await {
            Ok(position) => {
                self.keep(position);
                Ok(position)
            }
            Err(error) => match self.kept() {
                Some(position) => {
                    tracing::debug!(error = sark_core::chain(&error), "sarkd is away");
                    Ok(position)
                }
                // A proxy that has never given a record has none there.
                None if matches!(error, CallError::Connect(_) | CallError::Late(_)) => Ok(0),
                None => Err(unavailable("ask sarkd how far it has the records", error)),
            },
        }
    }

    fn most_octets(&self) -> u64 {
        PORTION
    }

    async fn write(&self, records: &[Written], mark: Mark<'_>) -> Result<(), StorageError> {
        let given = self.give(mark, records).await;
        given.map_err(|error| unavailable("give records to sarkd", error))
    }
}

fn unavailable(what: &'static str, error: CallError) -> StorageError {
    StorageError::Unavailable { what, source: error.into() }
}
