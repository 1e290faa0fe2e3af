//! YAML documents from people: bounded, with places, and with errors that show the line.
//!
//! Every file a person writes (policies, registry overlays, configuration, lab topologies) is read
//! here, so that one wrong key looks the same everywhere.

use serde::de::DeserializeOwned;

pub use serde_saphyr::Spanned;

/// One document of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document<T> {
    /// The value.
    pub value: T,
    /// File name as given.
    pub file: String,
    /// First line of the document, from 1.
    pub line: u32,
}

/// A mistake in a document. `Display` prints `file:line:column: message`, the line with a caret,
/// and the help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// File name as given.
    pub file: String,
    /// From 1; 0 when the mistake has no place.
    pub line: u32,
    /// From 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// The line itself.
    pub excerpt: Option<String>,
    /// What to do, such as `did you mean "ports"?`.
    pub help: Option<String>,
}

/// All documents of a text. Refused: over 1 MiB, bombs and cycles of aliases, duplicate keys,
/// unknown keys (of types that deny them; the nearest known key is suggested).
pub fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<Vec<Document<T>>, Diagnostic> {
    todo!()
}

impl Diagnostic {
    /// A mistake at a place of a text: fills in the excerpt.
    pub fn at(file: &str, text: &str, line: u32, column: u32, message: impl Into<String>) -> Self {
        todo!()
    }

    /// With what to do.
    #[must_use]
    pub fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// The candidate nearest to `word`, if one is near enough to be what was meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    todo!()
}

impl std::error::Error for Diagnostic {}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        todo!()
    }
}
