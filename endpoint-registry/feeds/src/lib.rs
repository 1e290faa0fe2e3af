//! [feed] → registry → policy → plan → NLRI → GoBGP → router
//!
//! Fetches feeds: over HTTP with conditional requests, from files, from TAXII servers. Read
//! [`Fetcher`] first. It believes nothing: time, octets before and after decompression, redirects
//! and the addresses that names lead to are all bounded, and whether a copy is used is decided by
//! others ([`sark_registry::doubt`]).
//!
//! It keeps no state, retries nothing and follows no schedule: the next question is the retry.

mod client;
mod decompress;
mod fetcher;
mod file;
mod http;
mod taxii;
mod trust;

pub use fetcher::{Fetcher, Secrets};
