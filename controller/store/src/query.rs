//! One SQL text with its parameters, run on either engine.

use std::borrow::Cow;

use sark_core::storage::StorageError;
use sqlx::{AssertSqlSafe, Database, Encode, SqlSafeStr, SqlStr, Type};

use crate::postgres::{PATIENCE, within};
use crate::row::{Readable, Row};
use crate::session::{Link, Session};
use crate::store::meaning;

/// A statement for both engines.
pub(crate) fn sql<'q>(text: &'static str) -> Query<'q> {
    Query { text: text.into_sql_str(), values: Vec::new() }
}

/// A statement that was put together; of literals and [`places`] only, never of data.
pub(crate) fn sql_of<'q>(text: String) -> Query<'q> {
    Query { text: AssertSqlSafe(text).into_sql_str(), values: Vec::new() }
}

/// Parameters for this many rows: `($1, $2), ($3, $4)`. Neither engine takes more than 32,000 in
/// one statement.
pub(crate) fn places(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let first = row * columns + 1;
        let row: Vec<_> = (first..first + columns).map(|n| format!("${n}")).collect();
        format!("({})", row.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

#[must_use = "a statement does nothing until it is run"]
pub(crate) struct Query<'q> {
    text: SqlStr,
    values: Vec<Value<'q>>,
}

/// A parameter; NULL has a type too.
pub(crate) enum Value<'q> {
    Integer(Option<i64>),
    Boolean(Option<bool>),
    Text(Option<Cow<'q, str>>),
    Octets(Option<Cow<'q, [u8]>>),
}

impl<'q> Query<'q> {
    /// The next parameter: `$1`, `$2` and so on.
    pub(crate) fn bind(mut self, value: impl Into<Value<'q>>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Rows changed.
    pub(crate) async fn run(self, session: &mut Session) -> Result<u64, StorageError> {
        let Self { text, values } = self;
        let done = match &mut session.link {
            Link::Sqlite(hold) => {
                let done = filled(text, values).execute(hold.connection()).await;
                done.map(|done| done.rows_affected())
            }
            Link::Postgres(hold) => {
                let done = filled(text, values).execute(hold.connection());
                within(PATIENCE, done).await.map(|done| done.rows_affected())
            }
        };
        done.map_err(|e| meaning(session.what, e))
    }

    /// All rows.
    pub(crate) async fn all(self, session: &mut Session) -> Result<Vec<Row>, StorageError> {
        let Self { text, values } = self;
        let rows = match &mut session.link {
            Link::Sqlite(hold) => {
                let rows = filled(text, values).fetch_all(hold.connection()).await;
                rows.map(|rows| rows.into_iter().map(Row::Sqlite).collect())
            }
            Link::Postgres(hold) => {
                let rows = filled(text, values).fetch_all(hold.connection());
                let rows = within(PATIENCE, rows).await;
                rows.map(|rows| rows.into_iter().map(Row::Postgres).collect())
            }
        };
        rows.map_err(|e| meaning(session.what, e))
    }

    /// The first row, if there is one.
    pub(crate) async fn first(self, session: &mut Session) -> Result<Option<Row>, StorageError> {
        let Self { text, values } = self;
        let row = match &mut session.link {
            Link::Sqlite(hold) => {
                let row = filled(text, values).fetch_optional(hold.connection()).await;
                row.map(|row| row.map(Row::Sqlite))
            }
            Link::Postgres(hold) => {
                let row = filled(text, values).fetch_optional(hold.connection());
                within(PATIENCE, row).await.map(|row| row.map(Row::Postgres))
            }
        };
        row.map_err(|e| meaning(session.what, e))
    }

    /// The first column of the first row; there is one.
    pub(crate) async fn value<T: Readable>(self, session: &mut Session) -> Result<T, StorageError> {
        match self.first(session).await? {
            Some(row) => row.get(0),
            None => Err(meaning(session.what, sqlx::Error::RowNotFound)),
        }
    }

    /// The first column of each row.
    pub(crate) async fn values<T: Readable>(
        self,
        session: &mut Session,
    ) -> Result<Vec<T>, StorageError> {
        self.all(session).await?.iter().map(|row| row.get(0)).collect()
    }
}

fn filled<'s, E>(
    text: SqlStr,
    values: Vec<Value<'_>>,
) -> sqlx::query::Query<'s, E, <E as Database>::Arguments>
where
    E: Database,
    Option<i64>: for<'v> Encode<'v, E> + Type<E>,
    Option<bool>: for<'v> Encode<'v, E> + Type<E>,
    for<'v> Option<&'v str>: Encode<'v, E> + Type<E>,
    for<'v> Option<&'v [u8]>: Encode<'v, E> + Type<E>,
{
    let mut query = sqlx::query(text);
    for value in values {
        query = match value {
            Value::Integer(value) => query.bind(value),
            Value::Boolean(value) => query.bind(value),
            Value::Text(value) => query.bind(value.as_deref()),
            Value::Octets(value) => query.bind(value.as_deref()),
        };
    }
    query
}

/// From a type, and from an optional one.
macro_rules! value {
    ($($type:ty => $variant:ident $with:expr;)*) => {$(
        impl<'q> From<$type> for Value<'q> {
            fn from(value: $type) -> Self {
                Self::$variant(Some($with(value)))
            }
        }
        impl<'q> From<Option<$type>> for Value<'q> {
            fn from(value: Option<$type>) -> Self {
                Self::$variant(value.map($with))
            }
        }
    )*};
}

value! {
    i64 => Integer |v| v;
    u32 => Integer i64::from;
    bool => Boolean |v| v;
    &'q str => Text Cow::Borrowed;
    &'q String => Text |v: &'q String| Cow::Borrowed(v.as_str());
    String => Text Cow::Owned;
    &'q [u8] => Octets Cow::Borrowed;
    Vec<u8> => Octets Cow::Owned;
}
