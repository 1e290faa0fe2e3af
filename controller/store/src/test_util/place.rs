//! Where a test's store is.

use std::path::PathBuf;

use sqlx::migrate::{Migration, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use super::{TestDatabase, TestServer};
use crate::{OpenError, Store, migrations};

/// A database that is empty until it is opened; gone with this value.
#[derive(Debug)]
pub enum TestPlace {
    /// A file in a directory of its own.
    Sqlite(tempfile::TempDir),
    /// A database on the server of all tests.
    Postgres(TestDatabase<'static>),
}

impl TestPlace {
    /// On SQLite.
    #[must_use]
    pub fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    /// On PostgreSQL.
    #[must_use]
    pub fn postgres() -> Self {
        Self::Postgres(TestServer::shared().database())
    }

    /// The store there.
    pub async fn open(&self) -> Store {
        self.try_open().await.unwrap()
    }

    /// The store there, or why not.
    pub async fn try_open(&self) -> Result<Store, OpenError> {
        match self {
            Self::Sqlite(_) => Store::open(&self.file()).await,
            Self::Postgres(database) => Store::connect(&database.settings()).await,
        }
    }

    /// Statements as an administrator would type them, past the store.
    pub async fn raw(&self, statements: &str) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(_) => {
                let mut connection = self.sqlite_connection().await?;
                sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut connection).await?;
                connection.close().await
            }
            Self::Postgres(database) => database.raw(statements).await,
        }
    }

    /// Number, name and SHA-384 of each migration of this engine, in order.
    #[must_use]
    pub fn migrations(&self) -> Vec<(i64, String, String)> {
        let hex = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02x}")).collect();
        let one = |m: &Migration| (m.version, m.description.to_string(), hex(&m.checksum));
        self.migrator().iter().map(one).collect()
    }

    /// Brings the database to the schema of this number, as the SARK of that time did.
    pub async fn migrate_to(&self, newest: i64) {
        let wanted = self.migrator().iter().filter(|migration| migration.version <= newest);
        let some = Migrator::with_migrations(wanted.cloned().collect());
        match self {
            Self::Sqlite(_) => {
                let mut connection = self.sqlite_connection().await.unwrap();
                some.run(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Self::Postgres(database) => {
                let mut connection = database.connection().await.unwrap();
                some.run(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }

    fn migrator(&self) -> &'static Migrator {
        match self {
            Self::Sqlite(_) => &migrations::SQLITE,
            Self::Postgres(_) => &migrations::POSTGRES,
        }
    }

    async fn sqlite_connection(&self) -> Result<SqliteConnection, sqlx::Error> {
        let options = SqliteConnectOptions::new().filename(self.file()).create_if_missing(true);
        SqliteConnection::connect_with(&options.foreign_keys(true)).await
    }

    fn file(&self) -> PathBuf {
        match self {
            Self::Sqlite(directory) => directory.path().join("sark.db"),
            Self::Postgres(_) => unreachable!("only called for SQLite"),
        }
    }
}
