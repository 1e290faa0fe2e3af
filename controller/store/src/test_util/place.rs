//! Where a test's store is.

use std::path::PathBuf;

use sqlx::Connection as _;

use super::{TestDatabase, TestServer};
use crate::{OpenError, Store};

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
    pub async fn raw(&self, statements: &'static str) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(_) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new()
                    .filename(self.file())
                    .create_if_missing(true);
                let mut connection = sqlx::SqliteConnection::connect_with(&options).await?;
                sqlx::raw_sql(statements).execute(&mut connection).await?;
                connection.close().await
            }
            Self::Postgres(database) => database.raw(statements).await,
        }
    }

    fn file(&self) -> PathBuf {
        match self {
            Self::Sqlite(directory) => directory.path().join("sark.db"),
            Self::Postgres(_) => unreachable!("only called for SQLite"),
        }
    }
}
