//! Octets from front to back, and where we are. Nothing is read beyond the end.

use crate::error::{Malformed, Part};

/// Where something lies in the message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: usize,
    end: usize,
}

impl Span {
    pub(crate) fn of(self, message: &[u8]) -> &[u8] {
        message.get(self.start..self.end).unwrap_or_default()
    }
}

/// What is left of a part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    at: usize,
    part: Part,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(message: &'a [u8], part: Part) -> Self {
        Self { rest: message, at: 0, part }
    }

    /// The same octets, under the name of what is read next.
    pub(crate) fn named(self, part: Part) -> Self {
        Self { part, ..self }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn span(&self) -> Span {
        Span { start: self.at, end: self.at + self.rest.len() }
    }

    /// The next so many octets, as a part of their own.
    pub(crate) fn take(&mut self, octets: usize, part: Part) -> Result<Self, Malformed> {
        let (taken, rest) = self.rest.split_at_checked(octets).ok_or(Malformed::Short(part))?;
        let taken = Self { rest: taken, at: self.at, part };
        self.rest = rest;
        self.at += octets;
        Ok(taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        let (&first, rest) = self.rest.split_first().ok_or(Malformed::Short(self.part))?;
        self.rest = rest;
        self.at += 1;
        Ok(first)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Malformed> {
        let (&first, rest) = self.rest.split_first_chunk().ok_or(Malformed::Short(self.part))?;
        self.rest = rest;
        self.at += 2;
        Ok(u16::from_be_bytes(first))
    }

    /// A vector with one octet of length.
    pub(crate) fn short_vector(&mut self, part: Part) -> Result<Self, Malformed> {
        let mut ahead = self.named(part);
        let octets = ahead.u8()?;
        *self = ahead.named(self.part);
        self.take(octets.into(), part)
    }

    /// A vector with two octets of length.
    pub(crate) fn vector(&mut self, part: Part) -> Result<Self, Malformed> {
        let mut ahead = self.named(part);
        let octets = ahead.u16()?;
        *self = ahead.named(self.part);
        self.take(octets.into(), part)
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed::Long(self.part)) }
    }

    /// Something must be left.
    pub(crate) fn some(self) -> Result<Self, Malformed> {
        if self.rest.is_empty() { Err(Malformed::Empty(self.part)) } else { Ok(self) }
    }

    /// What is left is one code or more.
    pub(crate) fn codes(self) -> Result<Self, Malformed> {
        if !self.rest.len().is_multiple_of(2) {
            return Err(Malformed::Odd(self.part));
        }
        self.some()
    }
}
