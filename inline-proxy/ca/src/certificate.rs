//! What the certificate of an authority says.

use std::fmt;

use jiff::Timestamp;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer as _;

use crate::constraints::Constraints;
use crate::encode;
use crate::fingerprint::Fingerprint;

/// Why octets are no certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not DER, not X.509, or more after it.
    #[error("it is no X.509 certificate")]
    Form,
    /// Twice the same extension, or one that cannot be read.
    #[error("its extensions cannot be read")]
    Extensions,
    /// Seconds that no calendar has.
    #[error("its validity cannot be read")]
    Validity,
}

/// A certificate of an authority, or one that claims to be: it is as it was written, and nothing of it
/// has been checked.
#[derive(Clone)]
pub struct CaCertificate {
    pub(crate) der: CertificateDer<'static>,
    pub(crate) subject_der: Vec<u8>,
    pub(crate) issuer_der: Vec<u8>,
    pub(crate) public_key: Vec<u8>,
    pub(crate) key_id: Vec<u8>,
    pub(crate) constraints: Constraints,
    /// Subjects are constrained too, as another's authority may do: leaves have none then.
    pub(crate) constrains_subjects: bool,
    pub(crate) is_ca: bool,
    pub(crate) may_sign: bool,
    pub(crate) may_serve: bool,
    pub(crate) unknown: Option<String>,
    path_length: Option<u32>,
    subject: String,
    issuer: String,
    fingerprint: Fingerprint,
    not_before: Timestamp,
    not_after: Timestamp,
}

impl CaCertificate {
    /// Of its DER.
    pub fn parse(der: CertificateDer<'static>) -> Result<Self, CertificateError> {
        let (rest, parsed) = X509Certificate::from_der(&der).map_err(|_| CertificateError::Form)?;
        if !rest.is_empty() {
            return Err(CertificateError::Form);
        }
        let bad = |_| CertificateError::Extensions;
        let basic = parsed.basic_constraints().map_err(bad)?.map(|found| found.value);
        let usage = parsed.key_usage().map_err(bad)?;
        let purposes = parsed.extended_key_usage().map_err(bad)?;
        let (constraints, constrains_subjects) = match parsed.name_constraints().map_err(bad)? {
            Some(found) => Constraints::of(found.value).ok_or(CertificateError::Extensions)?,
            None => (Constraints::default(), false),
        };
        let mut key_id = None;
        let mut unknown = None;
        for extension in parsed.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(id) => key_id = Some(id.0.to_vec()),
                ParsedExtension::UnsupportedExtension { .. } if extension.critical => {
                    unknown = Some(extension.oid.to_id_string());
                }
                ParsedExtension::ParseError { .. } => return Err(CertificateError::Extensions),
                _ => {}
            }
        }
        let public_key = parsed.public_key().raw.to_vec();
        let time = |time: x509_parser::time::ASN1Time| {
            Timestamp::from_second(time.timestamp()).map_err(|_| CertificateError::Validity)
        };
        Ok(Self {
            subject_der: parsed.subject().as_raw().to_vec(),
            issuer_der: parsed.issuer().as_raw().to_vec(),
            key_id: key_id.unwrap_or_else(|| encode::key_id(&public_key)),
            public_key,
            constraints,
            constrains_subjects,
            is_ca: basic.is_some_and(|basic| basic.ca),
            path_length: basic.and_then(|basic| basic.path_len_constraint),
            may_sign: usage.is_none_or(|usage| usage.value.key_cert_sign()),
            may_serve: purposes
                .is_none_or(|purposes| purposes.value.any || purposes.value.server_auth),
            unknown,
            subject: printable(&parsed.subject().to_string()),
            issuer: printable(&parsed.issuer().to_string()),
            fingerprint: Fingerprint::of(&der),
            not_before: time(parsed.validity().not_before)?,
            not_after: time(parsed.validity().not_after)?,
            der,
        })
    }

    /// The certificate itself.
    #[must_use]
    pub const fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// Whose it is, printable.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Who signed it, printable.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// SHA-256 of it.
    #[must_use]
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The first moment of its validity.
    #[must_use]
    pub const fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The last.
    #[must_use]
    pub const fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// How many authorities may be below it, if that is bounded (RFC 5280 §4.2.1.9).
    #[must_use]
    pub const fn path_length(&self) -> Option<u32> {
        self.path_length
    }

    /// Whom it may vouch for.
    #[must_use]
    pub const fn constraints(&self) -> &Constraints {
        &self.constraints
    }

    /// Whether it is a root: it has signed itself.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.is_signed_by(self)
    }

    /// Whether the other has signed it: by name, and by signature, in the form that clients take. Our
    /// parser is lax with what is not signed: tags, unused bits, the algorithm that is there twice.
    #[must_use]
    pub fn is_signed_by(&self, other: &Self) -> bool {
        let signed = || {
            let (_, own) = X509Certificate::from_der(&self.der).ok()?;
            let (_, other) = X509Certificate::from_der(&other.der).ok()?;
            RootCertStore::empty().add(self.der.clone()).ok()?;
            own.verify_signature(Some(other.public_key())).ok()
        };
        self.issuer_der == other.subject_der && signed().is_some()
    }
}

impl PartialEq for CaCertificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for CaCertificate {}

impl fmt::Debug for CaCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = format_args!("{} {}", self.subject, self.fingerprint);
        f.debug_tuple("CaCertificate").field(&name).finish()
    }
}

/// A name may say anything, and stands in terminals, logs and PEM files.
fn printable(name: &str) -> String {
    let escaped = name.chars().flat_map(|c| {
        let as_is = c == ' ' || c.is_ascii_graphic();
        let escape = (!as_is).then(|| c.escape_default());
        as_is.then_some(c).into_iter().chain(escape.into_iter().flatten())
    });
    let text: String = escaped.collect();
    text.replace("-----", "- - -")
}
