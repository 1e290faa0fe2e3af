//! What does not fit, in our words.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::document::diagnostic::{listed, nearest};
use crate::document::tree::Node;

/// An error on its way up: the nearest node that holds it fills in the place.
#[derive(Debug)]
pub(in crate::document) struct Mistake {
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// The key that is not there.
    pub(super) missing: Option<&'static str>,
    /// The key that was probably meant by an unknown one.
    pub(super) meant: Option<String>,
    pub(super) node: Option<u32>,
    pub(super) place: Option<(u32, u32)>,
}

impl Mistake {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: None,
            missing: None,
            meant: None,
            node: None,
            place: None,
        }
    }

    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// In `node`; shown at `shown`.
    pub(super) fn within(self, node: &Node, shown: &Node) -> Self {
        Self {
            node: self.node.or(Some(node.id)),
            place: self.place.or(Some((shown.line, shown.column))),
            ..self
        }
    }

    pub(super) fn unknown(what: &str, word: &str, known: &[&str]) -> Self {
        let mistake = Self::new(format!("unknown {what} `{word}`"));
        match nearest(word, known.iter().copied()) {
            Some(near) => Self { meant: Some(near.to_owned()), ..mistake }
                .help(format!("did you mean `{near}`?")),
            None if known.is_empty() => mistake.help("no key is known here"),
            None => mistake.help(format!("known here: {}", listed(known.iter().copied()))),
        }
    }
}

impl std::error::Error for Mistake {}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl de::Error for Mistake {
    /// A type's own complaint; what follows [`HELP`](crate::document::HELP) is the help.
    fn custom<M: fmt::Display>(message: M) -> Self {
        let message = message.to_string();
        if message.starts_with("data did not match any variant") {
            return Self::new("this form of value is not known here");
        }
        match message.split_once(crate::document::HELP) {
            Some((message, help)) => Self::new(message).help(help),
            None => Self::new(message),
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Map => "a mapping".to_owned(),
            Unexpected::Seq => "a list".to_owned(),
            Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
            Unexpected::Str(text) => format!("`{text}`"),
            Unexpected::Bool(value) => format!("`{value}`"),
            Unexpected::Unsigned(value) => format!("`{value}`"),
            Unexpected::Signed(value) => format!("`{value}`"),
            Unexpected::Float(value) => format!("`{value}`"),
            _ => "something else".to_owned(),
        };
        Self::new(format!("expected {expected}, found {found}"))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        Self::unknown("word", word, known)
    }

    fn unknown_field(word: &str, known: &'static [&'static str]) -> Self {
        Self::unknown("key", word, known)
    }

    fn missing_field(key: &'static str) -> Self {
        Self { missing: Some(key), ..Self::new(format!("missing key `{key}`")) }
    }
}
