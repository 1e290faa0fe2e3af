//! Object identifiers, tag and length included, and the extensions that they name.

use crate::der::{BOOLEAN, OCTET_STRING, SEQUENCE, tlv};

/// id-at-commonName (RFC 5280 appendix A.1).
pub(crate) const COMMON_NAME: &[u8] = &[0x06, 3, 0x55, 0x04, 0x03];
/// id-at-organizationName.
pub(crate) const ORGANIZATION: &[u8] = &[0x06, 3, 0x55, 0x04, 0x0a];
/// id-ce-subjectKeyIdentifier (§4.2.1.2).
pub(crate) const SUBJECT_KEY_ID: &[u8] = &[0x06, 3, 0x55, 0x1d, 0x0e];
/// id-ce-keyUsage (§4.2.1.3).
pub(crate) const KEY_USAGE: &[u8] = &[0x06, 3, 0x55, 0x1d, 0x0f];
/// id-ce-subjectAltName (§4.2.1.6).
pub(crate) const SUBJECT_ALT_NAME: &[u8] = &[0x06, 3, 0x55, 0x1d, 0x11];
/// id-ce-basicConstraints (§4.2.1.9).
pub(crate) const BASIC_CONSTRAINTS: &[u8] = &[0x06, 3, 0x55, 0x1d, 0x13];
/// id-ce-nameConstraints (§4.2.1.10).
pub(crate) const NAME_CONSTRAINTS: &[u8] = &[0x06, 3, 0x55, 0x1d, 0x1e];
/// id-ce-authorityKeyIdentifier (§4.2.1.1).
pub(crate) const AUTHORITY_KEY_ID: &[u8] = &[0x06, 3, 0x55, 0x1d, 0x23];
/// id-ce-extKeyUsage (§4.2.1.12).
pub(crate) const EXTENDED_KEY_USAGE: &[u8] = &[0x06, 3, 0x55, 0x1d, 0x25];
/// id-kp-serverAuth (§4.2.1.12).
pub(crate) const SERVER_AUTH: &[u8] = &[0x06, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1];

/// keyCertSign and cRLSign: bits 5 and 6.
pub(crate) const SIGNS_CERTIFICATES: &[u8] = &[0x03, 2, 1, 0x06];
/// digitalSignature: bit 0. All that an ECDSA key does in TLS.
pub(crate) const SIGNS_HANDSHAKES: &[u8] = &[0x03, 2, 7, 0x80];

/// An extension (§4.1): what it is, and its value.
pub(crate) fn extension(oid: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[BOOLEAN, 1, 0xff] } else { &[] };
    tlv(SEQUENCE, &[oid, critical, &tlv(OCTET_STRING, &[value])])
}
