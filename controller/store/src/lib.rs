//! feed → registry → policy → plan → NLRI → GoBGP → router
//!
//! The storage traits of `sark-core` and `sark-registry` over SQLite ([`SqliteStore`]): what survives a restart, a
//! crash and a full disk. One file, one writer at a time, write-ahead log, every commit on the
//! disk before it is acknowledged. Migrations are embedded and only go forward.
//!
//! It decides nothing: what is stored, and when, is the controller's.

mod registry;
mod revisions;
mod sqlite;

pub use sqlite::{OpenError, SqliteStore};
