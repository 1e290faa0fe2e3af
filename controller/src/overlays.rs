//! The registry: what ships, with the operator's overlays on top.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use sark_core::document::Diagnostic;
use sark_registry::Snapshot;
use sark_registry::overlay::{self, Overlay};
use tokio::sync::{Notify, watch};

/// Holds the snapshot that is used now. Readers take an `Arc` and keep it as long as they like.
#[derive(Debug)]
pub struct RegistryHolder {
    current: RwLock<Arc<Snapshot>>,
    newest: RwLock<Arc<Snapshot>>,
    changed: Notify,
    replaced: watch::Sender<()>,
}

/// Why the registry could not be built; the one in use stays.
#[derive(Debug, thiserror::Error)]
pub enum OverlayError {
    /// A file cannot be read.
    #[error("cannot read the registry overlay {path}")]
    Read {
        /// Its path.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// A file is wrong.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Content(Vec<Diagnostic>),
}

impl RegistryHolder {
    /// Of a snapshot.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Self {
        let snapshot = Arc::new(snapshot);
        let newest = RwLock::new(Arc::clone(&snapshot));
        let (changed, replaced) = Default::default();
        Self { current: RwLock::new(snapshot), newest, changed, replaced }
    }

    /// The newest version: another than the one in use while one is pinned.
    pub fn newest(&self) -> Arc<Snapshot> {
        Arc::clone(&self.newest.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// There is a newer version, whether or not it is used.
    pub fn set_newest(&self, snapshot: Arc<Snapshot>) {
        *self.newest.write().unwrap_or_else(PoisonError::into_inner) = snapshot;
        self.changed.notify_one();
    }

    /// The snapshot that is used now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends when there was a newer version, or another in use, since the last call. For one task.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Wakes when another is in use; for as many as like.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<()> {
        self.replaced.subscribe()
    }

    /// Replaces the snapshot, unless the content is the same. Whether it was replaced.
    pub fn replace(&self, snapshot: Arc<Snapshot>) -> bool {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        // What no rule may touch is no part of the version.
        let changed = current.version() != snapshot.version()
            || current.never_touch() != snapshot.never_touch();
        if changed {
            *current = snapshot;
            self.changed.notify_one();
            self.replaced.send_replace(());
        }
        changed
    }
}

/// The seed with these overlays; relative paths are seen from `base`.
pub fn build(base: &Path, overlays: &[PathBuf]) -> Result<Snapshot, OverlayError> {
    let files = files(base, overlays)?;
    sark_registry::load(files.iter().map(|(name, text)| (name.as_str(), text.as_str())))
        .map_err(OverlayError::Content)
}

/// The overlays themselves.
pub fn read(base: &Path, overlays: &[PathBuf]) -> Result<Vec<Overlay>, OverlayError> {
    let (mut read, mut mistakes) = (Vec::new(), Vec::new());
    for (name, text) in files(base, overlays)? {
        match overlay::parse(&name, &text) {
            Ok(overlays) => read.extend(overlays),
            Err(found) => mistakes.extend(found),
        }
    }
    if mistakes.is_empty() { Ok(read) } else { Err(OverlayError::Content(mistakes)) }
}

/// Their names and texts.
pub(crate) fn files(
    base: &Path,
    overlays: &[PathBuf],
) -> Result<Vec<(String, String)>, OverlayError> {
    let file = |overlay: &PathBuf| {
        let path = base.join(overlay);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok((path.display().to_string(), text)),
            Err(source) => Err(OverlayError::Read { path, source }),
        }
    };
    overlays.iter().map(file).collect()
}
