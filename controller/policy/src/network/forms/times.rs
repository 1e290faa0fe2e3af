//! Zones, days, times and ends.

use jiff::civil::{Time, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};
use sark_core::document::nearest;
use schemars::{Schema, json_schema};

use super::{number, unknown};
use crate::network::Expiry;
use crate::network::written::{Form, Wrong};

/// `Europe/Paris`. From the zones that come with the program, not from the machine's, so that
/// the same policy means the same everywhere.
pub(crate) enum Zone {}

impl Form for Zone {
    type Value = TimeZone;

    fn read(text: &str) -> Result<TimeZone, Wrong> {
        let database = TimeZoneDatabase::bundled();
        database.get(text).map_err(|_| {
            let wrong = Wrong::new(format!("unknown time zone `{text}`"));
            let known: Vec<String> = database.available().map(|name| name.to_string()).collect();
            match nearest(text, known.iter().map(String::as_str)) {
                Some(near) => wrong.help(format!("did you mean `{near}`?")),
                None => wrong.help("write an IANA name such as `Europe/Paris` or `UTC`"),
            }
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "title": "time zone", "examples": ["Europe/Paris", "UTC"] })
    }
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// `mon`, or `mon-fri`.
pub(crate) enum Day {}

impl Form for Day {
    type Value = Vec<Weekday>;

    fn read(text: &str) -> Result<Vec<Weekday>, Wrong> {
        let one = |word: &str| {
            let word = word.trim();
            let number = (1..).zip(DAYS).find(|(_, day)| *day == word).map(|(number, _)| number);
            number
                .and_then(|number| Weekday::from_monday_one_offset(number).ok())
                .ok_or_else(|| unknown("day", if word.is_empty() { text } else { word }, &DAYS))
        };
        match text.split_once('-') {
            None => one(text).map(|day| vec![day]),
            Some((first, last)) => {
                let (first, last) = (one(first)?, one(last)?);
                let days = i32::from(first.until(last)) + 1;
                Ok(first.cycle_forward().take(usize::try_from(days).unwrap_or(1)).collect())
            }
        }
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "title": "day",
            "pattern": "^(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?$",
        })
    }
}

/// `08:00`; `24:00` is the midnight that ends the day.
pub(crate) enum TimeOfDay {}

impl Form for TimeOfDay {
    type Value = Time;

    fn read(text: &str) -> Result<Time, Wrong> {
        let wrong = || {
            Wrong::new(format!("`{text}` is not a time of day"))
                .help("write `HH:MM`, such as `08:00`")
        };
        if text == "24:00" {
            return Ok(Time::midnight());
        }
        let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
        let two = |digits: &str| match digits.as_bytes() {
            [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => {
                i8::try_from((tens - b'0') * 10 + (ones - b'0')).map_err(|_| wrong())
            }
            _ => Err(wrong()),
        };
        Time::new(two(hour)?, two(minute)?, 0, 0).map_err(|_| wrong())
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "title": "HH:MM", "pattern": "^([01][0-9]|2[0-4]):[0-5][0-9]$" })
    }
}

/// `30d`, `12h`, `1d12h`, or `2027-01-31T00:00:00Z`.
pub(crate) enum Expires {}

impl Form for Expires {
    type Value = Expiry;

    fn read(text: &str) -> Result<Expiry, Wrong> {
        let wrong = || {
            Wrong::new(format!("`{text}` is neither a duration nor a time"))
                .help("write a duration such as `30d`, `12h` or `1d12h`, or a time such as `2027-01-31T00:00:00Z`")
        };
        if let Ok(date) = text.parse::<jiff::civil::Date>()
            && text.len() <= 10
        {
            return Err(Wrong::new(format!("`{text}` has no time and zone"))
                .help(format!("write `{date}T00:00:00Z`")));
        }
        if text.contains('T') || text.contains('t') {
            return text.parse::<Timestamp>().map(Expiry::At).map_err(|_| {
                Wrong::new(format!("`{text}` is not an RFC 3339 time"))
                    .help("write it with its offset from UTC: `2027-01-31T00:00:00Z` or `2027-01-31T01:00:00+01:00`")
            });
        }
        let mut seconds: u64 = 0;
        let mut rest = text;
        let mut smallest = u64::MAX;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (value, after) = rest.split_at(digits);
            let unit = match after.chars().next() {
                Some('w') => 7 * 86_400,
                Some('d') => 86_400,
                Some('h') => 3_600,
                Some('m') => 60,
                Some('s') => 1,
                _ => return Err(wrong()),
            };
            if unit >= smallest {
                return Err(wrong());
            }
            smallest = unit;
            let part = number(value).and_then(|value| value.checked_mul(unit));
            seconds = part.and_then(|part| seconds.checked_add(part)).ok_or_else(wrong)?;
            rest = after.get(1..).unwrap_or_default();
        }
        // A hundred years: longer is a slip of the hand, and would overflow the calendar.
        match i64::try_from(seconds) {
            Ok(1..=3_155_760_000) => {
                Ok(Expiry::After(SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(1))))
            }
            Ok(0) => Err(Wrong::new("the policy would end at once")),
            _ => Err(Wrong::new(format!("`{text}` is over a hundred years"))
                .help("leave `expires` out for a policy without end")),
        }
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "title": "duration or time",
            "examples": ["30d", "12h", "2027-01-31T00:00:00Z"],
        })
    }
}
