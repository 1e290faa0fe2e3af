//! Ed25519 keys, written as other logs write them (C2SP `signed-note`; Go's `golang.org/x/mod/sumdb/note`).
//!
//! ```text
//! public:  NAME+HASH+BASE64(0x01 ‖ 32 octets)
//! private: PRIVATE+KEY+NAME+HASH+BASE64(0x01 ‖ 32 octets of seed)
//! HASH:    first four octets of SHA-256(NAME ‖ 0x0A ‖ 0x01 ‖ public key), in hex
//! ```

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use sark_core::secret::Secret;

/// Ed25519, in the first octet of a key.
const ALGORITHM: u8 = 1;
const PRIVATE: &str = "PRIVATE+KEY+";

/// Why a text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Its form.
    #[error("not a key: {0}")]
    Form(&'static str),
    /// A name that cannot stand in a signature.
    #[error("a key's name has no space, no plus sign and no line break, and is not empty")]
    Name,
}

/// Signs checkpoints. Prints as its public half.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: VerifyingKey,
    seed: Secret,
}

/// Checks what a key has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    name: String,
    id: [u8; 4],
    octets: [u8; 32],
}

impl SigningKey {
    /// Of 32 octets that are random.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed)
            .map_err(|_| KeyError::Form("its seed is refused"))?;
        let octets = pair.public_key().as_ref().try_into();
        let octets = octets.map_err(|_| KeyError::Form("its public half has not 32 octets"))?;
        let public = VerifyingKey::new(name, octets)?;
        Ok(Self { pair, public, seed: Secret::new(encoded(seed)) })
    }

    /// Of its text.
    pub fn parse(text: &Secret) -> Result<Self, KeyError> {
        let rest = text.reveal().trim().strip_prefix(PRIVATE);
        let rest = rest.ok_or(KeyError::Form("it does not begin with PRIVATE+KEY+"))?;
        let (name, id, seed) = parts(rest)?;
        let key = Self::from_seed(name, &seed)?;
        if key.public.id == id { Ok(key) } else { Err(KeyError::Form("its hash is another key's")) }
    }

    /// Its text: a secret.
    #[must_use]
    pub fn text(&self) -> Secret {
        let VerifyingKey { name, id, .. } = &self.public;
        Secret::new(format!("{PRIVATE}{name}+{}+{}", hex(id), self.seed.reveal()))
    }

    /// Its public half.
    #[must_use]
    pub const fn public(&self) -> &VerifyingKey {
        &self.public
    }

    /// The 64 octets over this message.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SigningKey").field(&self.public).finish()
    }
}

impl VerifyingKey {
    fn new(name: &str, octets: [u8; 32]) -> Result<Self, KeyError> {
        if name.is_empty() || name.contains(|c: char| c == '+' || c.is_whitespace()) {
            return Err(KeyError::Name);
        }
        let hashed = [name.as_bytes(), b"\n", &[ALGORITHM], &octets].concat();
        let hash = digest::digest(&digest::SHA256, &hashed);
        let id = hash.as_ref().first_chunk().copied();
        let id = id.ok_or(KeyError::Form("its hash is too short"))?;
        Ok(Self { name: name.to_owned(), id, octets })
    }

    /// Whose it is: the trail's origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What signatures name it by.
    #[must_use]
    pub const fn id(&self) -> [u8; 4] {
        self.id
    }

    /// `NAME+HASH`: what tells it from others of the same trail.
    #[must_use]
    pub fn short(&self) -> String {
        key_name(&self.name, &self.id)
    }

    /// Whether it has signed this message.
    #[must_use]
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.octets).verify(message, signature).is_ok()
    }
}

/// What a key is called beside others.
pub(crate) fn key_name(name: &str, id: &[u8; 4]) -> String {
    format!("{name}+{}", hex(id))
}

impl std::fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}+{}+{}", self.name, hex(&self.id), encoded(&self.octets))
    }
}

impl FromStr for VerifyingKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (name, id, octets) = parts(text.trim())?;
        let key = Self::new(name, octets)?;
        if key.id == id { Ok(key) } else { Err(KeyError::Form("its hash is another key's")) }
    }
}

/// Name, hash and octets.
fn parts(text: &str) -> Result<(&str, [u8; 4], [u8; 32]), KeyError> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(octets)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(KeyError::Form("it has not three parts with a plus sign between"));
    };
    let number = Some(id).filter(|id| id.len() == 8).map(|id| u32::from_str_radix(id, 16));
    let Some(Ok(number)) = number else {
        return Err(KeyError::Form("its hash is not 8 hex digits"));
    };
    let octets =
        STANDARD.decode(octets).map_err(|_| KeyError::Form("its octets are not base64"))?;
    match octets.split_first() {
        Some((&ALGORITHM, octets)) => {
            let octets = octets.try_into();
            let octets = octets.map_err(|_| KeyError::Form("it has not 32 octets"))?;
            Ok((name, number.to_be_bytes(), octets))
        }
        _ => Err(KeyError::Form("it is of another kind than Ed25519")),
    }
}

fn encoded(octets: &[u8; 32]) -> String {
    STANDARD.encode([&[ALGORITHM][..], octets].concat())
}

fn hex(octets: &[u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(*octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of Go's `note` package's documentation.
    #[test]
    fn keys_of_other_tools_are_read() {
        let private =
            "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
        let public = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let key = SigningKey::parse(&Secret::new(private.into())).unwrap();
        assert_eq!(key.public().to_string(), public);
        assert_eq!(key.text().reveal(), private);
        assert_eq!(public.parse(), Ok(key.public().clone()));
        assert!(!format!("{key:?}").contains("AYEKFAL"));
        let text = "If you think cryptography is the answer to your problem,\n\
             then you don't know what your problem is.\n";
        let signature = STANDARD
            .decode("x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=")
            .unwrap();
        assert_eq!(signature[..4], key.public().id());
        assert!(key.public().has_signed(text.as_bytes(), &signature[4..]));
        assert_eq!(key.sign(text.as_bytes()), signature[4..]);
        assert!(!key.public().has_signed(b"other", &signature[4..]));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let good = SigningKey::from_seed("sark", &[1; 32]).unwrap().public().to_string();
        for wrong in [
            "".to_owned(),
            good.replace("sark", "sarky"),
            good.replace("sark", ""),
            good.replace("+A", "+B"),
            good[..good.len() - 4].to_owned(),
            good.replacen('+', "", 1),
        ] {
            assert!(wrong.parse::<VerifyingKey>().is_err(), "{wrong}");
        }
        for name in ["", "a b", "a+b", "a\n"] {
            assert_eq!(SigningKey::from_seed(name, &[1; 32]).unwrap_err(), KeyError::Name);
        }
    }
}
