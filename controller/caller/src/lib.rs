//! proxy, enforcer → [call] → sarkd
//!
//! Programs in the traffic's way ask `sarkd` and report to it: over its socket on the same machine,
//! elsewhere over HTTPS with a token. One request at a time, bounded in time and octets; no redirects, no
//! retries: the caller's next round is the retry.
//!
//! Read [`Caller`] first; [`SarkdConfig`] is the section of a configuration that makes one.

mod caller;
mod config;
mod trust;

pub use caller::{CallError, Caller};
pub use config::{CallerError, SarkdConfig};
pub use trust::{RootsError, roots};
