//! What every program of ours does before anything else: read its configuration, take its state directory, start
//! its log.

pub mod config;
mod lock;
pub mod log;
pub mod secret;

pub use lock::{LockError, StateLock};
