//! Who leads: one row, and the store's own clock.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sark_core::storage::lease::record;
use sark_core::storage::{Lease, LeaseStore, StorageError, Taking};

use crate::query::sql;
use crate::row::{Row, integer};
use crate::session::Session;
use crate::store::{Engine, Store};
use crate::trail::insert_record;
use crate::{postgres, sqlite};

#[async_trait]
impl LeaseStore for Store {
    async fn take_lease(
        &self,
        leader: &str,
        length: Duration,
        at: Timestamp,
    ) -> Result<Taking, StorageError> {
        let mut session = self.writing("take the lead").await?;
        let now = self.clock(&mut session).await?;
        let before = read(&mut session).await?;
        if let Some(lease) = before.as_ref().and_then(|held| held.at(now)) {
            return Ok(Taking::Held(lease));
        }
        let lost = before.as_ref().filter(|held| !held.released).map(|held| held.leader.as_str());
        let fence = before.as_ref().map_or(0, |held| held.fence) + 1;
        sql("INSERT INTO lease (one, leader, fence, ends, released) VALUES (1, $1, $2, $3, $4)
             ON CONFLICT (one) DO UPDATE SET leader = excluded.leader, fence = excluded.fence,
                 ends = excluded.ends, released = excluded.released")
        .bind(leader)
        .bind(integer(fence)?)
        .bind(now + milliseconds(length))
        .bind(false)
        .run(&mut session)
        .await?;
        insert_record(&mut session, &record(at, leader, fence, lost)).await?;
        session.commit().await?;
        Ok(Taking::Taken { fence })
    }

    async fn renew_lease(&self, fence: u64, length: Duration) -> Result<bool, StorageError> {
        let mut session = self.writing("keep the lead").await?;
        let now = self.clock(&mut session).await?;
        let renew = sql("UPDATE lease SET ends = $1 WHERE fence = $2 AND released = $3")
            .bind(now + milliseconds(length))
            .bind(integer(fence)?)
            .bind(false);
        let done = renew.run(&mut session).await?;
        session.commit().await?;
        Ok(done > 0)
    }

    async fn release_lease(&self, fence: u64) -> Result<bool, StorageError> {
        let mut session = self.writing("give up the lead").await?;
        let release = sql("UPDATE lease SET ends = 0, released = $1
             WHERE fence = $2 AND released = $3")
        .bind(true)
        .bind(integer(fence)?)
        .bind(false);
        let done = release.run(&mut session).await?;
        session.commit().await?;
        Ok(done > 0)
    }

    async fn leader(&self) -> Result<Option<Lease>, StorageError> {
        let mut session = self.snapshot("read who leads").await?;
        let now = self.clock(&mut session).await?;
        Ok(read(&mut session).await?.and_then(|held| held.at(now)))
    }
}

struct Held {
    leader: String,
    fence: u64,
    /// Milliseconds since 1970, by the store's clock.
    ends: i64,
    released: bool,
}

impl Held {
    fn at(&self, now: i64) -> Option<Lease> {
        let left = u64::try_from(self.ends - now).ok().filter(|left| *left > 0)?;
        let left = Duration::from_millis(left);
        Some(Lease { leader: self.leader.clone(), fence: self.fence, left })
    }
}

impl Store {
    /// The same store for one leader: it writes nothing once another leads. Fence 0 never led.
    #[must_use]
    pub fn fenced(&self, fence: u64) -> Self {
        // No leader has a number that does not fit.
        Self { fence: Some(i64::try_from(fence).unwrap_or(0)), ..self.clone() }
    }

    /// Under the write lock: whether this store's leader still leads.
    pub(crate) async fn check_fence(&self, session: &mut Session) -> Result<(), StorageError> {
        let Some(fence) = self.fence else { return Ok(()) };
        match read(session).await? {
            Some(held) if i64::try_from(held.fence) == Ok(fence) => Ok(()),
            held => Err(StorageError::NotLeading(held.map(|held| held.leader))),
        }
    }

    async fn clock(&self, session: &mut Session) -> Result<i64, StorageError> {
        let now = match self.engine {
            Engine::Sqlite(..) => sqlite::NOW,
            Engine::Postgres(_) => postgres::NOW,
        };
        sql(now).value(session).await
    }
}

async fn read(session: &mut Session) -> Result<Option<Held>, StorageError> {
    let row = sql("SELECT leader, fence, ends, released FROM lease").first(session).await?;
    let held = |row: Row| {
        Ok(Held {
            leader: row.text("leader")?,
            fence: row.count("fence")?,
            ends: row.get("ends")?,
            released: row.get("released")?,
        })
    };
    row.map(held).transpose()
}

fn milliseconds(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX / 2)
}
