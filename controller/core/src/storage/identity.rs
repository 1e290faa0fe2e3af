//! Tokens and approvals.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StorageError;
use crate::approval::{Approval, Step};
use crate::audit::AuditRecord;
use crate::identity::Token;

/// Tokens. What changes who may do what writes its record in the same transaction.
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// Stores a new token and the record of it. `false`, and nothing is stored, if its id or the name
    /// of one that is not revoked is taken.
    async fn add_token(&self, token: &Token, record: &AuditRecord) -> Result<bool, StorageError>;
    /// One, by its id.
    async fn token(&self, id: &str) -> Result<Option<Token>, StorageError>;
    /// All, newest first, at most so many.
    async fn tokens(&self, limit: u32) -> Result<Vec<Token>, StorageError>;
    /// From this time on it does not hold. `false`, and nothing is stored, if it is not there or was
    /// revoked before.
    async fn revoke_token(
        &self,
        id: &str,
        at: Timestamp,
        by: &str,
        record: &AuditRecord,
    ) -> Result<bool, StorageError>;
    /// Remembers that it was used.
    async fn token_used(&self, id: &str, at: Timestamp, from: &str) -> Result<(), StorageError>;
}

/// Approvals, each step with its record in one transaction.
#[async_trait]
pub trait ApprovalStore: Send + Sync {
    /// Stores a new one. `false` if its id is taken.
    async fn add_approval(
        &self,
        approval: &Approval,
        record: &AuditRecord,
    ) -> Result<bool, StorageError>;
    /// One, by its id.
    async fn approval(&self, id: &str) -> Result<Option<Approval>, StorageError>;
    /// All, newest first, at most so many.
    async fn approvals(&self, limit: u32) -> Result<Vec<Approval>, StorageError>;
    /// Those that nobody decided on, oldest first, at most so many.
    async fn undecided(&self, limit: u32) -> Result<Vec<Approval>, StorageError>;
    /// Those that are approved and not used, of this kind and subject, oldest first.
    async fn approved(&self, kind: &str, subject: &str) -> Result<Vec<Approval>, StorageError>;
    /// Stores the next step of one that is still at `before`. `false`, and nothing is stored, if
    /// somebody was faster: of two who use one approval, one does.
    async fn step_approval(
        &self,
        before: &Step,
        after: &Approval,
        record: &AuditRecord,
    ) -> Result<bool, StorageError>;
}
