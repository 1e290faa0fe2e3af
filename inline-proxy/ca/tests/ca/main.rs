//! The authority as others see it: rustls as a client, OpenSSL, and files that were tampered with.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, helpers included")]

mod client;
mod env;
mod handshake;
mod import;
mod leaves;
mod openssl;
mod others;
mod rotation;
mod state;

use jiff::Timestamp;
use sark_ca::{Authority, Below, Profile};

/// When everything here happens.
fn now() -> Timestamp {
    "2026-11-29T12:00:00Z".parse().unwrap()
}

fn days(days: i64) -> jiff::SignedDuration {
    jiff::SignedDuration::from_hours(24 * days)
}

fn root() -> Authority {
    Authority::root(&Profile::named("SARK test root"), Below::Leaves, now()).unwrap()
}

/// With its causes.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
