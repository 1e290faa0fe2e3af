//! Event streams of HTTP (WHATWG HTML §9.2.6): `text/event-stream`.
//!
//! ```
//! use sark_detect::sse::Decoder;
//!
//! let mut decoder = Decoder::new(1024);
//! let mut seen = Vec::new();
//! let sendable = decoder.push(b": hi\n\nevent: ping\ndata: {}\n\nda", |event| {
//!     let event = event.unwrap();
//!     seen.push((event.kind.to_vec(), event.data.to_vec()));
//! });
//! assert_eq!(seen, [(b"ping".to_vec(), b"{}".to_vec())]);
//! assert_eq!(sendable, 28);
//! ```

use memchr::memchr2;

use super::{Kept, TooLong};

/// What one event says. Octets that are no UTF-8 are not replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// Of its `event` field; empty if it has none.
    pub kind: &'a [u8],
    /// Of its `data` fields, with a line feed between two of them.
    pub data: &'a [u8],
    /// Where it begins in the stream: after the end of the event before it.
    pub start: u64,
    /// Where it ends: after its empty line, or its last octet if the stream ends without one.
    pub end: u64,
}

/// Reads a stream. It keeps one line and one event.
#[derive(Debug)]
pub struct Decoder {
    /// The most octets of an event, line endings left out.
    most: usize,
    /// Octets that were pushed.
    at: u64,
    /// Up to where everything may be sent on; the event that is being read begins here, unless it is
    /// already too long.
    sendable: u64,
    start: u64,
    /// The part of a line that came with earlier portions.
    line: Kept,
    kind: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// Octets of the event's lines so far.
    size: usize,
    /// The last octet was a CR: an LF that follows belongs to it.
    after_cr: bool,
    is_first_line: bool,
}

const BOM: &[u8] = b"\xef\xbb\xbf";

impl Decoder {
    /// Of a stream from which nothing has come yet. An event with more octets than `most` in its lines
    /// is not read.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            most,
            at: 0,
            sendable: 0,
            start: 0,
            line: Kept::default(),
            kind: Vec::new(),
            data: Vec::new(),
            has_data: false,
            size: 0,
            after_cr: false,
            is_first_line: true,
        }
    }

    /// Takes what comes next, and hands out each event that it completes. Returns how many octets of
    /// the stream, from its beginning, belong to whole events, comments, and events that are too long.
    pub fn push(
        &mut self,
        portion: &[u8],
        mut each: impl FnMut(Result<Event<'_>, TooLong>),
    ) -> u64 {
        let base = self.at;
        let mut from = 0;
        if std::mem::take(&mut self.after_cr) {
            match portion.first() {
                Some(b'\n') => {
                    from = 1;
                    if self.is_between() {
                        self.pass(base + 1);
                    }
                }
                None => self.after_cr = true,
                Some(_) => {}
            }
        }
        while let Some(rest) = portion.get(from..).filter(|rest| !rest.is_empty()) {
            let Some(length) = memchr2(b'\n', b'\r', rest) else {
                self.line.push(rest, self.most);
                break;
            };
            let line = rest.get(..length).unwrap_or_default();
            from += length + 1;
            if rest.get(length) == Some(&b'\r') {
                match rest.get(length + 1) {
                    Some(b'\n') => from += 1,
                    Some(_) => {}
                    None => self.after_cr = true,
                }
            }
            self.end_of_line(line, base + from as u64, &mut each);
        }
        self.at = base + portion.len() as u64;
        if self.size.saturating_add(self.line.seen) > self.most {
            self.sendable = self.at;
        }
        self.sendable
    }

    /// The stream is over. An event without its empty line is handed out all the same: browsers drop
    /// it, libraries of model providers do not. All octets may be sent on.
    pub fn finish(&mut self, mut each: impl FnMut(Result<Event<'_>, TooLong>)) {
        let end = self.at;
        if !self.line.is_empty() {
            self.end_of_line(b"", end, &mut each);
        }
        self.end_of_event(end, &mut each);
    }

    /// Whether some of an event that is not yet whole was already sent on.
    #[must_use]
    pub fn is_within(&self) -> bool {
        self.sendable > self.start
    }

    fn is_between(&self) -> bool {
        self.size == 0 && self.line.is_empty()
    }

    fn pass(&mut self, end: u64) {
        (self.sendable, self.start) = (end, end);
    }

    /// `rest` is what this portion has of the line, `end` is after its ending.
    fn end_of_line(
        &mut self,
        rest: &[u8],
        end: u64,
        each: &mut impl FnMut(Result<Event<'_>, TooLong>),
    ) {
        let whole = if self.line.is_empty() {
            None
        } else {
            self.line.push(rest, self.most);
            Some(std::mem::take(&mut self.line))
        };
        let length = whole.as_ref().map_or(rest.len(), |line| line.seen);
        self.size = self.size.saturating_add(length);
        let line = whole.as_ref().map_or(rest, |line| &line.octets);
        let is_first = std::mem::take(&mut self.is_first_line);
        let line = if is_first { line.strip_prefix(BOM).unwrap_or(line) } else { line };
        if self.size > self.most {
            (self.kind, self.data) = (Vec::new(), Vec::new());
            self.sendable = end;
            if length == 0 {
                self.end_of_event(end, each);
            }
        } else if line.is_empty() {
            self.end_of_event(end, each);
        } else {
            self.field(line);
            // A comment by itself keeps a connection alive: it waits for no event.
            if line.first() == Some(&b':') && !self.has_data && self.kind.is_empty() {
                self.size = 0;
                self.pass(end);
            }
        }
        if let Some(mut line) = whole {
            line.clear();
            self.line = line;
        }
    }

    fn field(&mut self, line: &[u8]) {
        let (name, value) = match memchr::memchr(b':', line) {
            Some(colon) => line.split_at(colon),
            None => (line, &b":"[..]),
        };
        let value = value.get(1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
            }
            b"event" => {
                self.kind.clear();
                self.kind.extend_from_slice(value);
            }
            // `id` and `retry` are between client and server.
            _ => {}
        }
    }

    fn end_of_event(&mut self, end: u64, each: &mut impl FnMut(Result<Event<'_>, TooLong>)) {
        if self.size > self.most {
            each(Err(TooLong(self.most)));
        } else if self.has_data {
            let (kind, data) = (self.kind.as_slice(), self.data.as_slice());
            each(Ok(Event { kind, data, start: self.start, end }));
        }
        self.kind.clear();
        self.data.clear();
        self.has_data = false;
        self.size = 0;
        self.pass(end);
    }
}
