//! Where records go when they are on the disk.

use std::time::Duration;

use async_trait::async_trait;
use sark_core::audit::{Spooled, Written};
use sark_core::storage::{AuditStore, Mark, StorageError};

/// Keeps records, and how far a spool was taken. The store is one; for a program elsewhere, `sarkd`.
#[async_trait]
pub trait Destination: Send + Sync {
    /// Where the mark of this name was moved to last; 0 if it never was.
    async fn mark(&self, name: &str) -> Result<u64, StorageError>;
    /// Takes these, in this order, and moves the mark, in one transaction; nothing if the mark is
    /// elsewhere than it is thought to be.
    async fn write(&self, records: Vec<Spooled>, mark: Mark<'_>) -> Result<(), StorageError>;
    /// Octets of records that it takes at a time; the last one may go beyond.
    fn most_octets(&self) -> u64 {
        u64::MAX
    }
    /// From the beginning of one batch to that of the next: what is spooled meanwhile goes together.
    fn pace(&self) -> Duration {
        Duration::ZERO
    }
}

#[async_trait]
impl<T: AuditStore> Destination for T {
    async fn mark(&self, name: &str) -> Result<u64, StorageError> {
        AuditStore::mark(self, name).await
    }

    async fn write(&self, records: Vec<Spooled>, mark: Mark<'_>) -> Result<(), StorageError> {
        // Megabytes of JSON are no work for a thread that others wait for.
        let reading = tokio::task::spawn_blocking(move || {
            records.into_iter().map(Written::try_from).collect::<Result<Vec<_>, _>>()
        });
        let what = "the audit spool";
        let read = reading.await.map_err(|source| StorageError::Unavailable {
            what: "read the audit spool",
            source: source.into(),
        })?;
        let records = read
            .map_err(|source| StorageError::Corrupt { what: what.into(), source: source.into() })?;
        AuditStore::write(self, &records, Some(mark)).await.map(drop)
    }
}
