//! JSON documents.

use serde::de::DeserializeOwned;

use crate::{ParseError, collect::Collect, text};

/// The document, or where it is not what it should be. serde_json nests at most 128 deep.
pub(crate) fn read<T: DeserializeOwned>(octets: &[u8], out: &Collect) -> Result<T, ParseError> {
    serde_json::from_slice(octets).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        let message = error.to_string();
        let message = message.rsplit_once(" at line ").map_or(&*message, |(message, _)| message);
        if error.is_eof() {
            let expected = "the rest of a JSON document".to_owned();
            return ParseError::Truncated { part: out.part(), place, expected };
        }
        let expected = if error.is_data() { "a document of this feed" } else { "JSON" };
        ParseError::Unexpected {
            part: out.part(),
            place,
            expected: expected.to_owned(),
            found: format!("({})", text::brief(message)),
        }
    })
}

/// The document is JSON, but says something else.
pub(crate) fn unexpected(out: &Collect, place: &str, expected: &str, found: &str) -> ParseError {
    ParseError::Unexpected {
        part: out.part(),
        place: place.to_owned(),
        expected: expected.to_owned(),
        found: found.to_owned(),
    }
}
