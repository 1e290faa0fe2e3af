//! A record as it is written: redacted, as the text that is hashed and stored.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::redact::redacted;
use super::{AuditRecord, Digest, Head};
use crate::decision::Severity;

/// The longest record, in octets.
pub const LARGEST: usize = 1 << 20;

/// The member that stands in a detail's place, with the octets the record would have had.
const LEFT_OUT: &str = "leftOutBecauseOfItsOctets";

/// The one form in which a record reaches a store. There is no way to make one that goes around the
/// redaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    text: String,
    index: Index,
}

/// Why a text is no record.
#[derive(Debug, thiserror::Error)]
#[error("not an audit record")]
pub struct UnreadableRecord(#[from] serde_json::Error);

/// A record on its way to a store, by a spool: redacted as it will be [`Written`], and not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spooled(String);

impl Spooled {
    /// Of a record. One of more than [`LARGEST`] octets loses its detail, and says so.
    pub fn of<D: Serialize>(record: &AuditRecord<D>) -> Result<Self, UnreadableRecord> {
        let text = text_of(record)?;
        Ok(Self(redacted(&text).unwrap_or(text)))
    }

    /// Out of a spool. What was written by an older program, or by somebody else, is redacted when it is
    /// read.
    #[must_use]
    pub const fn again(text: String) -> Self {
        Self(text)
    }

    /// JSON.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl From<Written> for Spooled {
    fn from(written: Written) -> Self {
        Self(written.text)
    }
}

impl TryFrom<Spooled> for Written {
    type Error = UnreadableRecord;

    fn try_from(Spooled(text): Spooled) -> Result<Self, UnreadableRecord> {
        let text = redacted(&text).unwrap_or(text);
        Ok(Self { index: Index::of(&serde_json::from_str(&text)?), text })
    }
}

fn text_of<D: Serialize>(record: &AuditRecord<D>) -> Result<String, UnreadableRecord> {
    let text = serde_json::to_string(record)?;
    if text.len() <= LARGEST {
        return Ok(text);
    }
    let AuditRecord { at, actor, event, outcome, severity, evidence, about, notice, detail: _ } =
        record;
    let detail = serde_json::json!({ LEFT_OUT: text.len() });
    let less = AuditRecord::new(*at, actor, event, *outcome, detail).on(evidence.clone());
    let less = less.about(about.clone());
    let less = AuditRecord { severity: *severity, notice: notice.clone(), ..less };
    Ok(serde_json::to_string(&less)?)
}

impl Written {
    /// Of a record. One of more than [`LARGEST`] octets loses its detail, and says so.
    pub fn of(record: &AuditRecord) -> Result<Self, UnreadableRecord> {
        let text = text_of(record)?;
        match redacted(&text) {
            None => Ok(Self { index: Index::of(record), text }),
            Some(text) => Ok(Self { index: Index::of(&serde_json::from_str(&text)?), text }),
        }
    }

    /// JSON: what is hashed and stored.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it is found by.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The record again.
    pub fn record(&self) -> Result<AuditRecord, UnreadableRecord> {
        Ok(serde_json::from_str(&self.text)?)
    }
}

/// What records are found by: stored beside the text, made from the text, and compared with it when
/// the trail is verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Microseconds since 1970, rounded towards the past.
    pub at: i64,
    /// Who.
    pub actor: String,
    /// What.
    pub event: String,
    /// 0 is `info`, 4 is `critical`.
    pub severity: u8,
    /// Whether it is an alert.
    pub is_alert: bool,
    /// The host.
    pub host: Option<String>,
    /// The user.
    pub user: Option<String>,
    /// The request, activity, sighting or report.
    #[serde(default)]
    pub request: Option<String>,
    /// The policies that matched, each between line feeds.
    pub policies: Option<String>,
}

impl Index {
    /// Of a record as it was written.
    #[must_use]
    pub fn of(record: &AuditRecord) -> Self {
        Self {
            at: micros(record.at),
            actor: clean(&record.actor),
            event: clean(&record.event),
            severity: rank(record.severity),
            is_alert: record.notice.is_some(),
            host: record.about.host.as_deref().map(clean),
            user: record.about.user.as_deref().map(clean),
            request: record.about.request.as_deref().map(clean),
            policies: policies(&record.evidence.rules).as_deref().map(clean),
        }
    }
}

/// PostgreSQL's text holds no NUL; in JSON it is escaped.
fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// As [`Index::at`] counts.
#[must_use]
pub fn micros(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond().div_euclid(1_000)).unwrap_or(i64::MAX)
}

/// As [`Index::severity`] counts.
#[must_use]
pub const fn rank(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 0,
        Severity::Low => 1,
        Severity::Medium => 2,
        Severity::High => 3,
        Severity::Critical => 4,
    }
}

/// The policy of a rule: `llm-models` of `llm-models/not-allowed`.
pub(super) fn policy_of(rule: &str) -> &str {
    rule.split_once('/').map_or(rule, |(policy, _)| policy)
}

fn policies(rules: &[String]) -> Option<String> {
    let mut all: Option<String> = None;
    for rule in rules {
        let all = all.get_or_insert_with(|| "\n".to_owned());
        let policy = policy_of(rule);
        let known = all.split('\n').any(|known| known == policy);
        if !known {
            all.push_str(policy);
            all.push('\n');
        }
    }
    all
}

/// A record as a store holds it: everything that can have been tampered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stored {
    /// Its number and hash, as stored.
    pub head: Head,
    /// Its text.
    pub text: String,
    /// What it is found by.
    pub index: Index,
    /// The first column that cannot be read as what it is; its value here is a makeshift.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
}

impl Stored {
    /// The leaf of its text.
    #[must_use]
    pub fn leaf(&self) -> Digest {
        Digest::of_leaf(self.text.as_bytes())
    }

    /// The record.
    pub fn record(&self) -> Result<AuditRecord, UnreadableRecord> {
        Ok(serde_json::from_str(&self.text)?)
    }
}
