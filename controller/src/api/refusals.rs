//! Refusals in the trail, without letting anybody fill it.
//!
//! The first of each kind from each in a minute is a record of its own, up to [`TOLD`]; all that
//! follow are counted, and become one record when the minute is over.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

/// Over which refusals are counted.
pub(crate) const WINDOW: Duration = Duration::from_secs(60);
/// Records of their own in one window.
const TOLD: usize = 20;
/// Told apart in one window.
const MOST: usize = 1000;
/// Named in the record of those that were counted.
const NAMED: usize = 20;

/// What was refused, and to whom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Refused {
    /// Who asked, or from where.
    pub(crate) who: String,
    /// What they asked for: a route.
    pub(crate) route: String,
    /// Why not: `unauthenticated`, `forbidden`, `too-many`.
    pub(crate) why: &'static str,
}

/// Refusals of this window.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<Window>);

#[derive(Debug, Default)]
struct Window {
    begun: Option<Instant>,
    seen: HashMap<Refused, u64>,
    /// Beyond those that are told apart.
    others: u64,
}

impl Refusals {
    /// Whether this one is a record of its own.
    pub(crate) fn note(&self, refused: Refused, now: Instant) -> bool {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        window.begun.get_or_insert(now);
        let known = window.seen.len();
        match window.seen.get_mut(&refused) {
            Some(more) => {
                *more += 1;
                false
            }
            None if known < MOST => {
                let told = known < TOLD;
                window.seen.insert(refused, u64::from(!told));
                told
            }
            None => {
                window.others += 1;
                false
            }
        }
    }

    /// When the window is over: what was counted in it, if anything was.
    pub(crate) fn counted(&self, now: Instant) -> Option<Value> {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = window.begun?;
        if now.duration_since(begun) < WINDOW {
            return None;
        }
        let Window { seen, others, .. } = std::mem::take(&mut *window);
        drop(window);
        let mut seen: Vec<_> = seen.into_iter().filter(|(_, more)| *more > 0).collect();
        let count = others + seen.iter().map(|(_, more)| more).sum::<u64>();
        if count == 0 {
            return None;
        }
        seen.sort_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
        let one = |(refused, count): &(Refused, u64)| {
            let Refused { who, route, why } = refused;
            json!({ "who": who, "route": route, "why": why, "count": count })
        };
        let named: Vec<Value> = seen.iter().take(NAMED).map(one).collect();
        Some(json!({ "count": count, "seconds": WINDOW.as_secs(), "most": named }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(who: u32) -> Refused {
        Refused { who: who.to_string(), route: "/v1/status".into(), why: "forbidden" }
    }

    #[tokio::test(start_paused = true)]
    async fn a_million_refusals_are_a_few_records() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        let told = (0..1_000_000).filter(|n| refusals.note(refused(n % 5000), now)).count();
        assert_eq!(told, TOLD);
        assert_eq!(refusals.counted(now), None);
        let counted = refusals.counted(now + WINDOW).unwrap();
        assert_eq!(counted["count"], 1_000_000 - TOLD);
        assert_eq!(counted["most"].as_array().unwrap().len(), NAMED);
        assert_eq!(refusals.counted(now + 2 * WINDOW), None);
    }

    #[tokio::test(start_paused = true)]
    async fn one_of_each_is_told_at_once_and_nothing_is_left_to_count() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        assert!(refusals.note(refused(1), now));
        assert!(refusals.note(Refused { why: "too-many", ..refused(1) }, now));
        assert_eq!(refusals.counted(now + WINDOW), None);
        assert!(refusals.note(refused(1), now + WINDOW), "a new window");
    }
}
