//! One sink and its task.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sark_alerts::config::SinkConfig;
use sark_alerts::{Message, SELF_KEY, Verdict, Words};
use sark_core::audit::{AuditRecord, Notice, Outcome};
use sark_core::decision::Severity;
use sark_core::storage::StorageError;
use sark_core::storage::alerts::{Delivery, DeliveryState, Settled};
use serde_json::json;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::bucket::Bucket;
use super::deliver::{Deliver, Secrets, build};
use super::{Alerts, BACKOFF};
use crate::events::{AlertAttempted, AlertStoreFailed, Attempted, Event};
use crate::registrar::OURSELVES;

/// Deliveries read at once.
const BATCH: u32 = 32;
/// Looks for what is due at least so often.
const LOOK: Duration = Duration::from_secs(60);
/// After a failure a sink is left alone for so long at most, unless it asked for more.
const HOLD: Duration = Duration::from_secs(30);
/// After so many failures in a row the other sinks are told.
const COMPLAIN: u32 = 5;

/// One sink.
pub(super) struct Sink {
    pub(super) name: String,
    pub(super) config: SinkConfig,
    pub(super) wake: Notify,
    secrets: Secrets,
    /// Made when it is needed, and anew after a failure: a secret may have changed.
    built: Mutex<Option<Arc<dyn Deliver>>>,
}

/// What a sink's task knows.
struct Run<'a> {
    sink: &'a Sink,
    bucket: Bucket,
    failures: u32,
    /// The others were told that it does not work.
    complained: bool,
}

impl Sink {
    pub(super) fn new(config: SinkConfig, secrets: Secrets) -> Self {
        let (wake, built) = (Notify::new(), Mutex::new(None));
        Self { name: config.name.clone(), config, wake, secrets, built }
    }

    /// One attempt, within the sink's time.
    pub(super) async fn attempt(&self, message: &Message, id: &str, now: Timestamp) -> Verdict {
        let deliver = match self.deliver().await {
            Ok(deliver) => deliver,
            Err(why) => return Verdict::Retry { after: None, why },
        };
        let template = &self.config.template;
        let words = Words::of(message, template.title.as_ref(), template.text.as_ref());
        let limit = Duration::try_from(self.config.timeout).unwrap_or(Duration::from_secs(10));
        let attempt = tokio::time::timeout(limit, deliver.deliver(message, &words, id, now)).await;
        let verdict = attempt.unwrap_or_else(|_| Verdict::Retry {
            after: None,
            why: format!("no answer within {} s", limit.as_secs()),
        });
        if !matches!(verdict, Verdict::Delivered { .. }) {
            *self.built.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        verdict
    }

    async fn deliver(&self) -> Result<Arc<dyn Deliver>, String> {
        if let Some(built) = &*self.built.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(Arc::clone(built));
        }
        // Reads files: secrets, authorities.
        let (config, secrets) = (self.config.clone(), Arc::clone(&self.secrets));
        let made = tokio::task::spawn_blocking(move || build(&config, &secrets)).await;
        let made = made.map_err(|error| error.to_string())??;
        *self.built.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&made));
        Ok(made)
    }

    /// What is told of it has this key.
    pub(super) fn key(&self) -> String {
        format!("{SELF_KEY}{}", self.name)
    }
}

impl Alerts {
    /// Delivers to one sink what is due, until `stop`.
    pub async fn run_sink(self: Arc<Self>, name: String, stop: CancellationToken) {
        let Ok(sink) = self.sink(&name) else { return };
        let known = self.store.alert_groups(&[sink.key()]).await;
        let mut run = Run {
            sink,
            bucket: Bucket::new(sink.config.per_minute, Instant::now()),
            failures: 0,
            complained: known.is_ok_and(|groups| !groups.is_empty()),
        };
        loop {
            let hold = match self.pass(&mut run, &stop).await {
                Ok(hold) => hold,
                Err(error) => {
                    AlertStoreFailed { what: "deliveries", error: &error }.emit(&self.metrics);
                    Some(HOLD)
                }
            };
            if stop.is_cancelled() {
                return;
            }
            if let Some(hold) = hold {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(hold) => continue,
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = sink.wake.notified() => {}
                () = tokio::time::sleep(self.idle(sink).await) => {}
            }
        }
    }

    /// Until the next is due.
    async fn idle(&self, sink: &Sink) -> Duration {
        let Ok(Some(next)) = self.store.next_due(&sink.name).await else { return LOOK };
        let pause = next.duration_since(self.clock.now());
        Duration::try_from(pause).unwrap_or_default().clamp(Duration::from_millis(10), LOOK)
    }

    /// Attempts what is due. For how long to leave the sink alone then, if it failed.
    async fn pass(
        &self,
        run: &mut Run<'_>,
        stop: &CancellationToken,
    ) -> Result<Option<Duration>, StorageError> {
        loop {
            let due = self.store.due(&run.sink.name, self.clock.now(), BATCH).await?;
            if due.is_empty() {
                return Ok(None);
            }
            for delivery in due {
                let wait = run.bucket.take(Instant::now());
                tokio::select! {
                    () = stop.cancelled() => return Ok(None),
                    () = tokio::time::sleep(wait) => {}
                }
                let hold = tokio::select! {
                    // What is under way is attempted again, with the same key.
                    () = stop.cancelled() => return Ok(None),
                    hold = self.one(run, &delivery) => hold?,
                };
                if hold.is_some() {
                    return Ok(hold);
                }
            }
        }
    }

    async fn one(
        &self,
        run: &mut Run<'_>,
        delivery: &Delivery,
    ) -> Result<Option<Duration>, StorageError> {
        let sink = run.sink;
        let message: Option<Message> = serde_json::from_value(delivery.message.clone()).ok();
        let verdict = match &message {
            Some(message) => sink.attempt(message, &delivery.id, self.clock.now()).await,
            None => Verdict::Dead { why: "another version wrote it: it cannot be read".into() },
        };
        let attempts = delivery.attempts.saturating_add(1);
        let now = self.clock.now();
        let settled = |state, due_at, note: &str| Settled {
            number: delivery.number,
            state,
            attempts,
            due_at,
            at: now,
            note: note.to_owned(),
        };
        let emit = |came| {
            let (sink, key) = (sink.name.as_str(), delivery.key.as_str());
            AlertAttempted { sink, key, attempts, came }.emit(&self.metrics);
        };
        match verdict {
            Verdict::Delivered { said } => {
                run.failures = 0;
                let record = run.complained.then(|| self.works_again(sink, now));
                let settled = settled(DeliveryState::Delivered, now, &said);
                self.store.settle(&settled, record.as_ref()).await?;
                run.complained = false;
                emit(Attempted::Delivered);
                Ok(None)
            }
            Verdict::Retry { after, why } if attempts < sink.config.attempts => {
                run.failures = run.failures.saturating_add(1);
                let pause = BACKOFF.pause(attempts, after, self.seed ^ delivery.number);
                let due_at = SignedDuration::try_from(pause)
                    .ok()
                    .and_then(|pause| now.checked_add(pause).ok())
                    .unwrap_or(now);
                let is_news = run.failures >= COMPLAIN && !run.complained;
                let record = is_news.then(|| self.does_not_work(sink, now, &why));
                let settled = settled(DeliveryState::Pending, due_at, &why);
                self.store.settle(&settled, record.as_ref()).await?;
                run.complained |= is_news;
                emit(Attempted::Retry(&why));
                Ok(Some(after.unwrap_or_default().max(pause.min(HOLD))))
            }
            Verdict::Retry { why, .. } | Verdict::Dead { why } => {
                run.failures = run.failures.saturating_add(1);
                // An alert about an alert is told once: what is lost of it is only recorded.
                let about_alerts = message.as_ref().and_then(Message::about_sink).is_some();
                let mut record = self.dead(sink, delivery, now, attempts, &why);
                if !about_alerts {
                    record = record.told(Severity::High, self.notice(sink, &why, false));
                    run.complained = true;
                }
                let settled = settled(DeliveryState::Dead, now, &why);
                self.store.settle(&settled, Some(&record)).await?;
                emit(Attempted::Dead(&why));
                Ok(None)
            }
        }
    }

    fn dead(
        &self,
        sink: &Sink,
        delivery: &Delivery,
        now: Timestamp,
        attempts: u32,
        why: &str,
    ) -> AuditRecord {
        let detail = json!({
            "sink": sink.name, "delivery": delivery.number, "alert": delivery.key,
            "attempts": attempts, "why": why,
        });
        AuditRecord::new(now, OURSELVES, "alerts.dead", Outcome::Failed, detail)
    }

    fn does_not_work(&self, sink: &Sink, now: Timestamp, why: &str) -> AuditRecord {
        let detail = json!({ "sink": sink.name, "why": why });
        AuditRecord::new(now, OURSELVES, "alerts.sink", Outcome::Failed, detail)
            .told(Severity::High, self.notice(sink, why, false))
    }

    fn works_again(&self, sink: &Sink, now: Timestamp) -> AuditRecord {
        let detail = json!({ "sink": sink.name });
        AuditRecord::new(now, OURSELVES, "alerts.sink", Outcome::Ok, detail)
            .told(Severity::High, self.notice(sink, "it takes alerts again", true))
    }

    fn notice(&self, sink: &Sink, why: &str, resolved: bool) -> Notice {
        let title = match resolved {
            false => format!("Alerts do not reach {}: {why}", sink.name),
            true => format!("Alerts reach {} again", sink.name),
        };
        Notice {
            key: sink.key(),
            title,
            resolved,
            routes: Vec::new(),
            runbook: Some("alerts".to_owned()),
            facts: [("sink".to_owned(), sink.name.clone()), ("why".to_owned(), why.to_owned())]
                .into(),
        }
    }
}
