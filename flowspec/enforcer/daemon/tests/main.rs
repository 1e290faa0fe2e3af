//! The program, with a real gobgpd and a real kernel: each test makes a network namespace that
//! ends with it, and its daemons with it.
//!
//! They need root, `ip`, `nft` and gobgpd, and fail without.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, helpers included")]

mod enforcer;
mod follow;
#[path = "../../tests/kernel/frame.rs"]
#[allow(dead_code, reason = "helpers of the library's tests")]
mod frame;
mod frr;
mod kernel;
#[path = "../../tests/kernel/namespace.rs"]
#[allow(dead_code, reason = "helpers of the library's tests")]
mod namespace;
#[path = "../../../gobgp/tests/process.rs"]
#[allow(dead_code, reason = "helpers of gobgpd's tests")]
mod process;
mod refused;
mod report;
mod stale;
#[path = "../../tests/kernel/topology.rs"]
#[allow(dead_code, reason = "helpers of the library's tests")]
mod topology;
