//! packet → proxy → request → decision → [audit]
//!
//! What can be proven about the audit trail, and what is told of it outside. Records are chained
//! where they are written (`sark_core::audit`); here are
//!
//! - [`Tree`]: the Merkle tree over the same records, of which a few hashes are kept, with
//!   [`inclusion`] and [`consistency`] proofs (RFC 9162, section 2.1);
//! - [`Checkpoint`]: chain and tree at one record, signed with Ed25519 as a note that other logs'
//!   tools read too ([`SigningKey`], [`VerifyingKey`]), and what an anchor holds of them
//!   ([`read_anchor`]);
//! - [`Verifier`]: reads a trail once, however long it is, and names the first record that is not as
//!   it was written;
//! - [`Seal`]: parts of what was decided on, kept because a policy says so, encrypted;
//! - [`ocsf`]: records as events of OCSF 1.8.
//!
//! Read [`Verifier`] first. It reads no file, asks no clock and makes no random number: keys, nonces
//! and records are given to it.

mod anchor;
mod checkpoint;
mod key;
mod note;
pub mod ocsf;
mod proof;
mod prune;
mod seal;
mod tree;
mod verify;
mod walk;

pub use anchor::{Anchored, TORN, read_anchor, syslog_line};
pub use checkpoint::{Checkpoint, CheckpointError};
pub use key::{KeyError, SigningKey, VerifyingKey};
pub use note::{Note, NoteError};
pub use proof::{
    Proof, ProofError, Ranges, check_consistency, check_inclusion, consistency, inclusion,
};
pub use prune::prune_record;
pub use seal::{Seal, SealError, Sealed};
pub use tree::{Tree, TreeError};
pub use verify::{Bad, Fault, Verified, Verifier};
pub use walk::{Source, WalkError, page, prove, verify};
