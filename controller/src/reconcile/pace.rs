//! When the next round is.

use std::time::Duration;

use jiff::Timestamp;

use super::{Report, RoundError};

/// Between a failed round and the next: this, doubled each time.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);
/// Rounds that may change something one after the other before the speaker is thought to ignore
/// us.
const PATIENCE: u32 = 3;

/// Decides it from how the last rounds went.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    failures: u32,
    busy: u32,
}

impl Pace {
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, failures: 0, busy: 0 }
    }

    pub(super) fn after(&mut self, outcome: &Result<Report, RoundError>) {
        match outcome {
            Ok(report) if report.converged() => (self.failures, self.busy) = (0, 0),
            Ok(_) => {
                self.busy += 1;
                self.failures = self.busy.saturating_sub(PATIENCE);
            }
            Err(_) => self.failures += 1,
        }
    }

    /// Whether a notice of the speaker may start a round now.
    pub(super) fn may_look(&self) -> bool {
        self.failures == 0
    }

    /// How long to wait, if nobody asks before.
    pub(super) fn delay(&self, now: Timestamp, next_change: Option<Timestamp>) -> Duration {
        if self.failures > 0 {
            let doubled = FIRST.saturating_mul(1 << (self.failures - 1).min(16));
            return doubled.min(LONGEST).min(self.interval);
        }
        if self.busy > 0 {
            // Something was changed: see at once whether it took.
            return Duration::ZERO;
        }
        let until_change = next_change.map(|at| {
            // A millisecond more, so that the change has come when the round reads the clock.
            Duration::try_from(now.duration_until(at)).unwrap_or_default()
                + Duration::from_millis(1)
        });
        until_change.map_or(self.interval, |until| until.min(self.interval))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(announced: u64, next_change: Option<Timestamp>) -> Result<Report, RoundError> {
        Ok(Report { announced, next_change, ..Report::default() })
    }

    fn failed() -> Result<Report, RoundError> {
        Err(RoundError::Deadline { seconds: 1 })
    }

    #[test]
    fn failures_come_later_each_time_and_a_success_forgets_them() {
        let interval = Duration::from_secs(3600);
        let mut pace = Pace::new(interval);
        let mut delays = Vec::new();
        for _ in 0..7 {
            pace.after(&failed());
            delays.push(pace.delay(Timestamp::UNIX_EPOCH, None).as_secs());
        }
        assert_eq!(delays, [1, 2, 4, 8, 16, 30, 30]);
        assert!(!pace.may_look());
        pace.after(&report(0, None));
        assert_eq!(pace.delay(Timestamp::UNIX_EPOCH, None), interval);
        assert!(pace.may_look());
    }

    #[test]
    fn a_round_that_changed_something_is_followed_at_once_but_not_for_ever() {
        let mut pace = Pace::new(Duration::from_secs(30));
        let mut delays = Vec::new();
        for _ in 0..6 {
            pace.after(&report(1, None));
            delays.push(pace.delay(Timestamp::UNIX_EPOCH, None).as_secs());
        }
        assert_eq!(delays, [0, 0, 0, 1, 2, 4]);
    }

    #[test]
    fn a_policy_that_ends_sooner_than_the_interval_is_waited_for() {
        let mut pace = Pace::new(Duration::from_secs(30));
        let at = Timestamp::from_second(10).unwrap();
        pace.after(&report(0, Some(at)));
        assert_eq!(
            pace.delay(Timestamp::from_second(3).unwrap(), Some(at)),
            Duration::from_millis(7001)
        );
        assert_eq!(pace.delay(Timestamp::from_second(11).unwrap(), Some(at)).as_millis(), 1);
        let late = Some(Timestamp::from_second(1000).unwrap());
        assert_eq!(pace.delay(Timestamp::UNIX_EPOCH, late), Duration::from_secs(30));
    }
}
