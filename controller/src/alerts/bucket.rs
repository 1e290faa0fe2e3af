//! How fast a sink is told: a bucket of tokens that fills evenly.

use std::time::Duration;

use tokio::time::Instant;

/// Messages at once, if none were sent for a while.
const BURST: u32 = 10;

#[derive(Debug)]
pub(super) struct Bucket {
    /// Time for one token.
    each: Duration,
    /// When the bucket is full again.
    full_at: Instant,
    burst: u32,
}

impl Bucket {
    pub(super) fn new(per_minute: u32, now: Instant) -> Self {
        let each = Duration::from_secs(60) / per_minute.max(1);
        Self { each, full_at: now, burst: per_minute.clamp(1, BURST) }
    }

    /// Takes a token. How long to wait before it is used.
    pub(super) fn take(&mut self, now: Instant) -> Duration {
        self.full_at = self.full_at.max(now) + self.each;
        (self.full_at - now).saturating_sub(self.each * self.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_evenly() {
        let now = Instant::now();
        let mut bucket = Bucket::new(60, now);
        let waits: Vec<_> = (0..13).map(|_| bucket.take(now).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]);
        let later = now + Duration::from_secs(60);
        assert_eq!(bucket.take(later), Duration::ZERO);
        assert_eq!(Bucket::new(1, now).take(now), Duration::ZERO);
    }
}
