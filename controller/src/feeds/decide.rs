//! What a person decides about a copy that is doubted.

use std::sync::Arc;

use sark_api::{RefreshOutcome, RefreshResult};
use sark_core::ContentHash;
use sark_core::audit::{AuditRecord, Outcome};
use serde_json::json;

use super::pass::{held, moved, read};
use super::{FeedError, Feeds};
use crate::Actor;

impl Feeds {
    /// The pending copy comes into use, if it is this one.
    pub async fn accept(
        &self,
        name: &str,
        hash: &str,
        actor: &Actor,
    ) -> Result<RefreshResult, FeedError> {
        let asked = self.known(name)?;
        let _turn = asked.turn.lock().await;
        let not_pending = || FeedError::NotPending(name.to_owned());
        let state = self.store.feed(name).await?.unwrap_or_default();
        let copy = self.store.copy_pending(name).await?.ok_or_else(not_pending)?;
        let found = copy.hash();
        if found.to_string() != hash {
            return Err(not_pending());
        }
        let parsed = read(Arc::clone(&asked.feed), copy.parts, self.clock.now()).await;
        let parsed = parsed.map_err(|problem| FeedError::Unreadable {
            feed: name.to_owned(),
            why: problem.message,
        })?;
        let now = self.clock.now();
        let record = self.record(name, &found, "registry.feed.accept", actor);
        if !self.store.accept(name, &found, now, &record).await? {
            return Err(not_pending());
        }
        self.put_in_use(&asked.feed, Arc::new(parsed), actor).await?;
        Ok(moved(name, RefreshOutcome::Updated, held(&state).as_ref()))
    }

    /// The pending copy is dropped, if it is this one, and not looked at again.
    pub async fn reject(
        &self,
        name: &str,
        hash: &str,
        actor: &Actor,
    ) -> Result<RefreshResult, FeedError> {
        let asked = self.known(name)?;
        let _turn = asked.turn.lock().await;
        let not_pending = || FeedError::NotPending(name.to_owned());
        let state = self.store.feed(name).await?.unwrap_or_default();
        let pending = state.pending.as_ref().ok_or_else(not_pending)?;
        if pending.hash.to_string() != hash {
            return Err(not_pending());
        }
        let record = self.record(name, &pending.hash, "registry.feed.reject", actor);
        let now = self.clock.now();
        if !self.store.reject(name, &pending.hash, now, &actor.0, &record).await? {
            return Err(not_pending());
        }
        Ok(moved(name, RefreshOutcome::Rejected, held(&state).as_ref()))
    }

    /// The octets of the pending copy, its parts one after another.
    pub async fn pending(&self, name: &str) -> Result<Vec<u8>, FeedError> {
        self.known(name)?;
        let copy = self.store.copy_pending(name).await?;
        let copy = copy.ok_or_else(|| FeedError::NotPending(name.to_owned()))?;
        Ok(copy.parts.into_iter().flat_map(|part| part.octets).collect())
    }

    fn record(&self, name: &str, hash: &ContentHash, event: &str, actor: &Actor) -> AuditRecord {
        AuditRecord::new(
            self.clock.now(),
            &actor.0,
            event,
            Outcome::Ok,
            json!({ "feed": name, "copy": hash.to_string() }),
        )
    }
}
