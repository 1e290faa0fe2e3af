//! When a feed is asked next.

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use sark_core::ContentHash;

/// After a failure it is asked again no sooner than this.
const FIRST_RETRY: SignedDuration = SignedDuration::from_mins(1);
/// Longest deliberate lateness.
const MOST_JITTER: SignedDuration = SignedDuration::from_mins(5);

/// A cron expression of seven fields, in UTC: seconds first, years last; the year may be left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(cron::Schedule);

/// Why a text is not a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a cron expression: {why}")]
pub struct ScheduleError {
    /// As given.
    pub text: String,
    /// Why.
    pub why: String,
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let wrong = |why: String| ScheduleError { text: text.to_owned(), why };
        let schedule = cron::Schedule::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let schedule = Self(schedule);
        match schedule.next(Timestamp::UNIX_EPOCH) {
            Some(_) => Ok(schedule),
            None => Err(wrong("no such day ever comes".to_owned())),
        }
    }
}

impl Schedule {
    /// The first time after this one; `None` if none comes any more.
    #[must_use]
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let after = chrono::DateTime::from_timestamp(after.as_second(), 0)?;
        let next = self.0.after(&after).next()?;
        Timestamp::from_second(next.timestamp()).ok()
    }

    /// When a feed is asked that was last asked at `last`, with so many failures since it last
    /// answered: at its time, a little late so that not everybody asks at the full hour; after a
    /// failure sooner than that, waiting twice as long each time.
    #[must_use]
    pub fn next_attempt(&self, feed: &str, last: Timestamp, failures: u32) -> Timestamp {
        let never = last.saturating_add(SignedDuration::from_hours(24 * 365)).unwrap_or(last);
        let Some(due) = self.next(last) else { return never };
        let period = self.next(due).map_or(MOST_JITTER, |after| after.duration_since(due));
        let most = (period / 10).min(MOST_JITTER);
        let jitter = late(feed, due, most);
        let regular = due.checked_add(jitter).unwrap_or(due);
        match failures {
            0 => regular,
            _ => {
                let doubled = FIRST_RETRY * (1_i32 << failures.saturating_sub(1).min(16));
                let wait = doubled.min(period) + late(feed, last, FIRST_RETRY / 4);
                last.checked_add(wait).map_or(regular, |retry| retry.min(regular))
            }
        }
    }
}

/// From nothing to `most`, always the same for a feed and a time.
fn late(feed: &str, at: Timestamp, most: SignedDuration) -> SignedDuration {
    let hash = ContentHash::of(format!("{feed} {at}").as_bytes()).to_string();
    let digits: String = hash.chars().rev().take(4).collect();
    let share = i64::from_str_radix(&digits, 16).unwrap_or(0);
    let millis = i64::try_from(most.as_millis()).unwrap_or(0);
    SignedDuration::from_millis(millis.saturating_mul(share) / 0xffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn times_are_utc() {
        let schedule: Schedule = "0 17 */6 * * * *".parse().unwrap();
        let next = schedule.next(time("2026-11-24T10:17:00Z")).unwrap();
        assert_eq!(next, time("2026-11-24T12:17:00Z"));
        assert_eq!(schedule.next(next), Some(time("2026-11-24T18:17:00Z")));
    }

    #[test]
    fn what_is_no_schedule_is_said() {
        for text in ["", "* * *", "61 * * * * *", "0 0 0 30 2 *", "0 0 0 1 1 * 1971", "x"] {
            let schedule = text.parse::<Schedule>();
            let is_over =
                schedule.as_ref().is_ok_and(|s| s.next(time("2026-01-01T00:00:00Z")).is_none());
            assert!(schedule.is_err() || is_over, "{text}");
        }
    }

    #[test]
    fn a_feed_is_asked_a_little_late_and_always_equally() {
        let schedule: Schedule = "0 0 * * * * *".parse().unwrap();
        let last = time("2026-11-24T10:00:30Z");
        let due = time("2026-11-24T11:00:00Z");
        let mut seen = std::collections::BTreeSet::new();
        for feed in ["a", "b", "c", "d", "e"] {
            let next = schedule.next_attempt(feed, last, 0);
            assert_eq!(next, schedule.next_attempt(feed, last, 0));
            assert!(next >= due && next.duration_since(due) <= MOST_JITTER, "{next}");
            seen.insert(next);
        }
        assert!(seen.len() > 1, "not all at once");
    }

    #[test]
    fn failures_are_tried_again_sooner_and_later_each_time() {
        let schedule: Schedule = "0 0 0 * * * *".parse().unwrap();
        let last = time("2026-11-24T10:00:00Z");
        let wait = |failures| schedule.next_attempt("a", last, failures).duration_since(last);
        assert!(wait(1) >= FIRST_RETRY && wait(1) < FIRST_RETRY * 2);
        for failures in 1..20 {
            assert!(wait(failures) <= wait(failures + 1), "{failures}");
            assert!(wait(failures) <= wait(0), "never later than the regular time");
        }
    }
}
