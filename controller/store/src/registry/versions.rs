//! Versions: one row for each, one for each content of an endpoint, and one for each pair.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;
use sark_core::ContentHash;
use sark_core::audit::AuditRecord;
use sark_core::storage::StorageError;
use sark_registry::storage::{
    Committed, Counts, Origin, Pin, Pruned, Version, VersionStore, hex_of,
};
use sark_registry::{Endpoint, Manifest, Snapshot, object_of};

use crate::query::{places, sql, sql_of};
use crate::row::{Row, integer, json};
use crate::session::Session;
use crate::store::{Store, corrupt};
use crate::trail::insert_record;

const NEWEST: &str = "SELECT * FROM registry_version ORDER BY number DESC LIMIT 1";

/// Endpoints stored by one statement.
const AT_ONCE: usize = 100;

#[async_trait]
impl VersionStore for Store {
    async fn commit_version(
        &self,
        snapshot: &Snapshot,
        origin: &Origin,
        record: Option<&AuditRecord>,
    ) -> Result<Committed, StorageError> {
        let manifest = snapshot.manifest();
        let mut session = self.writing("store a registry version").await?;
        let newest = sql(NEWEST).first(&mut session).await?;
        let newest = newest.as_ref().map(version_of).transpose()?;
        let before = match newest {
            Some(version) if version.hash == *snapshot.version() => {
                return Ok(Committed { version, stored: false });
            }
            Some(version) => manifest_of(&mut session, integer(version.number)?).await?,
            None => Manifest::default(),
        };
        let counts = Counts::of(snapshot.endpoints(), &before.difference(&manifest));
        let hash = snapshot.version();
        // The newest is never removed: a number is never used again.
        let number: i64 = sql("INSERT INTO registry_version (number, hash, at, cause, actor, counts)
             VALUES ((SELECT coalesce(max(number), 0) + 1 FROM registry_version), $1, $2, $3, $4, $5)
             RETURNING number")
        .bind(hash.as_str())
        .bind(origin.at.to_string())
        .bind(&origin.cause)
        .bind(&origin.actor)
        .bind(json(&counts)?)
        .value(&mut session)
        .await?;
        let hashes: Vec<_> = manifest.lines().iter().map(|(_, hash)| hash.as_str()).collect();
        let list = json(&hashes)?;
        let missing: Vec<String> = sql("SELECT value FROM json_each($1)
             WHERE value NOT IN (SELECT hash FROM registry_object)")
        .bind(&list)
        .values(&mut session)
        .await?;
        // Lines and endpoints are both in order of id.
        let by_hash: HashMap<&str, &Endpoint> =
            hashes.into_iter().zip(snapshot.endpoints()).collect();
        insert_objects(&mut session, &missing, &by_hash).await?;
        sql("INSERT INTO registry_content SELECT $1, key FROM registry_object
             WHERE hash IN (SELECT value FROM json_each($2))")
        .bind(number)
        .bind(&list)
        .run(&mut session)
        .await?;
        if let Some(record) = record {
            insert_record(&mut session, record).await?;
        }
        session.commit().await?;
        let number = u64::try_from(number).map_err(|e| corrupt("registry_version", e))?;
        let version = Version { number, hash: hash.clone(), origin: origin.clone(), counts };
        Ok(Committed { version, stored: true })
    }

    async fn version(&self, number: u64) -> Result<Option<Version>, StorageError> {
        let Ok(number) = i64::try_from(number) else { return Ok(None) };
        let mut session = self.reading("read a registry version").await?;
        let one = sql("SELECT * FROM registry_version WHERE number = $1").bind(number);
        one.first(&mut session).await?.as_ref().map(version_of).transpose()
    }

    async fn by_hash(&self, prefix: &str) -> Result<Vec<Version>, StorageError> {
        let Some(hex) = hex_of(prefix) else { return Ok(Vec::new()) };
        let mut session = self.reading("read a registry version").await?;
        // Every digit comes before `g`.
        let rows = sql("SELECT * FROM registry_version WHERE hash >= $1 AND hash < $2
             ORDER BY number DESC LIMIT 100")
        .bind(format!("sha256:{hex}"))
        .bind(format!("sha256:{hex}g"))
        .all(&mut session)
        .await?;
        rows.iter().map(version_of).collect()
    }

    async fn newest_version(&self) -> Result<Option<Version>, StorageError> {
        let mut session = self.reading("read the newest registry version").await?;
        sql(NEWEST).first(&mut session).await?.as_ref().map(version_of).transpose()
    }

    async fn versions(
        &self,
        limit: u32,
        before: Option<u64>,
    ) -> Result<Vec<Version>, StorageError> {
        let before = before.and_then(|n| i64::try_from(n).ok()).unwrap_or(i64::MAX);
        let mut session = self.reading("list registry versions").await?;
        let rows =
            sql("SELECT * FROM registry_version WHERE number < $1 ORDER BY number DESC LIMIT $2")
                .bind(before)
                .bind(limit)
                .all(&mut session)
                .await?;
        rows.iter().map(version_of).collect()
    }

    async fn manifest(&self, number: u64) -> Result<Option<Manifest>, StorageError> {
        if self.version(number).await?.is_none() {
            return Ok(None);
        }
        let mut session = self.reading("read a registry version").await?;
        manifest_of(&mut session, integer(number)?).await.map(Some)
    }

    async fn endpoint(&self, hash: &ContentHash) -> Result<Option<Endpoint>, StorageError> {
        let mut session = self.reading("read an endpoint").await?;
        let row = sql("SELECT json FROM registry_object WHERE hash = $1")
            .bind(hash.as_str())
            .first(&mut session)
            .await?;
        row.map(|row| row.parsed("json", format!("endpoint {hash}"))).transpose()
    }

    async fn load_version(&self, number: u64) -> Result<Option<Vec<Endpoint>>, StorageError> {
        let Some(version) = self.version(number).await? else { return Ok(None) };
        let mut session = self.reading("read a registry version").await?;
        let rows = sql(
            "SELECT o.id, o.json FROM registry_content c JOIN registry_object o ON o.key = c.object
             WHERE c.version = $1 ORDER BY o.id",
        )
        .bind(integer(number)?)
        .all(&mut session)
        .await?;
        let place =
            |row: &Row| Ok(format!("registry version {number}, endpoint {}", row.text("id")?));
        let endpoints: Vec<Endpoint> = rows
            .iter()
            .map(|row| row.parsed("json", place(row)?))
            .collect::<Result<_, StorageError>>()?;
        let found = Manifest::of(&endpoints).version();
        if found == version.hash {
            return Ok(Some(endpoints));
        }
        let why = format!("its content has the hash {found}, not {}", version.hash);
        Err(corrupt(format!("registry version {number}"), why))
    }

    async fn pin(
        &self,
        number: Option<u64>,
        at: Timestamp,
        actor: &str,
        record: &AuditRecord,
    ) -> Result<bool, StorageError> {
        let mut session = self.writing("pin a registry version").await?;
        sql("DELETE FROM registry_pin").run(&mut session).await?;
        if let Some(number) = number {
            let Ok(number) = i64::try_from(number) else { return Ok(false) };
            let done = sql("INSERT INTO registry_pin
                 SELECT 1, number, $1, $2 FROM registry_version WHERE number = $3")
            .bind(at.to_string())
            .bind(actor)
            .bind(number)
            .run(&mut session)
            .await?;
            if done == 0 {
                return Ok(false);
            }
        }
        insert_record(&mut session, record).await?;
        session.commit().await?;
        Ok(true)
    }

    async fn pinned(&self) -> Result<Option<Pin>, StorageError> {
        let mut session = self.reading("read the pinned registry version").await?;
        let row = sql("SELECT * FROM registry_pin").first(&mut session).await?;
        let pin = |row: &Row| {
            let at = row.time("the pinned registry version, at".into())?;
            Ok(Pin { version: row.count("version")?, at, actor: row.text("actor")? })
        };
        row.as_ref().map(pin).transpose()
    }

    async fn prune(&self, keep: u32) -> Result<Pruned, StorageError> {
        let mut session = self.writing("remove old registry versions").await?;
        let versions = sql("DELETE FROM registry_version WHERE number NOT IN
                 (SELECT number FROM registry_version ORDER BY number DESC LIMIT $1)
             AND number NOT IN (SELECT version FROM registry_pin)
             AND hash NOT IN (SELECT registry_version FROM revision)")
        .bind(keep.max(1))
        .run(&mut session)
        .await?;
        let objects = sql(
            "DELETE FROM registry_object WHERE key NOT IN (SELECT object FROM registry_content)",
        )
        .run(&mut session)
        .await?;
        session.commit().await?;
        Ok(Pruned { versions, objects })
    }
}

async fn insert_objects(
    session: &mut Session,
    hashes: &[String],
    by_hash: &HashMap<&str, &Endpoint>,
) -> Result<(), StorageError> {
    let known =
        |hash: &String| by_hash.get(hash.as_str()).map(|endpoint| (hash.clone(), *endpoint));
    let objects: Vec<_> = hashes.iter().filter_map(known).collect();
    for some in objects.chunks(AT_ONCE) {
        let text = "INSERT INTO registry_object (hash, id, json) VALUES ";
        let mut insert = sql_of(text.to_owned() + &places(some.len(), 3));
        for (hash, endpoint) in some {
            insert = insert.bind(hash).bind(&endpoint.id).bind(object_of(endpoint));
        }
        insert.run(session).await?;
    }
    Ok(())
}

async fn manifest_of(session: &mut Session, number: i64) -> Result<Manifest, StorageError> {
    let rows = sql(
        "SELECT o.id, o.hash FROM registry_content c JOIN registry_object o ON o.key = c.object
         WHERE c.version = $1",
    )
    .bind(number)
    .all(session)
    .await?;
    let line = |row: &Row| Ok((row.text("id")?, row.hash()?));
    let lines: Result<_, StorageError> = rows.iter().map(line).collect();
    lines.map(Manifest::from_lines)
}

fn version_of(row: &Row) -> Result<Version, StorageError> {
    let number = row.count("number")?;
    let place = |column: &str| format!("registry version {number}, {column}");
    let at = row.time(place("at"))?;
    Ok(Version {
        number,
        hash: row.hash()?,
        origin: Origin { at, cause: row.text("cause")?, actor: row.text("actor")? },
        counts: row.parsed("counts", place("counts"))?,
    })
}
