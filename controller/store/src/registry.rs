//! The registry's storage traits as rows.

mod feeds;
mod rest;
mod versions;
