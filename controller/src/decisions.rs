//! Decision sets: which one decides, and what becomes of what it decides.
//!
//! ```text
//!   source ─┐ checked, compiled          one transaction               every sarkd looks
//!   API ────┴──────────────────→ Taken ──────────────────→ rollout ──────────────────────→ Decider
//!                                          with its record      ↑
//!                                                    rollback ──┴── a canary that left its band
//! ```
//!
//! What decides is the newest rollout in the store: of several `sarkd` each follows it, and after a
//! restart it is there without asking the source. A set is taken from the source once; what was taken
//! back comes again when the source has another.

mod compared;
mod keeper;
mod rollout;
mod source;
mod taken;
mod view;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sark_api::config::{BandConfig, DecisionsConfig};
use sark_api::{Problem, Wanted};
use sark_core::audit::{AuditRecord, Flow};
use sark_core::decision::{Action, Decision, ENGINE};
use sark_core::storage::StorageError;
use sark_core::{Clock, ContentHash};
use sark_decider::{Band, Breach, Decided, Decider, PoolSettings, Question, Settings};
use sark_policy::decision::{Input, WorkerError};
use sark_trail::{Full, Trail};
use tokio::sync::{Notify, watch};

pub use source::{Source, SourceSettings};
pub use taken::{Keys, Material, TakeError, Taken};

use crate::trail::Keep;
use crate::{Metrics, RegistryHolder, Storage};

/// What decisions are made of.
pub struct DecisionParts {
    /// Where sets are kept and from.
    pub sets: Sets,
    /// What endpoints are.
    pub registry: Arc<RegistryHolder>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// How sets decide.
    pub settings: Settings,
    /// How far a set of the source goes.
    pub stage: Wanted,
    /// See `stage`.
    pub percent: u8,
}

/// Where sets are kept, and where they are from.
pub struct Sets {
    /// Sets and rollouts. Any `sarkd` may write them: their numbers say who was first.
    pub store: Arc<dyn Storage>,
    /// How sets are read.
    pub keys: Arc<Keys>,
    /// Where the set is from.
    pub source: Option<Arc<Source>>,
}

/// Decides, and keeps what decides.
pub struct Decisions {
    parts: DecisionParts,
    decider: Arc<Decider>,
    turn: tokio::sync::Mutex<Turn>,
    /// Held while the source is asked, so that nobody else waits for that.
    seen: tokio::sync::Mutex<source::Seen>,
    problems: Mutex<BTreeMap<&'static str, Problem>>,
    /// A canary that left its band, until that is stored.
    over: Mutex<Option<(ContentHash, Breach)>>,
    /// There is one.
    left: Notify,
    /// The source shall be asked.
    ask: Notify,
    /// Other sets are in use.
    put: watch::Sender<()>,
}

/// For one at a time.
#[derive(Debug, Default)]
struct Turn {
    /// Number of the rollout in use.
    number: u64,
}

/// Why a set is not put to use.
#[derive(Debug, thiserror::Error)]
pub enum DecisionsError {
    /// It is no set, or not signed.
    #[error(transparent)]
    Take(#[from] TakeError),
    /// A worker cannot be made of it.
    #[error("the set cannot be put to use")]
    Worker(#[from] WorkerError),
    /// Not one of those that are stored.
    #[error("there is no decision set {0:?}")]
    Unknown(String),
    /// What is asked for is wrong.
    #[error("{0}")]
    Input(&'static str),
    /// Somebody was faster.
    #[error("rollout {found} is the newest, and not {expected}")]
    Unexpected {
        /// As the caller thought.
        expected: u64,
        /// As it is.
        found: u64,
    },
    /// Nothing to go back to.
    #[error("there is neither a candidate nor an earlier set to go back to")]
    NothingBefore,
    /// The source.
    #[error("decisions.source cannot be had: {0}")]
    Source(String),
    /// No source.
    #[error("decisions.source names no source")]
    NoSource,
    /// The store.
    #[error("cannot use the store")]
    Store(#[from] StorageError),
    /// A defect.
    #[error("it was not done: {0}")]
    Join(#[from] tokio::task::JoinError),
}

/// How sets decide, as the configuration says.
#[must_use]
pub fn settings(config: &DecisionsConfig) -> Settings {
    let BandConfig { denied, failed, after } = config.canary;
    let patience = Duration::try_from(config.patience).unwrap_or_default();
    let (threads, queue) = (usize::from(config.threads), config.queue);
    Settings {
        pool: PoolSettings { threads, queue, patience, ..PoolSettings::default() },
        band: Band { denied, failed, after },
    }
}

/// How long an answer waits for its record; less than a request may take.
const ON_THE_DISK: Duration = Duration::from_secs(10);

/// What a decision is asked for with.
pub struct Asked {
    /// On what.
    pub input: Input,
    /// Who asks.
    pub by: String,
    /// Texts that a policy may want kept.
    pub texts: BTreeMap<String, String>,
    /// The flow that it is about.
    pub flow: Option<Flow>,
    /// Whether the answer waits until its record is on the disk.
    pub durable: bool,
}

impl Decisions {
    /// Of these parts, with nothing in use until [`follow`](Self::follow).
    #[must_use]
    pub fn new(parts: DecisionParts) -> Self {
        let decider = Arc::new(Decider::new(parts.settings));
        let (turn, seen, problems, over, left, ask) = Default::default();
        let put = watch::Sender::default();
        Self { parts, decider, turn, seen, problems, over, left, ask, put }
    }

    /// What the active set says, only to see it; nothing if no set is active.
    pub async fn look(&self, input: Input) -> Option<Decided> {
        self.decider.look(self.question(input)).await
    }

    fn question(&self, input: Input) -> Question {
        let facts = input.facts(&self.parts.registry.snapshot());
        Question { input, facts, at: self.parts.clock.now() }
    }

    /// Decides; the caller writes the record. Nothing if no set is active.
    pub async fn decide(&self, input: Input) -> Option<Decided> {
        self.answer(Arc::new(self.question(input))).await
    }

    async fn answer(&self, question: Arc<Question>) -> Option<Decided> {
        let line = question.input.line();
        let decided = self.decider.decide(question).await?;
        self.parts.metrics.decided(line, &decided);
        if let Some(over) = &decided.breach {
            // It decides no more already; soon for everybody, and after a restart.
            *self.over.lock().unwrap_or_else(PoisonError::into_inner) = Some(over.clone());
            self.left.notify_one();
            self.put.send_replace(());
        }
        Some(decided)
    }

    /// Version of the registry that decisions see now.
    #[must_use]
    pub fn registry_version(&self) -> String {
        self.parts.registry.snapshot().version().to_string()
    }

    /// Reads, checks and compiles a set; nothing is put to use.
    pub async fn take(&self, material: Material, origin: &str) -> Result<Taken, DecisionsError> {
        let (keys, origin) = (Arc::clone(&self.parts.sets.keys), origin.to_owned());
        Ok(tokio::task::spawn_blocking(move || keys.take(material, &origin)).await??)
    }

    /// Decides, and the trail has it. What the trail does not take is not allowed.
    pub async fn decide_on(&self, asked: Asked, trail: &Trail, keep: &Keep) -> Option<Decided> {
        let Asked { input, by, texts, flow, durable } = asked;
        let registry = self.registry_version();
        let question = Arc::new(self.question(input));
        let mut decided = self.answer(Arc::clone(&question)).await?;
        let record = sark_decider::record::of(&question, &decided, &by, &registry);
        let mut record = record.map(|detail| serde_json::to_value(detail).unwrap_or_default());
        record.about.flow = flow;
        let plain = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let record = keep.into_record(record, &decided.decision, &plain);
        let taken = if durable {
            on_the_disk(trail, &record).await
        } else {
            trail.record(&record).map_err(|full| full.to_string())
        };
        if let Err(reason) = taken
            && decided.decision.allow
        {
            decided.decision = Decision::without_rule(Action::Deny, ENGINE, "unrecorded", reason);
        }
        Some(decided)
    }
}

/// Waits until the record is on the disk, but not for room in the spool, and not for ever.
async fn on_the_disk(trail: &Trail, record: &AuditRecord) -> Result<(), String> {
    if !trail.has_room() {
        return Err(Full.to_string());
    }
    match tokio::time::timeout(ON_THE_DISK, trail.durable(record)).await {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(_) => Err(format!("its record was not on the disk within {ON_THE_DISK:?}")),
    }
}
