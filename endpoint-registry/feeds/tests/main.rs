//! The fetcher against a server that does its worst, and against files.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, helpers included")]

mod certificate;
mod fetch;
mod files;
mod server;
mod tls;
