//! What a follower does: it reads what the leader made, and takes away what it made itself when it
//! led.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::chain;
use crate::prices::Prices;
use crate::{Keeper, Registrar};

/// How old what is answered may be.
const LOOK: Duration = Duration::from_secs(5);

/// From the beginning of another's lead to when its routers have its rules for sure: twelve times
/// the time after which a session is tried again.
const RETIRE: Duration = Duration::from_secs(120);

/// A gobgpd that is left from when this one led would keep rules that the leader withdraws.
pub(super) async fn retire(keeper: Box<dyn Keeper>, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => return,
        () = tokio::time::sleep(RETIRE) => {}
    }
    if let Err(error) = keeper.retire().await {
        tracing::warn!(error = chain(&*error), "the gobgpd of when this sarkd led stays");
    }
    stop.cancelled().await;
}

/// Until `stop`.
pub(super) async fn run(registrar: Arc<Registrar>, prices: Arc<Prices>, stop: CancellationToken) {
    loop {
        if let Err(error) = registrar.follow().await {
            tracing::warn!(error = chain(&error), "cannot see the leader's registry");
        }
        if let Err(error) = prices.follow().await {
            tracing::warn!(error = chain(&error), "cannot see the leader's price list");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}
