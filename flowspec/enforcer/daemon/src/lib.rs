//! feed → registry → policy → plan → NLRI → GoBGP → [router]
//!
//! `sark-enforcer`, the program: a Linux router that carries out the FlowSpec rules of its own BGP
//! daemon. It reads the best paths of a local gobgpd, has `sark_enforcer` compile them, and keeps
//! the kernel holding exactly that.
//!
//! ```text
//! gobgpd ── best paths ──▶ heard ──▶ Program ──▶ round: other than the kernel's? ──▶ Kernel::apply
//!    └─ "look now" ─▶ watcher ─▶ run      ▲               │
//!                       timer ─▶ run      │               ├─▶ state directory ─▶ show, plan
//!          freshness: what to keep ───────┘               └─▶ Status ─▶ metrics, report ─▶ sarkd
//! ```
//!
//! **A round** reads everything anew: the paths, and which table the kernel has. It applies when
//! they differ, whoever changed what, and never two at a time. What a rule has counted is read
//! before its table goes, and goes on from there.
//!
//! **When gobgpd is silent** its last rules stay for `stale.hold`, then go or stay as configured.
//! One that starts again knows nothing at first: what it had before is kept until its sessions have
//! been up for `stale.settle`, but no rule for longer than `stale.hold`.
//!
//! **What it refuses.** Beside what [`sark_enforcer::Reason`] lists: octets that are no rule, and
//! paths with an attribute that may mean what we do not know. Every refusal is logged once, counted,
//! and shown by `sark-enforcer show`.
//!
//! Read [`Enforcer::round`] first, then [`Freshness`] and [`run`](run()). It announces nothing, configures
//! no BGP, and validates no route (RFC 8955 section 6): that is gobgpd's policy.
//!
//! [router]: Enforcer

pub mod args;

pub mod commands;
pub mod config;
mod freshness;
mod heard;
mod metrics;
mod report;
mod round;
mod run;
mod state;
mod status;
mod totals;
mod watcher;

pub use freshness::Freshness;
pub use heard::{Heard, Unread};
pub use report::Reporter;
pub use round::{Enforcer, RoundError};
pub use run::{RunError, run};
pub use sark_core::chain;
pub use state::{Directory, Stored};
pub use status::{Counted, Status};
pub use totals::Totals;
