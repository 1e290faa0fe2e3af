//! The text form of rules, packets and route targets: its errors and its words.
//!
//! `parse` reads what `print` writes; the grammar is at the head of `parse`.

mod parse;
mod print;

use std::ops::Range;

use crate::{ComponentType, NlriError};

/// Why a text is not a rule, a packet or a route target; `at` is the octet offset in the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message says each field")]
pub enum TextError {
    /// Something else was expected.
    #[error("at offset {at}: expected {expected}, found {found}")]
    Unexpected { at: usize, expected: String, found: String },
    /// A keyword that was there before.
    #[error("at offset {at}: {kind} is there twice; join the values with `|`")]
    Repeated { at: usize, kind: ComponentType },
    /// A component that can be read but not be part of a rule.
    #[error("at offset {at}: {source}")]
    Component { at: usize, source: NlriError },
    /// The whole does not make a rule.
    #[error(transparent)]
    Rule(NlriError),
}

impl TextError {
    /// Octet offset in the text.
    #[must_use]
    pub fn at(&self) -> usize {
        match self {
            Self::Unexpected { at, .. }
            | Self::Repeated { at, .. }
            | Self::Component { at, .. } => *at,
            Self::Rule(_) => 0,
        }
    }
}

/// A place in a text, read from left to right.
#[derive(Clone)]
pub(crate) struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Cursor<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn rest(&self) -> &'t str {
        // `at` only ever moves over whole characters.
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.rest().is_empty()
    }

    /// Moves over white space.
    pub(crate) fn skip_space(&mut self) {
        self.take_while(|c| c.is_ascii_whitespace());
    }

    pub(crate) fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let length = rest.find(|c| !keep(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// Up to the next white space, and where it stands.
    pub(crate) fn word(&mut self) -> (&'t str, Range<usize>) {
        self.skip_space();
        let start = self.at;
        let word = self.take_while(|c| !c.is_ascii_whitespace());
        (word, start..self.at)
    }

    /// Moves over `literal` if it comes next.
    pub(crate) fn eat(&mut self, literal: &str) -> bool {
        let there = self.rest().starts_with(literal);
        if there {
            self.at += literal.len();
        }
        there
    }

    /// An error here.
    pub(crate) fn expected(&self, expected: impl Into<String>) -> TextError {
        unexpected(self.at, expected, self.rest())
    }

    /// A decimal number, or a hexadecimal one behind `0x`.
    pub(crate) fn number(&mut self) -> Result<u64, TextError> {
        let start = self.clone();
        let value = if self.eat("0x") {
            u64::from_str_radix(self.take_while(|c| c.is_ascii_hexdigit()), 16)
        } else {
            self.take_while(|c| c.is_ascii_digit()).parse()
        };
        value.map_err(|_| start.expected("a number"))
    }
}

/// An error at `at`, where `rest` stands.
pub(crate) fn unexpected(at: usize, expected: impl Into<String>, rest: &str) -> TextError {
    let mut word: String =
        rest.split_ascii_whitespace().next().unwrap_or_default().chars().take(40).collect();
    if word.is_empty() {
        word.push_str("the end");
    } else {
        word = format!("`{word}`");
    }
    TextError::Unexpected { at, expected: expected.into(), found: word }
}
