//! The key of an authority.

use std::fmt;

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use rustls::SignatureScheme as Scheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::{Error as PemError, PemObject as _};
use rustls::pki_types::{AlgorithmIdentifier, PrivateKeyDer, PrivatePkcs8KeyDer, alg_id};
use rustls::sign::Signer;
use sark_core::secret::Secret;

use crate::encode::SignError;
use crate::pem;

/// Why there is no key. What was read is in none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// None was in the text.
    #[error("it has no private key in PEM (PKCS#8, SEC 1 or PKCS#1)")]
    Missing,
    /// Nobody is asked for a passphrase when a proxy starts.
    #[error("its private key is encrypted; `openssl pkey -in KEY -out KEY` decrypts it")]
    Encrypted,
    /// Which of them, nobody has said.
    #[error("it has more than one private key")]
    Several,
    /// Cut off, or no base64, or far too long.
    #[error("its PEM is damaged: cut off, or changed")]
    Damaged,
    /// Not one of those that clients accept in a CA, and that we can sign with.
    #[error("its private key is damaged, or not P-256, P-384 or RSA of 2048 to 8192 bits")]
    Unsupported,
    /// The machine gives no random octets.
    #[error("no key could be made")]
    Random,
}

/// What a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA on P-256, signing SHA-256.
    P256,
    /// ECDSA on P-384, signing SHA-384.
    P384,
    /// RSA, PKCS#1 v1.5, signing SHA-256.
    Rsa,
}

/// The key of an authority. Prints as its kind.
pub struct CaKey {
    der: PrivateKeyDer<'static>,
    signer: Box<dyn Signer>,
    kind: KeyKind,
    public: Vec<u8>,
}

impl CaKey {
    /// A new one, P-256.
    pub fn generate() -> Result<Self, KeyError> {
        Self::of_der(generate()?)
    }

    /// Of a PEM text that has one key: PKCS#8, SEC 1 or PKCS#1.
    pub fn from_pem(text: &Secret) -> Result<Self, KeyError> {
        let text = text.reveal();
        if text.len() > pem::LARGEST {
            return Err(KeyError::Damaged);
        }
        if text.contains("ENCRYPTED") {
            return Err(KeyError::Encrypted);
        }
        let mut keys = PrivateKeyDer::pem_slice_iter(text.as_bytes());
        let key = match keys.next() {
            Some(Ok(key)) => key,
            None | Some(Err(PemError::NoItemsFound)) => return Err(KeyError::Missing),
            Some(Err(_)) => return Err(KeyError::Damaged),
        };
        match keys.next() {
            None => Self::of_der(key),
            Some(Ok(_)) => Err(KeyError::Several),
            Some(Err(_)) => Err(KeyError::Damaged),
        }
    }

    fn of_der(der: PrivateKeyDer<'static>) -> Result<Self, KeyError> {
        let key = any_supported_type(&der).map_err(|_| KeyError::Unsupported)?;
        let kinds = [
            (Scheme::ECDSA_NISTP256_SHA256, KeyKind::P256),
            (Scheme::ECDSA_NISTP384_SHA384, KeyKind::P384),
            (Scheme::RSA_PKCS1_SHA256, KeyKind::Rsa),
        ];
        let signers = |(scheme, kind)| Some((key.choose_scheme(&[scheme])?, kind));
        let (signer, kind) = kinds.into_iter().find_map(signers).ok_or(KeyError::Unsupported)?;
        let public = key.public_key().ok_or(KeyError::Unsupported)?.as_ref().to_vec();
        Ok(Self { der, signer, kind, public })
    }

    /// As PEM: a secret.
    #[must_use]
    pub fn to_pem(&self) -> Secret {
        let label = match &self.der {
            PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
            PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
            _ => "PRIVATE KEY",
        };
        Secret::new(pem::section(label, self.der.secret_der()))
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Its public half: subjectPublicKeyInfo (RFC 5280 §4.1.2.7).
    #[must_use]
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// signatureAlgorithm of what it signs (RFC 5758 §3.2, RFC 4055 §5), without the sequence around.
    pub(crate) const fn algorithm(&self) -> AlgorithmIdentifier {
        match self.kind {
            KeyKind::P256 => alg_id::ECDSA_SHA256,
            KeyKind::P384 => alg_id::ECDSA_SHA384,
            KeyKind::Rsa => alg_id::RSA_PKCS1_SHA256,
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.signer.sign(message).map_err(|_| SignError)
    }
}

impl fmt::Debug for CaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CaKey").field(&self.kind).finish()
    }
}

/// A new key, P-256, for an authority or for leaves.
pub(crate) fn generate() -> Result<PrivateKeyDer<'static>, KeyError> {
    let document =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new());
    let document = document.map_err(|_| KeyError::Random)?;
    Ok(PrivatePkcs8KeyDer::from(document.as_ref().to_vec()).into())
}
