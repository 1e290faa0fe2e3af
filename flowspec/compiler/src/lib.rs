//! feed → registry → policy → [plan] → NLRI → GoBGP → router
//!
//! Pure and deterministic: a registry [`Snapshot`](sark_registry::Snapshot), a
//! [`PolicySet`](sark_policy::PolicySet) and the time become desired rules ([`compile`]); desired
//! against observed becomes a [`Plan`]. Nothing is left to decide while acting.

mod desired;
mod document;
mod environment;
mod plan;
mod profile;
mod simulate;

pub use desired::{
    Collateral, Compiled, DesiredRule, InputError, Origin, Refusal, Unresolved, Warning, compile,
};
pub use document::{ActionDocument, Change, PlanDocument, PlannedAction, PlannedRule, Summary};
pub use environment::{Environment, Pool, Protected, Session};
pub use plan::Plan;
pub use profile::{ActionKind, Profile};
pub use simulate::{SimulatedPolicy, SimulatedRule, Simulation, simulate};
