//! Tokens and approvals in memory.

use async_trait::async_trait;
use jiff::Timestamp;

use super::MemoryStore;
use crate::approval::{Approval, Step};
use crate::audit::AuditRecord;
use crate::identity::Token;
use crate::storage::{ApprovalStore, StorageError, TokenStore};

#[async_trait]
impl TokenStore for MemoryStore {
    async fn add_token(&self, token: &Token, record: &AuditRecord) -> Result<bool, StorageError> {
        let mut state = self.open("store a token")?;
        let taken = |other: &Token| {
            other.id == token.id || (other.name == token.name && other.revoked_at.is_none())
        };
        if state.tokens.iter().any(taken) {
            return Ok(false);
        }
        state.tokens.push(token.clone());
        state.record(record)?;
        Ok(true)
    }

    async fn token(&self, id: &str) -> Result<Option<Token>, StorageError> {
        Ok(self.open("read a token")?.tokens.iter().find(|token| token.id == id).cloned())
    }

    async fn tokens(&self, limit: u32) -> Result<Vec<Token>, StorageError> {
        let state = self.open("list tokens")?;
        Ok(state.tokens.iter().rev().take(limit as usize).cloned().collect())
    }

    async fn revoke_token(
        &self,
        id: &str,
        at: Timestamp,
        by: &str,
        record: &AuditRecord,
    ) -> Result<bool, StorageError> {
        let mut state = self.open("revoke a token")?;
        let live = |token: &&mut Token| token.id == id && token.revoked_at.is_none();
        let Some(token) = state.tokens.iter_mut().find(live) else { return Ok(false) };
        token.revoked_at = Some(at);
        token.revoked_by = Some(by.to_owned());
        state.record(record)?;
        Ok(true)
    }

    async fn token_used(&self, id: &str, at: Timestamp, from: &str) -> Result<(), StorageError> {
        let mut state = self.open("remember the use of a token")?;
        if let Some(token) = state.tokens.iter_mut().find(|token| token.id == id) {
            token.last_used_at = Some(at);
            token.last_used_from = Some(from.to_owned());
        }
        Ok(())
    }
}

#[async_trait]
impl ApprovalStore for MemoryStore {
    async fn add_approval(
        &self,
        approval: &Approval,
        record: &AuditRecord,
    ) -> Result<bool, StorageError> {
        let mut state = self.open("store an approval")?;
        if state.approvals.iter().any(|other| other.id == approval.id) {
            return Ok(false);
        }
        state.approvals.push(approval.clone());
        state.record(record)?;
        Ok(true)
    }

    async fn approval(&self, id: &str) -> Result<Option<Approval>, StorageError> {
        Ok(self.open("read an approval")?.approvals.iter().find(|one| one.id == id).cloned())
    }

    async fn approvals(&self, limit: u32) -> Result<Vec<Approval>, StorageError> {
        let state = self.open("list approvals")?;
        Ok(state.approvals.iter().rev().take(limit as usize).cloned().collect())
    }

    async fn undecided(&self, limit: u32) -> Result<Vec<Approval>, StorageError> {
        let state = self.open("list approvals that wait")?;
        let waits = state.approvals.iter().filter(|one| one.step == Step::Pending);
        Ok(waits.take(limit as usize).cloned().collect())
    }

    async fn approved(&self, kind: &str, subject: &str) -> Result<Vec<Approval>, StorageError> {
        let state = self.open("look for an approval")?;
        let fits = |one: &&Approval| {
            one.kind == kind
                && one.subject.as_str() == subject
                && matches!(one.step, Step::Approved(_))
        };
        Ok(state.approvals.iter().filter(fits).cloned().collect())
    }

    async fn step_approval(
        &self,
        before: &Step,
        after: &Approval,
        record: &AuditRecord,
    ) -> Result<bool, StorageError> {
        let mut state = self.open("decide on an approval")?;
        let still = |one: &&mut Approval| one.id == after.id && one.step == *before;
        let Some(one) = state.approvals.iter_mut().find(still) else { return Ok(false) };
        *one = after.clone();
        state.record(record)?;
        Ok(true)
    }
}
