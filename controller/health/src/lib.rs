//! what was seen of something, and when → [whether it is up] → who relies on it
//!
//! [`Health`] is a value that answers become, one after the other; [`Thresholds`] say how many count.
//! It opens no socket and reads no clock: `now` is the time since any moment that stays the same, of
//! a clock that never goes back.
//!
//! ```text
//!   taken for up ── works ──→ up ── `fail_after` failures in a row ──→ down
//!        │                    ↑                                         │
//!        └── `fail_after` ────│──── `recover_after` successes in a row ─┘
//!            failures → down  └──── and the hold-down has passed, or it is needed
//! ```
//!
//! What somebody saw before is advice, up or down: an answer that agrees with it is a verdict, and so are as
//! many in a row as a turn takes.

use std::time::Duration;

/// What counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Failures in a row after which it is down, at least 1.
    pub fail_after: u32,
    /// Successes in a row after which it may be up again, at least 1.
    pub recover_after: u32,
    /// How long it stays down at least.
    pub hold_down: Duration,
    /// A fall within this time of the last recovery doubles the hold-down.
    pub flap_window: Duration,
    /// No hold-down is longer, unless [`hold_down`](Self::hold_down) itself is.
    pub longest_hold_down: Duration,
}

/// How something is; made by [`taken_for_up`](Self::taken_for_up) and [`after`](Self::after).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    is_up: bool,
    is_known: bool,
    since: Duration,
    /// Failures in a row while it is up, successes in a row while it is down.
    run: u32,
    hold_down: Duration,
    recovered: Option<Duration>,
}

/// What is kept of somebody's looking; what is lost of it makes it wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Before {
    /// Whether it was up.
    pub is_up: bool,
    /// Since when.
    pub since: Duration,
    /// The hold-down of its last fall.
    pub hold_down: Duration,
    /// When it came back last.
    pub recovered: Option<Duration>,
}

/// What an answer changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It is up again.
    Up,
    /// It is down, and stays so for this long at least, unless it is needed.
    Down {
        /// The hold-down.
        hold_down: Duration,
    },
}

impl Health {
    /// Before the first verdict: nothing is changed because we begin to look.
    #[must_use]
    pub fn taken_for_up(now: Duration) -> Self {
        Self {
            is_up: true,
            is_known: false,
            since: now,
            run: 0,
            hold_down: Duration::ZERO,
            recovered: None,
        }
    }

    /// As it was when somebody looked last, as far as is known: one that was down is taken for down, with
    /// what is left of its hold-down, one that was up for up. Neither is a verdict.
    #[must_use]
    pub fn resumed(before: &Before) -> Self {
        let Before { is_up, since, hold_down, recovered } = *before;
        Self { is_up, is_known: false, since, run: 0, hold_down, recovered }
    }

    /// How it is after another answer, and what that changed. One that is needed, since there is no
    /// other, is not held down; if it falls again and again, for the first hold-down, and no longer.
    #[must_use]
    pub fn after(
        self,
        works: bool,
        now: Duration,
        is_needed: bool,
        rules: &Thresholds,
    ) -> (Self, Option<Turn>) {
        let flaps = self.hold_down > rules.hold_down;
        let held_for = match is_needed {
            true if !flaps => Duration::ZERO,
            true => rules.hold_down.saturating_sub(now.saturating_sub(self.since)),
            false => self.held_for(now),
        };
        let may_rise = held_for.is_zero();
        let run = if works == self.is_up { 0 } else { self.run.saturating_add(1) };
        // One that is held down is down, whatever it answers.
        let is_known = self.is_known || works == self.is_up || (!self.is_up && !may_rise);
        let stays = Self { run, is_known, ..self };
        match self.is_up {
            true if run >= rules.fail_after.max(1) => {
                let hold_down = self.next_hold_down(now, rules);
                let (is_up, is_known) = (false, true);
                let down = Self { is_up, is_known, since: now, run: 0, hold_down, ..self };
                (down, Some(Turn::Down { hold_down }))
            }
            false if run >= rules.recover_after.max(1) && may_rise => {
                let (is_up, is_known, recovered) = (true, true, Some(now));
                let up = Self { is_up, is_known, since: now, run: 0, recovered, ..self };
                (up, Some(Turn::Up))
            }
            _ => (stays, None),
        }
    }

    /// Whether it may be relied on.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.is_up
    }

    /// Whether there was a verdict of our own.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.is_known
    }

    /// Since when it is as it is.
    #[must_use]
    pub fn since(&self) -> Duration {
        self.since
    }

    /// For how long it is down still, whatever it answers.
    #[must_use]
    pub fn held_for(&self, now: Duration) -> Duration {
        match self.is_up {
            true => Duration::ZERO,
            false => self.hold_down.saturating_sub(now.saturating_sub(self.since)),
        }
    }

    fn next_hold_down(&self, now: Duration, rules: &Thresholds) -> Duration {
        let flaps = self.recovered.is_some_and(|at| now.saturating_sub(at) <= rules.flap_window);
        if !flaps {
            return rules.hold_down;
        }
        let doubled = self.hold_down.saturating_mul(2).min(rules.longest_hold_down);
        doubled.max(rules.hold_down)
    }
}

#[cfg(test)]
mod tests;
