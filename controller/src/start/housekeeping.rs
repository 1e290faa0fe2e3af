//! What has to be looked at now and then: calls and refusals to be told, sensors that are silent,
//! approvals whose time is over, old reports.

use std::time::Duration;

use sark_core::storage::StorageError;
use tokio_util::sync::CancellationToken;

use crate::api::Api;
use crate::chain::chain;
use crate::sensors::{self, Watch};

/// How often reports that are old are forgotten.
const FORGET: Duration = Duration::from_secs(600);
/// How often refusals that were counted are told.
const TELL: Duration = Duration::from_secs(10);

/// How often approvals are looked at on which nobody decided.
const EXPIRE: Duration = Duration::from_secs(10);

/// Until `stop`. Of several on one store, the leader looks at sensors and approvals, and forgets.
pub(super) async fn run(api: Api, leads: bool, stop: CancellationToken) {
    let observatory = &api.observatory;
    let expected = observatory.config.sensors.expected.clone();
    let mut watch = Watch::new(expected, observatory.started_at);
    let mut remembers = false;
    let pace = Duration::try_from(watch.pace()).unwrap_or(TELL);
    let mut tell = tokio::time::interval(TELL);
    let mut look = tokio::time::interval(pace);
    let mut expire = tokio::time::interval(EXPIRE);
    let mut forget = tokio::time::interval(FORGET);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = tell.tick() => {
                api.strangers.tell(&api).await;
                api.callers.tell(false, &api).await;
            }
            _ = expire.tick(), if leads => {
                if let Err(error) = api.approvals.expire().await {
                    tracing::warn!(error = chain(&error), "approvals are not looked at");
                }
            }
            _ = look.tick(), if leads && (!watch.is_empty() || !remembers) => {
                match look_at(&api, &mut watch, remembers).await {
                    Ok(()) => remembers = true,
                    // What is not stored was not told: the next look begins with what the store has.
                    Err(error) => {
                        remembers = false;
                        tracing::warn!(error = chain(&error), "sensors are not looked at");
                    }
                }
            }
            _ = forget.tick(), if leads => {
                let before = observatory.clock.now() - observatory.config.sensors.keep;
                if let Err(error) = observatory.store.forget_reports(before).await {
                    tracing::warn!(error = chain(&error), "old reports are not forgotten");
                }
            }
        }
    }
}

async fn look_at(api: &Api, watch: &mut Watch, remembers: bool) -> Result<(), StorageError> {
    let observatory = &api.observatory;
    let store = &*observatory.store;
    let (mut records, now) = (Vec::new(), observatory.clock.now());
    if !remembers {
        records = watch.remember(&sensors::told(store).await?, now);
    }
    let last = store.last_reports().await?;
    records.extend(watch.look(&last, now));
    if records.is_empty() { Ok(()) } else { store.append_all(&records).await }
}
