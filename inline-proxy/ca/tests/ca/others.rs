//! Certificates that others have made: rcgen writes them, and not our own encoder.

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384};
use sark_core::secret::Secret;

pub type Issuer = CertifiedIssuer<'static, KeyPair>;

/// A CA of this name and path length, from the first of January 2026 to 2036.
pub fn params(name: &str, path_length: Option<u8>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::OrganizationName, "Example Corp");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(match path_length {
        Some(length) => BasicConstraints::Constrained(length),
        None => BasicConstraints::Unconstrained,
    });
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2036, 1, 1);
    params.use_authority_key_identifier_extension = true;
    params
}

pub fn p256() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

pub fn p384() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap()
}

pub fn root(params: CertificateParams) -> Issuer {
    CertifiedIssuer::self_signed(params, p256()).unwrap()
}

pub fn below(root: &Issuer, params: CertificateParams) -> Issuer {
    CertifiedIssuer::signed_by(params, p256(), root).unwrap()
}

pub fn key(of: &Issuer) -> Secret {
    Secret::new(of.key().serialize_pem())
}

/// When those that are over are over.
pub fn after() -> Timestamp {
    "2036-06-01T00:00:00Z".parse().unwrap()
}
