//! Who is it, in one line: for questions by the million.

use std::borrow::Cow;

use sark_registry::{Best, Kind, Role, Sharedness, Snapshot};
use serde::{Deserialize, Serialize};

/// Who one address, prefix or name is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BriefAnswer<'a> {
    /// The question as given.
    #[serde(borrow)]
    #[schemars(with = "serde_json::Value")]
    pub query: Cow<'a, str>,
    /// Id of the best endpoint; missing when nobody is known there.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "serde_json::Value")]
    pub endpoint: Option<Cow<'a, str>>,
    /// Its prefix or name pattern.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched: Option<String>,
    /// See the type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "serde_json::Value")]
    pub kind: Option<Kind>,
    /// See the type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "serde_json::Value")]
    pub role: Option<Role>,
    /// What else lives there, all told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "serde_json::Value")]
    pub sharedness: Option<Sharedness>,
    /// Percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
    /// Why the question could not be understood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl<'a> BriefAnswer<'a> {
    /// Nobody is known there.
    #[must_use]
    pub fn unknown(query: &'a str) -> Self {
        Self {
            query: query.into(),
            endpoint: None,
            matched: None,
            kind: None,
            role: None,
            sharedness: None,
            confidence: None,
            problem: None,
        }
    }
}

/// The best answer of one snapshot to one question.
#[must_use]
pub fn lookup_brief<'a>(snapshot: &'a Snapshot, query: &'a str) -> BriefAnswer<'a> {
    let unknown = BriefAnswer::unknown(query);
    match snapshot.best(query) {
        Ok(None) => unknown,
        Ok(Some(Best { endpoint, matched, sharedness })) => BriefAnswer {
            endpoint: Some(endpoint.id.as_str().into()),
            matched: Some(matched),
            kind: Some(endpoint.kind),
            role: Some(endpoint.role),
            sharedness: Some(sharedness),
            confidence: Some(endpoint.confidence),
            ..unknown
        },
        Err(error) => BriefAnswer { problem: Some(error.to_string()), ..unknown },
    }
}
