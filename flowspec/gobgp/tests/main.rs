//! Contract tests against real gobgpd processes, and through them against FRR, BIRD and ExaBGP.
//!
//! Everything runs on loopback and in temporary directories; each process ends with its test.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, helpers included")]

mod contract;
mod generation;
mod interop;
mod process;
mod random;
mod router;
mod supervised;
