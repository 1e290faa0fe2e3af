//! packet → proxy → request → **decision** → audit
//!
//! Holds the decision sets of a program that decides: threads with workers, which set is active, and
//! the candidate that may follow it, in shadow or as a canary.
//!
//! ```text
//!   Question ─→ Decider ─→ active Pool ──────────────→ Decided
//!                  │  canary: its share of sources ─→ candidate Pool, and if that errs the active one
//!                  └  shadow: everything, answered ─→ candidate Pool, counted, a Comparison
//! ```
//!
//! [`Decider::put`] swaps what is in use: whoever is deciding ends on the set it began with. Whoever asks
//! decides on its own thread, as long as that takes no longer than to ask another; what takes longer is the
//! threads', and so is what a shadow says. A worker of theirs that does not answer in time is left behind with its thread and another takes its place, up to as
//! many as its set has; the question has the answer that its set names for errors.
//!
//! A canary is judged by each decision ([`Band`]); when it leaves its band it decides no more at once,
//! and [`Decided::breach`] says so to who keeps the rollout. Nothing is stored here, and no set is
//! fetched: [`directory`] reads one from a disk, the rest is the program's.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

mod decider;
pub mod directory;
mod here;
mod pool;
mod queue;
pub mod record;
mod shadow;
mod share;
mod tally;

pub use decider::{By, Candidate, Decided, Decider, InUse, Question, Settings, Shadow};
pub use pool::{Pool, PoolSettings};
pub use shadow::Comparison;
pub use tally::{Band, Breach, Counts, Tally};
