//! When a feed is asked next.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use sark_core::ContentHash;

/// After a failure it is asked again no sooner than this.
const FIRST_RETRY: SignedDuration = SignedDuration::from_mins(1);
/// Longest deliberate lateness.
const MOST_JITTER: SignedDuration = SignedDuration::from_mins(5);

/// The fields in order, each with what it may be.
const FIELDS: [(&str, &str); 7] = [
    ("seconds", "0 to 59"),
    ("minutes", "0 to 59"),
    ("hours", "0 to 23"),
    ("day of month", "1 to 31"),
    ("month", "1 to 12, or JAN to DEC"),
    ("day of week", "1 (Sunday) to 7, or SUN to SAT"),
    ("year", "1970 to 2100"),
];

/// A cron expression of seven fields, in UTC: seconds first, years last; the year may be left out,
/// and is any then.
#[derive(Clone, PartialEq, Eq)]
pub struct Schedule(cron::Schedule);

/// Why a text is not a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Without seconds, as crontab has it.
    #[error(
        "{0:?} has five fields: seconds come first, so write \"0 {0}\" (days of the week are 1, \
         Sunday, to 7)"
    )]
    Crontab(String),
    /// Too few fields, or too many.
    #[error(
        "a schedule has six or seven fields, not {0}: seconds, minutes, hours, day of month, month, \
         day of week, year; such as \"0 17 */6 * * *\""
    )]
    Fields(usize),
    /// A field with something else in it.
    #[error("{item:?} is nothing for the field {field}: it is {values}, or *")]
    Item {
        /// The part of the field, between commas.
        item: String,
        /// Its name.
        field: &'static str,
        /// What it may be.
        values: &'static str,
    },
    /// The scheduler does not take it, though it takes each field.
    #[error("{0:?} is not a cron expression")]
    Other(String),
    /// The 30th of February.
    #[error("{0:?}: no such day ever comes")]
    Never(String),
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let mut fields: Vec<&str> = text.split_ascii_whitespace().collect();
        match fields.len() {
            6 => fields.push("*"),
            7 => {}
            5 => return Err(ScheduleError::Crontab(text.to_owned())),
            count => return Err(ScheduleError::Fields(count)),
        }
        for (number, field) in fields.iter().enumerate().take(FIELDS.len()) {
            if let Some(item) = field.split(',').find(|item| !is_item(item, number)) {
                let item = item.chars().take(40).collect();
                let (field, values) = FIELDS[number];
                return Err(ScheduleError::Item { item, field, values });
            }
        }
        let schedule = fields.join(" ").parse().map(Self);
        let schedule = schedule.map_err(|_| ScheduleError::Other(text.to_owned()))?;
        match schedule.next(Timestamp::UNIX_EPOCH) {
            Some(_) => Ok(schedule),
            None => Err(ScheduleError::Never(text.to_owned())),
        }
    }
}

/// Whether the field of this number may be this, all others being any. Asked of each alone, because
/// the scheduler takes `1, 0` for one field.
fn is_item(item: &str, number: usize) -> bool {
    let mut fields = ["*"; FIELDS.len()];
    fields[number] = item;
    !item.is_empty() && fields.join(" ").parse::<cron::Schedule>().is_ok()
}

/// With all seven fields.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.source())
    }
}

/// The expression: what follows from it is long.
impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0.source())
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
    fn what_cron_takes_is_taken() {
        for text in [
            "0 17 * * * * *",
            "30 5,35 */6 * * * *",
            "0 0 4 1-7 JAN,jul Mon-Fri 2026-2030",
            "0 0/15 0 ? * 7 *",
        ] {
            assert_eq!(text.parse::<Schedule>().unwrap().to_string(), text);
        }
        let schedule: Schedule = " 0  17 4 * * * ".parse().unwrap();
        assert_eq!(schedule.to_string(), "0 17 4 * * * *");
    }

    #[test]
    fn what_it_does_not_take_is_explained() {
        for (text, part) in [
            ("", "not 0"),
            ("x", "not 1"),
            ("@hourly", "not 1"),
            ("* * * * * * * *", "not 8"),
            ("17 4 * * *", "write \"0 17 4 * * *\""),
            ("60 * * * * *", "\"60\" is nothing for the field seconds: it is 0 to 59, or *"),
            ("0 * 24 * * *", "\"24\" is nothing for the field hours"),
            ("0 0 0 0 * *", "\"0\" is nothing for the field day of month"),
            ("0 0 0 * * 0", "\"0\" is nothing for the field day of week: it is 1 (Sunday) to 7"),
            ("0 0 0 * ANF *", "\"ANF\" is nothing for the field month"),
            ("0 5-1 0 * * *", "\"5-1\""),
            ("0 */0 0 * * *", "\"*/0\""),
            ("0 1, 0 * * *", "\"\""),
            ("0 +1 0 * * *", "\"+1\""),
            ("0 99999999999 0 * * *", "99999999999"),
            ("0 0-4294967295 0 * * *", "0-4294967295"),
            ("5* 0 0 * * *", "\"5*\""),
            ("0 0 ? * * *", "\"?\""),
            ("0 0 0 * * * 2101", "\"2101\""),
            ("0 0 0 30 2 *", "no such day ever comes"),
        ] {
            let message = text.parse::<Schedule>().unwrap_err().to_string();
            assert!(message.contains(part), "{text}: {message}");
        }
        // Over, but it was one.
        let schedule: Schedule = "0 0 0 1 1 * 1971".parse().unwrap();
        assert_eq!(schedule.next(time("2026-01-01T00:00:00Z")), None);
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
