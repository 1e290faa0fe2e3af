//! The registry: what ships, with the operator's overlays on top.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use sark_core::document::Diagnostic;
use sark_registry::Snapshot;

/// Holds the snapshot that is used now. Readers take an `Arc` and keep it as long as they like.
#[derive(Debug)]
pub struct RegistryHolder {
    current: RwLock<Arc<Snapshot>>,
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
        Self { current: RwLock::new(Arc::new(snapshot)) }
    }

    /// The snapshot that is used now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the snapshot, unless the content is the same. Whether it was replaced.
    pub fn replace(&self, snapshot: Snapshot) -> bool {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let changed = current.version() != snapshot.version();
        if changed {
            *current = Arc::new(snapshot);
        }
        changed
    }
}

/// The seed with these overlays; relative paths are seen from `base`.
pub fn build(base: &Path, overlays: &[PathBuf]) -> Result<Snapshot, OverlayError> {
    let mut files = Vec::new();
    for overlay in overlays {
        let path = base.join(overlay);
        let text = std::fs::read_to_string(&path)
            .map_err(|source| OverlayError::Read { path: path.clone(), source })?;
        files.push((path.display().to_string(), text));
    }
    sark_registry::load(files.iter().map(|(name, text)| (name.as_str(), text.as_str())))
        .map_err(OverlayError::Content)
}
