//! The dispatcher's memory as rows.

use async_trait::async_trait;
use jiff::Timestamp;
use sark_core::audit::AuditRecord;
use sark_core::storage::StorageError;
use sark_core::storage::alerts::{
    AlertStore, Delivery, DeliveryFilter, DeliveryState, Group, NO_SINK, NewDelivery, READER,
    Replay, Settled, SinkCount, Taken,
};

use crate::query::sql;
use crate::row::{Row, integer, json};
use crate::session::Session;
use crate::store::{Store, corrupt};
use crate::trail::{insert_record, read_up_to};

/// Of each alert the oldest pending one: the condition on `d`.
macro_rules! heads {
    ($select:literal, $rest:literal) => {
        concat!(
            $select,
            " FROM alert_delivery d WHERE d.sink = $1 AND d.state = 'pending'
              AND NOT EXISTS (SELECT 1 FROM alert_delivery e WHERE e.sink = d.sink
                  AND e.key = d.key AND e.state = 'pending' AND e.number < d.number) ",
            $rest
        )
    };
}

#[async_trait]
impl AlertStore for Store {
    async fn alert_cursor(&self) -> Result<u64, StorageError> {
        let mut session = self.reading("read the cursor of alerts").await?;
        cursor(&mut session).await
    }

    async fn alert_groups(&self, keys: &[String]) -> Result<Vec<Group>, StorageError> {
        let mut session = self.reading("read open alerts").await?;
        let rows = sql("SELECT key, json FROM alert_group
             WHERE key IN (SELECT value FROM json_each($1)) ORDER BY key")
        .bind(json(&keys)?)
        .all(&mut session)
        .await?;
        rows.iter().map(group_of).collect()
    }

    async fn alerts_singly(
        &self,
        sequence: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Result<AuditRecord, StorageError>)>, StorageError> {
        let Ok(sequence) = i64::try_from(sequence) else { return Ok(Vec::new()) };
        let mut session = self.reading("read alerts one by one").await?;
        // The numbers are in an index of their own, whatever a row has become.
        let numbers: Vec<i64> = sql("SELECT sequence FROM trail
             WHERE sequence > $1 AND is_alert ORDER BY sequence LIMIT $2")
        .bind(sequence)
        .bind(limit)
        .values(&mut session)
        .await?;
        let mut found = Vec::new();
        for number in numbers {
            let row = sql("SELECT body FROM trail WHERE sequence = $1").bind(number);
            let record = match row.first(&mut session).await {
                Ok(Some(row)) => row.parsed("body", format!("audit record {number}")),
                // Pruned meanwhile.
                Ok(None) => continue,
                Err(error) => Err(error),
            };
            if let Err(error @ StorageError::Unavailable { .. }) = record {
                return Err(error);
            }
            found.push((u64::try_from(number).map_err(|e| corrupt("trail.sequence", e))?, record));
        }
        Ok(found)
    }

    async fn open_alerts(&self, limit: u32) -> Result<Vec<Group>, StorageError> {
        let mut session = self.reading("list open alerts").await?;
        let rows = sql("SELECT key, json FROM alert_group ORDER BY last_at DESC, key LIMIT $1")
            .bind(limit)
            .all(&mut session)
            .await?;
        rows.iter().map(group_of).collect()
    }

    async fn take(&self, taken: &Taken) -> Result<bool, StorageError> {
        let mut session = self.writing("store deliveries").await?;
        if cursor(&mut session).await? != taken.from {
            return Ok(false);
        }
        for group in &taken.groups {
            sql("INSERT INTO alert_group VALUES ($1, $2, $3)
                 ON CONFLICT (key) DO UPDATE SET last_at = excluded.last_at, json = excluded.json")
            .bind(&group.key)
            .bind(group.last_at.as_microsecond())
            .bind(json(group)?)
            .run(&mut session)
            .await?;
        }
        if !taken.closed.is_empty() {
            let closed = sql("DELETE FROM alert_group
                 WHERE key IN (SELECT value FROM json_each($1))");
            closed.bind(json(&taken.closed)?).run(&mut session).await?;
        }
        for delivery in &taken.deliveries {
            insert(&mut session, delivery, taken.at).await?;
        }
        let moved = sql("UPDATE alert_cursor SET sequence = $1 WHERE one = 1");
        moved.bind(integer(taken.to)?).run(&mut session).await?;
        read_up_to(&mut session, READER, taken.to).await?;
        session.commit().await?;
        Ok(true)
    }

    async fn due(
        &self,
        sink: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, StorageError> {
        let mut session = self.reading("read what is due").await?;
        let rows = sql(heads!("SELECT d.*", "AND d.due_at <= $2 ORDER BY d.number LIMIT $3"))
            .bind(sink)
            .bind(now.as_microsecond())
            .bind(limit)
            .all(&mut session)
            .await?;
        rows.iter().map(delivery_of).collect()
    }

    async fn next_due(&self, sink: &str) -> Result<Option<Timestamp>, StorageError> {
        let mut session = self.reading("read what is due next").await?;
        let next: Option<i64> =
            sql(heads!("SELECT min(d.due_at)", "")).bind(sink).value(&mut session).await?;
        next.map(|micros| time_of(micros, "alert_delivery.due_at")).transpose()
    }

    async fn settle(
        &self,
        settled: &Settled,
        record: Option<&AuditRecord>,
    ) -> Result<(), StorageError> {
        let ended = settled.state != DeliveryState::Pending;
        let mut session = self.writing("store how a delivery ended").await?;
        let changed = sql("UPDATE alert_delivery
             SET state = $2, attempts = $3, due_at = $4, ended_at = $5, note = $6
             WHERE number = $1 AND state = 'pending'")
        .bind(integer(settled.number)?)
        .bind(settled.state.as_str())
        .bind(settled.attempts)
        .bind(settled.due_at.as_microsecond())
        .bind(ended.then_some(settled.at.as_microsecond()))
        .bind(clean(&settled.note))
        .run(&mut session)
        .await?;
        if changed == 0 {
            return Ok(());
        }
        if let Some(record) = record {
            insert_record(&mut session, record).await?;
        }
        session.commit().await
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        limit: u32,
    ) -> Result<Vec<Delivery>, StorageError> {
        let mut session = self.reading("list deliveries").await?;
        let rows = sql("SELECT * FROM alert_delivery
             WHERE ($1 IS NULL OR sink = $1) AND ($2 IS NULL OR state = $2)
               AND ($3 IS NULL OR key = $3)
             ORDER BY number DESC LIMIT $4")
        .bind(filter.sink.as_deref())
        .bind(filter.state.map(DeliveryState::as_str))
        .bind(filter.key.as_deref())
        .bind(limit)
        .all(&mut session)
        .await?;
        rows.iter().map(delivery_of).collect()
    }

    async fn delivery(&self, number: u64) -> Result<Option<Delivery>, StorageError> {
        let Ok(number) = i64::try_from(number) else { return Ok(None) };
        let mut session = self.reading("read a delivery").await?;
        let row = sql("SELECT * FROM alert_delivery WHERE number = $1").bind(number);
        row.first(&mut session).await?.as_ref().map(delivery_of).transpose()
    }

    async fn replay(
        &self,
        which: &Replay,
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<u64, StorageError> {
        let (number, sink) = match which {
            Replay::One(number) => (Some(integer(*number)?), None),
            Replay::Sink(sink) => (None, Some(sink.as_str())),
            Replay::All => (None, None),
        };
        let mut session = self.writing("replay dead letters").await?;
        // Before they are dead letters no more: what was told after them is told again after them.
        sql("UPDATE alert_delivery
             SET state = 'pending', attempts = 0, due_at = $1, ended_at = NULL
             WHERE number IN (SELECT (SELECT max(l.number) FROM alert_delivery l
                     WHERE l.sink = d.sink AND l.key = d.key AND l.state = 'delivered'
                         AND l.number > d.number)
                 FROM alert_delivery d
                 WHERE d.state = 'dead' AND ($2 IS NULL OR d.number = $2)
                     AND ($3 IS NULL OR d.sink = $3))")
        .bind(at.as_microsecond())
        .bind(number)
        .bind(sink)
        .run(&mut session)
        .await?;
        let many = sql("UPDATE alert_delivery
             SET state = 'pending', attempts = 0, due_at = $1, ended_at = NULL
             WHERE state = 'dead' AND ($2 IS NULL OR number = $2) AND ($3 IS NULL OR sink = $3)")
        .bind(at.as_microsecond())
        .bind(number)
        .bind(sink)
        .run(&mut session)
        .await?;
        if many > 0 {
            insert_record(&mut session, record).await?;
            session.commit().await?;
        }
        Ok(many)
    }

    async fn sink_counts(&self) -> Result<Vec<SinkCount>, StorageError> {
        let mut session = self.reading("count deliveries").await?;
        let rows = sql("SELECT sink,
                 count(CASE WHEN state = 'pending' THEN 1 END) AS pending,
                 count(CASE WHEN state = 'delivered' THEN 1 END) AS delivered,
                 count(CASE WHEN state = 'dead' THEN 1 END) AS dead,
                 min(CASE WHEN state = 'pending' THEN made_at END) AS oldest_pending,
                 max(CASE WHEN state = 'delivered' THEN ended_at END) AS last_delivered
             FROM alert_delivery GROUP BY sink ORDER BY sink")
        .all(&mut session)
        .await?;
        let of = |row: &Row| {
            Ok(SinkCount {
                sink: row.text("sink")?,
                pending: row.count("pending")?,
                delivered: row.count("delivered")?,
                dead: row.count("dead")?,
                oldest_pending: maybe_time(row, "oldest_pending")?,
                last_delivered: maybe_time(row, "last_delivered")?,
            })
        };
        rows.iter().map(of).collect()
    }

    async fn give_up_others(&self, sinks: &[String], at: Timestamp) -> Result<u64, StorageError> {
        let mut session = self.writing("give up deliveries").await?;
        let many = sql("UPDATE alert_delivery SET state = 'dead', ended_at = $1, note = $2
             WHERE state = 'pending' AND sink NOT IN (SELECT value FROM json_each($3))")
        .bind(at.as_microsecond())
        .bind(NO_SINK)
        .bind(json(&sinks)?)
        .run(&mut session)
        .await?;
        session.commit().await?;
        Ok(many)
    }

    async fn forget_alerts(
        &self,
        delivered: Timestamp,
        dead: Timestamp,
        silent: Timestamp,
        lasting: &[String],
    ) -> Result<(), StorageError> {
        let mut session = self.writing("forget old deliveries").await?;
        sql("DELETE FROM alert_delivery WHERE state = 'dead' AND ended_at < $1")
            .bind(dead.as_microsecond())
            .run(&mut session)
            .await?;
        sql("DELETE FROM alert_delivery WHERE state = 'delivered' AND ended_at < $1
                 AND number NOT IN (SELECT coalesce((SELECT max(l.number) FROM alert_delivery l
                         WHERE l.sink = d.sink AND l.key = d.key AND l.state = 'delivered'
                             AND l.number > d.number), 0)
                     FROM alert_delivery d WHERE d.state = 'dead')")
        .bind(delivered.as_microsecond())
        .run(&mut session)
        .await?;
        sql("DELETE FROM alert_group WHERE last_at < $1
                 AND NOT EXISTS (SELECT 1 FROM json_each($2)
                     WHERE substr(alert_group.key, 1, length(value)) = value)")
        .bind(silent.as_microsecond())
        .bind(json(&lasting)?)
        .run(&mut session)
        .await?;
        session.commit().await
    }
}

async fn cursor(session: &mut Session) -> Result<u64, StorageError> {
    let number: i64 = sql("SELECT sequence FROM alert_cursor").value(session).await?;
    u64::try_from(number).map_err(|e| corrupt("alert_cursor", e))
}

async fn insert(
    session: &mut Session,
    delivery: &NewDelivery,
    at: Timestamp,
) -> Result<(), StorageError> {
    let number: i64 =
        sql("UPDATE alert_cursor SET last = last + 1 RETURNING last").value(session).await?;
    let made = sql("INSERT INTO alert_delivery
             (number, id, sink, key, sequence, message, state, attempts, made_at, due_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'pending', 0, $7, $8) ON CONFLICT (id) DO NOTHING")
    .bind(number)
    .bind(&delivery.id)
    .bind(&delivery.sink)
    .bind(&delivery.key)
    .bind(integer(delivery.sequence)?)
    .bind(json(&delivery.message)?)
    .bind(at.as_microsecond())
    .bind(delivery.due_at.as_microsecond())
    .run(session)
    .await?;
    if made > 0 && delivery.hurries {
        sql("UPDATE alert_delivery SET due_at = $1
             WHERE sink = $2 AND key = $3 AND state = 'pending' AND attempts = 0 AND due_at > $1")
        .bind(delivery.due_at.as_microsecond())
        .bind(&delivery.sink)
        .bind(&delivery.key)
        .run(session)
        .await?;
    }
    Ok(())
}

fn group_of(row: &Row) -> Result<Group, StorageError> {
    row.parsed("json", format!("open alert {}", row.text("key")?))
}

fn delivery_of(row: &Row) -> Result<Delivery, StorageError> {
    let number = row.count("number")?;
    let place = |column: &str| format!("delivery {number}, {column}");
    let time = |column: &'static str| time_of(row.get(column)?, column);
    Ok(Delivery {
        number,
        id: row.text("id")?,
        sink: row.text("sink")?,
        key: row.text("key")?,
        sequence: row.count("sequence")?,
        message: row.parsed("message", place("message"))?,
        state: row.text("state")?.parse().map_err(|e: String| corrupt(place("state"), e))?,
        attempts: u32::try_from(row.count("attempts")?)
            .map_err(|e| corrupt(place("attempts"), e))?,
        made_at: time("made_at")?,
        due_at: time("due_at")?,
        ended_at: maybe_time(row, "ended_at")?,
        note: row.get("note")?,
    })
}

fn maybe_time(row: &Row, column: &'static str) -> Result<Option<Timestamp>, StorageError> {
    row.get::<Option<i64>>(column)?.map(|micros| time_of(micros, column)).transpose()
}

fn time_of(micros: i64, place: &str) -> Result<Timestamp, StorageError> {
    Timestamp::from_microsecond(micros).map_err(|e| corrupt(place, e))
}

/// PostgreSQL's text holds no NUL.
fn clean(text: &str) -> String {
    text.replace('\0', " ")
}
