//! feed → registry → policy → plan → NLRI → GoBGP → router
//! packet → proxy → request → decision → [audit]
//! EDR event → activity → decision → response
//!
//! What becomes of an audit record that has a notice: whom it is told, when, in which words and in
//! which octets.
//!
//! ```text
//!   record ─ group ─┬─ told already: counted            AuditRecord → Message → post → Verdict
//!                   └─ Message ─ routes, quiet hours ─→ one delivery for each sink
//! ```
//!
//! Read [`take`] first, then [`Message`] and one of the sinks ([`sink`]). Everything here is a
//! function of its arguments: no socket, no file, no clock. What is sent, and how often, is the
//! controller's (`controller/src/alerts.rs`).

mod backoff;
pub mod config;
mod group;
mod message;
mod quiet;
mod route;
pub mod sink;
mod template;
mod verdict;

pub use backoff::Backoff;
pub use config::Config;
pub use group::{LASTING, Plan, keys, take, unknown_routes};
pub use message::{Kind, Message, SELF_KEY, delivery_id};
pub use quiet::QuietHours;
pub use template::{Template, TemplateError, Words};
pub use verdict::{Answer, Verdict};
