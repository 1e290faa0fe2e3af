//! What another `sarkd` makes comes into use here.

use std::sync::Arc;

use sark_registry::Snapshot;

use super::{Registrar, RegistrarError, entries};

impl Registrar {
    /// Uses the version that the leader uses: the pinned one, or the newest. Stores nothing.
    pub async fn follow(&self) -> Result<(), RegistrarError> {
        let mut turn = self.turn.lock().await;
        let (entries, _) = entries::read(self.store.entries().await?);
        turn.material.entries = entries.into();
        let pinned = self.store.pinned().await?.map(|pin| pin.version);
        // The leader may not have made the first yet.
        let Some(newest) = self.store.newest_version().await? else { return Ok(()) };
        let known = turn.newest.as_ref().map(|version| version.number);
        if pinned == turn.pinned && known == Some(newest.number) {
            return Ok(());
        }
        let Some(endpoints) = self.store.load_version(newest.number).await? else { return Ok(()) };
        let never_touch = turn.material.never_touch(self.clock.now());
        let made = move || Snapshot::build(endpoints).with_never_touch(&never_touch);
        let snapshot = Arc::new(tokio::task::spawn_blocking(made).await?);
        self.holder.set_newest(Arc::clone(&snapshot));
        turn.pinned = pinned;
        match pinned {
            Some(number) => self.use_pinned(&mut turn, number).await?,
            None => self.put_in_use(snapshot),
        }
        turn.newest = Some(newest);
        Ok(())
    }
}
