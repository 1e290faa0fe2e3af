//! The proxy's data path, over loopback: real TLS on both sides, a server that speaks like a model's.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod client;
mod decisions;
mod explicit;
mod hostile;
mod models;
mod row;
mod sdks;
mod server;
mod spliced;
mod steered;
mod streams;
mod whole;
mod world;
