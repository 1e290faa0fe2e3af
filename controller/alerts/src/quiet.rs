//! Hours in which people are not disturbed for little.

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use sark_core::decision::Severity;
use serde::{Deserialize, Serialize};

/// From a time of the day to another, on some days, in a time zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QuietHours {
    /// As routes name them.
    pub name: String,
    /// `22:00`.
    pub from: Time,
    /// `07:00`; not later than `from` means on the next day.
    pub to: Time,
    /// Days on which they begin: `mon` to `sun`. By default all.
    #[serde(default)]
    pub days: Vec<Day>,
    /// Of this severity and above people are disturbed all the same.
    #[serde(default = "critical")]
    pub except: Severity,
}

fn critical() -> Severity {
    Severity::Critical
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    const fn weekday(self) -> Weekday {
        match self {
            Self::Mon => Weekday::Monday,
            Self::Tue => Weekday::Tuesday,
            Self::Wed => Weekday::Wednesday,
            Self::Thu => Weekday::Thursday,
            Self::Fri => Weekday::Friday,
            Self::Sat => Weekday::Saturday,
            Self::Sun => Weekday::Sunday,
        }
    }
}

impl QuietHours {
    /// Their end, if it is quiet now. Where clocks are put forward or back, a time that does not
    /// exist is the one after the gap, and of two the first counts.
    #[must_use]
    pub fn until(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let today = now.to_zoned(zone.clone()).date();
        // Those that began yesterday may not have ended.
        [today.yesterday().ok()?, today].into_iter().find_map(|day| {
            if !self.days.is_empty() && !self.days.iter().any(|it| it.weekday() == day.weekday()) {
                return None;
            }
            let last = match self.to > self.from {
                true => day,
                false => day.checked_add(1.day()).ok()?,
            };
            let from = zone.to_timestamp(day.to_datetime(self.from)).ok()?;
            let to = zone.to_timestamp(last.to_datetime(self.to)).ok()?;
            (from <= now && now < to).then_some(to)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet(days: &[Day]) -> QuietHours {
        QuietHours {
            name: "night".into(),
            from: "22:00".parse().unwrap(),
            to: "07:00".parse().unwrap(),
            days: days.to_vec(),
            except: Severity::Critical,
        }
    }

    #[test]
    fn the_night_ends_in_the_morning_of_its_zone() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let until = |quiet: &QuietHours, now: &str| {
            quiet.until(now.parse().unwrap(), &zone).map(|at| at.to_string())
        };
        let all = quiet(&[]);
        for (now, end) in [
            ("2026-11-27T20:59:59Z", None),
            ("2026-11-27T21:00:00Z", Some("2026-11-28T06:00:00Z")),
            ("2026-11-28T05:59:59Z", Some("2026-11-28T06:00:00Z")),
            ("2026-11-28T06:00:00Z", None),
            // Clocks are put back at 03:00 on 25 October, and forward on 29 March.
            ("2026-10-24T21:00:00Z", Some("2026-10-25T06:00:00Z")),
            ("2026-03-28T22:00:00Z", Some("2026-03-29T05:00:00Z")),
        ] {
            assert_eq!(until(&all, now).as_deref(), end, "{now}");
        }
        // 27 November 2026 is a Friday: its night, and no other.
        let friday = quiet(&[Day::Fri]);
        assert!(until(&friday, "2026-11-28T04:00:00Z").is_some());
        assert!(until(&friday, "2026-11-28T22:00:00Z").is_none());
    }

    #[test]
    fn a_lunch_break_ends_the_same_day() {
        let lunch = QuietHours {
            from: "12:00".parse().unwrap(),
            to: "13:00".parse().unwrap(),
            ..quiet(&[])
        };
        let until = lunch.until("2026-11-28T12:30:00Z".parse().unwrap(), &TimeZone::UTC);
        assert_eq!(until, Some("2026-11-28T13:00:00Z".parse().unwrap()));
    }
}
