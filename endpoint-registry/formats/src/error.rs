//! Why a feed's copy is refused whole.

/// Fails [`parse`](crate::parse). `part` is the name of the file or URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ParseError {
    #[error("{part} is empty")]
    Empty { part: String },
    #[error("{part} is a web page (HTML or XML), not a feed")]
    WebPage { part: String },
    #[error("{part} is compressed ({how})")]
    Compressed { part: String, how: &'static str },
    #[error("{part} is truncated: it ends at {place}, where {expected} is expected")]
    Truncated { part: String, place: String, expected: String },
    #[error("{part}, {place}: {expected} is expected, not {found}")]
    Unexpected { part: String, place: String, expected: String, found: String },
    #[error("{part} has more than {most} entries")]
    Many { part: String, most: u64 },
    #[error("none of the {count} entries can be used; the first, {place}: {reason}")]
    Useless { count: u64, place: String, reason: String },
    #[error("no part of the feed is the list {name:?}")]
    NoList { name: String },
    #[error("{what} is not a path into JSON (RFC 9535): {reason}")]
    Path { what: String, reason: String },
}
