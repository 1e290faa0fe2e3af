//! Whether gobgpd says what it says because it is so, or because it does not know yet.

use std::time::{Duration, Instant};

/// What is known of gobgpd's knowledge. All of it is a function of what happened and when.
#[derive(Debug, Clone)]
pub struct Freshness {
    hold: Duration,
    settle: Duration,
    phase: Phase,
    /// The last answer, or the start.
    heard: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// What it does not have is withdrawn.
    Fresh,
    /// It answers again. What it had before `lost` and has not now may still come.
    Settling { lost: Instant, up: Option<Instant> },
    /// It does not answer.
    Stale,
}

impl Freshness {
    /// At the start: `now` is when rules that an earlier process left were heard at the latest.
    #[must_use]
    pub fn new(hold: Duration, settle: Duration, now: Instant) -> Self {
        Self { hold, settle, phase: Phase::Settling { lost: now, up: None }, heard: now }
    }

    /// Its notices ended: it may be another by now.
    pub fn lost(&mut self, now: Instant) {
        if self.phase != Phase::Stale {
            self.phase = Phase::Settling { lost: now, up: None };
        }
    }

    /// It did not answer. Whether the hold is over.
    pub fn failed(&mut self, now: Instant) -> bool {
        self.phase = Phase::Stale;
        now.saturating_duration_since(self.heard) >= self.hold
    }

    /// It answered; `up` says that all sessions it has are established.
    pub fn answered(&mut self, now: Instant, up: bool) {
        self.heard = now;
        let (lost, since) = match self.phase {
            Phase::Fresh => return,
            Phase::Settling { lost, up } => (lost, up),
            Phase::Stale => (now, None),
        };
        let since = if up { Some(since.unwrap_or(now)) } else { None };
        let settled = since.is_some_and(|since| self.is_past(since, now, self.settle));
        self.phase = if settled || self.is_past(lost, now, self.hold) {
            Phase::Fresh
        } else {
            Phase::Settling { lost, up: since }
        };
    }

    /// Whether a rule that it does not have is kept all the same.
    #[must_use]
    pub fn keeps(&self, last_had: Instant, now: Instant) -> bool {
        match self.phase {
            Phase::Fresh => false,
            Phase::Settling { lost, .. } => {
                last_had <= lost && !self.is_past(last_had, now, self.hold)
            }
            Phase::Stale => true,
        }
    }

    /// Whether sessions matter.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.phase == Phase::Fresh
    }

    /// When time alone changes something next; in the past if it does not any more.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Fresh => None,
            Phase::Settling { lost, up } => {
                let (settled, over) = (up.map(|up| up + self.settle), lost + self.hold);
                Some(settled.map_or(over, |settled| settled.min(over)))
            }
            Phase::Stale => Some(self.heard + self.hold),
        }
    }

    /// Since when it has not answered.
    #[must_use]
    pub fn stale_since(&self) -> Option<Instant> {
        (self.phase == Phase::Stale).then_some(self.heard)
    }

    /// In a word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.phase {
            Phase::Fresh => "fresh",
            Phase::Settling { .. } => "settling",
            Phase::Stale => "stale",
        }
    }

    fn is_past(&self, since: Instant, now: Instant, limit: Duration) -> bool {
        now.saturating_duration_since(since) >= limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLD: Duration = Duration::from_secs(300);
    const SETTLE: Duration = Duration::from_secs(30);

    fn at(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn silence_ends_with_the_hold() {
        let start = Instant::now();
        let mut freshness = Freshness::new(HOLD, SETTLE, start);
        assert!(!freshness.failed(at(start, 299)));
        assert_eq!(freshness.stale_since(), Some(start));
        assert_eq!(freshness.deadline(), Some(at(start, 300)));
        assert!(freshness.failed(at(start, 300)));
        freshness.answered(at(start, 400), true);
        assert!(!freshness.failed(at(start, 699)));
        assert!(freshness.failed(at(start, 700)));
    }

    #[test]
    fn one_that_started_again_is_believed_when_its_sessions_are_up() {
        let start = Instant::now();
        let mut freshness = Freshness::new(HOLD, SETTLE, start);
        freshness.answered(at(start, 1), true);
        assert!(freshness.keeps(start, at(start, 1)), "an earlier process's rule");
        freshness.answered(at(start, 31), true);
        assert!(!freshness.keeps(start, at(start, 31)));
        assert!(freshness.is_settled());
        // It goes and comes back without its rules.
        freshness.failed(at(start, 40));
        freshness.answered(at(start, 50), false);
        assert!(freshness.keeps(at(start, 31), at(start, 50)));
        assert!(!freshness.keeps(at(start, 51), at(start, 52)), "withdrawn since it is back");
        freshness.answered(at(start, 60), true);
        freshness.answered(at(start, 80), false);
        freshness.answered(at(start, 90), true);
        freshness.answered(at(start, 119), true);
        assert_eq!(freshness.deadline(), Some(at(start, 120)));
        assert!(freshness.keeps(at(start, 31), at(start, 119)));
        freshness.answered(at(start, 120), true);
        assert!(!freshness.keeps(at(start, 31), at(start, 120)));
    }

    /// A session that never comes up keeps nothing for ever.
    #[test]
    fn nothing_is_kept_beyond_the_hold() {
        let start = Instant::now();
        let mut freshness = Freshness::new(HOLD, SETTLE, start);
        freshness.answered(at(start, 31), true);
        freshness.answered(at(start, 70), true);
        freshness.lost(at(start, 100));
        freshness.answered(at(start, 101), false);
        assert!(freshness.keeps(at(start, 70), at(start, 369)));
        assert!(!freshness.keeps(at(start, 70), at(start, 370)));
        freshness.answered(at(start, 400), false);
        assert!(freshness.is_settled());
    }
}
