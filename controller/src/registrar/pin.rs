//! Versions that shall stay in use whatever feeds say.

use std::sync::Arc;

use sark_core::audit::{AuditRecord, Outcome};
use sark_core::storage::StorageError;
use sark_registry::Snapshot;
use sark_registry::storage::Version;
use serde_json::json;

use super::{Registrar, RegistrarError, Turn};
use crate::Actor;

/// Which version to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinnedTo {
    /// This one, until further notice.
    Version(u64),
    /// The one before the one in use, until further notice.
    Previous,
    /// The newest, now and from now on.
    Newest,
}

/// Why the version in use stays.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// There is none with this number.
    #[error("there is no registry version {0}")]
    Unknown(u64),
    /// The one in use is the first.
    #[error("there is no registry version before {0}")]
    First(u64),
    /// See the type.
    #[error(transparent)]
    Registrar(#[from] RegistrarError),
    /// The store does not answer or has no space.
    #[error("cannot use the store")]
    Store(#[from] StorageError),
}

impl Registrar {
    /// Pins a version, or none. The version in use then.
    pub async fn pin(&self, to: PinnedTo, actor: &Actor) -> Result<Version, PinError> {
        let mut turn = self.turn.lock().await;
        let in_use = self.version_in_use(&turn).await?;
        let number = match to {
            PinnedTo::Newest => None,
            PinnedTo::Version(number) => Some(number),
            PinnedTo::Previous => {
                let before = in_use.as_ref().map_or(1, |version| version.number);
                let found = self.store.versions(1, Some(before)).await?;
                let found = found.first().ok_or(PinError::First(before))?;
                Some(found.number)
            }
        };
        let now = self.clock.now();
        let record = AuditRecord::new(
            now,
            &actor.0,
            "registry.pin",
            Outcome::Ok,
            json!({ "from": in_use.map(|version| version.number), "to": number }),
        );
        if !self.store.pin(number, now, &actor.0, &record).await? {
            return Err(PinError::Unknown(number.unwrap_or_default()));
        }
        turn.pinned = number;
        match number {
            Some(number) => self.use_pinned(&mut turn, number).await?,
            None => self.remake(&mut turn, "unpinned", &actor.0, None).await?,
        }
        let in_use = self.version_in_use(&turn).await?;
        in_use.ok_or(PinError::Unknown(number.unwrap_or_default()))
    }

    /// Number of the pinned version, and the version in use.
    pub async fn in_use(&self) -> Result<(Option<u64>, Option<Version>), StorageError> {
        let turn = self.turn.lock().await;
        Ok((turn.pinned, self.version_in_use(&turn).await?))
    }

    async fn version_in_use(&self, turn: &Turn) -> Result<Option<Version>, StorageError> {
        match turn.pinned {
            Some(number) => self.store.version(number).await,
            None => Ok(turn.newest.clone()),
        }
    }

    pub(super) async fn use_pinned(
        &self,
        turn: &mut Turn,
        number: u64,
    ) -> Result<(), RegistrarError> {
        let Some(endpoints) = self.store.load_version(number).await? else {
            // Pruning keeps it; somebody else removed it.
            tracing::error!(number, "the pinned registry version is gone: the newest is used");
            turn.pinned = None;
            return Ok(());
        };
        let never_touch = turn.material.never_touch(self.clock.now());
        let made = move || Snapshot::build(endpoints).with_never_touch(&never_touch);
        let snapshot = tokio::task::spawn_blocking(made).await?;
        self.put_in_use(Arc::new(snapshot));
        Ok(())
    }
}
