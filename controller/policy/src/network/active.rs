//! When a policy holds.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};

use super::{Expiry, Policy, Schedule, Window};

/// How far ahead the next change of a schedule is looked for. Windows repeat every week; a window
/// that daylight saving time, or a zone that skips a day, leaves out once comes a week later.
const DAYS_AHEAD: i32 = 22;

impl Policy {
    /// Whether the policy holds at `now`, first applied in its present wording at `activated`.
    #[must_use]
    pub fn is_active(&self, now: Timestamp, activated: Timestamp) -> bool {
        let ended = self.end(activated).is_some_and(|end| now >= end);
        !ended && self.schedule.as_ref().is_none_or(|schedule| schedule.holds(now))
    }

    /// The next moment after `now` at which `is_active` changes, if there is one.
    #[must_use]
    pub fn next_change(&self, now: Timestamp, activated: Timestamp) -> Option<Timestamp> {
        let mut moments =
            self.schedule.as_ref().map(|schedule| schedule.moments(now)).unwrap_or_default();
        moments.extend(self.end(activated));
        moments.retain(|moment| *moment > now);
        moments.sort_unstable();
        let active = self.is_active(now, activated);
        moments.into_iter().find(|moment| self.is_active(*moment, activated) != active)
    }

    fn end(&self, activated: Timestamp) -> Option<Timestamp> {
        match self.expires? {
            Expiry::At(at) => Some(at),
            Expiry::After(after) => Some(activated.saturating_add(after).unwrap_or(Timestamp::MAX)),
        }
    }
}

impl Schedule {
    /// By the clock on the wall: in the hour that is repeated in autumn a window holds twice, and
    /// in the one that is left out in spring it does not hold.
    fn holds(&self, now: Timestamp) -> bool {
        let local = self.zone.to_datetime(now);
        self.windows.iter().any(|window| window.holds(local))
    }

    /// Every moment of the days around and after `now` at which a window may begin or end.
    fn moments(&self, now: Timestamp) -> Vec<Timestamp> {
        let today = self.zone.to_datetime(now).date();
        let mut moments = Vec::new();
        for day in 0..=DAYS_AHEAD {
            let Ok(date) = today.checked_add(day.days()) else { break };
            for window in &self.windows {
                push_moments(&self.zone, date.to_datetime(window.from), &mut moments);
                push_moments(&self.zone, date.to_datetime(window.to), &mut moments);
            }
        }
        let last = now.saturating_add(jiff::SignedDuration::from_hours(24 * i64::from(DAYS_AHEAD)));
        let last = last.unwrap_or(Timestamp::MAX);
        let jumps = self.zone.following(now).map(|jump| jump.timestamp());
        moments.extend(jumps.take_while(|jump| *jump <= last));
        moments
    }
}

/// The moments at which the clock on the wall shows `local`: none, one or two.
fn push_moments(zone: &TimeZone, local: DateTime, moments: &mut Vec<Timestamp>) {
    let (first, second) = match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => (offset, None),
        AmbiguousOffset::Gap { before, after } | AmbiguousOffset::Fold { before, after } => {
            (before, Some(after))
        }
    };
    for offset in [Some(first), second].into_iter().flatten() {
        moments.extend(offset.to_timestamp(local));
    }
}

impl Window {
    fn holds(&self, local: DateTime) -> bool {
        let (date, time) = (local.date(), local.time());
        if self.from < self.to {
            return self.begins_on(date.weekday()) && self.contains(time);
        }
        let since_today = time >= self.from && self.begins_on(date.weekday());
        let since_yesterday = time < self.to && self.begins_on(yesterday(date));
        since_today || since_yesterday
    }

    fn contains(&self, time: Time) -> bool {
        self.from <= time && time < self.to
    }

    fn begins_on(&self, day: Weekday) -> bool {
        self.days.is_empty() || self.days.contains(&day)
    }
}

fn yesterday(date: Date) -> Weekday {
    date.weekday().previous()
}
