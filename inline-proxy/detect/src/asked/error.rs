//! Why a body says nothing that can be relied on.

use serde::de::DeserializeSeed;

use crate::Limits;
use crate::json::{Fields, MARK, Object, too_deep};

/// Why a request cannot be decided on. Nothing of its text is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// More than [`Limits::request`].
    #[error("the body is longer than {0} octets")]
    TooLong(usize),
    /// It is not UTF-8, which JSON is (RFC 8259 §8.1); this octet is wrong.
    #[error("the body is no UTF-8: octet {0} is wrong")]
    NotText(usize),
    /// More than [`Limits::depth`]; the bracket at this octet is one too many.
    #[error("the body is nested too deeply at octet {0}")]
    TooDeep(usize),
    /// It is none, or other parsers may read it otherwise.
    #[error("line {line}, column {column}: {why}")]
    Json {
        /// From 1.
        line: usize,
        /// From 1, in octets.
        column: usize,
        /// In words.
        why: String,
    },
    /// It is JSON, but no object.
    #[error("the body is no JSON object")]
    NotAnObject,
    /// A header of MCP says something else than the body (revision 2026-07-28: -32020).
    #[error("the header {0} is not what the body says")]
    Mirror(&'static str),
    /// No message of JSON-RPC 2.0.
    #[error("the body is no JSON-RPC message: {0}")]
    Rpc(&'static str),
    /// Not one message of gRPC that names a model.
    #[error("the body is no call of gRPC that can be read: {0}")]
    Grpc(&'static str),
}

/// The body's text, within bounds.
pub(crate) fn text<'a>(octets: &'a [u8], limits: &Limits) -> Result<&'a str, Unreadable> {
    if octets.len() > limits.request {
        return Err(Unreadable::TooLong(limits.request));
    }
    let text =
        std::str::from_utf8(octets).map_err(|error| Unreadable::NotText(error.valid_up_to()))?;
    match too_deep(octets, limits.depth) {
        Some(at) => Err(Unreadable::TooDeep(at)),
        None => Ok(text),
    }
}

/// Reads all of a text as one object.
pub(crate) fn document<'de, T: Object<'de>>(
    text: &'de str,
    object: &mut T,
) -> Result<(), Unreadable> {
    let mut json = serde_json::Deserializer::from_str(text);
    match Fields(object).deserialize(&mut json).and_then(|is| json.end().map(|()| is)) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Unreadable::NotAnObject),
        Err(error) => Err(unreadable(&error)),
    }
}

/// serde's words about the syntax quote nothing; those about values do, unless they are ours.
pub(crate) fn unreadable(error: &serde_json::Error) -> Unreadable {
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(&*message, |(message, _)| message);
    let why = match message.strip_prefix(MARK) {
        Some(ours) => ours,
        None if error.is_data() => "a value is of the wrong type",
        None => message,
    };
    Unreadable::Json { line: error.line(), column: error.column(), why: why.to_owned() }
}
