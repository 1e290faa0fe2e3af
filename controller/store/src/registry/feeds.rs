//! Feeds: a row of state for each, and the octets of at most two copies.

use async_trait::async_trait;
use jiff::Timestamp;
use sark_core::ContentHash;
use sark_core::audit::AuditRecord;
use sark_core::storage::StorageError;
use sark_registry::storage::{Check, FeedCopy, FeedState, FeedStore, Part};

use crate::query::sql;
use crate::row::{Row, json};
use crate::session::Session;
use crate::store::{Store, corrupt};
use crate::trail::insert_record;

const IN_USE: bool = false;
const PENDING: bool = true;

#[async_trait]
impl FeedStore for Store {
    async fn feeds(&self) -> Result<Vec<FeedState>, StorageError> {
        let mut session = self.reading("list feeds").await?;
        let rows = sql("SELECT * FROM registry_feed ORDER BY name").all(&mut session).await?;
        rows.iter().map(state_of).collect()
    }

    async fn feed(&self, name: &str) -> Result<Option<FeedState>, StorageError> {
        let mut session = self.reading("read a feed").await?;
        read_state(&mut session, name).await
    }

    async fn copy_in_use(&self, feed: &str) -> Result<Option<FeedCopy>, StorageError> {
        read_copy(self, feed, IN_USE).await
    }

    async fn copy_pending(&self, feed: &str) -> Result<Option<FeedCopy>, StorageError> {
        read_copy(self, feed, PENDING).await
    }

    async fn use_copy(
        &self,
        feed: &str,
        copy: &FeedCopy,
        check: &Check,
        record: Option<&AuditRecord>,
    ) -> Result<(), StorageError> {
        let (mut t, mut state) = change(self, feed).await?;
        state.used(copy, check);
        save_state(&mut t, &state).await?;
        drop_parts(&mut t, feed, PENDING).await?;
        save_parts(&mut t, feed, IN_USE, &copy.parts).await?;
        finish(t, record).await
    }

    async fn hold(
        &self,
        feed: &str,
        copy: &FeedCopy,
        doubts: &serde_json::Value,
        check: &Check,
        record: Option<&AuditRecord>,
    ) -> Result<(), StorageError> {
        let (mut t, mut state) = change(self, feed).await?;
        state.held(copy, doubts, check);
        save_state(&mut t, &state).await?;
        save_parts(&mut t, feed, PENDING, &copy.parts).await?;
        finish(t, record).await
    }

    async fn checked(
        &self,
        feed: &str,
        check: &Check,
        validators: Option<&serde_json::Value>,
        record: Option<&AuditRecord>,
    ) -> Result<(), StorageError> {
        let (mut t, mut state) = change(self, feed).await?;
        state.was_checked(check, validators);
        save_state(&mut t, &state).await?;
        finish(t, record).await
    }

    async fn accept(
        &self,
        feed: &str,
        hash: &ContentHash,
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<bool, StorageError> {
        let (mut t, mut state) = change(self, feed).await?;
        if !state.accepted(hash, at) {
            return Ok(false);
        }
        save_state(&mut t, &state).await?;
        drop_parts(&mut t, feed, IN_USE).await?;
        sql("UPDATE registry_feed_part SET pending = $1 WHERE feed = $2 AND pending = $3")
            .bind(IN_USE)
            .bind(feed)
            .bind(PENDING)
            .run(&mut t)
            .await?;
        finish(t, Some(record)).await?;
        Ok(true)
    }

    async fn reject(
        &self,
        feed: &str,
        hash: &ContentHash,
        at: Timestamp,
        actor: &str,
        record: &AuditRecord,
    ) -> Result<bool, StorageError> {
        let (mut t, mut state) = change(self, feed).await?;
        if !state.refused(hash, at, actor) {
            return Ok(false);
        }
        save_state(&mut t, &state).await?;
        drop_parts(&mut t, feed, PENDING).await?;
        finish(t, Some(record)).await?;
        Ok(true)
    }

    async fn forget(&self, feed: &str, record: &AuditRecord) -> Result<bool, StorageError> {
        let (mut t, _) = change(self, feed).await?;
        let done = sql("DELETE FROM registry_feed WHERE name = $1").bind(feed).run(&mut t).await?;
        if done == 0 {
            return Ok(false);
        }
        finish(t, Some(record)).await?;
        Ok(true)
    }
}

/// The write lock, and the state to change under it.
async fn change(store: &Store, feed: &str) -> Result<(Session, FeedState), StorageError> {
    let mut session = store.writing("store a feed's copy").await?;
    let state = read_state(&mut session, feed).await?.unwrap_or_else(|| FeedState::new(feed));
    Ok((session, state))
}

async fn finish(mut session: Session, record: Option<&AuditRecord>) -> Result<(), StorageError> {
    if let Some(record) = record {
        insert_record(&mut session, record).await?;
    }
    session.commit().await
}

async fn read_state(session: &mut Session, feed: &str) -> Result<Option<FeedState>, StorageError> {
    let row = sql("SELECT * FROM registry_feed WHERE name = $1").bind(feed).first(session).await?;
    row.as_ref().map(state_of).transpose()
}

fn state_of(row: &Row) -> Result<FeedState, StorageError> {
    row.parsed("state", format!("feed {}", row.text("name")?))
}

async fn save_state(session: &mut Session, state: &FeedState) -> Result<(), StorageError> {
    sql("INSERT INTO registry_feed VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET state = excluded.state")
    .bind(&state.name)
    .bind(json(state)?)
    .run(session)
    .await?;
    Ok(())
}

async fn drop_parts(session: &mut Session, feed: &str, pending: bool) -> Result<(), StorageError> {
    sql("DELETE FROM registry_feed_part WHERE feed = $1 AND pending = $2")
        .bind(feed)
        .bind(pending)
        .run(session)
        .await?;
    Ok(())
}

async fn save_parts(
    session: &mut Session,
    feed: &str,
    pending: bool,
    parts: &[Part],
) -> Result<(), StorageError> {
    drop_parts(session, feed, pending).await?;
    for (position, part) in (0_i64..).zip(parts) {
        sql("INSERT INTO registry_feed_part VALUES ($1, $2, $3, $4, $5)")
            .bind(feed)
            .bind(pending)
            .bind(position)
            .bind(&part.name)
            .bind(part.octets.as_slice())
            .run(session)
            .await?;
    }
    Ok(())
}

async fn read_copy(
    store: &Store,
    feed: &str,
    pending: bool,
) -> Result<Option<FeedCopy>, StorageError> {
    // State and octets of one moment.
    let mut session = store.snapshot("read a feed's copy").await?;
    let Some(state) = read_state(&mut session, feed).await? else { return Ok(None) };
    let wanted = if pending {
        state.pending.map(|copy| (copy.hash, copy.validators, copy.fetched_at))
    } else {
        state.in_use.map(|copy| (copy.hash, copy.validators, copy.fetched_at))
    };
    let Some((hash, validators, fetched_at)) = wanted else { return Ok(None) };
    let rows = sql("SELECT name, octets FROM registry_feed_part WHERE feed = $1 AND pending = $2
         ORDER BY position")
    .bind(feed)
    .bind(pending)
    .all(&mut session)
    .await?;
    let part = |row: &Row| Ok(Part { name: row.text("name")?, octets: row.get("octets")? });
    let parts = rows.iter().map(part).collect::<Result<_, StorageError>>()?;
    let copy = FeedCopy { parts, validators, fetched_at };
    let found = copy.hash();
    if found == hash {
        return Ok(Some(copy));
    }
    Err(corrupt(format!("feed {feed}, its copy"), format!("it has the hash {found}, not {hash}")))
}
