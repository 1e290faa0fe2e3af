//! Keys that bundles are signed with, and the one signature there is: JWS (RFC 7515) in compact form.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::{hmac, signature};
use sark_core::secret::Secret;

/// What a bundle's signature is checked with.
#[derive(Debug, Clone)]
pub struct BundleKey {
    /// Its id, if bundles name one. A key without id is tried on every bundle.
    pub id: Option<String>,
    /// The scope that signatures must have; without it they must have none.
    pub scope: Option<String>,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Hs256(Secret),
    Rs256(Vec<u8>),
    Es256(Vec<u8>),
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Kind {
    const fn name(&self) -> &'static str {
        match self {
            Self::Hs256(_) => "HS256",
            Self::Rs256(_) => "RS256",
            Self::Es256(_) => "ES256",
        }
    }
}

/// A text that is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Neither.
    #[error(
        "it is no public key in PEM that begins with `-----BEGIN PUBLIC KEY-----`; make one by `openssl pkey -in KEY -pubout`, or of a certificate by `openssl x509 -in CERT -pubkey -noout`"
    )]
    NotPem,
    /// A private key.
    #[error(
        "it is a private key: whoever checks needs the public one, `openssl pkey -in KEY -pubout`"
    )]
    Private,
    /// Not of a kind we check.
    #[error("it is neither RSA with 2048 to 8192 bits nor of the curve P-256")]
    Kind,
    /// Too easy to guess.
    #[error("a secret of fewer than 32 octets is no key of HS256 (RFC 7518 section 3.2)")]
    Short,
}

/// A signature that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not a JWS.
    #[error("it is no signature in the compact form of JWS: {0}")]
    Form(&'static str),
    /// Made by another algorithm than the key's.
    #[error("it is made by {0:?}, and the key is for {1}")]
    Algorithm(String, &'static str),
    /// Not made with this key, or not of this text.
    #[error("it is not made with the key that is configured, or something was changed since")]
    Wrong,
}

/// A signed text: the header, and what was signed.
pub(super) struct Signed {
    pub(super) payload: Vec<u8>,
}

#[derive(serde::Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    crit: Option<serde_json::Value>,
}

impl BundleKey {
    /// A public key in PEM: of RSA for RS256, of P-256 for ES256.
    pub fn public(pem: &str) -> Result<Self, KeyError> {
        let kind = |kind| Ok(Self { id: None, scope: None, kind });
        if pem.contains("PRIVATE KEY-----") {
            return Err(KeyError::Private);
        }
        if let Some(der) = unwrap_pem(pem, "RSA PUBLIC KEY") {
            return rsa(&der).ok_or(KeyError::Kind).and_then(kind);
        }
        let der = unwrap_pem(pem, "PUBLIC KEY").ok_or(KeyError::NotPem)?;
        let (oids, key) = subject_public_key(&der).ok_or(KeyError::NotPem)?;
        match oids {
            RSA => rsa(key).ok_or(KeyError::Kind).and_then(kind),
            P256 if key.len() == 65 && key.first() == Some(&4) => kind(Kind::Es256(key.to_vec())),
            _ => Err(KeyError::Kind),
        }
    }

    /// A secret for HS256.
    pub fn secret(secret: Secret) -> Result<Self, KeyError> {
        if secret.reveal().len() < 32 {
            return Err(KeyError::Short);
        }
        Ok(Self { id: None, scope: None, kind: Kind::Hs256(secret) })
    }

    /// One or the other, by how the text begins.
    pub fn parse(text: Secret) -> Result<Self, KeyError> {
        if text.reveal().trim_start().starts_with("-----BEGIN ") {
            Self::public(text.reveal())
        } else {
            Self::secret(text)
        }
    }

    /// With the id that bundles name.
    #[must_use]
    pub fn with_id(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// With the scope that signatures must have.
    #[must_use]
    pub fn with_scope(self, scope: impl Into<String>) -> Self {
        Self { scope: Some(scope.into()), ..self }
    }

    /// `HS256`, `RS256` or `ES256`.
    #[must_use]
    pub const fn algorithm(&self) -> &'static str {
        self.kind.name()
    }

    /// Checks a signature in compact form. The algorithm is the key's: the token's word is not taken for it.
    pub(super) fn verify(&self, token: &str) -> Result<Signed, SignatureError> {
        let (signed, signature) = token.rsplit_once('.').ok_or(SignatureError::Form(PARTS))?;
        let (header, payload) = signed.split_once('.').ok_or(SignatureError::Form(PARTS))?;
        let header = header_of(header)?;
        if header.alg != self.kind.name() {
            return Err(SignatureError::Algorithm(header.alg, self.kind.name()));
        }
        let signature = decode(signature)?;
        let message = signed.as_bytes();
        let holds = match &self.kind {
            Kind::Hs256(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret.reveal().as_bytes());
                hmac::verify(&key, message, &signature).is_ok()
            }
            Kind::Rs256(key) => {
                let algorithm = &signature::RSA_PKCS1_2048_8192_SHA256;
                signature::UnparsedPublicKey::new(algorithm, key)
                    .verify(message, &signature)
                    .is_ok()
            }
            Kind::Es256(key) => {
                let algorithm = &signature::ECDSA_P256_SHA256_FIXED;
                signature::UnparsedPublicKey::new(algorithm, key)
                    .verify(message, &signature)
                    .is_ok()
            }
        };
        if holds { Ok(Signed { payload: decode(payload)? }) } else { Err(SignatureError::Wrong) }
    }
}

const PARTS: &str = "it has three parts";

/// The id of the key that a token says it was made with, in its header.
pub(super) fn key_id(token: &str) -> Result<Option<String>, SignatureError> {
    let (header, _) = token.split_once('.').ok_or(SignatureError::Form(PARTS))?;
    Ok(header_of(header)?.kid.filter(|id| !id.is_empty()))
}

/// What a token says, before it is known to be true.
pub(super) fn unchecked_payload(token: &str) -> Result<Vec<u8>, SignatureError> {
    decode(token.split('.').nth(1).ok_or(SignatureError::Form(PARTS))?)
}

fn header_of(part: &str) -> Result<Header, SignatureError> {
    let header: Header = serde_json::from_slice(&decode(part)?)
        .map_err(|_| SignatureError::Form("its header cannot be read"))?;
    if header.crit.is_some() {
        return Err(SignatureError::Form("its header has `crit`, which we do not know"));
    }
    Ok(header)
}

fn decode(part: &str) -> Result<Vec<u8>, SignatureError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| SignatureError::Form("it is no base64url"))
}

/// DER of object identifiers: rsaEncryption with its NULL, and ecPublicKey on prime256v1 (RFC 5480).
const RSA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
const P256: &[u8] =
    &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];

fn unwrap_pem(text: &str, label: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let body: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(body).ok()
}

/// A modulus of the size that ring checks.
fn rsa(der: &[u8]) -> Option<Kind> {
    let (numbers, rest) = element(der, 0x30)?;
    let (modulus, _) = element(numbers, 2)?;
    let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus);
    let is_whole = rest.is_empty() && (256..=1_024).contains(&modulus.len());
    is_whole.then(|| Kind::Rs256(der.to_vec()))
}

/// Of a SubjectPublicKeyInfo (RFC 5280 section 4.1): the algorithm as it is written, and the key.
fn subject_public_key(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (info, rest) = element(der, 0x30)?;
    let (algorithm, after) = element(info, 0x30)?;
    let (bits, end) = element(after, 3)?;
    let key = bits.strip_prefix(&[0])?;
    (rest.is_empty() && end.is_empty()).then_some((algorithm, key))
}

/// An element of this tag: what is in it, and what follows.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let rest = der.strip_prefix(&[tag])?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (octets, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (octets.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}
