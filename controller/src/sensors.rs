//! Reports of sensors: anything outside that saw something.
//!
//! ```text
//!   report ─→ schema of its kind ─→ seen before? ─→ SensorReport ─→ decided ─→ stored, with its record
//!                                    └─ the answer of then
//! ```
//!
//! Reports that are counted together are taken one at a time: how many there were in the last half hour
//! counts each once. A kind says what it counts, and which of its events say how something is: of these
//! a report on which a rule matched and that nobody need be told of ends what was told before.

mod kinds;
mod watch;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use sark_api::ReportTaken;
use sark_core::audit::{AuditRecord, Correlation, Notice, Outcome};
use sark_core::decision::{Action, Decision};
use sark_core::identity::{Identity, is_name};
use sark_core::request::Confidence;
use sark_core::sensor::{Fact, SensorReport};
use sark_core::storage::{Added, Alike, ReportFilter, StorageError, StoredReport};
use sark_core::{Clock, ContentHash};
use sark_decider::{Decided, record};
use sark_policy::decision::Input;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

use crate::Storage;
use crate::api::Throttle;
use crate::decisions::Decisions;
use kinds::Counted;
pub use kinds::{Kind, KindError, Kinds};
pub use watch::Watch;

/// Over which reports of one kind, event and site are counted.
const RECENT: SignedDuration = SignedDuration::from_mins(30);
/// Sensors whose pace is kept one by one.
const MOST: usize = 10_000;
/// Longest idempotency key.
const LONGEST_KEY: usize = 200;

/// What the settings of sensors come to.
pub struct SensorParts {
    /// What may be reported.
    pub kinds: Kinds,
    /// Where reports are kept.
    pub store: Arc<dyn Storage>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Reports of one sensor in a minute.
    pub per_minute: u32,
    /// Who decides.
    pub decisions: Arc<Decisions>,
}

/// Takes reports.
pub struct Sensors {
    kinds: Kinds,
    store: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    decisions: Arc<Decisions>,
    pace: Mutex<Throttle<String>>,
    /// Of what is counted together, one at a time: a decision that is slow holds up few others.
    turns: [tokio::sync::Mutex<()>; 64],
}

/// A report as it is sent.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    id: String,
    #[serde(default)]
    sensor: Option<String>,
    event: String,
    #[serde(default)]
    site: Option<String>,
    #[serde(default)]
    confidence: Option<Confidence>,
    #[serde(default)]
    facts: std::collections::BTreeMap<String, Fact>,
}

/// Why a report is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// There is no such kind.
    #[error("there is no kind of sensor {0:?}")]
    Kind(String),
    /// It is not what its kind may report.
    #[error("the report is wrong: {}", .0.join("; "))]
    Report(Vec<String>),
    /// The idempotency key.
    #[error("the idempotency key is not 1 to {LONGEST_KEY} visible characters")]
    Key,
    /// The same key or id, and another report.
    #[error("{sensor} sent another report as {key:?} before")]
    Differs {
        /// The sensor.
        sensor: String,
        /// The key or id.
        key: String,
    },
    /// Too many.
    #[error("{sensor} reports too much")]
    TooMany {
        /// The sensor.
        sensor: String,
        /// When again.
        wait: Duration,
    },
    /// The store does not answer.
    #[error("cannot use the store")]
    Store(#[from] StorageError),
    /// A defect.
    #[error("the answer cannot be written: {0}")]
    Answer(#[from] serde_json::Error),
}

impl Sensors {
    /// Of these parts.
    #[must_use]
    pub fn new(parts: SensorParts) -> Self {
        let SensorParts { kinds, store, clock, per_minute, decisions } = parts;
        let every = Duration::from_secs(60) / per_minute.max(1);
        let pace = Mutex::new(Throttle::new(per_minute, every, MOST));
        Self { kinds, store, clock, decisions, pace, turns: [(); 64].map(tokio::sync::Mutex::new) }
    }

    /// What may be reported.
    #[must_use]
    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// The reports themselves.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Storage> {
        &self.store
    }

    /// Takes a report of this kind, from its octets. Sent again, it has the answer that it had.
    pub async fn take(
        &self,
        kind: &str,
        octets: &[u8],
        key: Option<&str>,
        by: &Identity,
    ) -> Result<ReportTaken, ReportError> {
        let known = self.kinds.get(kind).ok_or_else(|| ReportError::Kind(kind.to_owned()))?;
        let value: Value = serde_json::from_slice(octets)
            .map_err(|error| ReportError::Report(vec![error.to_string()]))?;
        let mistakes = known.mistakes(&value);
        if !mistakes.is_empty() {
            return Err(ReportError::Report(mistakes));
        }
        // A schema of the operator's may allow more than a report has room for.
        let sent: Sent = serde_json::from_value(value)
            .map_err(|error| ReportError::Report(vec![error.to_string()]))?;
        let sensor = sensor_of(&sent, by)?;
        let key = match key {
            None => format!("id {}", sent.id),
            Some(key) if good_key(key) => format!("key {key}"),
            Some(_) => return Err(ReportError::Key),
        };
        {
            let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
            pace.take(&sensor, Instant::now())
                .map_err(|wait| ReportError::TooMany { sensor: sensor.clone(), wait })?;
        }
        let body = ContentHash::of(octets);
        let _turn = self.turn(kind, &sent).lock().await;
        if let Some(before) = self.store.report(&sensor, &key, &sent.id).await? {
            return again(&before, &key, &body, &sensor);
        }
        let (stored, record) =
            self.made((kind, known), sent, sensor.clone(), key.clone(), body.clone(), by).await?;
        match self.store.add_report(&stored, &record).await? {
            Added::New => Ok(serde_json::from_str(&stored.answer)?),
            // Another sarkd was faster.
            Added::Before(before) => again(&before, &key, &body, &sensor),
        }
    }

    fn turn(&self, kind: &str, sent: &Sent) -> &tokio::sync::Mutex<()> {
        let counted = format!("{kind} {} {}", sent.event, sent.site.as_deref().unwrap_or_default());
        let [first, ..] = ContentHash::of(counted.as_bytes()).digest();
        &self.turns[usize::from(first) % self.turns.len()]
    }

    async fn made(
        &self,
        (name, kind): (&str, &Kind),
        sent: Sent,
        sensor: String,
        key: String,
        body: ContentHash,
        by: &Identity,
    ) -> Result<(StoredReport, AuditRecord), ReportError> {
        let now = self.clock.now();
        let alike = Alike {
            kind: name,
            event: &sent.event,
            site: sent.site.as_deref(),
            after: now - RECENT,
            alerts: kind.counted == Counted::Alerts,
        };
        let before = self.store.count_reports(alike).await?;
        let is_state = kind.is_state(&sent.event);
        let report = SensorReport {
            id: sent.id,
            sensor,
            kind: name.to_owned(),
            event: sent.event,
            site: sent.site,
            confidence: sent.confidence.unwrap_or_else(certain),
            recent: u32::try_from(before.saturating_add(1)).unwrap_or(u32::MAX),
            facts: sent.facts,
        };
        let registry = self.decisions.registry_version();
        let decided = self.decisions.decide(Input::Report(report.clone())).await;
        let decision = decided.as_ref().map(|decided| &decided.decision);
        let taken = ReportTaken {
            id: report.id.clone(),
            sensor: report.sensor.clone(),
            kind: report.kind.clone(),
            recent: report.recent,
            action: decision.map(|decision| decision.action),
            reason: decision.map(|decision| decision.reason.clone()),
        };
        let record = record(&report, is_state, decided.as_ref(), &registry, by, now);
        let answer = serde_json::to_string(&taken)?;
        let actor = by.name.clone();
        // Where nobody decided, nobody said that it counts for nothing.
        let is_alert = taken.action.is_none_or(|action| action >= Action::Alert);
        Ok((StoredReport { key, body, at: now, actor, report, answer, is_alert }, record))
    }

    /// Newest first.
    pub async fn reports(
        &self,
        filter: &ReportFilter,
        limit: u32,
    ) -> Result<Vec<StoredReport>, StorageError> {
        self.store.reports(filter, limit).await
    }
}

/// The sensor that its token says it is; anybody else says which.
fn sensor_of(sent: &Sent, by: &Identity) -> Result<String, ReportError> {
    let wrong = |why: String| Err(ReportError::Report(vec![why]));
    match (by.name.strip_prefix("sensor:"), &sent.sensor) {
        (Some(own), Some(said)) if own != said => {
            wrong(format!("/sensor: the token is that of {own:?}, and not of {said:?}"))
        }
        (Some(own), _) => Ok(own.to_owned()),
        (None, Some(said)) if is_name(said) => Ok(said.clone()),
        (None, Some(_)) => wrong("/sensor: small letters, digits, `-`, `_` and `.`".to_owned()),
        (None, None) => wrong("/sensor: your token is not a sensor's: say which one".to_owned()),
    }
}

fn certain() -> Confidence {
    // One is between zero and one.
    Confidence::try_from(1.0).unwrap_or_default()
}

fn good_key(key: &str) -> bool {
    (1..=LONGEST_KEY).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic())
}

fn again(
    before: &StoredReport,
    key: &str,
    body: &ContentHash,
    sensor: &str,
) -> Result<ReportTaken, ReportError> {
    if before.body == *body {
        return Ok(serde_json::from_str(&before.answer)?);
    }
    let key = if before.key == key { key } else { &before.report.id };
    let key = key.split_once(' ').map_or(key, |(_, key)| key);
    Err(ReportError::Differs { sensor: sensor.to_owned(), key: key.to_owned() })
}

/// What came, and what was decided of it.
#[derive(Serialize)]
struct Detail<'a> {
    report: &'a SensorReport,
    decision: Option<&'a Decision>,
    #[serde(flatten)]
    sets: Option<record::Sets>,
}

fn record(
    report: &SensorReport,
    is_state: bool,
    decided: Option<&Decided>,
    registry: &str,
    by: &Identity,
    now: jiff::Timestamp,
) -> AuditRecord {
    let decision = decided.map(|decided| &decided.decision);
    let detail = Detail { report, decision, sets: decided.map(record::sets_of) };
    let detail = serde_json::to_value(detail).unwrap_or_default();
    let record = AuditRecord::new(now, &by.name, "sensor.report", Outcome::Ok, detail);
    let about = Correlation {
        request: Some(format!("{}:{}", report.sensor, report.id)),
        ..Correlation::default()
    };
    let record = record.about(about);
    let Some(decided) = decided else { return record };
    let record = record.on(record::evidence(decided, registry));
    let decision = &decided.decision;
    let told = record::told(decision);
    let resolved = told.is_none();
    // A report that no rule speaks of says nothing, not even that all is well.
    let ends = decision.matched.first().filter(|_| is_state && resolved);
    let Some(rule) = told.or_else(|| ends.cloned()) else { return record };
    let site = report.site.as_deref().unwrap_or("-");
    let mut facts: std::collections::BTreeMap<String, String> =
        report.facts.iter().map(|(name, fact)| (name.clone(), text(fact))).collect();
    facts.insert("sensor".to_owned(), report.sensor.clone());
    facts.insert("recent".to_owned(), report.recent.to_string());
    // A state lasts until its end is reported.
    let of = if is_state { "sensor.state" } else { "sensor" };
    let notice = Notice {
        key: format!("{of}:{}:{}:{site}", report.kind, report.event),
        title: rule.reason,
        resolved,
        routes: record::routes(decision),
        runbook: Some("sensors".to_owned()),
        facts,
    };
    record.told(decision.severity, notice)
}

fn text(fact: &Fact) -> String {
    match fact {
        Fact::Flag(value) => value.to_string(),
        Fact::Count(value) => value.to_string(),
        Fact::Measure(value) => value.to_string(),
        Fact::Text(value) => value.clone(),
    }
}
