//! What `sarkctl` says: one program, so that it is linked once.

#![allow(clippy::unwrap_used, reason = "tests, helpers included")]

mod alerts;
mod arguments;
mod audit;
mod bulk;
mod codec;
mod contexts;
mod daemon;
mod decisions;
mod explain;
mod kept;
mod offline;
mod offline_plan;
mod online;
mod pools;
mod prices;
mod proxy;
mod reference;
mod registry;
mod rollout;
mod support;
