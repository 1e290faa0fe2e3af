//! A row of the trail as it is there, also if somebody laid hands on it.
//!
//! What cannot be read is no error: the record is handed out with its number, and says which column
//! it was, so that whoever verifies names it.

use sark_core::audit::{Digest, Head, Index, Stored};
use sark_core::storage::StorageError;

use crate::row::{Readable, Row};

/// Only its number has to be readable.
pub(super) fn stored_of(row: &Row) -> Result<Stored, StorageError> {
    let sequence = row.count("sequence")?;
    let mut columns = Columns { row, unreadable: None };
    let hash = columns.read("hash", |octets: Vec<u8>| Digest::from_octets(&octets));
    let text = columns.text("body").unwrap_or_default();
    let index = Index {
        at: columns.read("at", Some).unwrap_or_default(),
        actor: columns.text("actor").unwrap_or_default(),
        event: columns.text("event").unwrap_or_default(),
        severity: columns.read("severity", |rank: i64| u8::try_from(rank).ok()).unwrap_or_default(),
        is_alert: columns.flag("is_alert"),
        host: columns.optional_text("host"),
        user: columns.optional_text("person"),
        request: columns.optional_text("request"),
        policies: columns.optional_text("policies"),
    };
    let hash = hash.unwrap_or(Head::BEGINNING.hash);
    Ok(Stored {
        head: Head { sequence, hash },
        text,
        index,
        unreadable: columns.unreadable.map(str::to_owned),
    })
}

struct Columns<'r> {
    row: &'r Row,
    /// The first that could not be read.
    unreadable: Option<&'static str>,
}

impl Columns<'_> {
    fn read<T: Readable, R>(
        &mut self,
        column: &'static str,
        meaning: impl FnOnce(T) -> Option<R>,
    ) -> Option<R> {
        let read = self.row.get(column).ok().and_then(meaning);
        if read.is_none() {
            self.unreadable.get_or_insert(column);
        }
        read
    }

    fn text(&mut self, column: &'static str) -> Option<String> {
        self.read(column, Some)
    }

    fn optional_text(&mut self, column: &'static str) -> Option<String> {
        self.read::<Option<String>, _>(column, Some).flatten()
    }

    /// SQLite has numbers for these, of which two are one.
    fn flag(&mut self, column: &'static str) -> bool {
        let read = match self.row {
            Row::Postgres(_) => self.read(column, Some),
            Row::Sqlite(_) => self.read(column, |number: i64| match number {
                0 => Some(false),
                1 => Some(true),
                _ => None,
            }),
        };
        read.unwrap_or_default()
    }
}
