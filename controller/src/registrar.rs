//! The one writer of the registry: seed, feeds, overlays, entries and names become versions.
//!
//! ```text
//!   FeedTasks ── refresh ──┐
//!   NameTask ── learned ───┤            ┌─→ store: version, with its cause
//!   API ── entries, pin ───┼→ Registrar ┤
//!   SIGHUP ── overlays ────┘  one turn  └─→ RegistryHolder ── wake ─→ Reconciler
//! ```
//!
//! A version is stored before it is used: what cannot be stored is not used, and what was in use
//! stays. While a version is pinned, later ones are stored and not used.

mod entries;
mod follow;
mod history;
mod material;
mod pin;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sark_core::Clock;
use sark_core::audit::{AuditRecord, Outcome};
use sark_core::storage::StorageError;
use sark_registry::assemble::Note;
use sark_registry::feed::{Feed, Parsed};
use sark_registry::overlay::Overlay;
use sark_registry::storage::{Origin, RegistryStore, Version};
use sark_registry::{Learned, Snapshot};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::chain;
use crate::events::{Event, RegistryChanged};
use crate::names::Names;
use crate::{Actor, Metrics, RegistryHolder, Signals};
pub use entries::{EntriesError, EntryChange, How};
pub use history::{Step, VersionError};
use material::Material;
pub use pin::{PinError, PinnedTo};

/// Between two looks at the clock.
const LOOK: Duration = Duration::from_secs(10);
/// Between two removals of old versions.
const PRUNE: SignedDuration = SignedDuration::from_hours(1);

/// Who acts when nobody asked.
pub(crate) const OURSELVES: &str = "sarkd";

/// See the module.
pub struct Registrar {
    store: Arc<dyn RegistryStore>,
    holder: Arc<RegistryHolder>,
    clock: Arc<dyn Clock>,
    signals: Arc<Signals>,
    metrics: Arc<Metrics>,
    keep_versions: u32,
    turn: Mutex<Turn>,
}

/// What only one task at a time may touch.
struct Turn {
    material: Material,
    /// Number of the pinned version.
    pinned: Option<u64>,
    /// The newest stored version.
    newest: Option<Version>,
    notes: Vec<Note>,
    next_change: Option<Timestamp>,
}

/// The copy of a feed that is in use, parsed.
#[derive(Debug, Clone)]
pub struct CopyInUse {
    /// What it says.
    pub parsed: Arc<Parsed>,
    /// When the feed first had a copy in use.
    pub first_seen: Timestamp,
    /// When this content came into use.
    pub changed_at: Timestamp,
}

/// Why the registry stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum RegistrarError {
    /// The store does not answer or has no space.
    #[error("the new registry version could not be stored")]
    Store(#[from] StorageError),
    /// A defect.
    #[error("the registry could not be made")]
    Defect(#[from] tokio::task::JoinError),
}

/// What a registry begins with.
#[derive(Debug, Default)]
pub struct Beginning {
    /// Versions that are kept; 0 keeps all.
    pub keep_versions: u32,
    /// Feeds of the configuration, in order of precedence.
    pub feeds: Vec<Arc<Feed>>,
    /// Copies in use, by feed.
    pub copies: BTreeMap<String, CopyInUse>,
    /// Overlay files, read.
    pub overlays: Vec<Overlay>,
}

impl Registrar {
    /// Of these parts. What was in use before stays so until [`begin`](Self::begin).
    #[must_use]
    pub fn new(
        beginning: Beginning,
        store: Arc<dyn RegistryStore>,
        holder: Arc<RegistryHolder>,
        clock: Arc<dyn Clock>,
        signals: Arc<Signals>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let keep_versions = beginning.keep_versions;
        let turn = Turn {
            material: Material::new(beginning),
            pinned: None,
            newest: None,
            notes: Vec::new(),
            next_change: None,
        };
        let turn = Mutex::new(turn);
        Self { store, holder, clock, signals, metrics, keep_versions, turn }
    }

    /// Makes the first version of this run and uses it, or the pinned one. `names` says what the
    /// names in it led to before.
    pub async fn begin(&self, names: Option<&Names>) -> Result<(), RegistrarError> {
        let (entries, unreadable) = entries::read(self.store.entries().await?);
        for (name, mistakes) in &unreadable {
            tracing::error!(entry = name, mistakes, "a stored entry is not read any more");
        }
        let mut turn = self.turn.lock().await;
        turn.material.entries = entries.into();
        if let Some(names) = names {
            let (material, now) = (turn.material.clone(), self.clock.now());
            let without = tokio::task::spawn_blocking(move || material.assemble(now)).await?;
            turn.material.learned = Arc::new(names.resume(&without.snapshot));
        }
        turn.pinned = self.store.pinned().await?.map(|pin| pin.version);
        self.remake(&mut turn, "start", OURSELVES, None).await?;
        match turn.pinned {
            Some(number) => self.use_pinned(&mut turn, number).await,
            None => Ok(()),
        }
    }

    /// A feed's new copy comes into use.
    pub async fn use_copy(
        &self,
        feed: &str,
        copy: CopyInUse,
        actor: &Actor,
    ) -> Result<(), RegistrarError> {
        let mut turn = self.turn.lock().await;
        turn.material.set_copy(feed, copy);
        self.remake(&mut turn, &format!("feed {feed}"), &actor.0, None).await
    }

    /// The copy of a feed that is in use.
    pub async fn copy_in_use(&self, feed: &str) -> Option<CopyInUse> {
        self.turn.lock().await.material.copy(feed).cloned()
    }

    /// What names lead to now.
    pub async fn learn(
        &self,
        learned: BTreeMap<Arc<str>, Vec<Learned>>,
        cause: &str,
    ) -> Result<(), RegistrarError> {
        let mut turn = self.turn.lock().await;
        turn.material.learned = Arc::new(learned);
        self.remake(&mut turn, cause, OURSELVES, None).await
    }

    /// Overlay files were read again.
    pub async fn lay_overlays(&self, overlays: Vec<Overlay>) -> Result<(), RegistrarError> {
        let mut turn = self.turn.lock().await;
        turn.material.overlays = overlays.into();
        self.remake(&mut turn, "overlay files", OURSELVES, None).await
    }

    /// Something ended by itself: overlays, entries, endpoints.
    async fn time_passed(&self) -> Result<(), RegistrarError> {
        let mut turn = self.turn.lock().await;
        self.remake(&mut turn, "an entry ended", OURSELVES, None).await
    }

    /// Until `stop`: makes a version whenever an overlay, an entry or an endpoint ends by itself, and
    /// removes versions that are not kept.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut pruned: Option<Timestamp> = None;
        loop {
            let now = self.clock.now();
            if pruned.is_none_or(|at| now.duration_since(at) >= PRUNE) {
                self.prune().await;
                pruned = Some(now);
            }
            let next = self.turn.lock().await.next_change;
            let until = |at: Timestamp| {
                Duration::try_from(at.duration_since(self.clock.now())).unwrap_or_default()
            };
            // A new end may come at any time.
            let pause = next.map_or(LOOK, until).min(LOOK);
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            let is_over =
                self.turn.lock().await.next_change.is_some_and(|at| at <= self.clock.now());
            if is_over && let Err(error) = self.time_passed().await {
                tracing::error!(error = chain(&error), "the registry stays as it was");
            }
        }
    }

    async fn prune(&self) {
        if self.keep_versions == 0 {
            return;
        }
        match self.store.prune(self.keep_versions).await {
            Ok(pruned) if pruned.versions > 0 => {
                tracing::info!(versions = pruned.versions, "old registry versions are removed");
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(error = chain(&error), "old registry versions stay");
            }
        }
    }

    /// What could not be laid, and what is odd.
    pub async fn notes(&self) -> Vec<Note> {
        self.turn.lock().await.notes.clone()
    }

    /// Assembles, stores if it is new, uses it unless another is pinned.
    async fn remake(
        &self,
        turn: &mut Turn,
        cause: &str,
        actor: &str,
        record: Option<AuditRecord>,
    ) -> Result<(), RegistrarError> {
        let (material, now) = (turn.material.clone(), self.clock.now());
        let made = tokio::task::spawn_blocking(move || material.assemble(now)).await?;
        let origin = Origin { at: now, cause: cause.to_owned(), actor: actor.to_owned() };
        let record = record.unwrap_or_else(|| {
            let detail = serde_json::json!({
                "cause": cause, "registryVersion": made.snapshot.version().to_string(),
            });
            AuditRecord::new(now, actor, "registry.version", Outcome::Ok, detail)
        });
        let committed = self.store.commit_version(&made.snapshot, &origin, Some(&record)).await?;
        turn.notes = made.notes;
        turn.next_change = made.next_change;
        if committed.stored {
            let version = &committed.version;
            RegistryChanged { version, is_pinned: turn.pinned.is_some() }.emit(&self.metrics);
        }
        turn.newest = Some(committed.version);
        let snapshot = Arc::new(made.snapshot);
        self.holder.set_newest(Arc::clone(&snapshot));
        match turn.pinned {
            None => self.put_in_use(snapshot),
            // What no rule may touch holds for a pinned version too, from now on.
            Some(number) if self.holder.snapshot().never_touch() != snapshot.never_touch() => {
                self.use_pinned(turn, number).await?;
            }
            Some(_) => {}
        }
        Ok(())
    }

    fn put_in_use(&self, snapshot: Arc<Snapshot>) {
        if self.holder.replace(snapshot) {
            self.signals.wake.notify_one();
        }
    }
}
