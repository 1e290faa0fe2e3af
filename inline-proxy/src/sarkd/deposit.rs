//! Where records go: to `sarkd`, in the spool's order, each once.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use sark_api::{TrailBatch, TrailPosition, routes};
use sark_caller::{CallError, Caller};
use sark_core::audit::Spooled;
use sark_core::storage::{Mark, StorageError};
use sark_trail::Destination;

const WITHIN: Duration = Duration::from_secs(30);
/// Octets of one request, about; `sarkd` takes 8 MB.
const PORTION: u64 = 4 << 20;
/// What is spooled meanwhile goes together, and not by a connection for each few.
const PACE: Duration = Duration::from_millis(100);

/// Gives records to `sarkd`.
#[derive(Debug)]
pub struct Deposit {
    caller: Caller,
    /// How far it had them when it said so last: for a start while it is away. It is never further than
    /// `sarkd` is, and the spool's own numbers go on after both.
    kept: PathBuf,
    /// Nobody else writes that file meanwhile.
    lock: Arc<File>,
}

impl Deposit {
    /// `kept` is a file that only who holds the lock writes.
    #[must_use]
    pub fn new(caller: Caller, kept: PathBuf, lock: Arc<File>) -> Self {
        Self { caller, kept, lock }
    }

    async fn ask(&self, name: &str) -> Result<u64, CallError> {
        let path = routes::PROXY_MARK.replace("{mark}", name);
        let answer = self.caller.call(Method::GET, &path, JSON, Bytes::new(), WITHIN).await?;
        read(&answer.1)
    }

    async fn give(&self, mark: Mark<'_>, records: Vec<Spooled>) -> Result<(), CallError> {
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
        for record in &records {
            body.push('\n');
            body.push_str(record.text());
        }
        let path = routes::PROXY_RECORDS;
        let answer = self.caller.call(Method::POST, path, LINES, body.into(), WITHIN).await?;
        let position = read(&answer.1)?;
        self.keep(position).await;
        Ok(())
    }

    /// What cannot be kept is asked for again at the next start.
    async fn keep(&self, position: u64) {
        let (kept, lock) = (self.kept.clone(), Arc::clone(&self.lock));
        // A disk that is busy holds up no request.
        let keeping = tokio::task::spawn_blocking(move || {
            let beside = kept.with_extension("new");
            let written = std::fs::write(&beside, position.to_string());
            if let Err(error) = written.and_then(|()| std::fs::rename(&beside, &kept)) {
                tracing::warn!(%error, "how far sarkd has the records could not be kept");
            }
            drop(lock);
        });
        // It does not panic, and if the program ends it need not be kept.
        let _ = keeping.await;
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
        match self.ask(name).await {
            Ok(position) => {
                self.keep(position).await;
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

    fn pace(&self) -> Duration {
        PACE
    }

    async fn write(&self, records: Vec<Spooled>, mark: Mark<'_>) -> Result<(), StorageError> {
        match self.give(mark, records).await {
            // They were taken before, and the answer was lost; or others are missing.
            Err(CallError::Refused { position: Some(position), .. }) => {
                Err(StorageError::Moved(position))
            }
            given => given.map_err(|error| unavailable("give records to sarkd", error)),
        }
    }
}

fn unavailable(what: &'static str, error: CallError) -> StorageError {
    StorageError::Unavailable { what, source: error.into() }
}

#[cfg(test)]
mod tests {
    use sark_core::audit::{AuditRecord, Outcome};
    use sark_core::{Clock as _, SystemClock};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixListener;

    use super::*;

    /// Whoever asks is answered with this.
    fn answering(path: &std::path::Path, status: &'static str, body: &'static str) {
        let listener = UnixListener::bind(path).unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut asked = Vec::new();
                while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
                    stream.read_buf(&mut asked).await.unwrap();
                }
                let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len());
                stream.write_all(head.as_bytes()).await.unwrap();
                stream.write_all(body.as_bytes()).await.unwrap();
            }
        });
    }

    #[tokio::test]
    async fn what_is_stored_already_is_told_from_what_cannot_be() {
        let directory = tempfile::tempdir().unwrap();
        let detail = serde_json::Value::Null;
        let record =
            AuditRecord::new(SystemClock.now(), "proxy:x", "proxy.flow", Outcome::Ok, detail);
        let records = vec![Spooled::of(&record).unwrap()];
        for (name, status, body, moved) in [
            (
                "a",
                "409 Conflict",
                r#"{"error":{"code":"conflict","message":"m","position":7}}"#,
                true,
            ),
            ("b", "409 Conflict", r#"{"error":{"code":"conflict","message":"m"}}"#, false),
            (
                "c",
                "503 Down",
                r#"{"error":{"code":"unavailable","message":"m","position":7}}"#,
                false,
            ),
        ] {
            let socket = directory.path().join(name);
            answering(&socket, status, body);
            let place = sark_caller::SarkdConfig { socket, ..Default::default() };
            let caller = place.caller("sarkd").unwrap();
            let lock = Arc::new(File::create(directory.path().join("lock")).unwrap());
            let deposit = Deposit::new(caller, directory.path().join("position"), lock);
            let mark = Mark { name: "spool:x", after: 3, position: 4 };
            let error = deposit.write(records.clone(), mark).await.unwrap_err();
            assert_eq!(matches!(error, StorageError::Moved(7)), moved, "{name}: {error:?}");
        }
    }
}
