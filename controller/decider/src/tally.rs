//! How a candidate does beside the active set.

use std::sync::{Mutex, PoisonError};

use sark_core::decision::Decision;
use serde::{Deserialize, Serialize};

/// What a canary may do before it is taken back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// Its share of denials may differ so far from that of the active set in the same time; 0 to 1.
    pub denied: f64,
    /// Its share of errors may be so high; 0 to 1.
    pub failed: f64,
    /// Decisions of each that are looked at together.
    pub after: u64,
}

impl Default for Band {
    fn default() -> Self {
        Self { denied: 0.05, failed: 0.01, after: 200 }
    }
}

/// Decisions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All.
    pub decided: u64,
    /// That stopped something.
    pub denied: u64,
    /// That a policy could not be asked for.
    pub failed: u64,
}

impl Counts {
    fn add(&mut self, decision: &Decision) {
        self.decided += 1;
        self.denied += u64::from(!decision.allow);
        self.failed += u64::from(decision.has_error());
    }

    fn halve(&mut self) {
        let Self { decided, denied, failed } = self;
        [decided, denied, failed].into_iter().for_each(|count| *count /= 2);
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of decisions")]
    fn share(self, of: u64) -> f64 {
        of as f64 / self.decided.max(1) as f64
    }
}

/// Why a canary was taken back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Breach {
    /// It denies more, or less, than its band allows.
    Denied {
        /// Its share, 0 to 1.
        candidate: f64,
        /// That of the active set.
        active: f64,
    },
    /// It errs.
    Failed {
        /// Its share, 0 to 1.
        candidate: f64,
    },
}

impl std::fmt::Display for Breach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Denied { candidate, active } => write!(
                f,
                "it stopped {:.1} % of what it decided on, and the active set {:.1} %",
                candidate * 100.0,
                active * 100.0
            ),
            Self::Failed { candidate } => {
                write!(f, "{:.1} % of its decisions were errors", candidate * 100.0)
            }
        }
    }
}

/// What was counted while there is a candidate.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    active: Counts,
    candidate: Counts,
    differ: u64,
    left_out: u64,
    /// Of late: halved now and then, so that a canary that goes bad after a week is found as soon.
    recent: [Counts; 2],
    is_over: bool,
}

impl Tally {
    /// Of the active set, of the candidate, and how often they differed on the same question.
    #[must_use]
    pub fn counts(&self) -> (Counts, Counts, u64) {
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (counted.active, counted.candidate, counted.differ)
    }

    /// Questions that a shadow was not asked, or whose comparison nobody took: there were too many.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).left_out
    }

    pub(crate) fn leave_out(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).left_out += 1;
    }

    pub(crate) fn both(&self, active: &Decision, candidate: &Decision) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counted.active.add(active);
        counted.candidate.add(candidate);
        counted.differ += u64::from(active.action != candidate.action);
    }

    /// Counts a decision while there is a canary. A breach, the first time there is one.
    pub(crate) fn canary(
        &self,
        decision: &Decision,
        of_candidate: bool,
        band: &Band,
    ) -> Option<Breach> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Counted { active, candidate, recent: [late_active, late_candidate], is_over, .. } =
            &mut *counted;
        let (all, late) = if of_candidate {
            (candidate, &mut *late_candidate)
        } else {
            (active, &mut *late_active)
        };
        all.add(decision);
        late.add(decision);
        let breach = judge(late_active, late_candidate, band).filter(|_| !*is_over);
        *is_over |= breach.is_some();
        for late in [late_active, late_candidate] {
            if late.decided >= band.after.saturating_mul(4) {
                late.halve();
            }
        }
        breach
    }
}

/// Whether a canary is outside its band.
fn judge(active: &Counts, candidate: &Counts, band: &Band) -> Option<Breach> {
    // So many errors that no number of good decisions to come would bring it back in time.
    let least = Counts { decided: candidate.decided.max(band.after), ..*candidate };
    if candidate.failed > 0 && least.share(candidate.failed) > band.failed {
        return Some(Breach::Failed { candidate: candidate.share(candidate.failed) });
    }
    if candidate.decided.min(active.decided) < band.after {
        return None;
    }
    let (own, other) = (candidate.share(candidate.denied), active.share(active.denied));
    ((own - other).abs() > band.denied + chance(active, candidate))
        .then_some(Breach::Denied { candidate: own, active: other })
}

/// How far the shares of two sets that are the same differ by chance: four times the standard error of
/// the difference of two shares, since it is looked at after every decision.
#[expect(clippy::cast_precision_loss, reason = "counts of decisions")]
fn chance(active: &Counts, candidate: &Counts) -> f64 {
    let (n, m) = (active.decided.max(1) as f64, candidate.decided.max(1) as f64);
    let share = (active.denied + candidate.denied) as f64 / (n + m);
    4.0 * (share * (1.0 - share) * (1.0 / n + 1.0 / m)).sqrt()
}

#[cfg(test)]
mod tests {
    use sark_core::decision::{Action, ENGINE};

    use super::*;

    const BAND: Band = Band { denied: 0.1, failed: 0.02, after: 100 };

    fn decision(action: Action, policy: &str) -> Decision {
        Decision::without_rule(action, policy, "r", "because".to_owned())
    }

    /// How many decisions of both until the canary is over.
    fn until(active: impl Fn(u32) -> Action, candidate: impl Fn(u32) -> Decision) -> Option<u32> {
        let tally = Tally::default();
        (1..=1000).find(|&n| {
            tally.canary(&decision(active(n), "p"), false, &BAND).is_some()
                || tally.canary(&candidate(n), true, &BAND).is_some()
        })
    }

    fn every(nth: u32) -> impl Fn(u32) -> Action {
        move |n| if n.is_multiple_of(nth) { Action::Deny } else { Action::Allow }
    }

    #[test]
    fn a_canary_within_its_band_goes_on() {
        let as_it = |n| decision(every(5)(n), "p");
        assert_eq!(until(every(5), as_it), None);
        assert_eq!(until(every(4), as_it), None, "five points apart");
        let errs = |n: u32| match n.is_multiple_of(100) {
            true => decision(Action::Allow, ENGINE),
            false => decision(Action::Allow, "p"),
        };
        assert_eq!(until(|_| Action::Allow, errs), None, "one of a hundred errs");
    }

    #[test]
    fn a_canary_that_stops_more_or_less_is_over_when_there_are_enough() {
        assert_eq!(until(|_| Action::Allow, |n| decision(every(2)(n), "p")), Some(100));
        assert_eq!(until(every(2), |_| decision(Action::Allow, "p")), Some(100));
        // A smaller difference takes longer to be more than chance.
        let later = until(|_| Action::Allow, |n| decision(every(5)(n), "p"));
        assert!(later.is_some_and(|later| (101..400).contains(&later)), "{later:?}");
    }

    /// The same set as a canary of itself, on requests of which so many in a hundred are denied.
    #[test]
    fn chance_alone_takes_no_canary_back() {
        for percent in [1, 10, 30, 50] {
            let taken_back = (1..=40_u64).filter(|seed| {
                let (tally, mut state) = (Tally::default(), *seed * 7919 + percent);
                let mut random = || {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    (state >> 33) % 100
                };
                let band = Band { denied: 0.05, failed: 0.01, after: 200 };
                (0..20_000).any(|_| {
                    let (is_its_own, is_denied) = (random() < 10, random() < percent);
                    let action = if is_denied { Action::Deny } else { Action::Allow };
                    tally.canary(&decision(action, "p"), is_its_own, &band).is_some()
                })
            });
            assert_eq!(taken_back.count(), 0, "{percent} %");
        }
    }

    #[test]
    fn a_canary_that_errs_is_over_at_once() {
        let errs = |_| decision(Action::Deny, ENGINE);
        assert_eq!(until(|_| Action::Allow, errs), Some(3), "two of a hundred would do");
    }

    #[test]
    fn a_canary_that_goes_bad_late_is_found_as_soon() {
        let tally = Tally::default();
        for _ in 0..10_000 {
            assert_eq!(tally.canary(&decision(Action::Allow, "p"), false, &BAND), None);
            assert_eq!(tally.canary(&decision(Action::Allow, "p"), true, &BAND), None);
        }
        let more = (1..=1000).find(|_| {
            let _ = tally.canary(&decision(Action::Allow, "p"), false, &BAND);
            tally.canary(&decision(Action::Deny, "p"), true, &BAND).is_some()
        });
        assert!(more.is_some_and(|more| more < 100), "{more:?}");
        let again = tally.canary(&decision(Action::Deny, "p"), true, &BAND);
        assert_eq!(again, None, "told once");
        let (active, candidate, _) = tally.counts();
        assert!(active.decided > 10_000 && candidate.denied > 0);
    }
}
