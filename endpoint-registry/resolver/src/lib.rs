//! [feed] → registry → policy → plan → NLRI → GoBGP → router
//!
//! Asks resolvers for the addresses of names: over UDP and TCP, TLS (RFC 7858) and HTTPS (RFC 8484).
//! Write [`Settings`](sark_registry::resolve::Settings), call [`resolver`], use what comes back through
//! [`Resolve`](sark_registry::resolve::Resolve).
//!
//! It keeps no answer, appends no search domain, reads no hosts file, validates no signature itself
//! and follows no schedule. Of what it cannot learn in whole it tells nothing: half an answer would
//! let addresses age that are still in use.

mod asked;
mod connect;
mod error;
mod site;
mod tls;

pub use error::SettingsError;
pub use site::resolver;
