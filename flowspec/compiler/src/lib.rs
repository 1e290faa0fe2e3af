//! feed → registry → policy → [plan] → NLRI → GoBGP → router
//!
//! Pure and deterministic: a registry [`Snapshot`](sark_registry::Snapshot), a
//! [`PolicySet`](sark_policy::PolicySet) and the time become desired rules ([`compile`]); desired
//! against observed becomes a [`Plan`]. Nothing is left to decide while acting.
//!
//! ```text
//! policies, registry ─ select ─ expand (ceiling, wish, aggregate, steer, share) ─┐
//! environment ─ guard ───────────────────────────────────────────────────────────┴─ intents ─ tie
//!     ─ order (split, tails, region) ─ emit ─ proof ─ Compiled ─ Plan ─ PlanDocument
//! ```
//!
//! Read [`Compiled`] first, then [`Plan`] and [`PlanDocument`]; the hard part is `order`, and
//! `proof` checks it. It refuses what it cannot show to be right: a set with a [`Refusal`] has no
//! rules.

mod aggregate;
mod bits;
mod ceiling;
mod collateral;
mod compile;
mod desired;
mod destinations;
mod diff;
mod document;
mod emit;
mod environment;
mod example;
mod expand;
mod grid;
mod guard;
mod intent;
mod net;
mod order;
mod plan;
mod profile;
mod proof;
mod ranges;
mod region;
mod rehearse;
mod select;
mod share;
mod simulate;
mod split;
mod steer;
mod tails;
mod tie;
mod wish;

pub use compile::compile;
pub use desired::{
    Collateral, Compiled, DesiredRule, InputError, Origin, Refusal, Unresolved, Warning,
};
pub use diff::Diff;
pub use document::{ActionDocument, Change, PlanDocument, PlannedAction, PlannedRule, Summary};
pub use emit::rule_id;
pub use environment::{Environment, Pool, Protected, Proxy, Session};
pub use plan::Plan;
pub use profile::{ActionKind, Profile};
pub use rehearse::rehearse;
pub use simulate::{SimulatedPolicy, SimulatedRule, Simulation, simulate};
pub use steer::{Fate, POOL_DOWN, ProxyShare, Steering};
