//! The proxy's data path, over loopback: real TLS on both sides, a server that speaks like a model's.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod client;
mod decisions;
mod expects;
mod explicit;
mod grpc;
mod hostile;
mod mcp;
mod models;
mod packed;
mod row;
mod sdks;
mod server;
mod sessions;
mod spliced;
mod steered;
mod streams;
mod tools;
mod usage;
mod world;
