//! Fields of a certificate → the certificate (RFC 5280 §4.1), signed.
//!
//! Written here rather than by a library because the issuer's name must be, octet for octet, the
//! subject of the authority's certificate: libraries write a name anew from what they understood of it,
//! and names with several `DC` or `OU`, as directories of enterprises have, come out as others.

use jiff::Timestamp;
use ring::rand::{SecureRandom as _, SystemRandom};
use rustls::pki_types::CertificateDer;

use crate::der::{BIT_STRING, INTEGER, SEQUENCE, explicit, implicit, time, tlv};
use crate::key::CaKey;
use crate::oid::{AUTHORITY_KEY_ID, SUBJECT_KEY_ID, extension};

/// Signing failed, or the machine has no random octets. Neither has a cause that could be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the certificate could not be signed")]
pub struct SignError;

/// What a certificate says. Names, key and extensions are DER.
pub(crate) struct Fields<'a> {
    pub(crate) issuer: &'a [u8],
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) subject: &'a [u8],
    pub(crate) public_key: &'a [u8],
    pub(crate) extensions: &'a [&'a [u8]],
}

/// v3, in its explicit tag.
const VERSION: &[u8] = &[explicit(0), 3, INTEGER, 1, 2];

impl Fields<'_> {
    /// The certificate that says it, with a serial number of its own.
    pub(crate) fn signed(&self, key: &CaKey) -> Result<CertificateDer<'static>, SignError> {
        let algorithm = tlv(SEQUENCE, &[key.algorithm().as_ref()]);
        let validity = tlv(SEQUENCE, &[&time(self.not_before), &time(self.not_after)]);
        let body = tlv(
            SEQUENCE,
            &[
                VERSION,
                &tlv(INTEGER, &[&serial()?]),
                &algorithm,
                self.issuer,
                &validity,
                self.subject,
                self.public_key,
                &tlv(explicit(3), &[&tlv(SEQUENCE, self.extensions)]),
            ],
        );
        let signature = key.sign(&body)?;
        // No bit of the last octet is unused.
        let signature = tlv(BIT_STRING, &[&[0], &signature]);
        Ok(CertificateDer::from(tlv(SEQUENCE, &[&body, &algorithm, &signature])))
    }
}

/// 16 octets, random but for two bits: positive, and never shorter (RFC 5280 §4.1.2.2: at most 20).
fn serial() -> Result<[u8; 16], SignError> {
    let mut serial = [0; 16];
    SystemRandom::new().fill(&mut serial).map_err(|_| SignError)?;
    serial[0] = serial[0] & 0x7f | 0x40;
    Ok(serial)
}

/// How others name this key: the first 160 bits of its hash (RFC 7093 §2, method 1; RFC 5280 §4.2.1.2
/// lets an authority choose).
pub(crate) fn key_id(public_key: &[u8]) -> Vec<u8> {
    let hash = ring::digest::digest(&ring::digest::SHA256, public_key);
    hash.as_ref().iter().copied().take(20).collect()
}

/// subjectKeyIdentifier (RFC 5280 §4.2.1.2).
pub(crate) fn subject_key_id(id: &[u8]) -> Vec<u8> {
    extension(SUBJECT_KEY_ID, false, &tlv(crate::der::OCTET_STRING, &[id]))
}

/// authorityKeyIdentifier, its keyIdentifier alone (RFC 5280 §4.2.1.1).
pub(crate) fn authority_key_id(id: &[u8]) -> Vec<u8> {
    extension(AUTHORITY_KEY_ID, false, &tlv(SEQUENCE, &[&tlv(implicit(0), &[id])]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_are_positive_and_all_of_one_length() {
        for _ in 0..1000 {
            assert_eq!(serial().unwrap()[0] >> 6, 1);
        }
        assert_ne!(serial().unwrap(), serial().unwrap());
    }
}
