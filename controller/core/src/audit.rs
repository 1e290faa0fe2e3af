//! What happened, who did it, on what evidence, and whether somebody is told.
//!
//! [`AuditRecord`] is what code makes; [`Written`] what is stored of it, without secrets; [`Head`]
//! chains what was written.

mod chain;
mod redact;
mod search;
mod written;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::decision::Severity;

pub use chain::{Digest, DigestError, Head};
pub use search::{Page, Search};
pub use written::{Index, LARGEST, Spooled, Stored, UnreadableRecord, Written, micros, rank};

/// One record of the audit trail. Product data: never holds a secret.
///
/// A record that has a [`Notice`] is an alert: what commits the record commits the alert. Its detail `D` is JSON,
/// or what is written as a JSON object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditRecord<D = serde_json::Value> {
    /// When.
    pub at: Timestamp,
    /// Who: `uid:0(root)`, `token:ci`, `sarkd`.
    pub actor: String,
    /// What, such as `flowspec.apply`.
    pub event: String,
    /// `ok`, `refused` or `failed`.
    pub outcome: Outcome,
    /// How much it matters.
    #[serde(default, skip_serializing_if = "is_default")]
    pub severity: Severity,
    /// What it rests on.
    #[serde(default, skip_serializing_if = "is_default")]
    pub evidence: Evidence,
    /// What it can be joined with other records by.
    #[serde(default, skip_serializing_if = "is_default")]
    pub about: Correlation,
    /// That somebody is told of it, and what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Notice>,
    /// On what: counts, names, reason. A JSON object.
    pub detail: D,
}

impl<D> AuditRecord<D> {
    /// A record of severity `info` that rests on nothing and is told to nobody.
    #[must_use]
    pub fn new(
        at: Timestamp,
        actor: impl Into<String>,
        event: impl Into<String>,
        outcome: Outcome,
        detail: D,
    ) -> Self {
        Self {
            at,
            actor: actor.into(),
            event: event.into(),
            outcome,
            severity: Severity::Info,
            evidence: Evidence::default(),
            about: Correlation::default(),
            notice: None,
            detail,
        }
    }

    /// The same, resting on this.
    #[must_use]
    pub fn on(self, evidence: Evidence) -> Self {
        Self { evidence, ..self }
    }

    /// The same, joined with others by this.
    #[must_use]
    pub fn about(self, about: Correlation) -> Self {
        Self { about, ..self }
    }

    /// The same, as an alert of this severity.
    #[must_use]
    pub fn told(self, severity: Severity, notice: Notice) -> Self {
        Self { severity, notice: Some(notice), ..self }
    }

    /// The same, with a detail made of this one.
    #[must_use]
    pub fn map<E>(self, detail: impl FnOnce(D) -> E) -> AuditRecord<E> {
        let Self { at, actor, event, outcome, severity, evidence, about, notice, detail: own } =
            self;
        let detail = detail(own);
        AuditRecord { at, actor, event, outcome, severity, evidence, about, notice, detail }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Outcome {
    Ok,
    Refused,
    Failed,
}

/// What a record rests on: enough to ask again and get the same answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// Registry version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry_version: Option<String>,
    /// Version of the policy set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_version: Option<String>,
    /// Rules that matched, the one that won first: `llm-models/not-allowed`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
}

/// What records of one story have in common. What is not known is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Correlation {
    /// Our id of the request, activity, sighting or report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<Flow>,
    /// The host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The process: name and number, `claude[4711]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    /// The user whose traffic or process it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The revision of the routers' rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
}

/// A flow by its five numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Flow {
    /// IP protocol number: 6 is TCP, 17 UDP.
    pub protocol: u8,
    /// From where.
    pub source: SocketAddr,
    /// To where, before anything was redirected.
    pub destination: SocketAddr,
}

/// That somebody is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// One cause has one key: `registry.feed.held:aws`. What has the same key is one alert.
    pub key: String,
    /// One line for the person who is paged.
    pub title: String,
    /// Whether the cause is gone.
    #[serde(default, skip_serializing_if = "is_default")]
    pub resolved: bool,
    /// Routes that are told beside those that the configuration chooses, as obligations name them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<String>,
    /// Page of the runbook in `docs/runbooks`, without extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    /// Short facts for the message, by name. No secret, no prompt.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, String>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
