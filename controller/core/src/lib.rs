//! feed → registry → policy → plan → NLRI → GoBGP → router
//! packet → proxy → [request → decision → audit]
//! EDR event → [activity → decision] → response
//!
//! The nouns that every line of SARK shares: documents with places and errors that show the line
//! ([`document`]), the [`Clock`], content hashes ([`ContentHash`]), audit records ([`audit`]),
//! the storage traits ([`storage`]); and what decisions are made on and come to: [`Request`],
//! [`Activity`], [`TunnelSighting`], [`SensorReport`] → [`Decision`]; and who asks for anything
//! ([`identity`]). No I/O.

pub mod activity;
pub mod approval;
pub mod audit;
mod chain;
mod clock;
pub mod decision;
pub mod document;
mod hash;
pub mod identity;
pub mod log;
pub mod request;
pub mod secret;
pub mod sensor;
pub mod storage;

pub use activity::{Activity, TunnelSighting};
pub use chain::chain;
pub use clock::{Clock, SystemClock};
pub use decision::{Action, Decision, Severity};
pub use hash::{ContentHash, HashError};
pub use request::Request;
pub use sensor::SensorReport;
