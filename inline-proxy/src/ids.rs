//! Names for requests: in the order of time, and nobody can guess them.
//!
//! The trail finds records by them: names that begin with the time are added at the end of its index.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

static COUNT: AtomicU64 = AtomicU64::new(0);

/// 48 bits of milliseconds since 1970 (as in RFC 9562 section 5.7) and 80 random ones, in 32
/// hexadecimal digits.
#[must_use]
pub fn request(now: Timestamp) -> String {
    let mut random = [0; 10];
    // Where there is no randomness nothing of TLS works either; ids are told apart all the same.
    if getrandom::fill(&mut random).is_err() {
        random[2..].copy_from_slice(&COUNT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    }
    let time = u64::try_from(now.as_millisecond()).unwrap_or_default() & 0xffff_ffff_ffff;
    let mut text = String::with_capacity(32);
    // Writing into a String does not fail.
    let _ = write!(text, "{time:012x}");
    for octet in random {
        let _ = write!(text, "{octet:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_in_the_order_of_time_and_each_is_another() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let early = request(at("2026-11-29T12:00:00Z"));
        let (one, two) =
            (request(at("2026-11-29T12:00:00.001Z")), request(at("2026-11-29T12:00:00.001Z")));
        assert_eq!((early.len(), &early[..12], &one[..12]), (32, "01a2272d2600", "01a2272d2601"));
        assert_eq!(one[..12], two[..12]);
        assert_ne!(one, two);
        assert!(early < one && early < two);
        assert_eq!(&request(at("1969-01-01T00:00:00Z"))[..12], "000000000000");
    }
}
