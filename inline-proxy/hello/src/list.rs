//! Lists of two-octet codes, as they lie in the message.

use std::fmt;

use crate::iana::is_grease;

/// Cipher suites, groups, versions or signature schemes, in the client's order.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Codes<'a>(pub(crate) &'a [u8]);

impl<'a> Codes<'a> {
    /// One after the other, GREASE among them.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = u16> + ExactSizeIterator + Clone + 'a {
        let (pairs, _) = self.0.as_chunks();
        pairs.iter().map(|&pair| u16::from_be_bytes(pair))
    }

    /// Without GREASE.
    pub fn known(self) -> impl DoubleEndedIterator<Item = u16> + Clone + 'a {
        self.iter().filter(|&code| !is_grease(code))
    }

    /// How many.
    pub fn len(self) -> usize {
        self.0.len() / 2
    }

    /// Whether there are none: the list is absent, for lists that must not be empty.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Whether this one is among them.
    pub fn contains(self, code: u16) -> bool {
        self.iter().any(|other| other == code)
    }
}

impl fmt::Debug for Codes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|code| format!("{code:04x}"))).finish()
    }
}
