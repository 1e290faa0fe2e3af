//! A row of either engine, and how what is in it is read and written.

use std::str::FromStr;

use jiff::Timestamp;
use sark_core::ContentHash;
use sark_core::storage::StorageError;
use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{ColumnIndex, Decode, Postgres, Row as _, Sqlite, Type};

use crate::store::{corrupt, meaning};

pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// What a column can be read as: `i64`, `bool`, `String`, `Vec<u8>`, and options of them.
pub(crate) trait Readable:
    for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>
{
}

impl<T> Readable for T where
    T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>
{
}

impl Row {
    /// A column, by name or by number.
    pub(crate) fn get<T: Readable>(
        &self,
        column: impl ColumnIndex<SqliteRow> + ColumnIndex<PgRow>,
    ) -> Result<T, StorageError> {
        let value = match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        };
        value.map_err(|e| meaning("read a column", e))
    }

    /// A text.
    pub(crate) fn text(&self, column: &'static str) -> Result<String, StorageError> {
        self.get(column)
    }

    /// A number that is not negative.
    pub(crate) fn count(&self, column: &'static str) -> Result<u64, StorageError> {
        u64::try_from(self.get::<i64>(column)?).map_err(|e| corrupt(column, e))
    }

    /// A time, in the column `at`.
    pub(crate) fn time(&self, place: String) -> Result<Timestamp, StorageError> {
        Timestamp::from_str(&self.text("at")?).map_err(|e| corrupt(place, e))
    }

    /// A hash, in the column `hash`.
    pub(crate) fn hash(&self) -> Result<ContentHash, StorageError> {
        self.text("hash")?.parse().map_err(|e: sark_core::HashError| corrupt("hash", e))
    }

    /// JSON.
    pub(crate) fn parsed<T: DeserializeOwned>(
        &self,
        column: &'static str,
        place: String,
    ) -> Result<T, StorageError> {
        serde_json::from_str(&self.text(column)?).map_err(|e| corrupt(place, e))
    }
}

pub(crate) fn json<T: serde::Serialize>(value: &T) -> Result<String, StorageError> {
    serde_json::to_string(value)
        .map_err(|e| StorageError::Unavailable { what: "write JSON", source: Box::new(e) })
}

pub(crate) fn integer(value: u64) -> Result<i64, StorageError> {
    i64::try_from(value)
        .map_err(|e| StorageError::Unavailable { what: "write a number", source: Box::new(e) })
}
