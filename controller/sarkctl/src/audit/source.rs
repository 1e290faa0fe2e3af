//! Where the trail is read: `sarkd`, or its database file.

use std::path::PathBuf;
use std::pin::pin;
use std::task::{Poll, Waker};

use async_trait::async_trait;
use sark_api::{AuditResponse, CheckpointsResponse, StoredResponse, TrailResponse, routes};
use sark_audit::{Checkpoint, Note, VerifyingKey};
use sark_core::audit::{AuditRecord, Head, Page, Search, Stored};
use sark_core::storage::{
    AuditStore as _, Beginning, CheckpointStore as _, KeptCheckpoint, StorageError,
};
use sark_store::Store;
use tokio::runtime::Runtime;

use crate::cli::Context;
use crate::client::{Client, ClientError};
use crate::exit::Failure;

/// Where.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Source options")]
pub struct SourceArgs {
    /// Read this database file (`sark.db` in the state directory, or a copy), without sarkd
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
}

/// An opened one.
pub enum Source {
    /// A file; it is not written to.
    Database { store: Store, runtime: Runtime, path: PathBuf },
    /// Over the API.
    Sarkd(Client),
}

impl SourceArgs {
    /// Opens it.
    pub fn open(&self, context: &Context) -> Result<Source, Failure> {
        let Some(path) = &self.database else { return Ok(Source::Sarkd(context.client()?)) };
        if !path.is_file() {
            let why = format!("there is no file {}", path.display());
            return Err(
                Failure::usage(why).next("name sarkd's database: `sark.db` in its state directory")
            );
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(Failure::failed)?;
        let store = runtime.block_on(Store::look_at(path)).map_err(|error| {
            Failure::failed(error).next("see that it is a database of sarkd, and of this version")
        })?;
        Ok(Source::Database { store, runtime, path: path.clone() })
    }
}

impl Source {
    /// A page of those that a search finds.
    pub fn search(&self, search: &Search, page: Page) -> Result<Vec<(u64, AuditRecord)>, Failure> {
        match self {
            Self::Database { store, runtime, .. } => {
                runtime.block_on(store.search(search, page)).map_err(unreadable)
            }
            Self::Sarkd(client) => {
                let query = query(search, page)?;
                let pairs: Vec<_> = query.iter().map(|(name, v)| (*name, v.as_str())).collect();
                let answer: AuditResponse = client.get(routes::TRAIL_RECORDS, &pairs)?;
                Ok(answer.records.into_iter().map(|one| (one.sequence, one.record)).collect())
            }
        }
    }

    /// All checkpoints, oldest first.
    pub fn checkpoints(&self) -> Result<Vec<KeptCheckpoint>, Failure> {
        let mut all: Vec<KeptCheckpoint> = Vec::new();
        loop {
            let after = all.last().map_or(0, |kept| kept.head.sequence);
            let page = match self {
                Self::Database { store, runtime, .. } => {
                    runtime.block_on(store.checkpoints_after(after, 1000)).map_err(unreadable)?
                }
                Self::Sarkd(client) => {
                    let after = after.to_string();
                    let query = [("after", after.as_str()), ("limit", "1000")];
                    let page: CheckpointsResponse =
                        client.get(routes::TRAIL_CHECKPOINTS, &query)?;
                    page.checkpoints
                }
            };
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    /// The keys: as given, else beside the database, else `sarkd`'s word.
    pub fn keys(&self, given: &[String]) -> Result<Vec<VerifyingKey>, Failure> {
        if !given.is_empty() {
            return keys_of(given);
        }
        let text = match self {
            Self::Database { path, .. } => {
                std::fs::read_to_string(path.with_file_name("audit.key.pub")).ok()
            }
            Self::Sarkd(client) => client.get::<TrailResponse>(routes::TRAIL, &[])?.key,
        };
        parse(&text.unwrap_or_default())
    }

    /// Checkpoints that one of these keys has signed; one that none has is a failure.
    pub fn signed(&self, keys: &[VerifyingKey]) -> Result<Vec<Checkpoint>, Failure> {
        let kept = self.checkpoints()?;
        kept.iter().map(|kept| open(&kept.note, keys, kept.head.sequence)).collect()
    }

    /// Walks through the trail.
    pub fn walk<T>(&self, walk: impl AsyncFnOnce(&dyn sark_audit::Source) -> T) -> T {
        match self {
            Self::Database { store, runtime, .. } => runtime.block_on(walk(store)),
            // Each question is answered before it returns: there is nothing to wait for.
            Self::Sarkd(client) => {
                let remote = Remote(client);
                let mut walking = pin!(walk(&remote));
                let mut context = std::task::Context::from_waker(Waker::noop());
                loop {
                    if let Poll::Ready(done) = walking.as_mut().poll(&mut context) {
                        return done;
                    }
                }
            }
        }
    }
}

/// Keys as they are given: each a text, or a file with one or several, one a line.
pub fn keys_of(given: &[String]) -> Result<Vec<VerifyingKey>, Failure> {
    let mut keys = Vec::new();
    for given in given {
        if let Ok(key) = given.parse() {
            keys.push(key);
            continue;
        }
        let help = "give the text `NAME+HASH+BASE64`, or a file with it, such as `audit.key.pub`";
        let text = std::fs::read_to_string(given).map_err(|error| {
            Failure::usage(format!("cannot read the key {given}: {error}")).next(help)
        })?;
        let read = parse(&text)?;
        if read.is_empty() {
            return Err(Failure::usage(format!("there is no key in {given}")).next(help));
        }
        keys.extend(read);
    }
    Ok(keys)
}

fn parse(text: &str) -> Result<Vec<VerifyingKey>, Failure> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| line.parse().map_err(Failure::usage)).collect()
}

/// A checkpoint, if one of these keys has signed it.
pub fn open(note: &str, keys: &[VerifyingKey], sequence: u64) -> Result<Checkpoint, Failure> {
    match Note::parse(note) {
        Ok(note) => open_note(&note, keys, &format!("the checkpoint of record {sequence}")),
        Err(error) => Err(not_believed(&format!("the checkpoint of record {sequence}"), error)),
    }
}

/// A note's checkpoint, if one of these keys has signed it.
pub fn open_note(note: &Note, keys: &[VerifyingKey], what: &str) -> Result<Checkpoint, Failure> {
    let error = match Checkpoint::open_with(note, keys) {
        Ok((checkpoint, _)) => return Ok(checkpoint),
        Err(error) => error,
    };
    let signers = note.signers();
    let is_known = |signer: &String| keys.iter().any(|key| key.short() == *signer);
    if signers.iter().any(is_known) {
        return Err(not_believed(what, error));
    }
    let given: Vec<String> = keys.iter().map(VerifyingKey::short).collect();
    let why = format!("it is signed by {}, not by {}", signers.join(", "), given.join(", "));
    Err(Failure::failed(format!("{what} is not believed: {why}")).next(
        "if the key was changed, or several sarkd signed, give each key with a --key of its own; \
         else somebody forged it",
    ))
}

fn not_believed(what: &str, error: impl std::fmt::Display) -> Failure {
    Failure::failed(format!("{what} is not believed: {error}")).next(
        "its text or signature was changed: compare it with the copies of an anchor \
         (docs/runbooks/audit.md)",
    )
}

fn query(search: &Search, page: Page) -> Result<Vec<(&'static str, String)>, Failure> {
    let fields = serde_json::to_value(search).map_err(Failure::failed)?;
    let names = [
        "since", "until", "actor", "event", "severity", "host", "user", "request", "policy",
        "alerts",
    ];
    let mut query: Vec<_> = names
        .into_iter()
        .filter_map(|name| match fields.get(name)? {
            serde_json::Value::String(text) => Some((name, text.clone())),
            value => Some((name, value.to_string())),
        })
        .collect();
    let limit = match page {
        Page::Back { before, limit } => {
            query.extend(before.map(|before| ("before", before.to_string())));
            limit
        }
        Page::On { after, limit } => {
            query.push(("after", after.to_string()));
            limit
        }
    };
    query.push(("limit", limit.to_string()));
    Ok(query)
}

fn unreadable(error: StorageError) -> Failure {
    Failure::failed(error)
        .next("`sarkctl audit verify` says whether the trail is as it was written")
}

/// `sarkd`'s trail, read as a store's.
struct Remote<'c>(&'c Client);

impl Remote<'_> {
    fn ask<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, StorageError> {
        let failed = |source: ClientError| StorageError::Unavailable {
            what: "be read through sarkd",
            source: Box::new(source),
        };
        self.0.get(path, query).map_err(failed)
    }
}

#[async_trait]
impl sark_audit::Source for Remote<'_> {
    async fn head(&self) -> Result<Head, StorageError> {
        Ok(self.ask::<TrailResponse>(routes::TRAIL, &[])?.head)
    }

    async fn beginning(&self) -> Result<Option<Beginning>, StorageError> {
        Ok(self.ask::<TrailResponse>(routes::TRAIL, &[])?.beginning)
    }

    async fn stored_after(&self, sequence: u64, limit: u32) -> Result<Vec<Stored>, StorageError> {
        let (after, limit) = (sequence.to_string(), limit.min(1000).to_string());
        let query = [("after", after.as_str()), ("limit", limit.as_str())];
        Ok(self.ask::<StoredResponse>(routes::TRAIL_STORED, &query)?.stored)
    }
}
