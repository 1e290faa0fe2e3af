//! Real packets through a real kernel: each test makes a network namespace that ends with it.
//!
//! They need root, `ip` and `nft`, and fail without. The router under test is the namespace; its
//! neighbours are the far ends of veth pairs, where frames are written and read as they are.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, helpers included")]

mod extremes;
mod frame;
mod gate;
mod interfaces;
mod namespace;
mod nflog;
mod order;
mod pairs;
#[path = "../compile/paths.rs"]
mod paths;
mod random;
mod removal;
mod routes;
mod scale;
mod sets;
mod topology;
