//! Checkpoints, cursors and pruning as rows.

use std::str::FromStr as _;

use async_trait::async_trait;
use jiff::Timestamp;
use sark_core::audit::{AuditRecord, Head};
use sark_core::storage::{Beginning, CheckpointStore, KeptCheckpoint, StorageError};

use super::{head_of, insert_record};
use crate::query::sql;
use crate::row::{Row, integer};
use crate::session::Session;
use crate::store::{Store, corrupt};

#[async_trait]
impl CheckpointStore for Store {
    async fn keep_checkpoint(&self, kept: &KeptCheckpoint) -> Result<(), StorageError> {
        let KeptCheckpoint { head, at, note, tree } = kept;
        let mut session = self.writing("keep a checkpoint").await?;
        sql("INSERT INTO trail_checkpoint (sequence, at, hash, note, tree)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (sequence) DO NOTHING")
        .bind(integer(head.sequence)?)
        .bind(at.to_string())
        .bind(head.hash.0.to_vec())
        .bind(note)
        .bind(tree)
        .run(&mut session)
        .await?;
        session.commit().await
    }

    async fn checkpoint_at(&self, sequence: u64) -> Result<Option<KeptCheckpoint>, StorageError> {
        let mut session = self.reading("read a checkpoint").await?;
        let newest = sql(
            "SELECT * FROM trail_checkpoint WHERE sequence <= $1 ORDER BY sequence DESC LIMIT 1",
        );
        let newest = newest.bind(i64::try_from(sequence).unwrap_or(i64::MAX));
        newest.first(&mut session).await?.as_ref().map(checkpoint_of).transpose()
    }

    async fn checkpoints_after(
        &self,
        sequence: u64,
        limit: u32,
    ) -> Result<Vec<KeptCheckpoint>, StorageError> {
        let mut session = self.reading("read checkpoints").await?;
        let rows =
            sql("SELECT * FROM trail_checkpoint WHERE sequence > $1 ORDER BY sequence LIMIT $2")
                .bind(i64::try_from(sequence).unwrap_or(i64::MAX))
                .bind(limit)
                .all(&mut session)
                .await?;
        rows.iter().map(checkpoint_of).collect()
    }

    async fn set_cursor(&self, reader: &str, sequence: u64) -> Result<(), StorageError> {
        let mut session = self.writing("keep a reader's cursor").await?;
        read_up_to(&mut session, reader, sequence).await?;
        session.commit().await
    }

    async fn cursors(&self) -> Result<Vec<(String, u64)>, StorageError> {
        let mut session = self.reading("read the readers' cursors").await?;
        let rows = sql("SELECT * FROM trail_cursor ORDER BY name").all(&mut session).await?;
        rows.iter().map(|row| Ok((row.text("name")?, row.count("sequence")?))).collect()
    }

    async fn beginning(&self) -> Result<Option<Beginning>, StorageError> {
        let mut session = self.reading("read where the audit trail begins").await?;
        let row = sql("SELECT * FROM trail_pruned").first(&mut session).await?;
        row.as_ref().map(beginning_of).transpose()
    }

    async fn prune(&self, up_to: &Head, record: &AuditRecord) -> Result<Option<u64>, StorageError> {
        let sequence = integer(up_to.sequence)?;
        let mut session = self.writing("prune the audit trail").await?;
        let checkpoint = sql("SELECT * FROM trail_checkpoint WHERE sequence = $1").bind(sequence);
        let checkpoint = checkpoint.first(&mut session).await?;
        let Some(kept) = checkpoint.as_ref().map(checkpoint_of).transpose()? else {
            return Ok(None);
        };
        let unread: i64 = sql("SELECT count(*) FROM trail_cursor WHERE sequence < $1")
            .bind(sequence)
            .value(&mut session)
            .await?;
        let begun = sql("SELECT * FROM trail_pruned").first(&mut session).await?;
        let begun = begun.as_ref().map(beginning_of).transpose()?;
        let is_gone = begun.is_some_and(|begun| begun.head.sequence >= up_to.sequence);
        if kept.head != *up_to || unread > 0 || is_gone {
            return Ok(None);
        }
        // First where the trail begins: the trigger lets nothing else go.
        sql("INSERT INTO trail_pruned (one, sequence, hash, tree) VALUES (1, $1, $2, $3)
             ON CONFLICT (one) DO UPDATE
             SET sequence = excluded.sequence, hash = excluded.hash, tree = excluded.tree")
        .bind(sequence)
        .bind(up_to.hash.0.to_vec())
        .bind(&kept.tree)
        .run(&mut session)
        .await?;
        let gone = sql("DELETE FROM trail WHERE sequence <= $1").bind(sequence);
        let gone = gone.run(&mut session).await?;
        insert_record(&mut session, record).await?;
        session.commit().await?;
        Ok(Some(gone))
    }
}

/// Keeps a reader's cursor, within a session that writes something else too.
pub(crate) async fn read_up_to(
    session: &mut Session,
    reader: &str,
    sequence: u64,
) -> Result<(), StorageError> {
    sql("INSERT INTO trail_cursor VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET sequence = excluded.sequence")
    .bind(reader)
    .bind(integer(sequence)?)
    .run(session)
    .await?;
    Ok(())
}

fn checkpoint_of(row: &Row) -> Result<KeptCheckpoint, StorageError> {
    let place = format!("checkpoint {}", row.count("sequence")?);
    let at = Timestamp::from_str(&row.text("at")?);
    Ok(KeptCheckpoint {
        head: head_of(row, &place)?,
        at: at.map_err(|e| corrupt(format!("{place}, at"), e))?,
        note: row.text("note")?,
        tree: row.text("tree")?,
    })
}

fn beginning_of(row: &Row) -> Result<Beginning, StorageError> {
    Ok(Beginning { head: head_of(row, "where the audit trail begins")?, tree: row.text("tree")? })
}
