//! The proxy's data path, over loopback: real TLS on both sides, a server that speaks like a model's.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod client;
mod decisions;
mod explicit;
mod hostile;
mod server;
mod spliced;
mod streams;
mod world;
