//! When policies hold, against a scan of every minute.

use jiff::Timestamp;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZoneDatabase;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Whether the policy holds at these times.
#[track_caller]
fn holds(schedule: &str, times: &[(&str, bool)]) {
    let policy = one(&format!("from: [10.0.0.0/8]\naction: drop\nschedule: {schedule}"));
    for (time, expected) in times {
        assert_eq!(policy.is_active(at(time), at(time)), *expected, "{schedule} at {time}");
    }
}

#[test]
fn office_hours() {
    holds(
        "{ zone: Europe/Paris, windows: [{ days: [mon-fri], from: 08:00, to: 18:00 }] }",
        &[
            // Winter: UTC+1. 20 November 2026 is a Friday.
            ("2026-11-20T06:59:59Z", false),
            ("2026-11-20T07:00:00Z", true),
            ("2026-11-20T16:59:59Z", true),
            ("2026-11-20T17:00:00Z", false),
            ("2026-11-21T12:00:00Z", false),
            // Summer: UTC+2.
            ("2026-07-03T06:00:00Z", true),
            ("2026-07-03T16:00:00Z", false),
        ],
    );
}

#[test]
fn over_midnight_counts_for_the_day_it_begins() {
    holds(
        "{ zone: UTC, windows: [{ days: [fri], from: 22:00, to: 06:00 }] }",
        &[
            ("2026-11-20T05:00:00Z", false),
            ("2026-11-20T22:00:00Z", true),
            ("2026-11-21T05:59:59Z", true),
            ("2026-11-21T06:00:00Z", false),
            ("2026-11-21T22:00:00Z", false),
        ],
    );
}

#[test]
fn whole_days() {
    holds(
        "{ zone: UTC, windows: [{ days: [sat], from: 00:00, to: 24:00 }] }",
        &[
            ("2026-11-20T23:59:59Z", false),
            ("2026-11-21T00:00:00Z", true),
            ("2026-11-21T23:59:59Z", true),
            ("2026-11-22T00:00:00Z", false),
        ],
    );
}

#[test]
fn daylight_saving_time() {
    // On 29 March 2026 the clocks of Paris go from 02:00 to 03:00; on 25 October from 03:00 to 02:00.
    holds(
        "{ zone: Europe/Paris, windows: [{ from: 02:15, to: 02:45 }] }",
        &[
            ("2026-03-28T01:30:00Z", true),
            ("2026-03-29T00:30:00Z", false),
            ("2026-03-29T01:30:00Z", false),
            ("2026-10-25T00:30:00Z", true),
            ("2026-10-25T00:50:00Z", false),
            ("2026-10-25T01:30:00Z", true),
        ],
    );
}

#[test]
fn ends() {
    let policy = one("from: [10.0.0.0/8]\naction: drop\nexpires: 30d");
    let begun = at("2026-11-01T00:00:00Z");
    assert!(policy.is_active(at("2026-11-30T23:59:59Z"), begun));
    assert!(!policy.is_active(at("2026-12-01T00:00:00Z"), begun));
    assert_eq!(
        policy.next_change(at("2026-11-20T00:00:00Z"), begun),
        Some(at("2026-12-01T00:00:00Z"))
    );
    assert_eq!(policy.next_change(at("2026-12-01T00:00:00Z"), begun), None);

    let policy = one("from: [10.0.0.0/8]\naction: drop\nexpires: 2026-12-01T01:00:00+01:00");
    assert_eq!(policy.next_change(begun, begun), Some(at("2026-12-01T00:00:00Z")));

    let policy = one("from: [10.0.0.0/8]\naction: drop\nexpires: 36500d");
    let late = at("9999-01-01T00:00:00Z");
    assert!(policy.is_active(late, late));
}

#[test]
fn without_schedule_and_end_nothing_changes() {
    let policy = one("from: [10.0.0.0/8]\naction: drop");
    let now = at("2026-11-20T00:00:00Z");
    assert!(policy.is_active(now, now));
    assert_eq!(policy.next_change(now, now), None);
    let always = one(
        "from: [10.0.0.0/8]\naction: drop\nschedule: { zone: UTC, windows: [{ from: 00:00, to: 24:00 }] }",
    );
    assert_eq!(always.next_change(now, now), None);
}

/// Zones with all that zones do: half hours, DST by half an hour, a day left out, DST in Ramadan.
const ZONES: [&str; 9] = [
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Africa/Casablanca",
    "Pacific/Apia",
    "Pacific/Kiritimati",
];

/// Moments near which something happens in one of the zones.
const NEAR: [&str; 7] = [
    "2026-03-28T00:00:00Z",
    "2026-10-24T00:00:00Z",
    "2026-03-07T00:00:00Z",
    "2026-04-04T00:00:00Z",
    "2011-12-29T00:00:00Z",
    "2018-02-17T00:00:00Z",
    "2026-02-14T00:00:00Z",
];

fn time() -> impl Strategy<Value = Time> {
    (0i8..24, prop_oneof![Just(0i8), Just(30), 0i8..60])
        .prop_map(|(hour, minute)| Time::constant(hour, minute, 0, 0))
}

fn window() -> impl Strategy<Value = Window> {
    (prop::collection::btree_set(1i8..=7, 0..4), time(), time()).prop_map(|(days, from, to)| {
        let days =
            days.into_iter().map(|day| Weekday::from_monday_one_offset(day).unwrap()).collect();
        Window { days, from, to }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn next_change_is_what_a_scan_finds(
        zone in prop::sample::select(&ZONES[..]),
        near in prop::sample::select(&NEAR[..]),
        minutes in 0i64..4000,
        seconds in 0i64..60,
        windows in prop::collection::vec(window(), 1..4),
        expires in prop::option::of(1i64..30_000),
    ) {
        let mut policy = one("from: [10.0.0.0/8]\naction: drop");
        let zone = TimeZoneDatabase::bundled().get(zone).unwrap();
        policy.schedule = Some(Schedule { zone, windows });
        policy.expires = expires.map(|minutes| Expiry::After(SignedDuration::from_mins(minutes)));
        let begun = at(near);
        let now = begun + SignedDuration::from_mins(minutes) + SignedDuration::from_secs(seconds);
        let before = policy.is_active(now, begun);

        // Everything here happens on whole minutes.
        let first = begun + SignedDuration::from_mins(minutes + 1);
        let scanned = (0..16 * 24 * 60)
            .map(|minute| first + SignedDuration::from_mins(minute))
            .find(|moment| policy.is_active(*moment, begun) != before);
        let found = policy.next_change(now, begun);
        match scanned {
            Some(_) => prop_assert_eq!(found, scanned),
            None => prop_assert!(found.is_none_or(|moment| moment > first + SignedDuration::from_mins(16 * 24 * 60))),
        }
    }
}
