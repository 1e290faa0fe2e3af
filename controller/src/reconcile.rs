//! Level-triggered: look at what should be and at what is, and move the one towards the other.

mod keeper;
mod pace;
mod round;
mod watcher;

use std::sync::Arc;
use std::time::Duration;

use sark_api::ReconcileView;
use sark_core::Clock;
use sark_flowspec::Speaker;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::chain;
use crate::events::{Event, RoundDone, RoundFailed};
use crate::{DesiredState, Metrics};
pub use keeper::{Keeper, KeeperError, Unkept};
use pace::Pace;
pub(crate) use round::is_ours;
pub use round::{Report, RoundError, round_deadline};
pub use watcher::Watcher;

/// From `stop` to the end of a round that hangs.
const GRACE: Duration = Duration::from_secs(5);

/// How others ask for a round. Any number of askers make one round.
#[derive(Debug, Default)]
pub struct Signals {
    /// Now, even while backing off: a new revision, a new registry, a speaker that came back.
    pub wake: Notify,
    /// When convenient: the speaker says that something changed.
    pub look: Notify,
}

/// Runs rounds: at a fixed interval, when signalled, when a policy begins or ends by itself, and
/// again at once after a round that changed something, to see whether it took. A round that fails
/// is repeated by the next one, later each time.
pub struct Reconciler {
    desired: Arc<DesiredState>,
    speaker: Arc<dyn Speaker>,
    keeper: Box<dyn Keeper>,
    clock: Arc<dyn Clock>,
    signals: Arc<Signals>,
    status: watch::Sender<ReconcileView>,
    metrics: Arc<Metrics>,
    pace: Pace,
}

impl Reconciler {
    /// Starts nothing; see [`run`](Self::run). The receiver always has the newest status.
    #[must_use]
    pub fn new(
        desired: Arc<DesiredState>,
        speaker: Arc<dyn Speaker>,
        keeper: Box<dyn Keeper>,
        clock: Arc<dyn Clock>,
        signals: Arc<Signals>,
        interval: Duration,
        metrics: Arc<Metrics>,
    ) -> (Self, watch::Receiver<ReconcileView>) {
        let (status, receiver) = watch::channel(ReconcileView::default());
        let pace = Pace::new(interval);
        (Self { desired, speaker, keeper, clock, signals, status, metrics, pace }, receiver)
    }

    /// Until `stop`; a round under way has a few seconds to end, and may be cut at any point.
    /// Then the keeper is told.
    pub async fn run(mut self, stop: CancellationToken) {
        // What the table holds stays until it is known which proxies are there.
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.desired.settled() => {}
        }
        while !stop.is_cancelled() {
            let last_call = async {
                stop.cancelled().await;
                tokio::time::sleep(GRACE).await;
            };
            let outcome = tokio::select! {
                outcome = self.round() => outcome,
                () = last_call => {
                    tracing::warn!("stopping in the middle of a round");
                    break;
                }
            };
            self.pace.after(&outcome);
            self.wait(outcome.ok().as_ref(), &stop).await;
        }
        self.keeper.stop().await;
    }

    async fn wait(&self, report: Option<&Report>, stop: &CancellationToken) {
        let now = self.clock.now();
        let next_change = report.and_then(|r| r.next_change);
        let delay = tokio::time::sleep(self.pace.delay(now, next_change));
        tokio::pin!(delay);
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.signals.wake.notified() => {}
            () = self.signals.look.notified(), if self.pace.may_look() => {}
            () = &mut delay => {}
        }
    }

    async fn round(&mut self) -> Result<Report, RoundError> {
        let begun = tokio::time::Instant::now();
        let outcome =
            round::run(&self.desired, &*self.speaker, &mut *self.keeper, self.clock.now()).await;
        let took = begun.elapsed();
        let ended = self.clock.now();
        self.status.send_modify(|status| {
            status.rounds += 1;
            status.last_round = Some(ended);
            status.last_ms = Some(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
            match &outcome {
                Ok(report) => {
                    status.converged = report.converged();
                    status.revision = report.revision;
                    status.failures = 0;
                    status.last_success = Some(ended);
                    status.desired = report.desired;
                    status.in_place = report.in_place;
                    status.foreign = report.foreign;
                    status.orphaned = report.orphaned;
                    status.error = None;
                    status.next_change = report.next_change;
                }
                Err(error) => {
                    status.converged = false;
                    status.failures += 1;
                    status.error = Some(chain(error));
                }
            }
        });
        match &outcome {
            Ok(report) => RoundDone { report, took }.emit(&self.metrics),
            Err(error) => RoundFailed { error, took }.emit(&self.metrics),
        }
        outcome
    }
}
