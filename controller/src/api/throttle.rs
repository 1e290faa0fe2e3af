//! So many at once, then one each while: for failures of a client, and reports of a sensor.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

/// Counts per key, as the generic cell rate algorithm does: one time per key, and no timer.
#[derive(Debug)]
pub(crate) struct Throttle<K> {
    /// One more after so long.
    every: Duration,
    /// So many at once.
    burst: u32,
    /// When each key has as many again as it ever has.
    full: HashMap<K, Instant>,
    /// Of all keys that find no place: they share one.
    rest: Option<Instant>,
    most: usize,
}

impl<K: Eq + Hash + Clone> Throttle<K> {
    /// Remembers at most `most` keys one by one.
    pub(crate) fn new(burst: u32, every: Duration, most: usize) -> Self {
        Self { every, burst: burst.max(1), full: HashMap::new(), rest: None, most }
    }

    /// How long until this key has one again; `None` if it has one now.
    pub(crate) fn wait(&self, key: &K, now: Instant) -> Option<Duration> {
        let full = match self.full.get(key) {
            Some(full) => Some(*full),
            None if self.full.len() >= self.most => self.rest,
            None => None,
        }?;
        let first = full.checked_sub(self.every * (self.burst - 1)).unwrap_or(full);
        first.checked_duration_since(now).filter(|wait| !wait.is_zero())
    }

    /// Takes one, whether or not it is there.
    pub(crate) fn spend(&mut self, key: &K, now: Instant) {
        if self.full.len() >= self.most && !self.full.contains_key(key) {
            self.full.retain(|_, full| *full > now);
        }
        let every = self.every;
        let spend = |full: Option<Instant>| full.map_or(now, |full| full.max(now)) + every;
        // What is spent beyond what is there is not owed for ever.
        let most = now + every * (self.burst * 2);
        if let Some(full) = self.full.get_mut(key) {
            *full = spend(Some(*full)).min(most);
        } else if self.full.len() < self.most {
            self.full.insert(key.clone(), spend(None));
        } else {
            self.rest = Some(spend(self.rest).min(most));
        }
    }

    /// Takes one if there is one; else how long until there is.
    pub(crate) fn take(&mut self, key: &K, now: Instant) -> Result<(), Duration> {
        match self.wait(key, now) {
            Some(wait) => Err(wait),
            None => {
                self.spend(key, now);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn so_many_at_once_then_one_each_while() {
        let mut throttle = Throttle::new(3, SECOND, 10);
        let now = Instant::now();
        for _ in 0..3 {
            throttle.take(&"a", now).unwrap();
        }
        assert_eq!(throttle.take(&"a", now), Err(SECOND));
        throttle.take(&"b", now).unwrap();
        throttle.take(&"a", now + SECOND).unwrap();
        throttle.take(&"a", now + SECOND).unwrap_err();
        for _ in 0..3 {
            throttle.take(&"a", now + 10 * SECOND).unwrap();
        }
        throttle.take(&"a", now + 10 * SECOND).unwrap_err();
    }

    #[tokio::test(start_paused = true)]
    async fn more_keys_than_can_be_remembered_share_one_place() {
        let mut throttle = Throttle::new(2, SECOND, 100);
        let now = Instant::now();
        let taken = (0..10_000).filter(|key| throttle.take(key, now).is_ok()).count();
        assert_eq!(taken, 102);
        assert_eq!(throttle.full.len(), 100);
        // Later those who were quiet make room.
        throttle.take(&20_000, now + 5 * SECOND).unwrap();
        assert!(throttle.full.len() <= 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_debt_is_paid_in_twice_the_time_at_most() {
        let mut throttle = Throttle::new(2, SECOND, 10);
        let now = Instant::now();
        (0..1000).for_each(|_| throttle.spend(&"a", now));
        assert_eq!(throttle.wait(&"a", now), Some(3 * SECOND));
        assert_eq!(throttle.wait(&"a", now + 3 * SECOND), None);
    }
}
