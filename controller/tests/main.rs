//! The controller from its parts to the program.
//!
//! `reconcile` and `api` run on a speaker in memory, `program` and `kill` run the built `sarkd` with
//! a real gobgpd. Everything is on loopback and in temporary directories.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, helpers included")]
#![allow(clippy::print_stderr, reason = "what a failed or long test has to say")]

mod api;
mod client;
mod daemon;
mod exports;
mod feeds;
mod kill;
mod names;
mod prices;
mod program;
mod reconcile;
mod world;
