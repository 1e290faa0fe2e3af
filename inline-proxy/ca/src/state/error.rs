//! Why the directory of the authority stays as it is.

use std::path::PathBuf;

use crate::authority::MakeError;
use crate::bundle::BundleError;
use crate::files::FileError;
use crate::fingerprint::Fingerprint;
use crate::import::ImportError;

/// Why the directory stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A file.
    #[error("the directory of the authority cannot be used")]
    File(#[from] FileError),
    /// There is an authority, and nobody said that it may go.
    #[error("{0} exists: an authority is replaced only where that is asked for")]
    Exists(PathBuf),
    /// Something is missing.
    #[error("{0} does not exist")]
    Missing(PathBuf),
    /// Chain or key.
    #[error("the authority in {path} cannot be used")]
    Import {
        /// Its chain.
        path: PathBuf,
        /// Why.
        source: ImportError,
    },
    /// The roots.
    #[error("the roots in {path} cannot be used")]
    Bundle {
        /// Where they are.
        path: PathBuf,
        /// Why.
        source: BundleError,
    },
    /// Chain or key that shall be taken in.
    #[error("the authority cannot be taken in")]
    Given(#[from] ImportError),
    /// Roots that shall be taken in.
    #[error("the roots cannot be taken in")]
    Roots(#[from] BundleError),
    /// A new authority.
    #[error("no new authority could be made")]
    Make(#[from] MakeError),
    /// The chain ends nowhere.
    #[error("the chain ends at {subject}, and the root that has signed it, {issuer}, is not there")]
    NoRoot {
        /// The last one's subject.
        subject: String,
        /// And its issuer.
        issuer: String,
    },
    /// A rotation was begun.
    #[error("{0} stands by already: activate it, or retire its root")]
    Pending(String),
    /// Nobody would be left.
    #[error("{0} is the root of the authority that issues")]
    InUse(String),
    /// Not trusted anyhow.
    #[error("no root with this fingerprint is trusted: {0}")]
    Unknown(Fingerprint),
}
