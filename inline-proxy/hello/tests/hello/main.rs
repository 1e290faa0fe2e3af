//! The reader and the hello, from outside.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, helpers included")]

mod clients;
mod fingerprints;
mod malformed;
mod properties;
mod recorded;
mod records;
mod writer;
