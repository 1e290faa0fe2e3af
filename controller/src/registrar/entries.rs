//! Entries that users make through the API.

use std::sync::Arc;

use jiff::Timestamp;
use sark_core::ContentHash;
use sark_core::audit::{AuditRecord, Outcome};
use sark_core::document::Diagnostic;
use sark_core::storage::StorageError;
use sark_registry::assemble::Note;
use sark_registry::difference::{EndpointChange, between};
use sark_registry::overlay::{NeverTouch, Overlay, parse_entries};
use sark_registry::storage::UserEntry;
use serde_json::json;

use super::{Registrar, RegistrarError, Turn};
use crate::Actor;

/// Why entries stay as they were.
#[derive(Debug, thiserror::Error)]
pub enum EntriesError {
    /// The document is wrong.
    #[error("the entries have {} mistake{}", .0.len(), if .0.len() == 1 { "" } else { "s" })]
    Input(Vec<Diagnostic>),
    /// There is none with this name.
    #[error("there is no entry {0:?}")]
    Unknown(String),
    /// The registry is another than the one that was looked at, and not by names alone.
    #[error("the registry is {found} by now, not {expected}")]
    Unexpected {
        /// As asked for.
        expected: String,
        /// As in [`EntryChange::before`].
        found: String,
    },
    /// See the type.
    #[error(transparent)]
    Registrar(#[from] RegistrarError),
    /// The store does not answer or has no space.
    #[error("cannot use the store")]
    Store(#[from] StorageError),
}

/// How to change entries.
#[derive(Debug, Clone, Copy, Default)]
pub struct How<'a> {
    /// Say what would change, and change nothing.
    pub dry_run: bool,
    /// Only if the registry is still the one that was looked at: its [`EntryChange::before`].
    pub expect: Option<&'a str>,
}

/// What a change of entries came to, or would come to.
#[derive(Debug, Clone)]
pub struct EntryChange {
    /// Its name.
    pub entry: String,
    /// Hash of the registry before, without the addresses that names lead to: those come and go
    /// while a person reads.
    pub before: ContentHash,
    /// Registry version after.
    pub after: ContentHash,
    /// How endpoints differ.
    pub endpoints: Vec<EndpointChange>,
    /// What of it could not be laid, and what is odd.
    pub notes: Vec<Note>,
    /// Another version is pinned, so the new one is not used.
    pub pinned: Option<u64>,
}

impl Registrar {
    /// All, expired ones too, by name.
    pub async fn entries(&self) -> Result<Vec<UserEntry>, StorageError> {
        self.store.entries().await
    }

    /// What no rule may touch by overlay files and entries as they are now.
    pub async fn never_touch(&self) -> Vec<NeverTouch> {
        self.turn.lock().await.material.never_touch(self.clock.now())
    }

    /// Puts a document in place of the one of its name.
    pub async fn put_entry(
        &self,
        file: &str,
        text: &str,
        how: How<'_>,
        actor: &Actor,
    ) -> Result<EntryChange, EntriesError> {
        let overlay = one(file, text)?;
        let mut turn = self.turn.lock().await;
        let others = turn.material.entries.iter().filter(|known| known.name != overlay.name);
        let entries: Arc<[Overlay]> = others.cloned().chain([overlay.clone()]).collect();
        let change = self.look(&turn, &overlay.name, &entries, how).await?;
        if how.dry_run {
            return Ok(change);
        }
        let now = self.clock.now();
        let entry = UserEntry {
            name: overlay.name.clone(),
            text: text.to_owned(),
            owner: overlay.owner.unwrap_or_default(),
            created_at: now,
            actor: actor.0.clone(),
            expires: overlay.expires_at,
        };
        let record = record(now, actor, "registry.entry.put", &entry.name);
        self.store.put_entry(&entry, &record).await?;
        turn.material.entries = entries;
        self.remake(&mut turn, &format!("entry {}", entry.name), &actor.0, None).await?;
        Ok(change)
    }

    /// Deletes one.
    pub async fn delete_entry(
        &self,
        name: &str,
        how: How<'_>,
        actor: &Actor,
    ) -> Result<EntryChange, EntriesError> {
        let mut turn = self.turn.lock().await;
        // One that this version cannot read is stored and not laid.
        if !self.store.entries().await?.iter().any(|entry| entry.name == name) {
            return Err(EntriesError::Unknown(name.to_owned()));
        }
        let rest = turn.material.entries.iter().filter(|known| known.name != name);
        let entries = rest.cloned().collect();
        let change = self.look(&turn, name, &entries, how).await?;
        if how.dry_run {
            return Ok(change);
        }
        let record = record(self.clock.now(), actor, "registry.entry.delete", name);
        if !self.store.delete_entry(name, &record).await? {
            return Err(EntriesError::Unknown(name.to_owned()));
        }
        turn.material.entries = entries;
        self.remake(&mut turn, &format!("entry {name} deleted"), &actor.0, None).await?;
        Ok(change)
    }

    /// What these entries would change, if the registry is the one that is expected.
    async fn look(
        &self,
        turn: &Turn,
        name: &str,
        entries: &Arc<[Overlay]>,
        how: How<'_>,
    ) -> Result<EntryChange, EntriesError> {
        let now = self.clock.now();
        let (old, mut new) = (turn.material.clone(), turn.material.clone());
        new.entries = Arc::clone(entries);
        let made = move || {
            let unled = old.unled().assemble(now).snapshot.version().clone();
            (unled, old.assemble(now), new.assemble(now))
        };
        let made = tokio::task::spawn_blocking(made).await.map_err(RegistrarError::from)?;
        let (before, old, new) = made;
        if how.expect.is_some_and(|expected| expected != before.as_str()) {
            return Err(EntriesError::Unexpected {
                expected: how.expect.unwrap_or_default().to_owned(),
                found: before.to_string(),
            });
        }
        let layer = format!("entry {name}");
        Ok(EntryChange {
            entry: name.to_owned(),
            before,
            after: new.snapshot.version().clone(),
            endpoints: between(&old.snapshot, &new.snapshot),
            notes: new.notes.into_iter().filter(|note| note.layer == layer).collect(),
            pinned: turn.pinned,
        })
    }
}

/// An entry is stored in the words of its user: of several documents each has its own.
fn one(file: &str, text: &str) -> Result<Overlay, EntriesError> {
    let overlays = parse_entries(file, text).map_err(EntriesError::Input)?;
    let mut overlays = overlays.into_iter();
    let help = "put one document at a time";
    let mistake = match (overlays.next(), overlays.next()) {
        (Some(overlay), None) => return Ok(overlay),
        (None, _) => Diagnostic::of_file(file, "there is no document in it"),
        (_, Some(second)) => {
            Diagnostic::of_file(file, format!("{:?} is a second document", second.name))
        }
    };
    Err(EntriesError::Input(vec![mistake.with_help(help)]))
}

fn record(at: Timestamp, actor: &Actor, event: &str, name: &str) -> AuditRecord {
    AuditRecord::new(at, &actor.0, event, Outcome::Ok, json!({ "entry": name }))
}

/// Stored entries, in the order in which they were made, and those that this version cannot read.
pub(super) fn read(mut entries: Vec<UserEntry>) -> (Vec<Overlay>, Vec<(String, String)>) {
    entries.sort_by(|a, b| (a.created_at, &a.name).cmp(&(b.created_at, &b.name)));
    let (mut overlays, mut unreadable) = (Vec::new(), Vec::new());
    for entry in entries {
        match parse_entries(&entry.name, &entry.text) {
            Ok(read) => overlays.extend(read),
            Err(mistakes) => {
                let texts: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
                unreadable.push((entry.name, texts.join("; ")));
            }
        }
    }
    (overlays, unreadable)
}
