//! The audit trail as rows: one chain, whoever writes.
//!
//! Every record is written under the write lock, which reads the head, adds to it and writes it
//! back: there is one chain, without gaps, and its numbers become visible in their order.

mod checkpoints;
mod read;
mod search;
mod unchained;

use std::sync::LazyLock;

use async_trait::async_trait;
use sark_core::audit::{
    AuditRecord, Digest, Head, Index, Page, Search, Stored, UnreadableRecord, Written,
};
use sark_core::storage::{AuditStore, Mark, StorageError};

use crate::query::{places, sql};
use crate::row::{Row, integer};
use crate::session::{Link, Session};
use crate::store::{Store, corrupt};

pub(crate) use checkpoints::read_up_to;
pub(crate) use unchained::chain_what_is_not;

/// As many rows in one statement: the statements stay few, and prepared.
const SIZES: [usize; 3] = [1024, 32, 1];

const COLUMNS: usize = 12;

/// For SQLite and for PostgreSQL. SQLite looks the name of each parameter up in a list: without
/// names that takes no time, with 1,400 of them more than all the rest.
static INSERTS: LazyLock<[[String; 3]; 2]> = LazyLock::new(|| {
    let unnamed = |rows| {
        let row = format!("({})", ["?"; COLUMNS].join(", "));
        vec![row; rows].join(", ")
    };
    let named = |rows| places(rows, COLUMNS);
    [SIZES.map(unnamed), SIZES.map(named)].map(|texts| {
        texts.map(|places| {
            format!(
                "INSERT INTO trail (sequence, hash, body, at, actor, event, severity, is_alert, \
                 host, person, request, policies) VALUES {places}"
            )
        })
    })
});

#[async_trait]
impl AuditStore for Store {
    async fn write(
        &self,
        records: &[Written],
        mark: Option<Mark<'_>>,
    ) -> Result<Head, StorageError> {
        let mut session = self.writing("append to the audit trail").await?;
        if let Some(Mark { name, after, .. }) = mark {
            let found = read_mark(&mut session, name).await?;
            if found != after {
                return Err(StorageError::Moved(found));
            }
        }
        let head = insert_all(&mut session, records).await?;
        if let Some(Mark { name, position, .. }) = mark {
            sql("INSERT INTO trail_mark VALUES ($1, $2)
                 ON CONFLICT (name) DO UPDATE SET position = excluded.position")
            .bind(name)
            .bind(integer(position)?)
            .run(&mut session)
            .await?;
        }
        session.commit().await?;
        Ok(head)
    }

    async fn head(&self) -> Result<Head, StorageError> {
        read_head(&mut self.reading("read the audit trail").await?).await
    }

    async fn mark(&self, name: &str) -> Result<u64, StorageError> {
        read_mark(&mut self.reading("read a mark of the audit trail").await?, name).await
    }

    async fn search(
        &self,
        search: &Search,
        page: Page,
    ) -> Result<Vec<(u64, AuditRecord)>, StorageError> {
        search::search(self, search, page).await
    }

    async fn stored_after(&self, sequence: u64, limit: u32) -> Result<Vec<Stored>, StorageError> {
        let Ok(sequence) = i64::try_from(sequence) else { return Ok(Vec::new()) };
        let mut session = self.reading("read the audit trail").await?;
        let rows = sql("SELECT * FROM trail WHERE sequence > $1 ORDER BY sequence LIMIT $2")
            .bind(sequence)
            .bind(limit)
            .all(&mut session)
            .await?;
        rows.iter().map(read::stored_of).collect()
    }
}

/// Adds a record to the chain, within a session that writes something else too.
pub(crate) async fn insert_record(
    session: &mut Session,
    record: &AuditRecord,
) -> Result<(), StorageError> {
    let written = Written::of(record).map_err(unwritten)?;
    insert_all(session, std::slice::from_ref(&written)).await.map(drop)
}

/// Adds records to the chain. The session has the write lock.
async fn insert_all(session: &mut Session, records: &[Written]) -> Result<Head, StorageError> {
    let mut head = read_head(session).await?;
    if records.is_empty() {
        return Ok(head);
    }
    let [unnamed, named] = &*INSERTS;
    let texts = if matches!(session.link, Link::Sqlite(_)) { unnamed } else { named };
    let mut rest = records;
    for (rows, text) in SIZES.into_iter().zip(texts) {
        while let Some((chunk, after)) = rest.split_at_checked(rows) {
            let mut insert = sql(text);
            for written in chunk {
                head = head.with_octets(written.text().as_bytes());
                let Index { at, actor, event, severity, is_alert, host, user, request, policies } =
                    written.index();
                insert = insert
                    .bind(integer(head.sequence)?)
                    .bind(head.hash.0.to_vec())
                    .bind(written.text())
                    .bind(*at)
                    .bind(actor)
                    .bind(event)
                    .bind(i64::from(*severity))
                    .bind(*is_alert)
                    .bind(host.as_ref())
                    .bind(user.as_ref())
                    .bind(request.as_ref())
                    .bind(policies.as_ref());
            }
            insert.run(session).await?;
            rest = after;
        }
    }
    let moved = sql("UPDATE trail_head SET sequence = $1, hash = $2")
        .bind(integer(head.sequence)?)
        .bind(head.hash.0.to_vec())
        .run(session)
        .await?;
    if moved == 1 { Ok(head) } else { Err(corrupt("the audit trail's head", "it has no one row")) }
}

async fn read_head(session: &mut Session) -> Result<Head, StorageError> {
    match sql("SELECT sequence, hash FROM trail_head").first(session).await? {
        Some(row) => head_of(&row, "the audit trail's head"),
        None => Err(corrupt("the audit trail's head", "it is not there")),
    }
}

async fn read_mark(session: &mut Session, name: &str) -> Result<u64, StorageError> {
    let mark = sql("SELECT position FROM trail_mark WHERE name = $1").bind(name);
    mark.first(session).await?.map_or(Ok(0), |row| row.count("position"))
}

fn head_of(row: &Row, place: &str) -> Result<Head, StorageError> {
    let octets: Vec<u8> = row.get("hash")?;
    let hash = Digest::from_octets(&octets);
    let hash = hash.ok_or_else(|| corrupt(format!("{place}, hash"), "it has not 32 octets"))?;
    Ok(Head { sequence: row.count("sequence")?, hash })
}

fn unwritten(source: UnreadableRecord) -> StorageError {
    StorageError::Unavailable { what: "write an audit record", source: source.into() }
}
