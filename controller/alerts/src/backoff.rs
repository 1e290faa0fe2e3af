//! When the next attempt is made.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Exponential, with full jitter: receivers that come back are not met by everybody at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backoff {
    /// After the first failure, at most.
    pub first: Duration,
    /// Ever, at most.
    pub longest: Duration,
}

impl Backoff {
    /// Before attempt `attempts + 1`; `seed` is what chance is made of. Never sooner than the
    /// receiver asked for, and then later by up to `first`, so that not all come at once.
    #[must_use]
    pub fn pause(&self, attempts: u32, asked: Option<Duration>, seed: u64) -> Duration {
        let doubled = self.first.saturating_mul(1 << attempts.saturating_sub(1).min(20));
        let most = doubled.min(self.longest);
        let share = mixed(seed ^ u64::from(attempts)) as f64 / u64::MAX as f64;
        match asked {
            Some(asked) => asked + self.first.mul_f64(share),
            None => most.mul_f64(share).max(Duration::from_millis(100)),
        }
    }
}

/// SplitMix64, its finisher.
fn mixed(seed: u64) -> u64 {
    let seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    seed ^ (seed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_to_its_end_and_is_spread() {
        let backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(900) };
        for attempts in 1..40 {
            let most = Duration::from_secs(1 << (attempts - 1).min(20)).min(backoff.longest);
            let pauses: Vec<_> = (0..200).map(|seed| backoff.pause(attempts, None, seed)).collect();
            assert!(pauses.iter().all(|pause| *pause <= most), "{attempts}");
            let mean = pauses.iter().sum::<Duration>() / 200;
            assert!(mean > most / 3 && mean < most * 2 / 3, "{attempts}: {mean:?} of {most:?}");
        }
        let asked = Some(Duration::from_secs(60));
        assert!((0..200).all(|seed| backoff.pause(1, asked, seed) >= Duration::from_secs(60)));
    }
}
