//! Entries that users make through the API.

use jiff::Timestamp;
use sark_core::audit::{AuditRecord, Outcome};
use sark_core::document::Diagnostic;
use sark_core::storage::StorageError;
use sark_registry::overlay::{Overlay, parse_entries};
use sark_registry::storage::UserEntry;
use serde_json::json;

use super::{Registrar, RegistrarError};
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
    /// See the type.
    #[error(transparent)]
    Registrar(#[from] RegistrarError),
    /// The store does not answer or has no space.
    #[error("cannot use the store")]
    Store(#[from] StorageError),
}

impl Registrar {
    /// All, expired ones too, by name.
    pub async fn entries(&self) -> Result<Vec<UserEntry>, StorageError> {
        self.store.entries().await
    }

    /// Puts the documents of a text in place of those of their names. Their names.
    pub async fn put_entries(
        &self,
        file: &str,
        text: &str,
        actor: &Actor,
    ) -> Result<Vec<String>, EntriesError> {
        let now = self.clock.now();
        let overlays = parse_entries(file, text).map_err(EntriesError::Input)?;
        // An entry is stored in the words of its user; of several documents each has its own.
        if let [_, second, ..] = overlays.as_slice() {
            let message = format!("{:?} is a second document", second.name);
            return Err(EntriesError::Input(vec![
                Diagnostic::of_file(file, message).with_help("put one document at a time"),
            ]));
        }
        let mut turn = self.turn.lock().await;
        let mut names = Vec::new();
        for overlay in overlays {
            let entry = UserEntry {
                name: overlay.name.clone(),
                text: text.to_owned(),
                owner: overlay.owner.clone().unwrap_or_default(),
                created_at: now,
                actor: actor.0.clone(),
                expires: overlay.expires_at,
            };
            let record = record(now, actor, "registry.entry.put", &entry.name);
            self.store.put_entry(&entry, &record).await?;
            let others = turn.material.entries.iter().filter(|known| known.name != overlay.name);
            names.push(overlay.name.clone());
            turn.material.entries = others.cloned().chain([overlay.clone()]).collect();
        }
        let cause = format!("entry {}", names.join(", "));
        self.remake(&mut turn, &cause, &actor.0, None).await?;
        Ok(names)
    }

    /// Deletes one.
    pub async fn delete_entry(&self, name: &str, actor: &Actor) -> Result<(), EntriesError> {
        let mut turn = self.turn.lock().await;
        let record = record(self.clock.now(), actor, "registry.entry.delete", name);
        if !self.store.delete_entry(name, &record).await? {
            return Err(EntriesError::Unknown(name.to_owned()));
        }
        let rest = turn.material.entries.iter().filter(|known| known.name != name);
        turn.material.entries = rest.cloned().collect();
        self.remake(&mut turn, &format!("entry {name} deleted"), &actor.0, None).await?;
        Ok(())
    }
}

fn record(at: Timestamp, actor: &Actor, event: &str, name: &str) -> AuditRecord {
    AuditRecord {
        at,
        actor: actor.0.clone(),
        event: event.to_owned(),
        outcome: Outcome::Ok,
        detail: json!({ "entry": name }),
    }
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
