//! packet → [proxy] → request → decision → audit
//!
//! The enterprise certificate authority of the proxy: who vouches for the certificates that clients are
//! shown when their connections are inspected.
//!
//! ```text
//!   CaDirectory ─ load ─→ Authority ─→ Leaves ── get(host, now) ─→ CertifiedKey ─→ rustls
//!    │  create, import,      chain, key   minted, kept      ↑ Resolver: by SNI, or by address
//!    │  rotate, activate,
//!    │  retire, report
//!    └─ trusted.pem ─→ Bundle ─→ env: what every runtime's variables are
//! ```
//!
//! Read [`Authority`] first, then [`Leaves`], then [`CaDirectory`]. What is refused, and why: [`HostError`]
//! for names, [`LeafError`] for leaves, [`ImportError`] for an authority that was made elsewhere,
//! [`StateError`] for the directory.
//!
//! Certificates are as RFC 5280 says. Time is an argument; [`Resolver`] alone has a clock. Only
//! [`CaDirectory`] touches files, and nothing opens a socket. Private keys are in no error and in no
//! `Debug`; the key of leaves is on no disk.
//!
//! What it does not do: revoke (leaves live for days), verify upstream servers, put roots into stores of
//! machines, keep keys in hardware.
//!
//! [proxy]: Leaves

mod authority;
mod bundle;
mod certificate;
mod constraints;
mod der;
mod encode;
pub mod env;
mod files;
mod fingerprint;
mod host;
mod import;
mod key;
mod leaf;
mod leaves;
mod oid;
mod pem;
mod profile;
mod report;
mod resolve;
mod state;

pub use authority::{Authority, Below, MakeError};
pub use bundle::{Bundle, BundleError};
pub use certificate::{CaCertificate, CertificateError};
pub use constraints::Constraints;
pub use encode::SignError;
pub use files::FileError;
pub use fingerprint::{Fingerprint, FingerprintError};
pub use host::{Host, HostError};
pub use import::ImportError;
pub use key::{CaKey, KeyError, KeyKind};
pub use leaf::LeafError;
pub use leaves::{LeafConfig, Leaves, LeavesError};
pub use pem::PemError;
pub use profile::{Profile, ProfileError};
pub use report::{Described, Finding, Report};
pub use resolve::Resolver;
pub use state::{CaDirectory, Overwrite, Plan, StateError};
