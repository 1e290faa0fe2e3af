//! A leaf: what a client is shown for one host.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rustls::crypto::ring::sign::any_ecdsa_type;
use rustls::pki_types::CertificateDer;
use rustls::sign::{CertifiedKey, SigningKey};

use crate::authority::{Authority, SKEW, later};
use crate::certificate::CaCertificate;
use crate::der::{SEQUENCE, implicit, tlv};
use crate::encode::{Fields, SignError, authority_key_id, key_id, subject_key_id};
use crate::host::{Host, Kind};
use crate::key::{self, KeyError};
use crate::oid::{
    COMMON_NAME, EXTENDED_KEY_USAGE, KEY_USAGE, SERVER_AUTH, SIGNS_HANDSHAKES, SUBJECT_ALT_NAME,
    extension,
};
use crate::profile::attribute;

/// ub-common-name (RFC 5280 appendix A.1): longer names stand in the subjectAltName alone.
const COMMON_NAME_LONGEST: usize = 64;

/// Why there is no leaf.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    /// No client would believe it.
    #[error("{0} is outside the name constraints of the authority")]
    Constrained(Host),
    /// Nor this.
    #[error("the authority has expired at {0}")]
    Expired(Timestamp),
    /// Its key.
    #[error("the key of leaves could not be made")]
    Key(#[from] KeyError),
    /// Its signature.
    #[error("a leaf could not be signed")]
    Sign(#[from] SignError),
}

/// The key of leaves: one for many. It is in memory only.
#[derive(Debug, Clone)]
pub(crate) struct LeafKey {
    key: Arc<dyn SigningKey>,
    public: Vec<u8>,
    id: Vec<u8>,
    pub(crate) made: Timestamp,
}

impl LeafKey {
    pub(crate) fn generate(now: Timestamp) -> Result<Self, KeyError> {
        let key = any_ecdsa_type(&key::generate()?).map_err(|_| KeyError::Unsupported)?;
        let public = key.public_key().ok_or(KeyError::Unsupported)?.as_ref().to_vec();
        let id = subject_key_id(&key_id(&public));
        Ok(Self { key, public, id, made: now })
    }
}

/// A leaf, and when it may be shown.
#[derive(Debug, Clone)]
pub(crate) struct Leaf {
    pub(crate) certified: Arc<CertifiedKey>,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
}

/// Makes leaves of one authority.
#[derive(Debug)]
pub(crate) struct Mint {
    authority: Arc<Authority>,
    /// What is shown after the leaf: all but the root, which clients have (RFC 8446 §4.4.2).
    above: Vec<CertificateDer<'static>>,
    authority_key_id: Vec<u8>,
    key_usage: Vec<u8>,
    purposes: Vec<u8>,
    names_subjects: bool,
}

impl Mint {
    pub(crate) fn of(authority: Arc<Authority>) -> Self {
        let shown = authority.chain().iter().filter(|certificate| !certificate.is_root());
        let is_constrained = |found: &CaCertificate| found.constrains_subjects;
        Self {
            above: shown.map(|certificate| certificate.der.clone()).collect(),
            authority_key_id: authority_key_id(&authority.issuing().key_id),
            key_usage: extension(KEY_USAGE, true, SIGNS_HANDSHAKES),
            purposes: extension(EXTENDED_KEY_USAGE, false, &tlv(SEQUENCE, &[SERVER_AUTH])),
            names_subjects: !authority.chain().iter().any(is_constrained),
            authority,
        }
    }

    /// Valid for this long, and not beyond those who vouch for it.
    pub(crate) fn leaf(
        &self,
        host: &Host,
        key: &LeafKey,
        lifetime: SignedDuration,
        now: Timestamp,
    ) -> Result<Leaf, LeafError> {
        let (issuing, end) = (self.authority.issuing(), self.authority.not_after());
        if end <= now {
            return Err(LeafError::Expired(end));
        }
        if !self.authority.permits(host) {
            return Err(LeafError::Constrained(host.clone()));
        }
        let subject = self.subject(host);
        // A subjectAltName without subject is critical (RFC 5280 §4.2.1.6).
        let has_subject = subject.len() > 2;
        let not_before = later(now, -SKEW).max(issuing.not_before());
        let not_after = later(now, lifetime).min(end);
        let fields = Fields {
            issuer: &issuing.subject_der,
            not_before,
            not_after,
            subject: &subject,
            public_key: &key.public,
            extensions: &[
                &alternative_name(host, !has_subject),
                &self.key_usage,
                &self.purposes,
                &key.id,
                &self.authority_key_id,
            ],
        };
        let leaf = fields.signed(self.authority.key())?;
        let mut chain = Vec::with_capacity(1 + self.above.len());
        chain.push(leaf);
        chain.extend_from_slice(&self.above);
        let certified = Arc::new(CertifiedKey::new(chain, Arc::clone(&key.key)));
        Ok(Leaf { certified, not_before, not_after })
    }

    /// For people; clients read the subjectAltName (RFC 9525 §2). Of an address there is none: OpenSSL
    /// takes it for a name, and applies constraints on names to it.
    fn subject(&self, host: &Host) -> Vec<u8> {
        match host.kind() {
            Kind::Dns(name) if self.names_subjects && name.len() <= COMMON_NAME_LONGEST => {
                tlv(SEQUENCE, &[&attribute(COMMON_NAME, name)])
            }
            _ => tlv(SEQUENCE, &[]),
        }
    }
}

/// subjectAltName: a dNSName, or an iPAddress of 4 or 16 octets (RFC 5280 §4.2.1.6).
fn alternative_name(host: &Host, critical: bool) -> Vec<u8> {
    let name = match host.kind() {
        Kind::Dns(name) => tlv(implicit(2), &[name.as_bytes()]),
        Kind::Ip(std::net::IpAddr::V4(address)) => tlv(implicit(7), &[&address.octets()]),
        Kind::Ip(std::net::IpAddr::V6(address)) => tlv(implicit(7), &[&address.octets()]),
    };
    extension(SUBJECT_ALT_NAME, critical, &tlv(SEQUENCE, &[&name]))
}
