//! What was learned about addresses, so that a restart does not begin anew.

use async_trait::async_trait;
use jiff::Timestamp;
use sark_core::storage::StorageError;

/// The document, and when it was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// JSON, in the form of who saved it.
    pub document: String,
    /// When.
    pub at: Timestamp,
}

/// One document: saved rarely, read at start.
#[async_trait]
pub trait LearnedStore: Send + Sync {
    /// Saves it in place of the one before.
    async fn save_learned(&self, document: &str, at: Timestamp) -> Result<(), StorageError>;
    /// The last one saved.
    async fn learned(&self) -> Result<Option<Saved>, StorageError>;
}
