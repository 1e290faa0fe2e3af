//! Endpoints, and who an address or a name is; below: where they come from.

mod entries;
mod feeds;
mod names;
mod versions;

use ipnet::IpNet;
use jiff::Timestamp;
use sark_registry::{
    Endpoint, Kind, Match, Provenance, Question, Role, Sharedness, Snapshot, State,
};
use serde::{Deserialize, Serialize};

pub use entries::{EntriesChanged, EntriesRequest, EntriesResponse, EntryView};
pub use feeds::{
    CopyView, DecisionRequest, FeedState, FeedView, FeedsResponse, PendingView, ProblemView,
    RefreshOutcome, RefreshRequest, RefreshResponse, RefreshResult,
};
pub use names::{AddressView, NameView, NamesResponse};
pub use versions::{
    ChangeKind, DifferenceResponse, EndpointDifference, FieldDifference, HistoryResponse,
    HistoryStep, PinRequest, PinResponse, PinTarget, VersionResponse, VersionView,
    VersionsResponse,
};

/// Endpoints by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointsResponse {
    /// Registry version.
    pub version: String,
    /// The endpoints.
    pub endpoints: Vec<EndpointView>,
}

/// An endpoint on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of sark_registry::Endpoint, explained there")]
pub struct EndpointView {
    pub id: String,
    pub provider: String,
    pub title: String,
    pub kind: Kind,
    pub role: Role,
    pub sharedness: Sharedness,
    pub confidence: u8,
    pub verified: bool,
    pub state: State,
    pub names: Vec<String>,
    pub prefixes: Vec<IpNet>,
    /// `tcp/443`, `udp/49152-65535`; empty means any.
    pub ports: Vec<String>,
    pub expires_at: Option<Timestamp>,
    pub price_ref: Option<String>,
    pub sources: Vec<Provenance>,
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
        }
    }
}

/// Answers in the order of the questions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LookupResponse {
    /// Registry version.
    pub version: String,
    /// One per question.
    pub results: Vec<LookupResult>,
}

/// Who one address, prefix or name is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LookupResult {
    /// The question, in canonical form if it was understood.
    pub query: String,
    /// How it was read.
    pub kind: QueryKind,
    /// Best first; empty when nobody is known there.
    pub hits: Vec<LookupHit>,
    /// Why the question could not be understood, and what to ask instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// How a question was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum QueryKind {
    Address,
    Prefix,
    Name,
}

/// An endpoint that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LookupHit {
    /// Its prefix or name pattern.
    pub matched: String,
    /// The endpoint.
    pub endpoint: EndpointView,
}

/// Who this address, prefix or name is, by one snapshot: the same answer from `sarkd` and offline.
#[must_use]
pub fn lookup(snapshot: &Snapshot, query: &str) -> LookupResult {
    match snapshot.answer(query) {
        Ok(answer) => LookupResult {
            query: answer.question.to_string(),
            kind: match answer.question {
                Question::Address(_) => QueryKind::Address,
                Question::Prefix(_) => QueryKind::Prefix,
                Question::Name(_) => QueryKind::Name,
            },
            hits: answer.matches.into_iter().map(LookupHit::from).collect(),
            problem: None,
        },
        Err(error) => LookupResult {
            query: query.trim().to_owned(),
            kind: if query.contains('/') { QueryKind::Prefix } else { QueryKind::Name },
            hits: Vec::new(),
            problem: Some(error.to_string()),
        },
    }
}

impl From<Match<'_>> for LookupHit {
    fn from(found: Match<'_>) -> Self {
        Self { matched: found.matched, endpoint: found.endpoint.into() }
    }
}

/// Who one address, prefix or name is, in one line: for questions by the million.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BriefAnswer<'a> {
    /// The question as given.
    pub query: &'a str,
    /// Id of the best endpoint; missing when nobody is known there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<&'a str>,
    /// Its prefix or name pattern.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched: Option<String>,
    /// See the type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// See the type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// See the type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharedness: Option<Sharedness>,
    /// Percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
    /// Why the question could not be understood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// The best answer of one snapshot to one question.
#[must_use]
pub fn lookup_brief<'a>(snapshot: &'a Snapshot, query: &'a str) -> BriefAnswer<'a> {
    let nothing = BriefAnswer {
        query,
        endpoint: None,
        matched: None,
        kind: None,
        role: None,
        sharedness: None,
        confidence: None,
        problem: None,
    };
    match snapshot.answer(query) {
        Ok(answer) => match answer.matches.into_iter().next() {
            None => nothing,
            Some(best) => BriefAnswer {
                endpoint: Some(&best.endpoint.id),
                matched: Some(best.matched),
                kind: Some(best.endpoint.kind),
                role: Some(best.endpoint.role),
                sharedness: Some(best.endpoint.sharedness),
                confidence: Some(best.endpoint.confidence),
                ..nothing
            },
        },
        Err(error) => BriefAnswer { problem: Some(error.to_string()), ..nothing },
    }
}
