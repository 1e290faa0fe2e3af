//! An authority that was made elsewhere, and what must hold before it signs here.

use jiff::Timestamp;
use sark_core::secret::Secret;

use crate::authority::Authority;
use crate::certificate::{CaCertificate, CertificateError};
use crate::key::{CaKey, KeyError};
use crate::pem::{self, PemError};

/// More than anybody's.
const LONGEST: usize = 8;

/// Why an authority cannot be used. Certificates are numbered from 1, as they stand in the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The chain's text.
    #[error("the chain of the authority cannot be read")]
    Pem(#[from] PemError),
    /// The key's text.
    #[error("the key of the authority cannot be used")]
    Key(#[from] KeyError),
    /// One of the chain.
    #[error("certificate {number} of the chain cannot be read")]
    Certificate {
        /// Which.
        number: usize,
        /// Why.
        source: CertificateError,
    },
    /// More than any chain has.
    #[error("the chain has {0} certificates, and 8 at most are taken")]
    Long(usize),
    /// The key is another's.
    #[error("the key is not that of {subject}")]
    WrongKey {
        /// Whose certificate is the first.
        subject: String,
    },
    /// The key is of another certificate of the chain.
    #[error("the key is that of certificate {number}, {subject}, which should be the first")]
    NotFirst {
        /// Which.
        number: usize,
        /// Whose.
        subject: String,
    },
    /// The chain does not hang together.
    #[error(
        "certificate {number}, {subject}, is not signed by the next one: {issuer} should follow"
    )]
    Order {
        /// Which.
        number: usize,
        /// Whose.
        subject: String,
        /// Who has signed it.
        issuer: String,
    },
    /// RFC 5280 §4.2.1.9.
    #[error("{0} is no certificate authority (basicConstraints)")]
    NotCa(String),
    /// RFC 5280 §4.2.1.3.
    #[error("{0} may not sign certificates (keyUsage)")]
    NotForSigning(String),
    /// RFC 5280 §4.2.1.12, as clients apply it to authorities.
    #[error("{0} may not vouch for servers (extKeyUsage)")]
    NotForServers(String),
    /// RFC 5280 §4.2: who does not know a critical extension refuses the certificate.
    #[error("{subject} has a critical extension that clients will not know, {oid}")]
    Unknown {
        /// Whose.
        subject: String,
        /// Which.
        oid: String,
    },
    /// Over.
    #[error("{subject} has expired at {at}")]
    Expired {
        /// Whose.
        subject: String,
        /// When.
        at: Timestamp,
    },
    /// Not yet.
    #[error("{subject} is not valid before {at}")]
    NotYet {
        /// Whose.
        subject: String,
        /// When.
        at: Timestamp,
    },
    /// RFC 5280 §4.2.1.9.
    #[error("{subject} allows {allowed} authorities below it, and has {found}")]
    PathLength {
        /// Whose.
        subject: String,
        /// pathLenConstraint.
        allowed: u32,
        /// As the chain is.
        found: usize,
    },
}

impl Authority {
    /// Of a chain (the issuing certificate, the one that signed it, and so on, with the root or without)
    /// and the key of the first.
    pub fn import(chain: &[u8], key: &Secret, now: Timestamp) -> Result<Self, ImportError> {
        let chain = read_chain(chain)?;
        let key = CaKey::from_pem(key)?;
        let Some(issuing) = chain.first().cloned() else {
            return Err(PemError::Empty.into());
        };
        belongs(&key, &chain)?;
        chain.iter().try_for_each(|certificate| may_issue(certificate, now))?;
        in_order(&chain)?;
        is_short_enough(&chain)?;
        Ok(Self::of(chain, issuing, key))
    }
}

/// Certificates of a text, as they stand.
pub(crate) fn read_chain(pem: &[u8]) -> Result<Vec<CaCertificate>, ImportError> {
    let found = pem::certificates(pem)?;
    if found.len() > LONGEST {
        return Err(ImportError::Long(found.len()));
    }
    let parsed = found.into_iter().enumerate().map(|(number, der)| {
        let number = number + 1;
        CaCertificate::parse(der).map_err(|source| ImportError::Certificate { number, source })
    });
    parsed.collect()
}

/// Each is signed by the next one.
fn in_order(chain: &[CaCertificate]) -> Result<(), ImportError> {
    let follows = |pair: &[CaCertificate]| matches!(pair, [low, high] if low.is_signed_by(high));
    match chain.windows(2).position(|pair| !follows(pair)) {
        Some(place) => {
            let found = chain.get(place);
            let text = |text: fn(&CaCertificate) -> &str| found.map(text).unwrap_or_default();
            let subject = text(CaCertificate::subject).to_owned();
            let issuer = text(CaCertificate::issuer).to_owned();
            Err(ImportError::Order { number: place + 1, subject, issuer })
        }
        None => Ok(()),
    }
}

/// The key is that of the first.
fn belongs(key: &CaKey, chain: &[CaCertificate]) -> Result<(), ImportError> {
    let name = |found: &CaCertificate| found.subject().to_owned();
    match chain.iter().position(|certificate| certificate.public_key == key.public()) {
        Some(0) => Ok(()),
        Some(place) => {
            let subject = chain.get(place).map(name).unwrap_or_default();
            Err(ImportError::NotFirst { number: place + 1, subject })
        }
        None => Err(ImportError::WrongKey { subject: chain.first().map(name).unwrap_or_default() }),
    }
}

/// Clients would believe what it signs.
fn may_issue(certificate: &CaCertificate, now: Timestamp) -> Result<(), ImportError> {
    let subject = certificate.subject().to_owned();
    if !certificate.is_ca {
        return Err(ImportError::NotCa(subject));
    }
    if !certificate.may_sign {
        return Err(ImportError::NotForSigning(subject));
    }
    if !certificate.may_serve {
        return Err(ImportError::NotForServers(subject));
    }
    if let Some(oid) = certificate.unknown.clone() {
        return Err(ImportError::Unknown { subject, oid });
    }
    if certificate.not_after() < now {
        return Err(ImportError::Expired { subject, at: certificate.not_after() });
    }
    if certificate.not_before() > now {
        return Err(ImportError::NotYet { subject, at: certificate.not_before() });
    }
    Ok(())
}

/// Each allows those that are below it; leaves are not counted.
fn is_short_enough(chain: &[CaCertificate]) -> Result<(), ImportError> {
    let too_low = chain.iter().enumerate().find_map(|(found, certificate)| {
        let allowed = certificate.path_length()?;
        let is_low = usize::try_from(allowed).is_ok_and(|allowed| allowed < found);
        is_low.then(|| (certificate.subject().to_owned(), allowed, found))
    });
    match too_low {
        Some((subject, allowed, found)) => Err(ImportError::PathLength { subject, allowed, found }),
        None => Ok(()),
    }
}
