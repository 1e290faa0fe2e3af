//! Decision policies: Rego → what happens to a request, an activity, a sighting or a report.
//!
//! ```text
//!   files ── DecisionSet::load ──▶ DecisionSet ── Worker::new ──▶ Worker ── decide ──▶ Decision
//!            everything checked    immutable,     one a thread
//!            and compiled          one version
//! ```
//!
//! A *policy* is a package directly beneath a [`Line`], such as `sark.llm.model_allow_list`, with a
//! partial set `decisions`. What all policies of a line come to is one
//! [`Decision`](sark_core::decision::Decision). Rego has no clock, no network and no chance here: what
//! a policy may know is in its input and in its data, so the same set, input and time give the same
//! decision on any machine.

mod bundle;
mod explicit;
mod files;
mod input;
mod lint;
mod memory;
mod outline;
mod reads;
mod rego;
mod results;
mod set;
mod settings;
mod tests;
mod worker;

pub use bundle::{Bundle, BundleError, BundleKey, BundleLimits, KeyError, SignatureError};
pub use files::{Limits, SETTINGS, SetFile};
pub use input::{Input, Line, prepared_schema};
pub use set::{DecisionSet, PolicyRef};
pub use settings::{Fallback, Settings};
pub use tests::{CoveredFile, TestOutcome, TestReport, TestResult, run_tests};
pub use worker::{Bounds, Worker, WorkerError};
