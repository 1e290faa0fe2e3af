//! Tokens and approvals as rows.

use std::str::FromStr;

use async_trait::async_trait;
use jiff::Timestamp;
use sark_core::approval::{Approval, Step};
use sark_core::audit::AuditRecord;
use sark_core::identity::Token;
use sark_core::storage::{ApprovalStore, StorageError, TokenStore};

use crate::query::sql;
use crate::row::{Row, json};
use crate::session::Session;
use crate::store::{Store, corrupt};
use crate::trail::insert_record;

#[async_trait]
impl TokenStore for Store {
    async fn add_token(&self, token: &Token, record: &AuditRecord) -> Result<bool, StorageError> {
        let mut session = self.writing("store a token").await?;
        let added =
            sql("INSERT INTO token (id, name, hash, rights, created_at, created_by, expires_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING")
            .bind(&token.id)
            .bind(&token.name)
            .bind(token.hash.as_str())
            .bind(json(&token.rights)?)
            .bind(token.created_at.to_string())
            .bind(&token.created_by)
            .bind(token.expires_at.map(|at| at.to_string()))
            .run(&mut session)
            .await?;
        if_any(added, session, record).await
    }

    async fn token(&self, id: &str) -> Result<Option<Token>, StorageError> {
        let mut session = self.reading("read a token").await?;
        let one = sql("SELECT * FROM token WHERE id = $1").bind(id);
        one.first(&mut session).await?.as_ref().map(token_of).transpose()
    }

    async fn tokens(&self, limit: u32) -> Result<Vec<Token>, StorageError> {
        let mut session = self.reading("list tokens").await?;
        let rows = sql("SELECT * FROM token ORDER BY sequence DESC LIMIT $1").bind(limit);
        rows.all(&mut session).await?.iter().map(token_of).collect()
    }

    async fn revoke_token(
        &self,
        id: &str,
        at: Timestamp,
        by: &str,
        record: &AuditRecord,
    ) -> Result<bool, StorageError> {
        let mut session = self.writing("revoke a token").await?;
        let revoked = sql("UPDATE token SET revoked_at = $1, revoked_by = $2
                           WHERE id = $3 AND revoked_at IS NULL")
        .bind(at.to_string())
        .bind(by)
        .bind(id)
        .run(&mut session)
        .await?;
        if_any(revoked, session, record).await
    }

    async fn token_used(&self, id: &str, at: Timestamp, from: &str) -> Result<(), StorageError> {
        let mut session = self.writing("remember the use of a token").await?;
        sql("UPDATE token SET last_used_at = $1, last_used_from = $2 WHERE id = $3")
            .bind(at.to_string())
            .bind(from)
            .bind(id)
            .run(&mut session)
            .await?;
        session.commit().await
    }
}

#[async_trait]
impl ApprovalStore for Store {
    async fn add_approval(
        &self,
        approval: &Approval,
        record: &AuditRecord,
    ) -> Result<bool, StorageError> {
        let mut session = self.writing("store an approval").await?;
        let added = sql("INSERT INTO approval (id, kind, subject, title, requested_by,
                             requester_made_by, requested_at, until, state, step)
                         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING")
        .bind(&approval.id)
        .bind(&approval.kind)
        .bind(approval.subject.as_str())
        .bind(&approval.title)
        .bind(&approval.requested_by)
        .bind(approval.requester_made_by.as_deref())
        .bind(approval.requested_at.to_string())
        .bind(approval.until.to_string())
        .bind(word(&approval.step))
        .bind(json(&approval.step)?)
        .run(&mut session)
        .await?;
        if_any(added, session, record).await
    }

    async fn approval(&self, id: &str) -> Result<Option<Approval>, StorageError> {
        let mut session = self.reading("read an approval").await?;
        let one = sql("SELECT * FROM approval WHERE id = $1").bind(id);
        one.first(&mut session).await?.as_ref().map(approval_of).transpose()
    }

    async fn approvals(&self, limit: u32) -> Result<Vec<Approval>, StorageError> {
        let mut session = self.reading("list approvals").await?;
        let rows = sql("SELECT * FROM approval ORDER BY sequence DESC LIMIT $1").bind(limit);
        rows.all(&mut session).await?.iter().map(approval_of).collect()
    }

    async fn undecided(&self, limit: u32) -> Result<Vec<Approval>, StorageError> {
        let mut session = self.reading("list approvals that wait").await?;
        let rows = sql("SELECT * FROM approval WHERE state = 'pending' ORDER BY sequence LIMIT $1")
            .bind(limit);
        rows.all(&mut session).await?.iter().map(approval_of).collect()
    }

    async fn approved(&self, kind: &str, subject: &str) -> Result<Vec<Approval>, StorageError> {
        let mut session = self.reading("look for an approval").await?;
        let rows = sql("SELECT * FROM approval
                        WHERE kind = $1 AND subject = $2 AND state = 'approved' ORDER BY sequence")
        .bind(kind)
        .bind(subject)
        .all(&mut session)
        .await?;
        rows.iter().map(approval_of).collect()
    }

    async fn step_approval(
        &self,
        before: &Step,
        after: &Approval,
        record: &AuditRecord,
    ) -> Result<bool, StorageError> {
        let mut session = self.writing("decide on an approval").await?;
        // No step comes back, so the word alone says whether somebody was faster.
        let stepped = sql("UPDATE approval SET state = $1, step = $2 WHERE id = $3 AND state = $4")
            .bind(word(&after.step))
            .bind(json(&after.step)?)
            .bind(&after.id)
            .bind(word(before))
            .run(&mut session)
            .await?;
        if_any(stepped, session, record).await
    }
}

/// Commits a change of so many rows with the record of it; of none, neither.
async fn if_any(
    rows: u64,
    mut session: Session,
    record: &AuditRecord,
) -> Result<bool, StorageError> {
    if rows == 0 {
        return Ok(false);
    }
    insert_record(&mut session, record).await?;
    session.commit().await?;
    Ok(true)
}

fn word(step: &Step) -> &'static str {
    match step {
        Step::Pending => "pending",
        Step::Approved(_) => "approved",
        Step::Rejected(_) => "rejected",
        Step::Used { .. } => "used",
        Step::Expired { .. } => "expired",
    }
}

fn token_of(row: &Row) -> Result<Token, StorageError> {
    let id = row.text("id")?;
    let place = |column: &str| format!("token {id}, {column}");
    Ok(Token {
        name: row.text("name")?,
        hash: row.hash()?,
        rights: row.parsed("rights", place("rights"))?,
        created_at: at(row, "created_at", place("created_at"))?,
        created_by: row.text("created_by")?,
        expires_at: maybe_at(row, "expires_at", place("expires_at"))?,
        revoked_at: maybe_at(row, "revoked_at", place("revoked_at"))?,
        revoked_by: row.get("revoked_by")?,
        last_used_at: maybe_at(row, "last_used_at", place("last_used_at"))?,
        last_used_from: row.get("last_used_from")?,
        id,
    })
}

fn approval_of(row: &Row) -> Result<Approval, StorageError> {
    let id = row.text("id")?;
    let place = |column: &str| format!("approval {id}, {column}");
    let subject = row.text("subject")?.parse();
    Ok(Approval {
        kind: row.text("kind")?,
        subject: subject.map_err(|e: sark_core::HashError| corrupt(place("subject"), e))?,
        title: row.text("title")?,
        requested_by: row.text("requested_by")?,
        requester_made_by: row.get("requester_made_by")?,
        requested_at: at(row, "requested_at", place("requested_at"))?,
        until: at(row, "until", place("until"))?,
        step: row.parsed("step", place("step"))?,
        id,
    })
}

fn at(row: &Row, column: &'static str, place: String) -> Result<Timestamp, StorageError> {
    Timestamp::from_str(&row.text(column)?).map_err(|e| corrupt(place, e))
}

fn maybe_at(
    row: &Row,
    column: &'static str,
    place: String,
) -> Result<Option<Timestamp>, StorageError> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| Timestamp::from_str(&text)).transpose().map_err(|e| corrupt(place, e))
}
