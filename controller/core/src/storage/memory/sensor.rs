//! Reports of sensors in memory.

use async_trait::async_trait;
use jiff::Timestamp;

use super::MemoryStore;
use crate::audit::AuditRecord;
use crate::storage::{
    Added, Alike, LastReport, ReportFilter, SensorStore, StorageError, StoredReport,
};

#[async_trait]
impl SensorStore for MemoryStore {
    async fn add_report(
        &self,
        report: &StoredReport,
        record: &AuditRecord,
    ) -> Result<Added, StorageError> {
        let mut state = self.open("store a report")?;
        let same = |other: &&StoredReport| {
            is(other, &report.report.sensor, &report.key, &report.report.id)
        };
        if let Some(before) = state.reports.iter().find(same) {
            return Ok(Added::Before(Box::new(before.clone())));
        }
        state.reports.push(report.clone());
        state.record(record)?;
        Ok(Added::New)
    }

    async fn report(
        &self,
        sensor: &str,
        key: &str,
        id: &str,
    ) -> Result<Option<StoredReport>, StorageError> {
        let state = self.open("read a report")?;
        Ok(state.reports.iter().find(|report| is(report, sensor, key, id)).cloned())
    }

    async fn count_reports(&self, alike: Alike<'_>) -> Result<u64, StorageError> {
        let state = self.open("count reports")?;
        let Alike { kind, event, site, after, alerts } = alike;
        let fits = |one: &&StoredReport| {
            let report = &one.report;
            report.kind == kind
                && report.event == event
                && report.site.as_deref() == site
                && one.at > after
                && (one.is_alert || !alerts)
        };
        Ok(state.reports.iter().filter(fits).count() as u64)
    }

    async fn reports(
        &self,
        filter: &ReportFilter,
        limit: u32,
    ) -> Result<Vec<StoredReport>, StorageError> {
        let state = self.open("list reports")?;
        let fits = |one: &&StoredReport| {
            filter.kind.as_ref().is_none_or(|kind| one.report.kind == *kind)
                && filter.sensor.as_ref().is_none_or(|sensor| one.report.sensor == *sensor)
        };
        Ok(state.reports.iter().rev().filter(fits).take(limit as usize).cloned().collect())
    }

    async fn last_reports(&self) -> Result<Vec<LastReport>, StorageError> {
        let state = self.open("list sensors")?;
        let mut last = std::collections::BTreeMap::new();
        for one in &state.reports {
            let key = (one.report.kind.clone(), one.report.sensor.clone());
            let (at, count) = last.entry(key).or_insert((one.at, 0));
            *at = one.at.max(*at);
            *count += 1;
        }
        let one = |((kind, sensor), (at, count))| LastReport { sensor, kind, at, count };
        Ok(last.into_iter().map(one).collect())
    }

    async fn forget_reports(&self, before: Timestamp) -> Result<u64, StorageError> {
        let mut state = self.open("forget reports")?;
        let there = state.reports.len();
        state.reports.retain(|report| report.at >= before);
        Ok((there - state.reports.len()) as u64)
    }
}

fn is(report: &StoredReport, sensor: &str, key: &str, id: &str) -> bool {
    report.report.sensor == sensor && (report.key == key || report.report.id == id)
}
