//! A price list's octets → [`PriceList`]. Hostile until read: size, entries, names and prices of an
//! entry are bounded, and what an entry holds is looked into three levels deep, no further.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use sark_core::ContentHash;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::entry::{self, Entry, Key, Met, NAME, few};
use crate::list::{Notes, PriceList};
use crate::{Model, names};

/// How much a list may be. Real ones have some five thousand entries in 4 MB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Octets.
    pub octets: usize,
    /// Entries.
    pub entries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { octets: 32 << 20, entries: 100_000 }
    }
}

/// Why a document is no price list at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ParseError {
    #[error("it is longer than {most} octets")]
    TooLong { most: usize },
    #[error("it has more than {most} entries")]
    TooMany { most: usize },
    #[error("it is no UTF-8 text: octet {at} is wrong")]
    NotText { at: usize },
    #[error("it is truncated: it ends at line {line}, column {column}")]
    Truncated { line: usize, column: usize },
    #[error("line {line}, column {column}: it is no JSON object of models: {why}")]
    NotAList { line: usize, column: usize, why: String },
    #[error("none of its {count} entries can be read; the first, {name}: {reason}")]
    Useless { count: usize, name: String, reason: String },
}

/// This entry explains the others in prose.
const SAMPLE: &str = "sample_spec";

/// Reads a list. Entries that cannot be read are in it with the reason.
pub fn parse(octets: &[u8], limits: &Limits) -> Result<PriceList, ParseError> {
    if octets.len() > limits.octets {
        return Err(ParseError::TooLong { most: limits.octets });
    }
    let text = std::str::from_utf8(octets)
        .map_err(|error| ParseError::NotText { at: error.valid_up_to() })?;
    let mut document = Document {
        most: limits.entries,
        is_full: false,
        entries: BTreeMap::new(),
        aliases: BTreeMap::new(),
        notes: Notes::default(),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut json = serde_json::Deserializer::from_str(text);
    let read = document.deserialize(&mut json).and_then(|()| json.end());
    if let Err(error) = read {
        let (line, column) = (error.line(), error.column());
        // A number that is cut off is a wrong number where the text ends.
        let last = text.rsplit('\n').next().unwrap_or_default();
        let is_cut = error.is_syntax()
            && column >= last.len().max(1)
            && text.bytes().filter(|octet| *octet == b'\n').count() + 1 == line
            && !text.ends_with('}');
        return Err(match document.is_full {
            true => ParseError::TooMany { most: limits.entries },
            false if error.is_eof() || is_cut => ParseError::Truncated { line, column },
            false => not_a_list(&error),
        });
    }
    document.finish(ContentHash::of(octets))
}

fn not_a_list(error: &serde_json::Error) -> ParseError {
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(&*message, |(message, _)| message);
    let why = message.chars().take(120).collect();
    ParseError::NotAList { line: error.line(), column: error.column(), why }
}

struct Document {
    most: usize,
    is_full: bool,
    entries: BTreeMap<Arc<str>, Result<Arc<Model>, Arc<str>>>,
    aliases: BTreeMap<Arc<str>, Arc<str>>,
    notes: Notes,
}

impl Document {
    fn entry(&mut self, name: &str, raw: &str) {
        if name == SAMPLE {
            return;
        }
        if name.len() > NAME || name.is_empty() || name.chars().any(char::is_control) {
            // Nobody asks for it, so that it need not be remembered whole.
            let name: Arc<str> = format!("{:?}", few(name)).into();
            self.entries.insert(name, Err("it is no name of a model".into()));
            return;
        }
        let name: Arc<str> = name.into();
        if self.entries.contains_key(&name) || self.aliases.contains_key(&name) {
            self.aliases.remove(&name);
            self.entries.insert(name, Err("it is there twice".into()));
            return;
        }
        let mut met = Met::default();
        match entry::read(&name, raw, &mut met) {
            Ok(Entry::Model(model)) => {
                self.notes.met(&met, model.is_unpriced());
                self.entries.insert(name, Ok(Arc::new(model)));
            }
            Ok(Entry::Alias(other)) => {
                self.aliases.insert(name, other);
            }
            Err(reason) => {
                self.entries.insert(name, Err(reason.into()));
            }
        }
    }

    fn finish(mut self, hash: ContentHash) -> Result<PriceList, ParseError> {
        for (name, other) in std::mem::take(&mut self.aliases) {
            let found = match self.entries.get(&other) {
                Some(Ok(model)) if model.name == other => Ok(Arc::clone(model)),
                _ => Err(format!("it stands for {other}, which is no entry with prices").into()),
            };
            self.entries.insert(name, found);
        }
        let first =
            self.entries.iter().find_map(|(name, entry)| Some((name, entry.as_ref().err()?)));
        let readable = self.entries.values().filter(|entry| entry.is_ok()).count();
        if let (0, Some((name, reason))) = (readable, first) {
            let (count, name) = (self.entries.len(), few(name));
            return Err(ParseError::Useless { count, name, reason: reason.to_string() });
        }
        let prefixes = names::prefixes(self.entries.keys());
        Ok(PriceList { hash, entries: self.entries, readable, prefixes, notes: self.notes })
    }
}

impl<'de> DeserializeSeed<'de> for &mut Document {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Document {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut count = 0;
        while let Some((Key(name), value)) = map.next_entry::<Key<'de>, &RawValue>()? {
            if count == self.most {
                self.is_full = true;
                return Err(A::Error::custom("too many"));
            }
            count += 1;
            self.entry(&name, value.get());
        }
        Ok(())
    }
}
