//! The store: opening it, and what its errors mean.

use std::path::Path;
use std::sync::Arc;

use sark_core::storage::StorageError;
use sqlx::{PgPool, SqlitePool};
use tokio::sync::Mutex;

use crate::postgres::{self, PostgresSettings};
use crate::{sqlite, trail};

/// Revisions, the trail and the registry, on either engine.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) engine: Engine,
    /// Writes only while the leader of this number leads.
    pub(crate) fence: Option<i64>,
}

#[derive(Debug, Clone)]
pub(crate) enum Engine {
    /// With whose turn it is to write to the file, of this program.
    Sqlite(SqlitePool, Arc<Mutex<()>>),
    Postgres(PgPool),
}

impl Engine {
    fn on_sqlite(pool: SqlitePool) -> Self {
        Self::Sqlite(pool, Arc::default())
    }
}

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Not readable or writable, not a database, no space, nobody answers, not let in.
    #[error("cannot open the database {place}")]
    Open {
        /// Its path, or server and name; never its password.
        place: String,
        /// Cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A newer SARK has written to it.
    #[error(
        "the database {place} has schema {found}, and this SARK knows {known} at most; use the SARK that wrote it, or restore a backup from before"
    )]
    Newer {
        /// See [`Open`](Self::Open).
        place: String,
        /// The newest migration it has.
        found: i64,
        /// The newest migration there is here.
        known: i64,
    },
    /// Its schema was changed by hand, or the change failed.
    #[error("cannot bring the database {place} to this version's schema")]
    Migrate {
        /// See [`Open`](Self::Open).
        place: String,
        /// Cause.
        source: sqlx::migrate::MigrateError,
    },
    /// Audit records from before they were chained.
    #[error("cannot chain the audit records that the database {place} has from before")]
    Chain {
        /// See [`Open`](Self::Open).
        place: String,
        /// Cause.
        source: StorageError,
    },
}

impl Store {
    /// Opens the SQLite database, created if missing, and brings it to this version's schema.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        Self::begun(path.display(), Engine::on_sqlite(sqlite::open(path, None).await?)).await
    }

    /// As [`open`](Self::open), but it is full when it has this many pages of 16 KiB.
    pub async fn open_bounded(path: &Path, pages: u32) -> Result<Self, OpenError> {
        let engine = Engine::on_sqlite(sqlite::open(path, Some(pages)).await?);
        Self::begun(path.display(), engine).await
    }

    /// Opens a SQLite database that is there, to read what is in it: nothing is written, not even a
    /// newer schema.
    pub async fn look_at(path: &Path) -> Result<Self, OpenError> {
        Ok(Self::of(Engine::on_sqlite(sqlite::look_at(path).await?)))
    }

    /// Connects to a PostgreSQL database, which must exist, and brings it to this version's schema.
    pub async fn connect(settings: &PostgresSettings) -> Result<Self, OpenError> {
        let engine = Engine::Postgres(postgres::open(settings).await?);
        Self::begun(settings.place(), engine).await
    }

    fn of(engine: Engine) -> Self {
        Self { engine, fence: None }
    }

    /// What a change of the schema left to do.
    async fn begun(place: impl std::fmt::Display, engine: Engine) -> Result<Self, OpenError> {
        let store = Self::of(engine);
        match trail::chain_what_is_not(&store).await {
            Ok(()) => Ok(store),
            Err(source) => Err(OpenError::Chain { place: place.to_string(), source }),
        }
    }

    /// Waits for calls under way and closes the file or the connections.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite(pool, _) => pool.close().await,
            // A server that does not answer is not waited for.
            Engine::Postgres(pool) => {
                let _ = tokio::time::timeout(postgres::PATIENCE, pool.close()).await;
            }
        }
    }
}

impl OpenError {
    /// What an error of migrating means.
    pub(crate) fn migrating(
        place: String,
        migrations: &sqlx::migrate::Migrator,
        source: sqlx::migrate::MigrateError,
    ) -> Self {
        let known = migrations.iter().map(|migration| migration.version).max().unwrap_or(0);
        match source {
            sqlx::migrate::MigrateError::VersionMissing(found) if found > known => {
                Self::Newer { place, found, known }
            }
            source => Self::Migrate { place, source },
        }
    }
}

/// What an error of this operation means to the caller.
pub(crate) fn meaning(what: &'static str, source: sqlx::Error) -> StorageError {
    let is_damage = match &source {
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => true,
        sqlx::Error::Database(e) => {
            e.code().is_some_and(|code| sqlite::is_damage(&code) || postgres::is_damage(&code))
        }
        _ => false,
    };
    if is_damage {
        return corrupt(what, source);
    }
    StorageError::Unavailable { what, source: Box::new(source) }
}

pub(crate) fn corrupt(
    what: impl Into<String>,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StorageError {
    StorageError::Corrupt { what: what.into(), source: source.into() }
}
