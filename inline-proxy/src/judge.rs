//! What may happen to a request: asked of the decision set, and recorded before it is done.

use std::fmt::{Debug, Display};
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use sark_core::audit::{AuditRecord, Flow as FiveTuple};
use sark_core::decision::{Action, Decision, ENGINE};
use sark_core::{Clock, Request};
use sark_decider::{Decider, Question, record};
use sark_detect::Dialect;
use sark_policy::decision::Input;
use sark_prices::PriceList;
use sark_registry::Snapshot;
use sark_trail::{Full, Trail};
use serde::{Deserialize, Serialize, Serializer};

use crate::flow::Target;

/// What is known of the world: swapped as a whole, and never changed.
#[derive(Debug, Clone)]
pub struct Known {
    /// Endpoints.
    pub registry: Arc<Snapshot>,
    /// Prices, if there is a list.
    pub prices: Option<Arc<PriceList>>,
}

/// What happens where no decision can be had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fail {
    /// It is denied.
    #[default]
    Closed,
    /// It goes on.
    Open,
}

/// Decides, by the set in use.
pub struct Judge {
    decider: Arc<Decider>,
    known: RwLock<Arc<Known>>,
    trail: Trail,
    clock: Arc<dyn Clock>,
    /// Of no decision set.
    without_set: Fail,
    /// Who asks, as records say.
    actor: String,
}

impl std::fmt::Debug for Judge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Judge").field("actor", &self.actor).finish_non_exhaustive()
    }
}

/// What records say beside the request itself.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Aside<'a> {
    /// Where the connection came in.
    pub entrance: &'static str,
    /// What it meant.
    #[serde(serialize_with = "shown")]
    pub target: &'a Target,
    /// Fingerprint of its hello.
    pub ja4: Option<&'a str>,
    /// In which it asks.
    #[serde(serialize_with = "debugged")]
    pub dialect: Dialect,
    /// Of what is asked.
    pub prompt_octets: Option<u64>,
}

fn shown<S: Serializer>(it: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(it)
}

fn debugged<S: Serializer>(it: &impl Debug, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{it:?}"))
}

/// A record's detail.
#[derive(Serialize)]
struct Recorded<'a> {
    #[serde(flatten)]
    detail: record::Detail<'a>,
    proxy: Aside<'a>,
}

impl Judge {
    /// With nothing decided yet. `actor` names this proxy in records.
    pub fn new(
        decider: Arc<Decider>,
        known: Known,
        trail: Trail,
        clock: Arc<dyn Clock>,
        without_set: Fail,
        actor: String,
    ) -> Self {
        Self { decider, known: RwLock::new(Arc::new(known)), trail, clock, without_set, actor }
    }

    /// What is known now. Take it once for each request.
    #[must_use]
    pub fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on this is known.
    pub fn learn(&self, known: Known) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
    }

    /// Whether there is a decision set.
    #[must_use]
    pub fn has_set(&self) -> bool {
        self.decider.in_use().active.is_some()
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    /// Who writes records here.
    #[must_use]
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// Writes a record of what happened already.
    pub fn note<D: Serialize>(&self, record: &AuditRecord<D>) {
        self.trail.note(record);
    }

    /// Decides, and the trail has it before anything is done. What the trail does not take is not
    /// allowed. `proxy` goes into the record's detail.
    pub async fn decide(
        &self,
        request: Request,
        flow: Option<FiveTuple>,
        proxy: Aside<'_>,
    ) -> Decision {
        let known = self.known();
        let input = Input::Request(request);
        let facts = input.facts(&known.registry);
        let question = Arc::new(Question { input, facts, at: self.clock.now() });
        let Some(decided) = self.decider.decide(Arc::clone(&question)).await else {
            return self.undecided(&question, flow, proxy, &known);
        };
        let registry = known.registry.version().as_str();
        let recorded = record::of(&question, &decided, &self.actor, registry);
        let taken = self.take(recorded, flow, proxy);
        if_taken(taken, decided.decision)
    }

    fn take(
        &self,
        mut recorded: AuditRecord<record::Detail<'_>>,
        flow: Option<FiveTuple>,
        proxy: Aside<'_>,
    ) -> Result<(), Full> {
        recorded.about.flow = flow;
        self.trail.record(&recorded.map(|detail| Recorded { detail, proxy }))
    }

    /// There is no set: as configured, and on record.
    fn undecided(
        &self,
        question: &Question,
        flow: Option<FiveTuple>,
        proxy: Aside<'_>,
        known: &Known,
    ) -> Decision {
        let (action, why) = match self.without_set {
            Fail::Closed => (Action::Deny, "there is no decision set, and this proxy fails closed"),
            Fail::Open => (Action::Audit, "there is no decision set, and this proxy fails open"),
        };
        let decision = Decision::without_rule(action, ENGINE, "no-set", why.to_owned());
        let registry = known.registry.version().as_str();
        let recorded = record::undecided(question, &decision, &self.actor, registry);
        let taken = self.take(recorded, flow, proxy);
        if_taken(taken, decision)
    }
}

/// What the trail does not have is not allowed.
fn if_taken(taken: Result<(), Full>, decision: Decision) -> Decision {
    match taken {
        Err(full) if decision.allow => {
            Decision::without_rule(Action::Deny, ENGINE, "unrecorded", full.to_string())
        }
        _ => decision,
    }
}

/// The user and the groups behind a client, as the configuration maps sources.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceMap {
    /// Who is behind these prefixes; the longest that fits.
    pub prefix: Option<ipnet::IpNet>,
    /// The user.
    #[serde(default)]
    pub user: Option<String>,
    /// Groups.
    #[serde(default)]
    pub groups: Vec<String>,
    /// The host's name.
    #[serde(default)]
    pub host: Option<String>,
}

/// Who is behind an address.
#[must_use]
pub fn behind(sources: &[SourceMap], client: IpAddr) -> Option<&SourceMap> {
    let client = client.to_canonical();
    let fits = |source: &&SourceMap| source.prefix.is_some_and(|prefix| prefix.contains(&client));
    let length = |source: &&SourceMap| source.prefix.map_or(0, |prefix| prefix.prefix_len());
    sources.iter().filter(fits).max_by_key(length)
}
