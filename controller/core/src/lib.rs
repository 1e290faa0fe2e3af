//! feed → registry → policy → plan → NLRI → GoBGP → router
//!
//! The nouns that every line of SARK shares: documents with places and errors that show the line
//! ([`document`]), the [`Clock`], content hashes ([`ContentHash`]), audit records ([`audit`]) and
//! the storage traits ([`storage`]). No I/O.

pub mod audit;
mod clock;
pub mod document;
mod hash;
pub mod secret;
pub mod storage;

pub use clock::{Clock, SystemClock};
pub use hash::{ContentHash, HashError};
