//! What failures of proxies would do with the registry of now.
//!
//! A set is tried when it is planned. What names and feeds bring later may make its rules too many for a
//! pool that is not whole; then it is too late to refuse it, and a person is told before it happens.
//!
//! A look may cost as many compilations as there are states, so there is one only if something that rules are
//! made from says something else, and the next waits for as long as this one was expensive.

use std::sync::Arc;
use std::time::Duration;

use sark_api::PoolRefusal;
use sark_compiler::{Refusal, rehearse};
use sark_core::Clock;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Pools;
use crate::{Desired, DesiredError, DesiredState, chain};

/// Between two looks, at least.
const PAUSE: Duration = Duration::from_mins(1);
/// Of the time of one core no more than one part in so many goes to looks.
const PART: u32 = 20;

/// Tries what is in use again, after something that it is made from has changed.
pub struct Rehearser {
    desired: Arc<DesiredState>,
    pools: Arc<Pools>,
    clock: Arc<dyn Clock>,
    /// What was tried last.
    tried: Option<Arc<Desired>>,
}

impl Rehearser {
    /// Starts nothing.
    #[must_use]
    pub fn new(desired: Arc<DesiredState>, pools: Arc<Pools>, clock: Arc<dyn Clock>) -> Self {
        Self { desired, pools, clock, tried: None }
    }

    /// Until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let begun = Instant::now();
            tokio::select! {
                () = stop.cancelled() => return,
                _ = self.look() => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause(begun.elapsed())) => {}
            }
        }
    }

    /// Whether there was something to try.
    pub(super) async fn look(&mut self) -> bool {
        let now = self.clock.now();
        let desired = match self.desired.at(now).await {
            Ok(Some(desired)) => desired,
            // What is in use is what it was.
            Err(DesiredError::Store(_)) => return false,
            // There are no rules that failures could take away; why not is said by the reconciler.
            Ok(None) | Err(_) => {
                self.tried = None;
                self.pools.would_refuse(Vec::new());
                return false;
            }
        };
        if self.tried.as_ref().is_some_and(|tried| tried.is_still(&desired)) {
            // What it was made from before is not held any longer.
            self.tried = Some(desired);
            return false;
        }
        let trying = Arc::clone(&desired);
        let work = tokio::task::spawn_blocking(move || {
            let (registry, environment) = trying.basis();
            let activated = &trying.revision.activated;
            rehearse(&trying.policies, registry, environment, activated, now)
        });
        match work.await {
            Ok(refused) => {
                // What is refused already is said by the reconciler too.
                let known = &desired.compiled.refused;
                let is_known = |it: &Refusal| {
                    known
                        .iter()
                        .any(|known| (&known.policy, &known.guard) == (&it.policy, &it.guard))
                };
                let refused = refused.into_iter().filter(|it| !is_known(it));
                let told =
                    refused.map(|it| PoolRefusal { policy: it.policy, why: it.why, fix: it.fix });
                self.pools.would_refuse(told.collect());
            }
            Err(error) => {
                tracing::error!(error = chain(&error), "what failures of proxies do is not known");
            }
        }
        // Also what ended badly: it would again.
        self.tried = Some(desired);
        true
    }
}

/// After a look that took so long.
fn pause(took: Duration) -> Duration {
    PAUSE.max(took.saturating_mul(PART - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_as_rare_as_they_are_expensive() {
        assert_eq!(pause(Duration::ZERO), PAUSE);
        assert_eq!(pause(Duration::from_secs(3)), PAUSE);
        assert_eq!(pause(Duration::from_secs(10)), Duration::from_secs(190));
    }
}
