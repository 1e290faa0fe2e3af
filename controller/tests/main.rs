//! The controller from its parts to the program.
//!
//! `reconcile` and `api` run on a speaker in memory, `hostile` with feeds that do their worst;
//! `program` and `kill` run the built `sarkd` with a real gobgpd, `memory` with such feeds.
//! Everything is on loopback and in temporary directories.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, helpers included")]
#![allow(clippy::print_stderr, reason = "what a failed or long test has to say")]

mod alert_kill;
mod alert_routes;
mod alert_vendors;
mod alerts;
mod api;
mod auditor;
mod client;
mod daemon;
mod deciding;
mod decision_sets;
mod decision_sources;
mod decisions;
mod explain;
mod exports;
#[path = "../../endpoint-registry/feeds/tests/certificate.rs"]
mod feed_certificate;
#[path = "../../endpoint-registry/feeds/tests/server.rs"]
mod feed_server;
mod feeds;
mod fuzz;
mod hostile;
mod hostile_policy;
mod identities;
mod kill;
mod leaders;
mod memory;
mod names;
mod past;
mod pools;
mod postgres;
mod prices;
mod program;
mod proxies;
mod receiver;
mod reconcile;
mod report_kill;
mod secured;
mod sensors;
mod trail;
mod trail_kill;
mod world;
