//! What others may cause, in a time.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Nanoseconds.
const SECOND: u64 = 1_000_000_000;

/// So many a second, and no more than those at once: a bucket, known by when it is full again.
#[derive(Debug)]
pub(crate) struct Allowance {
    /// Nanoseconds of one; nothing where none is allowed.
    each: Option<u64>,
    full_at: AtomicU64,
}

impl Allowance {
    pub(crate) const fn per_second(many: u32) -> Self {
        Self { each: SECOND.checked_div(many as u64), full_at: AtomicU64::new(0) }
    }

    /// Whether there is one more at this time, of any beginning that stays the same.
    pub(crate) fn takes(&self, now: Duration) -> bool {
        let Some(each) = self.each else { return false };
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let taken = self.full_at.fetch_update(Relaxed, Relaxed, |full_at| {
            let full_at = full_at.max(now).saturating_add(each);
            (full_at - now <= SECOND).then_some(full_at)
        });
        taken.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of so many are taken at this time.
    fn taken(allowance: &Allowance, of: usize, millis: u64) -> usize {
        (0..of).filter(|_| allowance.takes(Duration::from_millis(millis))).count()
    }

    #[test]
    fn no_more_than_those_of_a_second_come_at_once_and_then_one_after_the_other() {
        let four = Allowance::per_second(4);
        for (millis, expected) in
            [(0, 4), (249, 0), (250, 1), (1000, 3), (60_000, 4), (59_000, 0), (60_500, 2)]
        {
            assert_eq!(taken(&four, 10, millis), expected, "{millis}");
        }
        assert_eq!(taken(&Allowance::per_second(1), 3, 0), 1);
        assert_eq!(taken(&Allowance::per_second(0), 3, 5000), 0);
        assert_eq!(taken(&Allowance::per_second(u32::MAX), 3, 0), 3);
    }
}
