//! Content hashes.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// SHA-256 of content, printed as `sha256:` and 64 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentHash(String);

impl ContentHash {
    /// Of these octets.
    #[must_use]
    pub fn of(octets: &[u8]) -> Self {
        Self::from_digest(Sha256::digest(octets).into())
    }

    /// From a digest of 32 octets.
    #[must_use]
    pub fn from_digest(digest: [u8; 32]) -> Self {
        use std::fmt::Write;
        let mut text = String::with_capacity(7 + 64);
        text.push_str("sha256:");
        for octet in digest {
            let _ = write!(text, "{octet:02x}");
        }
        Self(text)
    }

    /// The digest again.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut digest = [0; 32];
        let hex = self.0.strip_prefix("sha256:").unwrap_or_default().as_bytes();
        // 64 lower-case digits, unless somebody else wrote it: then it is some digest.
        let value =
            |digit: u8| if digit > b'9' { digit.wrapping_sub(b'a' - 10) } else { digit & 15 };
        for (octet, [high, low]) in digest.iter_mut().zip(hex.as_chunks().0) {
            *octet = value(*high) << 4 | value(*low) & 15;
        }
        digest
    }

    /// All of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve hex digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        let hex = self.0.strip_prefix("sha256:").unwrap_or(&self.0);
        hex.get(..12).unwrap_or(hex)
    }
}

/// A text that is not a content hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a content hash: `sha256:` and 64 lower-case hex digits")]
pub struct HashError(String);

impl std::str::FromStr for ContentHash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        let hex = text.strip_prefix("sha256:").unwrap_or_default();
        let good = hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(HashError(text.chars().take(80).collect()))
        }
    }
}

impl std::fmt::Display for ContentHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints_and_nothing_else() {
        let hash = ContentHash::of(b"abc");
        // FIPS 180-2, appendix B.1.
        assert_eq!(
            hash.as_str(),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(hash.to_string().parse(), Ok(hash.clone()));
        assert_eq!(ContentHash::from_digest(hash.digest()), hash);
        let all: [u8; 32] = std::array::from_fn(|at| (at * 8 + at / 4) as u8);
        assert_eq!(ContentHash::from_digest(all).digest(), all);
        let upper = hash.as_str().to_uppercase();
        for text in ["", "sha256:", &hash.as_str()[7..], &hash.as_str()[..70], &upper] {
            assert!(text.parse::<ContentHash>().is_err(), "{text}");
        }
    }
}
