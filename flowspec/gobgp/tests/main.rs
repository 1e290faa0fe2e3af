//! Contract tests against real gobgpd processes, and through them against FRR, BIRD and ExaBGP.
//!
//! Everything runs on loopback and in temporary directories; each process ends with its test.

mod contract;
mod process;
