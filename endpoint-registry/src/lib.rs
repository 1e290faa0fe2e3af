//! feed → [registry] → policy → plan → NLRI → GoBGP → router
//!
//! What an LLM or tunnel endpoint is ([`Endpoint`]), the data that ships ([`seed()`]), overlay files
//! ([`overlay`]), and the immutable, content-hashed [`Snapshot`] that answers "who is this address,
//! who is this name". Read `Endpoint` and `Snapshot` first; [`load`] makes one from the seed and
//! overlays. Flows ask [`Snapshot::longest_match`] and [`Snapshot::visit_name`], which do not
//! allocate; people ask [`Snapshot::answer`].
//!
//! No I/O, no clock, no guesses: an address is here because a document or an operator says so.

pub mod ageing;
mod answer;
pub mod assemble;
mod bits;
pub mod difference;
pub mod doubt;
mod endpoint;
pub mod feed;
mod key;
mod layer;
mod manifest;
mod markers;
mod name;
mod name_index;
mod net_text;
pub mod overlay;
mod port;
mod prefix_index;
mod ranges;
pub mod resolve;
pub mod schedule;
mod seed;
mod sharedness;
mod size;
mod snapshot;
mod sorted;
pub mod storage;

pub use answer::{Answer, Best, Match, Question, QuestionError};
pub use endpoint::{Endpoint, EndpointError, Kind, Learned, Provenance, Role, Sharedness, State};
pub use layer::{Did, Given};
pub use manifest::{Difference, Manifest, object_of};
pub use name::{NameError, NamePattern};
pub use port::{PortError, PortRange, Transport};
pub use seed::{load, load_at, seed};
pub use sharedness::{Reason, Shared};
pub use size::Size;
pub use snapshot::{AddressHit, NameHit, Snapshot};
