//! What a store of the registry must do. Adapters implement these traits; one contract suite runs
//! on each.
//!
//! Every change is one transaction with the audit record of it: after a crash or on an error both
//! are there, or neither. Nothing here decides: which version is in use, what is doubted and what
//! is kept is the controller's.

#[cfg(feature = "test-util")]
pub mod contract;
mod entry;
mod feed;
mod learned;
#[cfg(feature = "test-util")]
mod memory;
mod price;
mod version;

pub use entry::{EntryStore, UserEntry};
pub use feed::{
    Check, CheckOutcome, FeedCopy, FeedState, FeedStore, InUse, Part, Pending, Rejected,
};
pub use learned::{LearnedStore, Saved};
#[cfg(feature = "test-util")]
pub use memory::MemoryRegistry;
pub use price::{PriceStore, PriceVersion};
pub use version::{Committed, Counts, Origin, Pin, Pruned, Version, VersionStore, hex_of};

/// All of it.
pub trait RegistryStore: VersionStore + FeedStore + EntryStore + LearnedStore + PriceStore {}

impl<T: VersionStore + FeedStore + EntryStore + LearnedStore + PriceStore> RegistryStore for T {}
