//! The elements of one JSON array that comes in pieces, as Gemini streams without `alt=sse`.
//!
//! Only brackets and strings are looked at: whether an element is JSON is its reader's to say.

use memchr::memchr2;

use super::{Kept, TooLong};

/// Reads an array of objects; an object that stands alone is read as if it were in one. It keeps one
/// element.
#[derive(Debug)]
pub struct Decoder {
    most: usize,
    at: u64,
    sendable: u64,
    /// Brackets that are open, the array's left out.
    depth: u64,
    in_string: bool,
    after_backslash: bool,
    element: Kept,
    /// The array's bracket or comma before the element that comes next: it goes with it.
    joint: Option<u64>,
}

impl Decoder {
    /// An element with more octets than `most` is not read.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            most,
            at: 0,
            sendable: 0,
            depth: 0,
            in_string: false,
            after_backslash: false,
            element: Kept::default(),
            joint: None,
        }
    }

    /// Takes what comes next, and hands out each element that it completes. Returns how many octets of
    /// the stream belong to whole elements and what is before them, to the array's end, or to an element
    /// that is too long: after them comes nothing, or a comma.
    pub fn push(&mut self, portion: &[u8], mut each: impl FnMut(Result<&[u8], TooLong>)) -> u64 {
        let base = self.at;
        // Where in this portion the element begins, or goes on.
        let mut from = 0;
        let mut at = 0;
        while let Some(&octet) = portion.get(at) {
            if self.in_string {
                at += self.string(portion.get(at..).unwrap_or_default());
                continue;
            }
            at += 1;
            match octet {
                b'{' | b'[' if self.depth > 0 => self.depth += 1,
                b'{' => {
                    self.depth = 1;
                    from = at - 1;
                    let start = base + from as u64;
                    self.sendable = self.joint(start).unwrap_or(start);
                }
                b'[' | b',' => {
                    let start = base + at as u64 - 1;
                    self.joint = self.joint(start).or(Some(start));
                }
                b'"' if self.depth > 0 => self.in_string = true,
                b'}' | b']' if self.depth > 0 => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        self.element.push(portion.get(from..at).unwrap_or_default(), self.most);
                        each(self.element.read(self.most));
                        self.element.clear();
                        self.joint = None;
                        self.sendable = base + at as u64;
                    }
                }
                _ => {}
            }
        }
        self.at = base + portion.len() as u64;
        if self.depth > 0 {
            self.element.push(portion.get(from..).unwrap_or_default(), self.most);
        }
        if self.element.seen > self.most {
            self.sendable = self.at;
        } else if self.depth == 0 {
            self.sendable = self.joint(self.at).unwrap_or(self.at);
        }
        self.sendable
    }

    /// What is no element, such as a number, is not waited for.
    fn joint(&self, now: u64) -> Option<u64> {
        self.joint.filter(|joint| now.saturating_sub(*joint) <= self.most as u64)
    }

    /// Whether an element has begun and is not whole: the stream must not end here.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.depth > 0
    }

    /// Whether some of an element that is not yet whole was already sent on.
    #[must_use]
    pub fn is_within(&self) -> bool {
        self.depth > 0 && self.element.seen > self.most
    }

    /// How many of these octets belong to the string.
    fn string(&mut self, octets: &[u8]) -> usize {
        if std::mem::take(&mut self.after_backslash) {
            return 1;
        }
        let Some(at) = memchr2(b'"', b'\\', octets) else { return octets.len() };
        match octets.get(at) {
            Some(b'"') => self.in_string = false,
            _ => self.after_backslash = true,
        }
        at + 1
    }
}
