//! The database: opening it, and what its errors mean.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sark_core::storage::StorageError;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// How long a call waits for another writer or a free connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// Revisions and the audit trail in one SQLite file.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    pub(crate) pool: SqlitePool,
}

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Not readable or writable, not a database, no space.
    #[error("cannot open the database {path}")]
    Open {
        /// Its path.
        path: PathBuf,
        /// Cause.
        source: sqlx::Error,
    },
    /// Written by a newer SARK, or changed by hand.
    #[error(
        "cannot bring the database {path} to this version's schema; use the SARK that wrote it"
    )]
    Migrate {
        /// Its path.
        path: PathBuf,
        /// Cause.
        source: sqlx::migrate::MigrateError,
    },
}

impl SqliteStore {
    /// Opens the database, created if missing, and brings it to this version's schema.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_with(path, options(path)).await
    }

    /// As [`open`](Self::open), but it is full when it has this many pages of 4 KiB.
    pub async fn open_bounded(path: &Path, pages: u32) -> Result<Self, OpenError> {
        Self::open_with(path, options(path).pragma("max_page_count", pages.to_string())).await
    }

    async fn open_with(path: &Path, options: SqliteConnectOptions) -> Result<Self, OpenError> {
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(PATIENCE)
            .connect_with(options)
            .await
            .map_err(|source| OpenError::Open { path: path.to_owned(), source })?;
        let migrated = MIGRATIONS.run(&pool).await;
        migrated.map_err(|source| OpenError::Migrate { path: path.to_owned(), source })?;
        Ok(Self { pool })
    }

    /// Waits for calls under way and closes the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A revision that was acknowledged survives a power cut.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(PATIENCE)
}

/// What an error of this operation means to the caller.
pub(crate) fn meaning(what: &'static str) -> impl Fn(sqlx::Error) -> StorageError {
    move |source| match &source {
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => corrupt(what, source),
        // Primary result codes SQLITE_CORRUPT and SQLITE_NOTADB.
        sqlx::Error::Database(e)
            if e.code()
                .and_then(|code| code.parse::<u32>().ok())
                .is_some_and(|code| matches!(code & 0xff, 11 | 26)) =>
        {
            corrupt(what, source)
        }
        _ => StorageError::Unavailable { what, source: Box::new(source) },
    }
}

pub(crate) fn corrupt(
    what: impl Into<String>,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StorageError {
    StorageError::Corrupt { what: what.into(), source: source.into() }
}
