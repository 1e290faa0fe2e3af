//! PEM (RFC 7468): certificates out of a text, and into one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// What is read at most: a chain is a few thousand octets, the roots of a system 250 thousand.
pub(crate) const LARGEST: usize = 1 << 20;

/// Why a text has no certificates to give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// More than anybody's certificates.
    #[error("it has {0} octets, and 1 MiB is enough for certificates")]
    Large(usize),
    /// Cut off, or no base64.
    #[error("its PEM is damaged in or after certificate {0}: cut off, or changed")]
    Damaged(usize),
    /// Not one.
    #[error("it has no certificate in PEM")]
    Empty,
}

/// All certificates of a text, at least one. Other sections and text between are left out.
pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemError> {
    if pem.len() > LARGEST {
        return Err(PemError::Large(pem.len()));
    }
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        found.push(certificate.map_err(|_| PemError::Damaged(found.len() + 1))?);
    }
    if found.is_empty() { Err(PemError::Empty) } else { Ok(found) }
}

/// One section.
pub(crate) fn section(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        // Base64 is ASCII: any place is between two characters.
        let (line, next) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = next;
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}
