//! Checkpoints: what the trail was at one record, as a text that is signed.
//!
//! ```text
//! sark.example/audit                 whose trail
//! 4711                               how many records
//! BASE64                             root of their Merkle tree
//! chain HEX                          the last one's hash in the chain
//! time 2026-11-28T12:00:00Z
//! ```
//!
//! The first three lines are those of C2SP `tlog-checkpoint`; the others are its extension lines.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sark_core::audit::{Digest, Head};

use crate::{Note, NoteError, SigningKey, Tree, VerifyingKey};

/// What is vouched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose trail: the name of the key.
    pub origin: String,
    /// The last record that it covers, and its hash.
    pub head: Head,
    /// Root of the Merkle tree over all records so far.
    pub root: Digest,
    /// When it was made.
    pub at: Timestamp,
}

/// Why a note is no checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note itself.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// A line of it.
    #[error("not a checkpoint: {0}")]
    Line(&'static str),
}

impl Checkpoint {
    /// Of a trail that has come to this head, whose tree is this.
    #[must_use]
    pub fn new(key: &VerifyingKey, head: Head, tree: &Tree, at: Timestamp) -> Self {
        Self { origin: key.name().to_owned(), head, root: tree.root(), at }
    }

    /// Signed.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> Note {
        let Self { origin, head, root, at } = self;
        let root = STANDARD.encode(root.0);
        let Head { sequence, hash } = head;
        let text = format!("{origin}\n{sequence}\n{root}\nchain {hash}\ntime {at}\n");
        Note::sign(text, key)
    }

    /// Of a note that this key has signed.
    pub fn open(note: &Note, key: &VerifyingKey) -> Result<Self, CheckpointError> {
        note.check(key)?;
        let read = Self::read(note)?;
        if read.origin == key.name() {
            Ok(read)
        } else {
            Err(CheckpointError::Line("it is of another trail than the key"))
        }
    }

    /// Of a note that one of these keys has signed, and which one: keys change.
    pub fn open_with<'k>(
        note: &Note,
        keys: &'k [VerifyingKey],
    ) -> Result<(Self, &'k VerifyingKey), CheckpointError> {
        let mut failed = CheckpointError::Line("no key was given");
        for key in keys {
            match Self::open(note, key) {
                Ok(checkpoint) => return Ok((checkpoint, key)),
                // A signature that is wrong says more than one that is not there.
                Err(error) => {
                    if !matches!(failed, CheckpointError::Note(NoteError::Forged(_))) {
                        failed = error;
                    }
                }
            }
        }
        if matches!(failed, CheckpointError::Note(NoteError::Unsigned(_))) && keys.len() > 1 {
            return Err(CheckpointError::Line("none of the keys has signed it"));
        }
        Err(failed)
    }

    /// Of a note, whoever has signed it.
    pub fn read(note: &Note) -> Result<Self, CheckpointError> {
        let mut lines = note.text.lines();
        let mut line = |what| lines.next().ok_or(CheckpointError::Line(what));
        let origin = line("it has no origin")?.to_owned();
        let sequence = line("it has no number of records")?;
        // One way to write a number: no sign, no leading zero.
        let number: Option<u64> = sequence.parse().ok().filter(|n: &u64| n.to_string() == sequence);
        let sequence = number.ok_or(CheckpointError::Line("its number of records is none"))?;
        let root = STANDARD.decode(line("it has no root")?).ok();
        let root = root.and_then(|octets| Digest::from_octets(&octets));
        let root = root.ok_or(CheckpointError::Line("its root is not 32 octets in base64"))?;
        let hash = line("it has no hash of the chain")?.strip_prefix("chain ");
        let hash = hash.and_then(|hash| hash.parse().ok());
        let hash = hash.ok_or(CheckpointError::Line("its hash of the chain is none"))?;
        let at = line("it has no time")?.strip_prefix("time ").and_then(|at| at.parse().ok());
        let at = at.ok_or(CheckpointError::Line("its time is none"))?;
        Ok(Self { origin, head: Head { sequence, hash }, root, at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed("sark.example/audit", &[seed; 32]).unwrap()
    }

    #[test]
    fn a_checkpoint_reads_what_it_signs_and_believes_nothing_else() {
        let mut tree = Tree::default();
        tree.push(Digest::of_leaf(b"{}"));
        let head = Head::BEGINNING.with_octets(b"{}");
        let at = "2026-11-28T12:00:00Z".parse().unwrap();
        let checkpoint = Checkpoint::new(key(1).public(), head, &tree, at);
        let text = checkpoint.sign(&key(1)).to_string();
        assert!(text.starts_with("sark.example/audit\n1\n"), "{text}");
        let note = Note::parse(&text).unwrap();
        assert_eq!(Checkpoint::open(&note, key(1).public()), Ok(checkpoint));
        let other = Checkpoint::open(&note, key(2).public());
        assert!(matches!(other, Err(CheckpointError::Note(NoteError::Unsigned(_)))), "{other:?}");
        let keys = [2, 1].map(|seed| key(seed).public().clone());
        assert_eq!(Checkpoint::open_with(&note, &keys).unwrap().1, &keys[1]);
        assert_eq!(note.signers(), [keys[1].short()]);
        Checkpoint::open_with(&note, &keys[..1]).unwrap_err();
        Checkpoint::open_with(&note, &[]).unwrap_err();
        let forged = Note::parse(&text.replace("12:00:00Z", "12:00:01Z")).unwrap();
        let forged = Checkpoint::open_with(&forged, &keys);
        assert!(matches!(forged, Err(CheckpointError::Note(NoteError::Forged(_)))), "{forged:?}");
        // Each character of it counts.
        for (at, character) in text.char_indices().filter(|(_, c)| c.is_ascii()) {
            let mut forged = text.clone();
            let new = if character == 'A' { "B" } else { "A" };
            forged.replace_range(at..=at, new);
            let read = Note::parse(&forged).map_err(Into::into);
            let read = read.and_then(|note| Checkpoint::open(&note, key(1).public()));
            assert!(read.is_err(), "{forged}");
        }
        for wrong in ["", "a", "a\n\n", "a\n\n— b c", &"a\n".repeat(70_000)] {
            assert!(Note::parse(wrong).is_err(), "{wrong:.20}");
        }
    }
}
