//! Tells systemd how we are. Does nothing without `NOTIFY_SOCKET`.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::Leadership;
use crate::reconcile::round_deadline;
use sark_api::ReconcileView;

/// The API answers.
pub(crate) fn ready() {
    notify(&[NotifyState::Ready]);
}

/// The drain has begun.
pub(crate) fn stopping() {
    notify(&[NotifyState::Stopping]);
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "the service manager does not listen");
    }
}

/// Feeds systemd's watchdog while rounds go on, until `stop`. A reconciler that has not ended a
/// round for its interval and twice its deadline is stuck: then the feeding ends, and systemd
/// restarts us.
pub(crate) async fn watchdog(
    reconcile: watch::Receiver<ReconcileView>,
    leadership: Leadership,
    interval: Duration,
    stop: CancellationToken,
) {
    let Some(period) = sd_notify::watchdog_enabled() else { return };
    let patience = interval + round_deadline() * 2;
    let (mut rounds, mut since) = (0, tokio::time::Instant::now());
    loop {
        let now_at = reconcile.borrow().rounds;
        // Who follows makes none.
        if now_at != rounds || !leadership.leads() {
            (rounds, since) = (now_at, tokio::time::Instant::now());
        }
        if since.elapsed() < patience {
            notify(&[NotifyState::Watchdog]);
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(period / 2) => {}
        }
    }
}
