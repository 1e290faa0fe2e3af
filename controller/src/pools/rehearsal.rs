//! What failures of proxies would do with the registry of now.
//!
//! A set is tried when it is planned. What names and feeds bring later may make its rules too many for a
//! pool that is not whole; then it is too late to refuse it, and a person is told before it happens.

use std::sync::Arc;
use std::time::Duration;

use sark_api::PoolRefusal;
use sark_compiler::rehearse;
use sark_core::Clock;
use tokio_util::sync::CancellationToken;

use super::Pools;
use crate::{Desired, DesiredState, chain};

/// Between two looks: each may cost as many compilations as there are states.
const PAUSE: Duration = Duration::from_mins(1);

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
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.look() => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    pub(super) async fn look(&mut self) {
        let now = self.clock.now();
        // What cannot be compiled is said by the reconciler.
        let Ok(Some(desired)) = self.desired.at(now).await else { return };
        if self.tried.as_ref().is_some_and(|tried| Arc::ptr_eq(tried, &desired)) {
            return;
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
                let is_new = |it: &sark_compiler::Refusal| {
                    !known
                        .iter()
                        .any(|known| (&known.policy, &known.guard) == (&it.policy, &it.guard))
                };
                let refused = refused.into_iter().filter(is_new);
                self.pools.would_refuse(
                    refused
                        .map(|it| PoolRefusal { policy: it.policy, why: it.why, fix: it.fix })
                        .collect(),
                );
                self.tried = Some(desired);
            }
            Err(error) => {
                tracing::error!(error = chain(&error), "what failures of proxies do is not known");
            }
        }
    }
}
