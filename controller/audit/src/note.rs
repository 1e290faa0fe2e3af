//! Signed notes (C2SP `signed-note`): a text, an empty line, and signatures.
//!
//! ```text
//! — NAME BASE64(4 octets of the key's hash ‖ signature)
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::key::key_name;
use crate::{SigningKey, VerifyingKey};

/// The longest note, in octets.
const LARGEST: usize = 64 * 1024;

/// A text that a key has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// With its last line feed.
    pub text: String,
    /// Lines after the empty one.
    signatures: String,
}

/// Why a note is none, or not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Its form.
    #[error("not a signed note: {0}")]
    Form(&'static str),
    /// Nobody who is asked has signed it.
    #[error("{0} has not signed it")]
    Unsigned(String),
    /// A signature of that key is there, and it is of another text.
    #[error("the signature of {0} is wrong: text or signature were changed")]
    Forged(String),
}

impl Note {
    /// Signs.
    #[must_use]
    pub fn sign(text: String, key: &SigningKey) -> Self {
        let public = key.public();
        let signature = [&public.id()[..], &key.sign(text.as_bytes())].concat();
        let signatures = format!("— {} {}\n", public.name(), STANDARD.encode(signature));
        Self { text, signatures }
    }

    /// Reads; whether it is signed is another question.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > LARGEST {
            return Err(NoteError::Form("it is longer than 64 KiB"));
        }
        let end = note.rfind("\n\n").ok_or(NoteError::Form("it has no empty line"))?;
        let (text, rest) = note.split_at(end + 1);
        let signatures = rest.strip_prefix('\n').unwrap_or_default();
        if signatures.is_empty() || !signatures.ends_with('\n') {
            return Err(NoteError::Form("no line with a signature ends it"));
        }
        if text.chars().any(|c| c < ' ' && c != '\n') {
            return Err(NoteError::Form("its text has control characters"));
        }
        for line in signatures.lines() {
            signature(line)?;
        }
        Ok(Self { text: text.to_owned(), signatures: signatures.to_owned() })
    }

    /// Reads a file of notes, an empty line after each.
    pub fn parse_all(notes: &str) -> Result<Vec<Self>, NoteError> {
        let mut all = Vec::new();
        let mut note = String::new();
        // A line feed that is not there is not made up: a last line without it was cut.
        for line in notes.split_inclusive('\n') {
            let is_signed = note.contains("\n\n— ");
            if line == "\n" && is_signed {
                all.push(Self::parse(&note)?);
                note.clear();
            } else if !(line == "\n" && note.is_empty()) {
                note.push_str(line);
            }
        }
        if !note.is_empty() {
            all.push(Self::parse(&note)?);
        }
        Ok(all)
    }

    /// Who has signed it, as it says itself: `NAME+HASH` of each key.
    #[must_use]
    pub fn signers(&self) -> Vec<String> {
        let signed = self.signatures.lines().filter_map(|line| signature(line).ok());
        signed.map(|(name, id, _)| key_name(name, &id)).collect()
    }

    /// Whether this key has signed it.
    pub fn check(&self, key: &VerifyingKey) -> Result<(), NoteError> {
        for line in self.signatures.lines() {
            let (name, id, signature) = signature(line)?;
            if name == key.name() && id == key.id() {
                return if key.has_signed(self.text.as_bytes(), &signature) {
                    Ok(())
                } else {
                    Err(NoteError::Forged(key.name().to_owned()))
                };
            }
        }
        Err(NoteError::Unsigned(key.to_string()))
    }
}

/// Of a line: whose it is, the beginning of the key's hash, the signature.
fn signature(line: &str) -> Result<(&str, [u8; 4], Vec<u8>), NoteError> {
    let Some((name, signature)) = line.strip_prefix("— ").and_then(|line| line.split_once(' '))
    else {
        return Err(NoteError::Form("a line with a signature begins with a dash"));
    };
    let octets = STANDARD.decode(signature);
    let octets = octets.map_err(|_| NoteError::Form("a signature is not base64"))?;
    match octets.split_first_chunk::<4>() {
        Some((id, signature)) if !signature.is_empty() => Ok((name, *id, signature.to_vec())),
        _ => Err(NoteError::Form("a signature is too short")),
    }
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n{}", self.text, self.signatures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_follow_each_other_in_a_file() {
        let key = SigningKey::from_seed("a", &[3; 32]).unwrap();
        let notes = ["one\n", "two\n\nmore\n"].map(|text| Note::sign(text.to_owned(), &key));
        let file: String = notes.iter().map(|note| format!("{note}\n")).collect();
        let read = Note::parse_all(&file).unwrap();
        assert_eq!(read, notes);
        assert!(read.iter().all(|note| note.check(key.public()).is_ok()));
        assert!(Note::parse_all(&file[..file.len() - 60]).is_err() || file.len() < 60);
        assert_eq!(Note::parse_all("\n\n").unwrap(), []);
    }

    /// A disk that was full, a machine that stopped: what is left is whole notes or none.
    #[test]
    fn a_file_that_was_cut_anywhere_is_not_whole() {
        let key = SigningKey::from_seed("a", &[3; 32]).unwrap();
        let notes = ["one\n", "two\n\nmore\n"].map(|text| Note::sign(text.to_owned(), &key));
        let file: String = notes.iter().map(|note| format!("{note}\n")).collect();
        let first = notes[0].to_string().len();
        let whole = [0, first, first + 1, file.len() - 1, file.len()];
        for end in (0..=file.len()).filter(|end| file.is_char_boundary(*end)) {
            let read = Note::parse_all(&file[..end]);
            assert_eq!(read.is_ok(), whole.contains(&end), "{end} of {}: {read:?}", file.len());
        }
    }
}
