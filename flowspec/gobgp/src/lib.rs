//! feed → registry → policy → plan → NLRI → [GoBGP] → router
//!
//! GoBGP as a [`Speaker`](sark_flowspec::Speaker): rules become its structured messages and are
//! announced in bulk, its table is read back as octets and decoded by our own codec. Whoever carries
//! rules out reads [`BestPath`]s.
//!
//! Read [`Gobgp`] first: it talks to any gobgpd, changes nothing but FlowSpec paths and never
//! touches a session. [`daemon::Supervised`] starts a gobgpd of our own, keeps it across our
//! restarts, and owns its sessions.
//!
//! ```text
//! Route ─ check ─ v3::encode ─┐                      ┌─ gobgpd ─ BGP ─ routers
//!                             ├─ gRPC, Unix socket ──┤
//! Observed ─── v3::decode ────┘                      └─ child of daemon::Supervised, or anyone's
//! ```
//!
//! It refuses to send what is known to kill gobgpd or to reset its peers' sessions ([`check`]
//! lists it), knows nothing of policies, and decides nothing: what to announce is the caller's.
//! gobgpd 4.x is recognised and refused; it will be a second mapping beside [`v3`].
//!
//! [GoBGP]: Gobgp

mod attributes;
mod best;
pub mod check;
mod config;
mod connection;
pub mod daemon;
mod generation;
mod speaker;
pub mod v3;

pub use best::BestPath;
pub use config::{Address, AddressError, Config};
pub use speaker::Gobgp;
