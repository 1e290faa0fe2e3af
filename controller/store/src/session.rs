//! A connection for a while, and what it is for.

use std::sync::Arc;

use sark_core::storage::StorageError;
use sqlx::pool::PoolConnection;
use sqlx::{Database, Postgres, Sqlite, Transaction};
use tokio::sync::OwnedMutexGuard;

use crate::postgres::{self, PATIENCE, within};
use crate::query::sql;
use crate::sqlite;
use crate::store::{Engine, Store, meaning};

/// What is not committed when it is dropped was never written.
pub(crate) struct Session {
    /// For errors: the store could not …
    pub(crate) what: &'static str,
    pub(crate) link: Link,
    /// Given on when it is over.
    _turn: Option<OwnedMutexGuard<()>>,
}

pub(crate) enum Link {
    Sqlite(Hold<Sqlite>),
    Postgres(Hold<Postgres>),
}

pub(crate) enum Hold<E: Database> {
    Plain(PoolConnection<E>),
    Transaction(Transaction<'static, E>),
}

impl<E: Database> Hold<E> {
    pub(crate) fn connection(&mut self) -> &mut E::Connection {
        match self {
            Self::Plain(connection) => connection,
            Self::Transaction(transaction) => transaction,
        }
    }
}

impl Store {
    /// For one statement.
    pub(crate) async fn reading(&self, what: &'static str) -> Result<Session, StorageError> {
        let link = match &self.engine {
            Engine::Sqlite(pool, _) => pool.acquire().await.map(|c| Link::Sqlite(Hold::Plain(c))),
            Engine::Postgres(pool) => pool.acquire().await.map(|c| Link::Postgres(Hold::Plain(c))),
        };
        Ok(Session { what, link: link.map_err(|e| meaning(what, e))?, _turn: None })
    }

    /// For several statements that read of one moment.
    pub(crate) async fn snapshot(&self, what: &'static str) -> Result<Session, StorageError> {
        self.begin(what, None, sqlite::SNAPSHOT, postgres::SNAPSHOT).await
    }

    /// For what is read and written under the write lock; nothing is written without
    /// [`Session::commit`].
    pub(crate) async fn writing(&self, what: &'static str) -> Result<Session, StorageError> {
        let turn = self.turn(what).await?;
        let mut session = self.begin(what, turn, sqlite::WRITING, postgres::WRITING).await?;
        if let Link::Postgres(_) = session.link {
            sql(postgres::WRITE_LOCK).run(&mut session).await?;
        }
        self.check_fence(&mut session).await?;
        Ok(session)
    }

    /// SQLite lets whoever asks just then write, and who writes without a pause keeps others out: here they
    /// come in the order in which they asked.
    async fn turn(&self, what: &'static str) -> Result<Option<OwnedMutexGuard<()>>, StorageError> {
        let Engine::Sqlite(_, writers) = &self.engine else { return Ok(None) };
        let turn = Arc::clone(writers).lock_owned();
        match tokio::time::timeout(PATIENCE, turn).await {
            Ok(turn) => Ok(Some(turn)),
            Err(_) => {
                let source = "others wrote for too long".into();
                Err(StorageError::Unavailable { what, source })
            }
        }
    }

    async fn begin(
        &self,
        what: &'static str,
        turn: Option<OwnedMutexGuard<()>>,
        on_sqlite: &'static str,
        on_postgres: &'static str,
    ) -> Result<Session, StorageError> {
        let link = match &self.engine {
            Engine::Sqlite(pool, _) => {
                pool.begin_with(on_sqlite).await.map(|t| Link::Sqlite(Hold::Transaction(t)))
            }
            Engine::Postgres(pool) => within(PATIENCE, pool.begin_with(on_postgres))
                .await
                .map(|t| Link::Postgres(Hold::Transaction(t))),
        };
        Ok(Session { what, link: link.map_err(|e| meaning(what, e))?, _turn: turn })
    }
}

#[cfg(feature = "test-util")]
impl Store {
    /// Begins to write and does not go on, as a controller that is halted.
    pub async fn write_and_halt(&self) {
        if let Ok(session) = self.writing("be halted").await {
            std::mem::forget(session);
        }
    }
}

impl Session {
    /// Everything written becomes true at once.
    pub(crate) async fn commit(self) -> Result<(), StorageError> {
        let done = match self.link {
            Link::Sqlite(Hold::Transaction(t)) => t.commit().await,
            Link::Postgres(Hold::Transaction(t)) => within(PATIENCE, t.commit()).await,
            Link::Sqlite(Hold::Plain(_)) | Link::Postgres(Hold::Plain(_)) => Ok(()),
        };
        done.map_err(|e| meaning(self.what, e))
    }
}
