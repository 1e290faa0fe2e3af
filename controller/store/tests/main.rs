//! The store on both engines: one program, so that it is linked once.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, helpers included")]

mod alerts;
mod contract;
mod identity;
mod migrations;
mod registry;
mod server;
mod trail;
