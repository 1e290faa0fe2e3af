//! gzip, stopped at the limit: a bomb costs no more than an honest feed.

use std::io::{self, Read as _};

use flate2::read::MultiGzDecoder;

/// What comes out of it.
pub(crate) enum Unpacked {
    /// All of it.
    Octets(Vec<u8>),
    /// More than the limit.
    TooLarge,
}

/// Whether octets begin as gzip does (RFC 1952 section 2.3.1).
pub(crate) fn is_gzip(octets: &[u8]) -> bool {
    octets.starts_with(&[0x1f, 0x8b, 8])
}

/// Decompresses at most `limit` octets.
pub(crate) fn gunzip(octets: &[u8], limit: u64) -> io::Result<Unpacked> {
    let mut unpacked = Vec::new();
    let mut reader = MultiGzDecoder::new(octets).take(limit.saturating_add(1));
    reader.read_to_end(&mut unpacked)?;
    Ok(match unpacked.len() as u64 > limit {
        true => Unpacked::TooLarge,
        false => Unpacked::Octets(unpacked),
    })
}
