//! `sarkd`: what decisions rest on comes from it, and records go to it.
//!
//! ```text
//!   sarkd ─ snapshot, when it changed ─→ Follower ─→ Decider, Judge ─→ snapshot.json
//!     ↑                                                                   └─ at the start, if sarkd is away
//!     └─ records, with a mark ─ Deposit ←─ spool
//! ```

mod deposit;
mod follow;
mod snapshot;

pub use deposit::Deposit;
pub use follow::{Follower, Parts};
pub use snapshot::SnapshotError;
