//! feed → registry → policy → plan → NLRI → GoBGP → router
//!
//! The storage traits of `sark-core` and `sark-registry` over SQLite (one file, the default) and
//! PostgreSQL (more than one controller): what survives a restart, a crash and a full disk. Every
//! commit is on the disk before it is acknowledged. Migrations are embedded and only go forward.
//!
//! There is one [`Store`] and one implementation of each trait, with one SQL text for both engines:
//!
//! ```text
//!   Store ── reading(what)   one statement            ┐
//!         ── snapshot(what)  several, of one moment   ├─→ Session ←── sql("… $1 …").bind(v).first(&mut session)
//!         ── writing(what)   the write lock           ┘                                 .all .run .value .values → Row
//! ```
//!
//! `what` ("store a revision") is what the caller reads when it fails. At any time one session
//! writes, on both engines (`BEGIN IMMEDIATE`, an advisory lock): what is read in it and written
//! next is of one moment, and numbers become visible in their order. What the engines do
//! differently is in `sqlite.rs` and `postgres.rs`, and in a migration of the same number for each.
//!
//! SQL for both: `$1` parameters (in any order, more than once), `TEXT`, `BIGINT`/`INTEGER` bound
//! as `i64`, `BYTEA`/`BLOB`, `BOOLEAN`/`INTEGER` bound as `bool`; `ON CONFLICT (columns) DO …`;
//! `RETURNING`; a list of text as one JSON array and `(SELECT value FROM json_each($1))`; new
//! numbers as `(SELECT coalesce(max(number), 0) + 1 FROM …)` under the write lock. Text holds no
//! NUL (PostgreSQL refuses it; JSON escapes it). `sum` of `BIGINT` is no `BIGINT` on PostgreSQL.
//!
//! It decides nothing: what is stored, and when, is the controller's.

mod alerts;
mod decision;
mod identity;
mod lease;
mod migrations;
mod postgres;
mod query;
mod registry;
mod revisions;
mod row;
mod sensor;
mod session;
mod sqlite;
mod store;
#[cfg(feature = "test-util")]
pub mod test_util;
mod trail;

pub use postgres::{PostgresAccess, PostgresSettings, Tls, UrlError};
pub use store::{OpenError, Store};
