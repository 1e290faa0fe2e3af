//! feed → registry → policy → plan → NLRI → GoBGP → router
//!
//! The controller, as the `sarkd` program wires it. It adds no step to the line: it holds the
//! newest revision of the policy set ([`Changes`] makes them, the store keeps them) and moves the
//! BGP speaker's table towards what that revision asks for ([`Reconciler`]), again after every
//! restart of anything.
//!
//! ```text
//!   sarkctl ── Unix socket ── api ── Changes ── commit ─→ store
//!                              │        │ wake               │ newest revision
//!                          Observatory  └────→ Reconciler ←──┴─ DesiredState ←─ registry
//!                              │                 ↑      └─ table, announce, withdraw ─→ Speaker
//!                              └─ status ────────┘ look        (gobgpd) ── events ── Watcher
//! ```
//!
//! [`registrar`] draws who makes registry versions, [`feeds`] who asks feeds, [`names`] who asks for
//! names, [`prices`] who keeps what models cost, [`decisions`] who decides,
//! [`pools`] which proxies are there, [`proxies`] what is handed to those who decide elsewhere, [`alerts`] who is told what needs a person.
//!
//! Channels: `wake` and `look` are single permits, so any number of notices become one round;
//! `status` keeps the newest value only. Nothing queues.
//!
//! Read [`Reconciler`] first. Only [`start`] names a concrete speaker and a concrete store.

pub mod alerts;
pub mod api;
pub mod approvals;
pub mod args;
mod changes;
pub mod decisions;
mod desired;
pub mod enforcers;
pub mod events;
pub mod explain;
pub mod feeds;
pub mod identities;
pub mod leadership;
mod led;
mod metrics;
pub mod names;
mod observatory;
mod overlays;
pub mod pools;
pub mod prices;
pub mod proxies;
mod reconcile;
pub mod registrar;
pub mod sensors;
mod service_manager;
mod shutdown;
pub mod start;
pub mod trail;

pub use changes::{Actor, ChangeError, Changed, Changes, Planned, Which};
pub use desired::{Desired, DesiredError, DesiredState, Storage};
pub use leadership::{Leadership, Standing};
pub use metrics::Metrics;
pub use observatory::{Observatory, QuestionError, SpeakerPlace, StorePlace};
pub use overlays::{OverlayError, RegistryHolder};
pub use reconcile::{
    Keeper, KeeperError, Reconciler, Report, RoundError, Signals, Unkept, Watcher,
};
pub use registrar::Registrar;
pub use sark_core::chain;
