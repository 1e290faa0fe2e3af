//! What has to be looked at now and then: calls and refusals to be told, sensors that are silent,
//! approvals whose time is over, old reports.

use std::sync::Arc;
use std::time::Duration;

use sark_core::storage::StorageError;
use sark_core::storage::alerts::AlertStore;
use tokio_util::sync::CancellationToken;

use crate::alerts::Before;
use crate::api::Api;
use crate::chain;
use crate::sensors::Watch;

/// How often reports that are old are forgotten.
const FORGET: Duration = Duration::from_secs(600);
/// How often refusals that were counted are told.
const TELL: Duration = Duration::from_secs(10);

/// How often approvals are looked at on which nobody decided.
const EXPIRE: Duration = Duration::from_secs(10);

/// Until the dispatcher of alerts has read what was written before.
const SOON: Duration = Duration::from_secs(1);

/// What was told of sensors before a start.
enum Told {
    Known,
    Not(Before),
}

impl Told {
    const fn is_known(&self) -> bool {
        matches!(self, Self::Known)
    }
}

/// Until `stop`. Of several on one store, the leader looks at sensors and approvals, and forgets.
pub(super) async fn run(
    api: Api,
    alerts: Arc<dyn AlertStore>,
    leads: bool,
    stop: CancellationToken,
) {
    let observatory = &api.observatory;
    let expected = observatory.config.sensors.expected.clone();
    let mut watch = Watch::new(expected, observatory.started_at);
    let mut told = Told::Not(Before::default());
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
            _ = look.tick(), if leads && (!watch.is_empty() || !told.is_known()) => {
                match look_at(&api, &*alerts, &mut watch, &mut told).await {
                    Ok(()) if told.is_known() => {}
                    Ok(()) => look.reset_after(SOON),
                    // What is not stored was not told: the next look begins with what the store has.
                    Err(error) => {
                        told = Told::Not(Before::default());
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

/// Nothing is said until it is known what was told before.
async fn look_at(
    api: &Api,
    alerts: &dyn AlertStore,
    watch: &mut Watch,
    told: &mut Told,
) -> Result<(), StorageError> {
    let observatory = &api.observatory;
    let store = &*observatory.store;
    let (mut records, now) = (Vec::new(), observatory.clock.now());
    if let Told::Not(before) = told {
        let Some(open) = before.open(alerts, store).await? else { return Ok(()) };
        records = watch.remember(open.into_iter().map(|group| group.key), now);
        *told = Told::Known;
    }
    let last = store.last_reports().await?;
    records.extend(watch.look(&last, now));
    if records.is_empty() { Ok(()) } else { store.append_all(&records).await }
}
