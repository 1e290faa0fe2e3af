//! Parts of what was decided on that a policy's `keep` obligation names: kept, and encrypted.
//!
//! AES-256-GCM; the nonce is random and stands beside what it sealed; what is sealed belongs to one
//! request and one field, and does not open as another's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::digest;
use sark_core::secret::Secret;
use serde::{Deserialize, Serialize};

/// The key. Prints as its id.
pub struct Seal {
    key: LessSafeKey,
    id: String,
}

/// What was sealed, as a record holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// Id of the key: the first 12 hex digits of its SHA-256.
    pub key: String,
    /// 12 octets, base64.
    pub nonce: String,
    /// Base64.
    pub sealed: String,
}

/// Why something is not sealed or does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The key's text.
    #[error("the key is not 32 octets in base64 (make one with `openssl rand -base64 32`)")]
    Key,
    /// It could not be encrypted.
    #[error("could not encrypt")]
    Encrypt,
    /// Sealed with another key.
    #[error("it was sealed with the key {0}, and this is another")]
    OtherKey(String),
    /// Changed, or of another record or field.
    #[error("it does not open: it was changed, or belongs to another record or field")]
    Wrong,
}

impl Seal {
    /// Of its text.
    pub fn parse(text: &Secret) -> Result<Self, SealError> {
        let octets = STANDARD.decode(text.reveal().trim()).map_err(|_| SealError::Key)?;
        let key = UnboundKey::new(&AES_256_GCM, &octets).map_err(|_| SealError::Key)?;
        let hash = digest::digest(&digest::SHA256, &octets);
        let id = hash.as_ref().iter().take(6).map(|octet| format!("{octet:02x}")).collect();
        Ok(Self { key: LessSafeKey::new(key), id })
    }

    /// Seals a field of a request. The nonce is 12 random octets, never used before.
    pub fn seal(
        &self,
        nonce: [u8; 12],
        request: &str,
        field: &str,
        plain: &str,
    ) -> Result<Sealed, SealError> {
        let mut octets = plain.as_bytes().to_vec();
        let unique = Nonce::assume_unique_for_key(nonce);
        let sealed = self.key.seal_in_place_append_tag(unique, aad(request, field), &mut octets);
        sealed.map_err(|_| SealError::Encrypt)?;
        Ok(Sealed {
            key: self.id.clone(),
            nonce: STANDARD.encode(nonce),
            sealed: STANDARD.encode(octets),
        })
    }

    /// Opens it again.
    pub fn open(&self, sealed: &Sealed, request: &str, field: &str) -> Result<String, SealError> {
        if sealed.key != self.id {
            return Err(SealError::OtherKey(sealed.key.clone()));
        }
        let octets = |text: &str| STANDARD.decode(text).map_err(|_| SealError::Wrong);
        let nonce = octets(&sealed.nonce)?.try_into().map_err(|_| SealError::Wrong)?;
        let mut sealed = octets(&sealed.sealed)?;
        let nonce = Nonce::assume_unique_for_key(nonce);
        let plain = self.key.open_in_place(nonce, aad(request, field), &mut sealed);
        let plain = plain.map_err(|_| SealError::Wrong)?.to_vec();
        String::from_utf8(plain).map_err(|_| SealError::Wrong)
    }
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Seal").field(&self.id).finish()
    }
}

/// Lengths keep two fields from being read as one.
fn aad(request: &str, field: &str) -> Aad<Vec<u8>> {
    let length = (request.len() as u64).to_be_bytes();
    Aad::from([&length[..], request.as_bytes(), field.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(octet: u8) -> Seal {
        Seal::parse(&Secret::new(STANDARD.encode([octet; 32]))).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_with_its_key_as_what_it_was_and_as_nothing_else() {
        let sealed = seal(1).seal([9; 12], "r1", "prompt", "tell é").unwrap();
        assert!(!format!("{sealed:?}").contains("tell"));
        assert_eq!(seal(1).open(&sealed, "r1", "prompt").as_deref(), Ok("tell é"));
        for (request, field) in [("r2", "prompt"), ("r1", "reply"), ("r1p", "rompt")] {
            assert_eq!(seal(1).open(&sealed, request, field), Err(SealError::Wrong));
        }
        let other = seal(2).open(&sealed, "r1", "prompt");
        assert_eq!(other, Err(SealError::OtherKey(sealed.key.clone())));
        let text = STANDARD.decode(&sealed.sealed).unwrap();
        for at in 0..text.len() {
            let mut octets = text.clone();
            octets[at] ^= 1;
            let forged = Sealed { sealed: STANDARD.encode(octets), ..sealed.clone() };
            assert_eq!(seal(1).open(&forged, "r1", "prompt"), Err(SealError::Wrong));
        }
        for wrong in ["", "short", &STANDARD.encode([1; 31]), &"a".repeat(44)] {
            assert_eq!(Seal::parse(&Secret::new(wrong.into())).err(), Some(SealError::Key));
        }
    }
}
