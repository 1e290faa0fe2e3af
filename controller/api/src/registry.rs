//! Endpoints, and who an address or a name is; below: where they come from.

mod brief;
mod entries;
mod feeds;
mod names;
mod observations;
mod prices;
mod versions;

use ipnet::IpNet;
use jiff::Timestamp;
use sark_registry::overlay::NeverTouch;
use sark_registry::{
    Endpoint, Given, Kind, Learned, Match, NameError, PortError, Provenance, Question, Reason,
    Role, Shared, Sharedness, Snapshot, State,
};
use serde::{Deserialize, Serialize};

pub use brief::{BriefAnswer, lookup_brief};
pub use entries::{EntriesChanged, EntriesRequest, EntriesResponse, EntryView};
pub use feeds::{
    CopyView, DecisionRequest, FeedState, FeedView, FeedsResponse, PendingView, ProblemView,
    RefreshOutcome, RefreshRequest, RefreshResponse, RefreshResult,
};
pub use names::{AddressView, Dnssec, NameView, NamesResponse, RefusedView};
pub use observations::{MOST_OBSERVATIONS, ObservationsRequest, ObservationsResponse};
pub use prices::{
    CostLine, CostRequest, CostResponse, ModelPrices, PriceLookup, PriceLookupResponse, PriceRange,
    PriceSource, PriceVersionView, PriceVersionsResponse, PricesResponse, UnitPrice, UnpricedItem,
    cost, price_lookup, prices,
};
pub use versions::{
    ChangeKind, DifferenceResponse, EndpointDifference, FieldDifference, HistoryResponse,
    HistoryStep, PinRequest, PinResponse, PinTarget, VersionResponse, VersionView,
    VersionsResponse,
};

/// Endpoints by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndpointsResponse {
    /// Registry version.
    pub version: String,
    /// The endpoints.
    pub endpoints: Vec<EndpointView>,
}

/// An endpoint on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of sark_registry::Endpoint, explained there")]
pub struct EndpointView {
    pub id: String,
    pub provider: String,
    pub title: String,
    #[schemars(with = "serde_json::Value")]
    pub kind: Kind,
    #[schemars(with = "serde_json::Value")]
    pub role: Role,
    #[schemars(with = "serde_json::Value")]
    pub sharedness: Sharedness,
    pub confidence: u8,
    pub verified: bool,
    #[schemars(with = "serde_json::Value")]
    pub state: State,
    pub names: Vec<String>,
    #[schemars(with = "Vec<String>")]
    pub prefixes: Vec<IpNet>,
    /// `tcp/443`, `udp/49152-65535`; empty means any.
    pub ports: Vec<String>,
    pub expires_at: Option<Timestamp>,
    pub price_ref: Option<String>,
    #[schemars(with = "serde_json::Value")]
    pub sources: Vec<Provenance>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "serde_json::Value")]
    pub learned: Vec<Learned>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "serde_json::Value")]
    pub layers: Vec<Given>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "serde_json::Value")]
    pub shared: Vec<Shared>,
}

impl From<&Endpoint> for EndpointView {
    fn from(e: &Endpoint) -> Self {
        Self {
            id: e.id.clone(),
            provider: e.provider.clone(),
            title: e.title.clone(),
            kind: e.kind,
            role: e.role,
            sharedness: e.sharedness,
            confidence: e.confidence,
            verified: e.verified,
            state: e.state,
            names: e.names.iter().map(ToString::to_string).collect(),
            prefixes: e.prefixes.clone(),
            ports: e.ports.iter().map(ToString::to_string).collect(),
            expires_at: e.expires_at,
            price_ref: e.price_ref.clone(),
            sources: e.sources.clone(),
            learned: e.learned.clone(),
            layers: e.layers.clone(),
            shared: e.shared.clone(),
        }
    }
}

/// Why an endpoint on the wire is none.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ViewError {
    #[error("{id}: a name in it is wrong")]
    Name { id: String, source: NameError },
    #[error("{id}: a port in it is wrong")]
    Port { id: String, source: PortError },
}

impl TryFrom<EndpointView> for Endpoint {
    type Error = ViewError;

    fn try_from(view: EndpointView) -> Result<Self, ViewError> {
        let id = view.id;
        let names = view.names.iter().map(|name| name.parse());
        let names = names.collect::<Result<_, _>>();
        let ports = view.ports.iter().map(|port| port.parse());
        let ports = ports.collect::<Result<_, _>>();
        Ok(Self {
            names: names.map_err(|source| ViewError::Name { id: id.clone(), source })?,
            ports: ports.map_err(|source| ViewError::Port { id: id.clone(), source })?,
            id,
            provider: view.provider,
            title: view.title,
            kind: view.kind,
            role: view.role,
            sharedness: view.sharedness,
            confidence: view.confidence,
            verified: view.verified,
            state: view.state,
            prefixes: view.prefixes,
            learned: view.learned,
            expires_at: view.expires_at,
            price_ref: view.price_ref,
            sources: view.sources,
            layers: view.layers,
            shared: view.shared,
        })
    }
}

/// Answers in the order of the questions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LookupResponse {
    /// Registry version.
    pub version: String,
    /// One per question.
    pub results: Vec<LookupResult>,
}

/// Who one address, prefix or name is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LookupResult {
    /// The question, in canonical form if it was understood.
    pub query: String,
    /// How it was read.
    pub kind: QueryKind,
    /// Best first, up to a number; empty when nobody is known there.
    pub hits: Vec<LookupHit>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
    /// What no rule may touch there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub never_touch: Vec<NeverTouchView>,
    /// Why the question could not be understood, and what to ask instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// How a question was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum QueryKind {
    Address,
    Prefix,
    Name,
}

/// An endpoint that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LookupHit {
    /// Its prefix or name pattern.
    pub matched: String,
    /// What else lives there, all told; the endpoint's own word is in the endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "serde_json::Value")]
    pub sharedness: Option<Sharedness>,
    /// Why, strongest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "serde_json::Value")]
    pub reasons: Vec<Reason>,
    /// The names that led to the address; empty if its owner or a document gives it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "serde_json::Value")]
    pub learned: Vec<Learned>,
    /// The endpoint.
    pub endpoint: EndpointView,
}

/// A prefix or name that no rule may touch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NeverTouchView {
    /// The prefix or name.
    pub subject: String,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// After this it does not hold.
    pub expires_at: Option<Timestamp>,
}

impl From<&NeverTouch> for NeverTouchView {
    fn from(never: &NeverTouch) -> Self {
        Self {
            subject: never.subject.to_string(),
            reason: never.reason.clone(),
            owner: never.owner.clone(),
            expires_at: never.expires_at,
        }
    }
}

/// Names and prefixes of all endpoints of one result: a wide prefix may hold lists of a hundred
/// thousand each. The first hit is told whatever its length.
const MOST_LISTED: usize = 100_000;

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Who this address, prefix or name is, by one snapshot: the same answer from `sarkd` and offline.
#[must_use]
pub fn lookup(snapshot: &Snapshot, query: &str) -> LookupResult {
    match snapshot.answer(query) {
        Ok(answer) => {
            let all = answer.matches.len() + answer.left_out;
            let hits = told(answer.matches);
            LookupResult {
                query: answer.question.to_string(),
                kind: match answer.question {
                    Question::Address(_) => QueryKind::Address,
                    Question::Prefix(_) => QueryKind::Prefix,
                    Question::Name(_) => QueryKind::Name,
                },
                left_out: (all - hits.len()) as u64,
                hits,
                never_touch: answer.never_touch.into_iter().map(NeverTouchView::from).collect(),
                problem: None,
            }
        }
        Err(error) => LookupResult {
            query: query.trim().to_owned(),
            kind: if query.contains('/') { QueryKind::Prefix } else { QueryKind::Name },
            hits: Vec::new(),
            left_out: 0,
            never_touch: Vec::new(),
            problem: Some(error.to_string()),
        },
    }
}

/// The first matches, as many as may be told.
fn told(matches: Vec<Match<'_>>) -> Vec<LookupHit> {
    let mut room = MOST_LISTED;
    let fits = |(number, found): &(usize, Match<'_>)| {
        let e = found.endpoint;
        let size = e.names.len() + e.prefixes.len() + e.learned.len();
        let left = room.checked_sub(size);
        room = left.unwrap_or(0);
        left.is_some() || *number == 0
    };
    matches.into_iter().enumerate().take_while(fits).map(|(_, found)| found.into()).collect()
}

impl From<Match<'_>> for LookupHit {
    fn from(found: Match<'_>) -> Self {
        Self {
            matched: found.matched,
            sharedness: Some(found.sharedness),
            reasons: found.reasons,
            learned: found.learned.into_iter().cloned().collect(),
            endpoint: found.endpoint.into(),
        }
    }
}
