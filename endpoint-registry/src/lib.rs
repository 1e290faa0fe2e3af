//! feed → [registry] → policy → plan → NLRI → GoBGP → router
//!
//! What an LLM or tunnel endpoint is ([`Endpoint`]), the data that ships ([`seed`]), overlay files
//! ([`overlay`]), and the immutable, content-hashed [`Snapshot`] that answers "who is this address,
//! who is this name". No I/O.

mod endpoint;
mod snapshot;

pub use endpoint::{
    Endpoint, Kind, NamePattern, PortRange, Provenance, Role, Sharedness, State, Transport,
};
pub use snapshot::{AddressHit, NameHit, Snapshot};
