//! Feeds: a row of state for each, and the octets of at most two copies.

use async_trait::async_trait;
use jiff::Timestamp;
use sark_core::ContentHash;
use sark_core::audit::AuditRecord;
use sark_core::storage::StorageError;
use sark_registry::storage::{Check, FeedCopy, FeedState, FeedStore, Part};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Row, Sqlite, Transaction};

use crate::revisions::{insert_record, json, parsed, text};
use crate::sqlite::{SqliteStore, corrupt, meaning};

const IN_USE: bool = false;
const PENDING: bool = true;

#[async_trait]
impl FeedStore for SqliteStore {
    async fn feeds(&self) -> Result<Vec<FeedState>, StorageError> {
        let rows = sqlx::query("SELECT * FROM registry_feed ORDER BY name")
            .fetch_all(&self.pool)
            .await
            .map_err(meaning("list feeds"))?;
        rows.iter().map(state_of).collect()
    }

    async fn feed(&self, name: &str) -> Result<Option<FeedState>, StorageError> {
        let failed = meaning("read a feed");
        let mut connection = self.pool.acquire().await.map_err(failed)?;
        read_state(&mut connection, name).await
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
        sqlx::query("UPDATE registry_feed_part SET pending = ? WHERE feed = ? AND pending = ?")
            .bind(IN_USE)
            .bind(feed)
            .bind(PENDING)
            .execute(&mut *t)
            .await
            .map_err(meaning("accept a feed's copy"))?;
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
        let done = sqlx::query("DELETE FROM registry_feed WHERE name = ?")
            .bind(feed)
            .execute(&mut *t)
            .await
            .map_err(meaning("forget a feed"))?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        finish(t, Some(record)).await?;
        Ok(true)
    }
}

type Change = Transaction<'static, Sqlite>;

/// The write lock, and the state to change under it.
async fn change(store: &SqliteStore, feed: &str) -> Result<(Change, FeedState), StorageError> {
    let failed = meaning("store a feed's copy");
    let mut t = store.pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    let state = read_state(&mut t, feed).await?.unwrap_or_else(|| FeedState::new(feed));
    Ok((t, state))
}

async fn finish(mut t: Change, record: Option<&AuditRecord>) -> Result<(), StorageError> {
    let failed = meaning("store a feed's copy");
    if let Some(record) = record {
        insert_record(&mut t, record, &failed).await?;
    }
    t.commit().await.map_err(&failed)
}

async fn read_state(
    connection: &mut SqliteConnection,
    feed: &str,
) -> Result<Option<FeedState>, StorageError> {
    let row = sqlx::query("SELECT * FROM registry_feed WHERE name = ?")
        .bind(feed)
        .fetch_optional(connection)
        .await
        .map_err(meaning("read a feed"))?;
    row.as_ref().map(state_of).transpose()
}

fn state_of(row: &SqliteRow) -> Result<FeedState, StorageError> {
    parsed(row, "state", format!("feed {}", text(row, "name")?))
}

async fn save_state(
    connection: &mut SqliteConnection,
    state: &FeedState,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO registry_feed VALUES (?, ?) ON CONFLICT DO UPDATE SET state = excluded.state",
    )
    .bind(&state.name)
    .bind(json(state)?)
    .execute(connection)
    .await
    .map_err(meaning("store a feed's copy"))?;
    Ok(())
}

async fn drop_parts(
    connection: &mut SqliteConnection,
    feed: &str,
    pending: bool,
) -> Result<(), StorageError> {
    sqlx::query("DELETE FROM registry_feed_part WHERE feed = ? AND pending = ?")
        .bind(feed)
        .bind(pending)
        .execute(connection)
        .await
        .map_err(meaning("store a feed's copy"))?;
    Ok(())
}

async fn save_parts(
    connection: &mut SqliteConnection,
    feed: &str,
    pending: bool,
    parts: &[Part],
) -> Result<(), StorageError> {
    drop_parts(connection, feed, pending).await?;
    for (position, part) in (0_i64..).zip(parts) {
        sqlx::query("INSERT INTO registry_feed_part VALUES (?, ?, ?, ?, ?)")
            .bind(feed)
            .bind(pending)
            .bind(position)
            .bind(&part.name)
            .bind(part.octets.as_slice())
            .execute(&mut *connection)
            .await
            .map_err(meaning("store a feed's copy"))?;
    }
    Ok(())
}

async fn read_copy(
    store: &SqliteStore,
    feed: &str,
    pending: bool,
) -> Result<Option<FeedCopy>, StorageError> {
    let failed = meaning("read a feed's copy");
    // State and octets of one moment.
    let mut t = store.pool.begin().await.map_err(&failed)?;
    let Some(state) = read_state(&mut t, feed).await? else { return Ok(None) };
    let wanted = if pending {
        state.pending.map(|copy| (copy.hash, copy.validators, copy.fetched_at))
    } else {
        state.in_use.map(|copy| (copy.hash, copy.validators, copy.fetched_at))
    };
    let Some((hash, validators, fetched_at)) = wanted else { return Ok(None) };
    let rows = sqlx::query(
        "SELECT name, octets FROM registry_feed_part WHERE feed = ? AND pending = ?
         ORDER BY position",
    )
    .bind(feed)
    .bind(pending)
    .fetch_all(&mut *t)
    .await
    .map_err(&failed)?;
    let part = |row: &SqliteRow| {
        let octets = row.try_get("octets").map_err(&failed)?;
        Ok(Part { name: text(row, "name")?, octets })
    };
    let parts = rows.iter().map(part).collect::<Result<_, StorageError>>()?;
    let copy = FeedCopy { parts, validators, fetched_at };
    let found = copy.hash();
    if found == hash {
        return Ok(Some(copy));
    }
    Err(corrupt(format!("feed {feed}, its copy"), format!("it has the hash {found}, not {hash}")))
}
