//! Signed notes (C2SP `signed-note`): a text, an empty line, and signatures.
//!
//! ```text
//! — NAME BASE64(4 octets of the key's hash ‖ signature)
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

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
        Ok(Self { text: text.to_owned(), signatures: signatures.to_owned() })
    }

    /// Reads a file of notes, an empty line after each.
    pub fn parse_all(notes: &str) -> Result<Vec<Self>, NoteError> {
        let mut all = Vec::new();
        let mut note = String::new();
        for line in notes.lines() {
            let is_signed = note.contains("\n\n— ");
            if line.is_empty() && is_signed {
                all.push(Self::parse(&note)?);
                note.clear();
            } else if !(line.is_empty() && note.is_empty()) {
                note.push_str(line);
                note.push('\n');
            }
        }
        if !note.is_empty() {
            all.push(Self::parse(&note)?);
        }
        Ok(all)
    }

    /// Whether this key has signed it.
    pub fn check(&self, key: &VerifyingKey) -> Result<(), NoteError> {
        for line in self.signatures.lines() {
            let Some((name, signature)) =
                line.strip_prefix("— ").and_then(|line| line.split_once(' '))
            else {
                return Err(NoteError::Form("a line with a signature begins with a dash"));
            };
            let octets = STANDARD.decode(signature);
            let octets = octets.map_err(|_| NoteError::Form("a signature is not base64"))?;
            let Some((id, signature)) = octets.split_first_chunk::<4>() else {
                return Err(NoteError::Form("a signature is too short"));
            };
            if name == key.name() && *id == key.id() {
                return if key.has_signed(self.text.as_bytes(), signature) {
                    Ok(())
                } else {
                    Err(NoteError::Forged(key.name().to_owned()))
                };
            }
        }
        Err(NoteError::Unsigned(key.to_string()))
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
}
