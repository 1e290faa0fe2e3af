//! The roots that clients shall trust: the old one and the new one too while one takes over.

use std::fmt::Write as _;

use crate::certificate::{CaCertificate, CertificateError};
use crate::fingerprint::Fingerprint;
use crate::pem::{self, PemError};

/// Why a text is no bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Its PEM.
    #[error("the bundle cannot be read")]
    Pem(#[from] PemError),
    /// One of its certificates; from 1.
    #[error("certificate {number} of the bundle cannot be read")]
    Certificate {
        /// Which.
        number: usize,
        /// Why.
        source: CertificateError,
    },
    /// Clients want a root to end at.
    #[error("{0} is no root: it has not signed itself, or is no certificate authority")]
    NoRoot(String),
}

/// Roots, each once, in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bundle {
    roots: Vec<CaCertificate>,
}

impl Bundle {
    /// Of PEM; text between certificates says nothing.
    pub fn parse(pem: &[u8]) -> Result<Self, BundleError> {
        let mut bundle = Self::default();
        for (number, der) in pem::certificates(pem)?.into_iter().enumerate() {
            let number = number + 1;
            let parsed = CaCertificate::parse(der);
            let parsed = parsed.map_err(|source| BundleError::Certificate { number, source })?;
            bundle.add(parsed)?;
        }
        Ok(bundle)
    }

    /// This one too.
    pub fn add(&mut self, root: CaCertificate) -> Result<(), BundleError> {
        if !root.is_ca || !root.is_root() {
            return Err(BundleError::NoRoot(root.subject().to_owned()));
        }
        if !self.has(root.fingerprint()) {
            self.roots.push(root);
        }
        Ok(())
    }

    /// All but this one.
    #[must_use]
    pub fn without(&self, root: Fingerprint) -> Self {
        let mut roots = self.roots.clone();
        roots.retain(|known| known.fingerprint() != root);
        Self { roots }
    }

    /// The roots.
    #[must_use]
    pub fn roots(&self) -> &[CaCertificate] {
        &self.roots
    }

    /// Whether this one is among them.
    #[must_use]
    pub fn has(&self, root: Fingerprint) -> bool {
        self.roots.iter().any(|known| known.fingerprint() == root)
    }

    /// The root that a chain ends at: its last certificate, or the one that has signed that.
    #[must_use]
    pub fn anchor(&self, chain: &[CaCertificate]) -> Option<&CaCertificate> {
        let last = chain.last()?;
        self.roots.iter().find(|root| *root == last || last.is_signed_by(root))
    }

    /// As PEM, with who is who above each.
    #[must_use]
    pub fn to_pem(&self) -> String {
        to_pem(&self.roots)
    }
}

/// Text between sections is for people; readers skip it (RFC 7468 §2).
pub(crate) fn to_pem(certificates: &[CaCertificate]) -> String {
    let mut out = String::new();
    for certificate in certificates {
        // Writing to a string does not fail.
        let _ = writeln!(
            out,
            "# {}\n# valid from {} to {}\n# SHA-256 {}",
            certificate.subject(),
            certificate.not_before(),
            certificate.not_after(),
            certificate.fingerprint(),
        );
        out.push_str(&pem::section("CERTIFICATE", certificate.der()));
    }
    out
}
