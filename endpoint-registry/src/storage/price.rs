//! Every price list that ever was in use.

use async_trait::async_trait;
use sark_core::ContentHash;
use sark_core::audit::AuditRecord;
use sark_core::storage::StorageError;
use serde::{Deserialize, Serialize};

use super::Origin;

/// One stored list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PriceVersion {
    /// From 1, rising.
    pub number: u64,
    /// Of the document's octets.
    pub hash: ContentHash,
    /// Why it came to be.
    #[serde(flatten)]
    pub origin: Origin,
}

/// Price lists, each a document in its publisher's form.
#[async_trait]
pub trait PriceStore: Send + Sync {
    /// Stores a list as the newest, with the record of it; false in the second place, and nothing
    /// written, if the newest is the same.
    async fn commit_prices(
        &self,
        document: &str,
        origin: &Origin,
        record: Option<&AuditRecord>,
    ) -> Result<(PriceVersion, bool), StorageError>;
    /// Newest first.
    async fn price_versions(&self, limit: u32) -> Result<Vec<PriceVersion>, StorageError>;
    /// The document of one; of the newest if no number is given.
    async fn prices(&self, number: Option<u64>) -> Result<Option<String>, StorageError>;
    /// Removes all but the newest `keep` (at least one); how many.
    async fn prune_prices(&self, keep: u32) -> Result<u64, StorageError>;
}
