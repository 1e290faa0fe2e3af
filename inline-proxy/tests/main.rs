//! The proxy's data path, over loopback: real TLS on both sides, a server that speaks like a model's.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod budgets;
mod client;
mod decisions;
mod expects;
mod explicit;
mod floods;
mod frames;
mod grpc;
mod hostile;
mod mcp;
mod mcp_server;
mod models;
mod packed;
mod process;
mod realtime;
mod refused;
mod row;
mod sdks;
mod server;
mod sessions;
mod short;
mod spliced;
mod steered;
mod streams;
mod told;
mod tools;
mod traced;
mod transfers;
mod upstreams;
mod usage;
mod whole;
mod world;
