//! What is SQLite's own: its options, its write lock, its codes.

use std::path::Path;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::migrations::SQLITE;
use crate::store::OpenError;

/// Begins a session that writes: a write lock first, so that what it reads stays true.
pub(crate) const WRITING: &str = "BEGIN IMMEDIATE";

/// Begins a session that reads several things of one moment.
pub(crate) const SNAPSHOT: &str = "BEGIN";

/// Milliseconds since 1970.
pub(crate) const NOW: &str = "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/// Octets of a page of a new file. A trail is written through once into the log of changes and once into
/// the file, page by page: with four times the usual size a fifth more records a second.
const PAGE: u32 = 16_384;

/// Pages of the log of changes before they are moved into the file: each time costs two syncs, and a
/// page that changed often until then is moved once.
const LOGGED: &str = "2500";

/// Octets of that log that stay on the disk when it has been moved; after a burst it is larger.
const KEPT: &str = "64000000";

/// What each connection remembers of the file, in KiB: the trail's indexes.
const REMEMBERED: &str = "-32000";

/// How long a call waits for another writer or a free connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// Opens the file, full at this many pages, with this version's schema.
pub(crate) async fn open(path: &Path, pages: Option<u32>) -> Result<SqlitePool, OpenError> {
    let place = path.display().to_string();
    let mut options = options(path);
    if let Some(pages) = pages {
        options = options.pragma("max_page_count", pages.to_string());
    }
    let pool = SqlitePoolOptions::new()
        .max_connections(4)
        .acquire_timeout(PATIENCE)
        .connect_with(options)
        .await
        .map_err(|e| OpenError::Open { place: place.clone(), source: Box::new(e) })?;
    let migrated = SQLITE.run(&pool).await;
    migrated.map_err(|source| OpenError::migrating(place, &SQLITE, source))?;
    Ok(pool)
}

/// Opens the file to read it only; it has this version's schema already.
pub(crate) async fn look_at(path: &Path) -> Result<SqlitePool, OpenError> {
    let place = path.display().to_string();
    let failed = |e: sqlx::Error| OpenError::Open { place: place.clone(), source: Box::new(e) };
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .read_only(true)
        .busy_timeout(PATIENCE);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await;
    let pool = pool.map_err(failed)?;
    sqlx::query("SELECT sequence FROM trail_head").fetch_all(&pool).await.map_err(failed)?;
    Ok(pool)
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .page_size(PAGE)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A revision that was acknowledged survives a power cut.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(PATIENCE)
        .pragma("wal_autocheckpoint", LOGGED)
        .pragma("journal_size_limit", KEPT)
        .pragma("cache_size", REMEMBERED)
}

/// Primary result codes SQLITE_CORRUPT and SQLITE_NOTADB. PostgreSQL's codes have five characters,
/// extended ones of these four at most.
pub(crate) fn is_damage(code: &str) -> bool {
    code.len() < 5 && code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 11 | 26))
}
