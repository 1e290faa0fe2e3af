//! YAML documents from people: bounded, with places, and with errors that show the line.
//!
//! Every file a person writes (policies, registry overlays, configuration, lab topologies) is read
//! here, so that one wrong key looks the same everywhere.
//!
//! serde-saphyr reads the text into a tree that keeps the place of every node; the tree is then read
//! into the wanted type. The type decides what a scalar is, so `no`, `010` and `08:00` are text
//! where text is wanted and are never silently something else where it is not. A node that does not
//! fit is reported and taken out of the tree, and the rest is read again: that is how [`parse_all`]
//! finds every mistake with plain `Deserialize` types.

use serde::de::DeserializeOwned;

mod diagnostic;
mod reader;
mod spanned;
mod tree;

pub use diagnostic::{Diagnostic, listed, nearest};
pub use spanned::Spanned;

/// The longest text that is read, in octets.
pub const MAX_TEXT: usize = 1 << 20;

/// Between message and help in the errors of a type's own `Deserialize`.
pub const HELP: &str = "\nhelp: ";

/// Mistakes reported for one text before giving up on the rest of it.
pub const MAX_MISTAKES: usize = 100;

/// One document of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document<T> {
    /// The value.
    pub value: T,
    /// File name as given.
    pub file: String,
    /// Line of the first key or value of the document, from 1.
    pub line: u32,
}

/// What [`parse_all`] could read.
#[derive(Debug, Clone)]
pub struct Parsed<T> {
    /// The documents that could be read, without the parts that were mistaken.
    pub documents: Vec<ParsedDocument<T>>,
    /// All that is wrong, in the order of the text.
    pub mistakes: Vec<Diagnostic>,
}

/// One document, perhaps with parts left out.
#[derive(Debug, Clone)]
pub struct ParsedDocument<T> {
    /// The document.
    pub document: Document<T>,
    /// Nothing was left out: checks that compare fields make sense.
    pub whole: bool,
}

/// All documents of a text, or its first mistake. Refused: over 1 MiB, bombs and cycles of aliases,
/// duplicate keys, unknown keys (of types that deny them; the nearest known key is suggested).
pub fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<Vec<Document<T>>, Diagnostic> {
    let parsed = parse_all(file, text);
    match parsed.mistakes.into_iter().next() {
        Some(mistake) => Err(mistake),
        None => Ok(parsed.documents.into_iter().map(|read| read.document).collect()),
    }
}

/// The only document of a text, or all that is wrong with it. `least` is what has to be written at least, for
/// who wrote nothing.
pub fn only<T: DeserializeOwned>(
    file: &str,
    text: &str,
    least: &str,
) -> Result<T, Vec<Diagnostic>> {
    let mut parsed = parse_all(file, text);
    if !parsed.mistakes.is_empty() {
        return Err(parsed.mistakes);
    }
    let mistake = match (parsed.documents.pop(), parsed.documents.len()) {
        (Some(read), 0) => return Ok(read.document.value),
        (Some(second), _) => {
            Diagnostic::at(file, text, second.document.line, 1, "a second document")
                .with_help("this is one document: put it all into the first")
        }
        (None, _) => Diagnostic::of_file(file, "there is nothing in it")
            .with_help(format!("at least: {least}")),
    };
    Err(vec![mistake])
}

/// All documents of a text that can be read, and all mistakes in it, up to [`MAX_MISTAKES`].
#[must_use]
pub fn parse_all<T: DeserializeOwned>(file: &str, text: &str) -> Parsed<T> {
    let mut parsed = Parsed { documents: Vec::new(), mistakes: Vec::new() };
    let roots = match tree::documents(file, text) {
        Ok(roots) => roots,
        Err(mistake) => {
            parsed.mistakes.push(mistake);
            return parsed;
        }
    };
    for mut root in roots {
        let before = parsed.mistakes.len();
        let Some(limit @ 1..) = MAX_MISTAKES.checked_sub(before) else { break };
        let line = root.line;
        let value = reader::repair(&mut root, limit, |mistake| {
            let (line, column) = mistake.place;
            let diagnostic = Diagnostic::at(file, text, line, column, mistake.message);
            parsed.mistakes.push(match mistake.help {
                Some(help) => diagnostic.with_help(help),
                None => diagnostic,
            });
        });
        let whole = parsed.mistakes.len() == before;
        parsed.mistakes[before..].sort_by_key(|mistake| (mistake.line, mistake.column));
        if let Some(value) = value {
            let document = Document { value, file: file.to_owned(), line };
            parsed.documents.push(ParsedDocument { document, whole });
        }
    }
    parsed
}

#[cfg(test)]
mod tests;
