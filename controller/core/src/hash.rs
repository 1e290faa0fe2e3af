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
        use std::fmt::Write;
        let mut text = String::from("sha256:");
        for octet in Sha256::digest(octets) {
            let _ = write!(text, "{octet:02x}");
        }
        Self(text)
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

impl std::fmt::Display for ContentHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
