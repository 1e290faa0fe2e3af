//! One JSON document a line: `application/x-ndjson`.

use memchr::memchr;

use super::{Kept, TooLong};

/// Reads lines that end in LF, or CRLF. It keeps one line.
#[derive(Debug)]
pub struct Decoder {
    most: usize,
    at: u64,
    sendable: u64,
    start: u64,
    line: Kept,
}

impl Decoder {
    /// A line with more octets than `most` is not read.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, at: 0, sendable: 0, start: 0, line: Kept::default() }
    }

    /// Takes what comes next, and hands out each line that it completes, but no empty one. Returns how
    /// many octets of the stream belong to whole lines, or to one that is too long.
    pub fn push(&mut self, portion: &[u8], mut each: impl FnMut(Result<&[u8], TooLong>)) -> u64 {
        let mut rest = portion;
        while let Some(length) = memchr(b'\n', rest) {
            let (line, after) = rest.split_at(length);
            rest = after.get(1..).unwrap_or_default();
            self.at += length as u64 + 1;
            if self.line.is_empty() && line.len() <= self.most {
                hand_out(Ok(line), &mut each);
            } else {
                self.line.push(line, self.most);
                hand_out(self.line.read(self.most), &mut each);
                self.line.clear();
            }
            (self.sendable, self.start) = (self.at, self.at);
        }
        self.line.push(rest, self.most);
        self.at += rest.len() as u64;
        if self.line.seen > self.most {
            self.sendable = self.at;
        }
        self.sendable
    }

    /// The stream is over; its last line needs no ending.
    pub fn finish(&mut self, mut each: impl FnMut(Result<&[u8], TooLong>)) {
        hand_out(self.line.read(self.most), &mut each);
        self.line.clear();
        (self.sendable, self.start) = (self.at, self.at);
    }

    /// Whether some of a line that is not yet whole was already sent on.
    #[must_use]
    pub fn is_within(&self) -> bool {
        self.sendable > self.start
    }
}

fn hand_out(line: Result<&[u8], TooLong>, each: &mut impl FnMut(Result<&[u8], TooLong>)) {
    match line.map(<[u8]>::trim_ascii) {
        Ok([]) => {}
        other => each(other),
    }
}
