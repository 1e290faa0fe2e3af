//! The chain: each record's hash covers the one before it, its number and its octets.
//!
//! ```text
//! leaf(n) = SHA-256(0x00 ‖ octets(n))                                  as in RFC 6962, section 2.1
//! hash(n) = SHA-256("sark/audit/link1" ‖ hash(n-1) ‖ n, 8 octets, big-endian ‖ leaf(n))
//! hash(0) = 32 octets of zero
//! ```
//!
//! The octets of a record are those of the JSON text that is stored: nothing is written anew before
//! it is hashed, so what verifies is what was stored. The leaf is a hash of its own because the
//! Merkle tree of `sark-audit` is built of the same leaves.

use std::fmt::Write as _;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// Keeps a link from being read as anything else that is hashed.
const LINK: &[u8; 16] = b"sark/audit/link1";

/// A SHA-256 of the trail; 64 lower-case hex digits in text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The leaf of a record with these octets.
    #[must_use]
    pub fn of_leaf(octets: &[u8]) -> Self {
        Self(Sha256::new().chain_update([0]).chain_update(octets).finalize().into())
    }

    /// The node over two, as in RFC 6962, section 2.1.
    #[must_use]
    pub fn of_node(left: &Self, right: &Self) -> Self {
        let hash = Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0);
        Self(hash.finalize().into())
    }

    /// Of 32 octets.
    #[must_use]
    pub fn from_octets(octets: &[u8]) -> Option<Self> {
        octets.try_into().ok().map(Self)
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::with_capacity(64);
        for octet in self.0 {
            write!(text, "{octet:02x}")?;
        }
        f.pad(&text)
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// A text that is no hash of the trail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a hash: 64 lower-case hex digits")]
pub struct DigestError;

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let digit = |digit: u8| match digit {
            b'0'..=b'9' => Ok(digit - b'0'),
            b'a'..=b'f' => Ok(digit - b'a' + 10),
            _ => Err(DigestError),
        };
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != 32 || !rest.is_empty() {
            return Err(DigestError);
        }
        let mut octets = [0; 32];
        for (octet, [high, low]) in octets.iter_mut().zip(pairs) {
            *octet = digit(*high)? << 4 | digit(*low)?;
        }
        Ok(Self(octets))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A place in the chain: the last record so far and its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Head {
    /// Its number; 0 before the first.
    pub sequence: u64,
    /// Its hash.
    pub hash: Digest,
}

impl Head {
    /// Before the first record.
    pub const BEGINNING: Self = Self { sequence: 0, hash: Digest([0; 32]) };

    /// The head when the record with this leaf was added.
    #[must_use]
    pub fn with(&self, leaf: &Digest) -> Self {
        let sequence = self.sequence + 1;
        let hash = Sha256::new()
            .chain_update(LINK)
            .chain_update(self.hash.0)
            .chain_update(sequence.to_be_bytes())
            .chain_update(leaf.0);
        Self { sequence, hash: Digest(hash.finalize().into()) }
    }

    /// The head when the record with these octets was added.
    #[must_use]
    pub fn with_octets(&self, octets: &[u8]) -> Self {
        self.with(&Digest::of_leaf(octets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_what_it_prints_and_nothing_else() {
        let digest = Digest(std::array::from_fn(|at| (at * 8 + at / 4) as u8));
        let text = digest.to_string();
        assert_eq!(text.parse(), Ok(digest));
        for wrong in ["", &text[1..], &text.to_uppercase(), &format!("{text}0"), &"é".repeat(32)] {
            assert_eq!(wrong.parse::<Digest>(), Err(DigestError), "{wrong}");
        }
    }

    /// Leaves and nodes of RFC 6962 with the test vectors of Certificate Transparency.
    #[test]
    fn leaves_and_nodes_are_those_of_certificate_transparency() {
        let empty = Digest::of_leaf(b"");
        let expected = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        assert_eq!(empty.to_string(), expected);
        let root = Digest::of_node(&empty, &Digest::of_leaf(&[0]));
        let expected = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125";
        assert_eq!(root.to_string(), expected);
    }

    /// Written down so that no later version reads another chain: computed with Python's hashlib.
    #[test]
    fn the_chain_is_what_it_was() {
        let first = Head::BEGINNING.with_octets(b"{}");
        let second = first.with_octets(b"{}");
        assert_eq!((first.sequence, second.sequence), (1, 2));
        assert_ne!(first.hash, second.hash);
        let expected = "8a14cb0da7dfa260b8846ddfae34f4c113652fdc70d722f1f1fda1a3fa91311f";
        assert_eq!(first.hash.to_string(), expected);
    }
}
