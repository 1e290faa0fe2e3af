//! feed → registry → policy → [plan] → NLRI → GoBGP → router
//!
//! Pure and deterministic: a registry [`Snapshot`](sark_registry::Snapshot), a
//! [`PolicySet`](sark_policy::PolicySet) and the time become desired rules ([`compile`]); desired
//! against observed becomes a [`Plan`]. Nothing is left to decide while acting.

mod desired;
mod environment;
mod plan;
mod profile;

pub use desired::{Compiled, DesiredRule, Origin, Refusal, Unresolved, Warning, compile};
pub use environment::{Environment, Pool, Protected, Session};
pub use plan::{Change, Plan, PlanDocument, PlannedRule, Summary};
pub use profile::Profile;
