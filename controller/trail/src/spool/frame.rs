//! Frames: length, checksum, record.

use sark_core::audit::{Digest, LARGEST};

const HEAD: usize = 12;

/// Adds one.
pub(super) fn write(record: &[u8], out: &mut Vec<u8>) {
    // A record has at most a megabyte and what redaction adds.
    let length = u32::try_from(record.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&checksum(record));
    out.extend_from_slice(record);
}

fn checksum(record: &[u8]) -> [u8; 8] {
    let digest = Digest::of_leaf(record).0;
    digest.first_chunk().copied().unwrap_or_default()
}

/// Whole frames, wherever they begin.
pub(super) fn whole_in(octets: &[u8]) -> u64 {
    let (mut at, mut found) = (0, 0);
    while let Some(rest) = octets.get(at..).filter(|rest| rest.len() > HEAD) {
        let mut frames = Frames::new(rest);
        let whole = frames.by_ref().count() as u64;
        found += whole;
        at += frames.at().max(1);
    }
    found
}

/// Whole frames, up to the first that is not.
pub(super) struct Frames<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> Frames<'a> {
    pub(super) const fn new(octets: &'a [u8]) -> Self {
        Self { octets, at: 0 }
    }

    /// Where the next one begins, or would.
    pub(super) const fn at(&self) -> usize {
        self.at
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.octets.get(self.at..)?;
        let (head, rest) = rest.split_first_chunk::<HEAD>()?;
        let (length, sum) = head.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        if length == 0 || length > 4 * LARGEST {
            return None;
        }
        let record = rest.get(..length).filter(|record| checksum(record) == *sum)?;
        self.at += HEAD + length;
        Some(record)
    }
}
