//! Reports of sensors.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StorageError;
use crate::ContentHash;
use crate::audit::AuditRecord;
use crate::sensor::SensorReport;

/// A report as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredReport {
    /// What makes it the same report when it comes again: the idempotency key, else its id.
    pub key: String,
    /// Hash of the body as it came.
    pub body: ContentHash,
    /// When it came.
    pub at: Timestamp,
    /// Who sent it.
    pub actor: String,
    /// The report, with how many there were.
    pub report: SensorReport,
    /// What was answered, as JSON.
    pub answer: String,
    /// Whether somebody was to be told of it.
    pub is_alert: bool,
}

/// Which reports are counted together.
#[derive(Debug, Clone, Copy)]
pub struct Alike<'a> {
    /// Of this kind.
    pub kind: &'a str,
    /// Of this event.
    pub event: &'a str,
    /// From here.
    pub site: Option<&'a str>,
    /// Later than this.
    pub after: Timestamp,
    /// Those alone that somebody was to be told of.
    pub alerts: bool,
}

/// What became of a report.
#[derive(Debug, Clone, PartialEq)]
pub enum Added {
    /// It is stored.
    New,
    /// It was there: this is what was answered then.
    Before(Box<StoredReport>),
}

/// Which reports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportFilter {
    /// Of this kind.
    pub kind: Option<String>,
    /// Of this sensor.
    pub sensor: Option<String>,
}

/// When a sensor last reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastReport {
    /// The sensor.
    pub sensor: String,
    /// Its kind.
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// How many of its reports are kept.
    pub count: u64,
}

/// Reports of sensors.
#[async_trait]
pub trait SensorStore: Send + Sync {
    /// Stores a report and the record of it, unless the sensor has sent one of this key or this id:
    /// then nothing is stored.
    async fn add_report(
        &self,
        report: &StoredReport,
        record: &AuditRecord,
    ) -> Result<Added, StorageError>;
    /// A report of this sensor by its key, or by its id.
    async fn report(
        &self,
        sensor: &str,
        key: &str,
        id: &str,
    ) -> Result<Option<StoredReport>, StorageError>;
    /// How many there are of these.
    async fn count_reports(&self, alike: Alike<'_>) -> Result<u64, StorageError>;
    /// Newest first.
    async fn reports(
        &self,
        filter: &ReportFilter,
        limit: u32,
    ) -> Result<Vec<StoredReport>, StorageError>;
    /// When each sensor last reported, by kind and name.
    async fn last_reports(&self) -> Result<Vec<LastReport>, StorageError>;
    /// Forgets those that came before this time. How many.
    async fn forget_reports(&self, before: Timestamp) -> Result<u64, StorageError>;
}
