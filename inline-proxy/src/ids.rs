//! Names for requests, that nobody can guess.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

static COUNT: AtomicU64 = AtomicU64::new(0);

/// 128 random bits, in hexadecimal digits.
#[must_use]
pub fn request() -> String {
    let mut octets = [0; 16];
    // Where there is no randomness nothing of TLS works either; ids are told apart all the same.
    if getrandom::fill(&mut octets).is_err() {
        octets = u128::from(COUNT.fetch_add(1, Ordering::Relaxed)).to_be_bytes();
    }
    octets.iter().fold(String::with_capacity(32), |mut text, octet| {
        // Writing into a String does not fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}
