//! Hears the speaker and says "look".

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use sark_flowspec::Speaker;
use tokio_util::sync::CancellationToken;

use super::Signals;
use crate::chain;

/// Events within this time of each other are one.
const TOGETHER: Duration = Duration::from_millis(100);
/// Between two tries to watch.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(5);

/// Keeps a watch on the speaker. Events carry nothing: they start a round, which reads everything
/// itself; a missed one costs one interval at most.
pub struct Watcher {
    speaker: Arc<dyn Speaker>,
    signals: Arc<Signals>,
}

impl Watcher {
    /// Starts nothing; see [`run`](Self::run).
    #[must_use]
    pub fn new(speaker: Arc<dyn Speaker>, signals: Arc<Signals>) -> Self {
        Self { speaker, signals }
    }

    /// Until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.watch() => {}
        }
    }

    async fn watch(&self) {
        let mut pause = FIRST;
        loop {
            match self.speaker.watch().await {
                Ok(mut events) => {
                    tracing::debug!("watching the BGP speaker");
                    pause = FIRST;
                    // What happened before the watch was not heard.
                    self.signals.wake.notify_one();
                    while events.next().await.is_some() {
                        let quiet = tokio::time::sleep(TOGETHER);
                        tokio::pin!(quiet);
                        // A speaker that never stops talking is heard every TOGETHER all the same.
                        loop {
                            tokio::select! {
                                () = &mut quiet => break,
                                event = events.next() => if event.is_none() { break },
                            }
                        }
                        self.signals.look.notify_one();
                    }
                    tracing::warn!("the BGP speaker ended the watch");
                    self.signals.look.notify_one();
                }
                Err(error) => tracing::debug!(error = chain(&error), "cannot watch the speaker"),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST);
        }
    }
}
