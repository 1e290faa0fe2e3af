//! Reports of sensors as rows.

use async_trait::async_trait;
use jiff::Timestamp;
use sark_core::audit::AuditRecord;
use sark_core::storage::{
    Added, Alike, LastReport, ReportFilter, SensorStore, StorageError, StoredReport,
};

use crate::query::sql;
use crate::row::{Row, json};
use crate::session::Session;
use crate::store::{Store, corrupt};
use crate::trail::insert_record;

#[async_trait]
impl SensorStore for Store {
    async fn add_report(
        &self,
        new: &StoredReport,
        record: &AuditRecord,
    ) -> Result<Added, StorageError> {
        let mut session = self.writing("store a report").await?;
        let report = &new.report;
        if let Some(before) = find(&mut session, &report.sensor, &new.key, &report.id).await? {
            return Ok(Added::Before(Box::new(before)));
        }
        sql("INSERT INTO sensor_report (sensor, key, id, kind, event, site, body, at, micros, actor,
                                        report, answer, is_alert)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)")
        .bind(&report.sensor)
        .bind(&new.key)
        .bind(&report.id)
        .bind(&report.kind)
        .bind(&report.event)
        .bind(report.site.as_deref())
        .bind(new.body.as_str())
        .bind(new.at.to_string())
        .bind(new.at.as_microsecond())
        .bind(&new.actor)
        .bind(json(report)?)
        .bind(&new.answer)
        .bind(new.is_alert)
        .run(&mut session)
        .await?;
        insert_record(&mut session, record).await?;
        session.commit().await?;
        Ok(Added::New)
    }

    async fn report(
        &self,
        sensor: &str,
        key: &str,
        id: &str,
    ) -> Result<Option<StoredReport>, StorageError> {
        let mut session = self.reading("read a report").await?;
        find(&mut session, sensor, key, id).await
    }

    async fn count_reports(&self, alike: Alike<'_>) -> Result<u64, StorageError> {
        let mut session = self.reading("count reports").await?;
        let count: i64 = sql("SELECT count(*) FROM sensor_report
                              WHERE kind = $1 AND event = $2 AND coalesce(site, '') = $3
                                AND micros > $4 AND (is_alert OR NOT $5)")
        .bind(alike.kind)
        .bind(alike.event)
        .bind(alike.site.unwrap_or_default())
        .bind(alike.after.as_microsecond())
        .bind(alike.alerts)
        .value(&mut session)
        .await?;
        u64::try_from(count).map_err(|e| corrupt("the number of reports", e))
    }

    async fn reports(
        &self,
        filter: &ReportFilter,
        limit: u32,
    ) -> Result<Vec<StoredReport>, StorageError> {
        let mut session = self.reading("list reports").await?;
        // An empty text stands for any: no kind and no sensor has an empty name.
        let rows = sql("SELECT * FROM sensor_report
                        WHERE (kind = $1 OR $1 = '') AND (sensor = $2 OR $2 = '')
                        ORDER BY sequence DESC LIMIT $3")
        .bind(filter.kind.as_deref().unwrap_or_default())
        .bind(filter.sensor.as_deref().unwrap_or_default())
        .bind(limit)
        .all(&mut session)
        .await?;
        rows.iter().map(report_of).collect()
    }

    async fn last_reports(&self) -> Result<Vec<LastReport>, StorageError> {
        let mut session = self.reading("list sensors").await?;
        let rows = sql("SELECT kind, sensor, max(micros) AS micros, count(*) AS count
                        FROM sensor_report GROUP BY kind, sensor ORDER BY kind, sensor")
        .all(&mut session)
        .await?;
        let one = |row: &Row| {
            let micros: i64 = row.get("micros")?;
            let at = Timestamp::from_microsecond(micros).map_err(|e| corrupt("a report", e))?;
            let (sensor, kind) = (row.text("sensor")?, row.text("kind")?);
            Ok(LastReport { sensor, kind, at, count: row.count("count")? })
        };
        rows.iter().map(one).collect()
    }

    async fn forget_reports(&self, before: Timestamp) -> Result<u64, StorageError> {
        let mut session = self.writing("forget reports").await?;
        let gone = sql("DELETE FROM sensor_report WHERE micros < $1")
            .bind(before.as_microsecond())
            .run(&mut session)
            .await?;
        session.commit().await?;
        Ok(gone)
    }
}

async fn find(
    session: &mut Session,
    sensor: &str,
    key: &str,
    id: &str,
) -> Result<Option<StoredReport>, StorageError> {
    let one = sql("SELECT * FROM sensor_report
                   WHERE sensor = $1 AND (key = $2 OR id = $3) ORDER BY sequence LIMIT 1")
    .bind(sensor)
    .bind(key)
    .bind(id)
    .first(session)
    .await?;
    one.as_ref().map(report_of).transpose()
}

fn report_of(row: &Row) -> Result<StoredReport, StorageError> {
    let sequence = row.count("sequence")?;
    let place = |column: &str| format!("report {sequence}, {column}");
    let body = row.text("body")?.parse();
    Ok(StoredReport {
        key: row.text("key")?,
        body: body.map_err(|e: sark_core::HashError| corrupt(place("body"), e))?,
        at: row.time(place("at"))?,
        actor: row.text("actor")?,
        report: row.parsed("report", place("report"))?,
        answer: row.text("answer")?,
        is_alert: row.get("is_alert")?,
    })
}
