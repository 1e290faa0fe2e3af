//! Spans that wait, and the task that sends them.
//!
//! As many spans wait as the queue has places, a trace with all of its spans or not at all; what comes when
//! there is no place is dropped and counted. One batch is on its way at a time. The end has a deadline: what is
//! not taken by then is counted too, also what is on its way, of which nobody knows whether it was.

use std::sync::Arc;
use std::time::Duration;

use sark_outbound::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use sark_outbound::{Client, OutboundError, Request, StatusCode, Url};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio_util::sync::CancellationToken;

use crate::metrics::{TraceMetrics, Why};
use crate::otlp::{self, Resource};
use crate::span::Span;

/// What of an answer is read.
const BEGINNING: usize = 64 << 10;
/// The longest that a collector may have us wait before the second try.
const MOST_PATIENCE: Duration = Duration::from_secs(30);

/// How many spans at a time, and when.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Spans that wait.
    pub waiting: usize,
    /// Spans of one request to the collector.
    pub batch: usize,
    /// How long the first of a batch waits for others.
    pub every: Duration,
    /// For one request.
    pub within: Duration,
    /// Before the second try, and up to as long again.
    pub backoff: Duration,
    /// For all that is still to be sent at the end.
    pub last: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            waiting: 4096,
            batch: 512,
            every: Duration::from_secs(5),
            within: Duration::from_secs(10),
            backoff: Duration::from_secs(1),
            last: Duration::from_secs(3),
        }
    }
}

/// Where spans wait.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    queue: Sender<Span>,
    metrics: Arc<TraceMetrics>,
}

impl Waiting {
    /// All spans of a trace, or none of them.
    pub(crate) fn put(&self, spans: Vec<Span>) {
        match self.queue.try_reserve_many(spans.len()) {
            Ok(places) => places.zip(spans).for_each(|(place, span)| place.send(span)),
            Err(TrySendError::Full(())) => self.metrics.drop_and_count(spans.len(), Why::Full),
            Err(TrySendError::Closed(())) => self.metrics.drop_and_count(spans.len(), Why::Ended),
        }
    }

    /// A client's choice does not count.
    pub(crate) fn unheeded(&self) {
        self.metrics.unheeded();
    }
}

/// The collector, and how it is asked.
pub(crate) struct Collector {
    pub(crate) client: Client,
    pub(crate) url: Url,
    pub(crate) resource: Resource,
}

/// Why spans were not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error("the collector does not answer within {0:?}")]
    Late(Duration),
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error("the collector said {status}")]
    Said { status: StatusCode, after: Option<Duration> },
}

impl SendError {
    /// By the specification of OTLP over HTTP: these, and no others, may be sent again.
    fn may_again(&self) -> bool {
        match self {
            Self::Late(_) => true,
            Self::Outbound(error) => !matches!(
                error,
                OutboundError::NotPublic(_) | OutboundError::Redirect(_) | OutboundError::Tls(_)
            ),
            Self::Said { status, .. } => matches!(status.as_u16(), 429 | 502 | 503 | 504),
        }
    }

    pub(crate) fn why(&self) -> Why {
        match self {
            Self::Said { .. } if !self.may_again() => Why::Refused,
            _ => Why::Away,
        }
    }
}

/// Sends spans to the collector, until it is told to stop.
pub struct Exporter {
    queue: Receiver<Span>,
    /// What is sent now, or next.
    batch: Vec<Span>,
    collector: Collector,
    pace: Pace,
    metrics: Arc<TraceMetrics>,
    is_away: bool,
}

impl std::fmt::Debug for Exporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exporter").field("pace", &self.pace).finish_non_exhaustive()
    }
}

impl Exporter {
    pub(crate) fn new(
        collector: Collector,
        pace: Pace,
        metrics: Arc<TraceMetrics>,
    ) -> (Waiting, Self) {
        // Full: what comes is dropped and counted.
        let (sender, queue) = channel(pace.waiting.max(1));
        let waiting = Waiting { queue: sender, metrics: Arc::clone(&metrics) };
        let batch = Vec::with_capacity(pace.batch);
        (waiting, Self { queue, batch, collector, pace, metrics, is_away: false })
    }

    /// Sends batch after batch. When `stop` is cancelled nothing more is taken, and what waits is sent once,
    /// as long as the collector takes it and the end has time.
    pub async fn run(mut self, stop: CancellationToken) {
        let last = self.pace.last;
        let deadline = async {
            stop.cancelled().await;
            tokio::time::sleep(last).await;
        };
        tokio::select! {
            () = self.send_all(&stop) => {}
            () = deadline => {}
        }
        // What is being put just now comes, too: it is counted with the rest.
        self.queue.close();
        while self.queue.recv_many(&mut self.batch, self.pace.waiting.max(1)).await > 0 {}
    }

    async fn send_all(&mut self, stop: &CancellationToken) {
        loop {
            let is_last = self.collect(stop).await;
            if !self.batch.is_empty() {
                self.export(stop).await;
            }
            if is_last || (self.is_away && stop.is_cancelled()) {
                return;
            }
        }
    }

    /// The next batch; whether it is the last.
    async fn collect(&mut self, stop: &CancellationToken) -> bool {
        let Self { queue, batch, pace, .. } = self;
        let most = pace.batch.max(1);
        let late = tokio::time::sleep(pace.every);
        tokio::pin!(late);
        while batch.len() < most {
            let (is_empty, stops) = (batch.is_empty(), queue.is_closed());
            let room = most - batch.len();
            tokio::select! {
                biased;
                () = stop.cancelled(), if !stops => queue.close(),
                many = queue.recv_many(batch, room) => {
                    if many == 0 {
                        return true;
                    }
                    if is_empty {
                        late.as_mut().reset(tokio::time::Instant::now() + pace.every);
                    }
                }
                () = &mut late, if !is_empty && !stops => return false,
            }
        }
        false
    }

    /// Sends the batch, and once more if that may help.
    async fn export(&mut self, stop: &CancellationToken) {
        let mut sent = self.send().await;
        if let Err(error) = &sent
            && error.may_again()
            && !stop.is_cancelled()
        {
            tokio::select! {
                () = tokio::time::sleep(self.patience(error)) => {}
                () = stop.cancelled() => {}
            }
            sent = self.send().await;
        }
        let was_away = std::mem::replace(&mut self.is_away, sent.is_err());
        let spans = self.batch.len();
        self.batch.clear();
        match sent {
            Ok(rejected) => self.metrics.took(spans, rejected, was_away),
            Err(error) => self.metrics.lost(spans, &error, was_away),
        }
    }

    /// As the collector says, or a while that is another for each of several programs.
    fn patience(&self, error: &SendError) -> Duration {
        if let SendError::Said { after: Some(after), .. } = error {
            return (*after).min(MOST_PATIENCE);
        }
        let mut random = [0];
        // Without randomness it is the shortest.
        let _ = getrandom::fill(&mut random);
        self.pace.backoff + self.pace.backoff * u32::from(random[0]) / 255
    }

    /// How many of them it did not want.
    async fn send(&self) -> Result<u64, SendError> {
        let Collector { client, url, resource } = &self.collector;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        let request = Request::post(url.clone(), headers, otlp::request(resource, &self.batch));
        let asked = async {
            let answer = client.send(request).await?;
            let status = answer.status();
            if status.is_success() {
                return Ok(otlp::rejected(&answer.beginning(BEGINNING).await));
            }
            let after = answer.headers().get(RETRY_AFTER).and_then(|after| after.to_str().ok());
            let after = after.and_then(|after| after.parse().ok()).map(Duration::from_secs);
            Err(SendError::Said { status, after })
        };
        let answered = tokio::time::timeout(self.pace.within, asked).await;
        answered.unwrap_or(Err(SendError::Late(self.pace.within)))
    }
}

impl Drop for Exporter {
    /// What was not sent by now never is.
    fn drop(&mut self) {
        self.queue.close();
        let waited = std::iter::from_fn(|| self.queue.try_recv().ok()).count();
        self.metrics.ended(self.batch.len() + waited);
    }
}
