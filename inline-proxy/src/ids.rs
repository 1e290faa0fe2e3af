//! Names for requests: in the order of time, and nobody can guess them.
//!
//! The trail finds records by them: names that begin with the time are added at the end of its index.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

/// Octets of randomness in a name.
const RANDOM: usize = 10;
/// Names for which the kernel is asked at once.
const AHEAD: usize = 64;

static COUNT: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static LEFT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// 48 bits of milliseconds since 1970 (as in RFC 9562 section 5.7) and 80 random ones, in 32
/// hexadecimal digits.
#[must_use]
pub fn request(now: Timestamp) -> String {
    let time = u64::try_from(now.as_millisecond()).unwrap_or_default() & 0xffff_ffff_ffff;
    format!("{:032x}", u128::from(time) << (8 * RANDOM) | random())
}

/// 80 bits that nobody has had.
fn random() -> u128 {
    LEFT.with_borrow_mut(|left| {
        if left.is_empty() {
            left.resize(RANDOM * AHEAD, 0);
            if getrandom::fill(left).is_err() {
                left.clear();
            }
        }
        let from = left.len().checked_sub(RANDOM);
        // Where there is no randomness nothing of TLS works either; ids are told apart all the same.
        let Some(from) = from else { return COUNT.fetch_add(1, Ordering::Relaxed).into() };
        left.drain(from..).fold(0, |random, octet| random << 8 | u128::from(octet))
    })
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
