//! The task that asks one proxy.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::ask::{Answer, Fault, Question};
use super::{Member, Pools};

/// Asks one proxy, again and again.
pub struct Asker {
    pools: Arc<Pools>,
    member: usize,
}

impl Asker {
    pub(super) fn new(pools: Arc<Pools>, member: usize) -> Self {
        Self { pools, member }
    }

    /// Until `stop`. The first question is asked at once.
    pub async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.ask() => {}
        }
    }

    async fn ask(&self) {
        let Some(member) = self.pools.members.get(self.member) else { return };
        let Some((question, every)) = self.question(member) else { return };
        loop {
            let begun = Instant::now();
            let outcome = question.ask().await;
            let took = begun.elapsed();
            let at = self.pools.clock.now();
            match outcome {
                Ok(words) => self.pools.heard(self.member, Answer { works: true, words, at, took }),
                Err(Fault::Theirs(words)) => {
                    self.pools.heard(self.member, Answer { works: false, words, at, took });
                }
                Err(Fault::Ours(words)) => self.pools.cannot_ask(self.member, words),
            }
            tokio::time::sleep_until(begun + jittered(every, chance())).await;
        }
    }

    fn question(&self, member: &Member) -> Option<(Question, Duration)> {
        let (pool, _) = self.pools.named(member);
        let health = pool.health.as_ref()?;
        let every = Duration::from_millis(health.every_millis.into());
        Some((Question::new(member.at, health), every))
    }
}

/// Give or take a tenth, so that proxies are not asked in step for ever.
fn jittered(every: Duration, chance: u8) -> Duration {
    let tenth = every / 10;
    every.saturating_sub(tenth) + tenth * 2 * u32::from(chance) / u32::from(u8::MAX)
}

/// Without it, no jitter: it is no more than a courtesy.
fn chance() -> u8 {
    let mut random = [u8::MAX / 2];
    let _ = getrandom::fill(&mut random);
    random[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_is_a_tenth() {
        let every = Duration::from_millis(500);
        assert_eq!(jittered(every, 0), Duration::from_millis(450));
        assert_eq!(jittered(every, 255), Duration::from_millis(550));
        assert!((498..=502).contains(&jittered(every, 128).as_millis()));
    }
}
