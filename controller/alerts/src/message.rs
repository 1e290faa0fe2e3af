//! What is told of an alert.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sark_core::ContentHash;
use sark_core::audit::{AuditRecord, Correlation, Evidence, Notice, Outcome};
use sark_core::decision::Severity;
use serde::{Deserialize, Serialize};

/// Notices that are about a sink begin with this, then its name: they are told to the others.
pub const SELF_KEY: &str = "alerts.sink:";

/// Longest title, in characters.
const TITLE: usize = 300;
/// Longest key.
const KEY: usize = 200;
/// Most facts, and the longest name and value of one.
const FACTS: (usize, usize, usize) = (24, 60, 500);

/// Why an alert is told now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It is new.
    Opened,
    /// It goes on, or came again.
    Again,
    /// It matters more than it did.
    Worse,
    /// The cause is gone.
    Resolved,
    /// A person tries the sink out.
    Test,
}

impl Kind {
    /// For messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Again => "again",
            Self::Worse => "worse",
            Self::Resolved => "resolved",
            Self::Test => "test",
        }
    }
}

/// An alert as sinks tell it: bounded, on one line each, without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Why now.
    pub kind: Kind,
    /// What has the same key is the same alert.
    pub key: String,
    /// The most severe record of the alert.
    pub severity: Severity,
    /// One line.
    pub title: String,
    /// Such as `registry.feed.held`.
    pub event: String,
    /// Who did what is told.
    pub actor: String,
    /// How it ended.
    pub outcome: Outcome,
    /// When the alert began.
    pub first_at: Timestamp,
    /// When what is told now happened.
    pub at: Timestamp,
    /// Records of this alert so far.
    pub count: u64,
    /// Number of the record in the audit trail.
    pub sequence: u64,
    /// Which installation tells it.
    pub source: String,
    /// Address of the runbook, or its page in `docs/runbooks`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    /// By name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, String>,
    /// What it can be joined with other records by.
    #[serde(default)]
    pub about: Correlation,
    /// What it rests on.
    #[serde(default)]
    pub evidence: Evidence,
}

impl Message {
    /// Of one record; `source` and the runbooks' address are the installation's.
    #[must_use]
    pub fn of(
        record: &AuditRecord,
        notice: &Notice,
        sequence: u64,
        source: &str,
        runbooks: Option<&str>,
    ) -> Self {
        let facts = notice.facts.iter().take(FACTS.0);
        let facts = facts.map(|(name, value)| (line(name, FACTS.1), line(value, FACTS.2)));
        let page = notice.runbook.as_ref().map(|page| line(page, FACTS.1));
        Self {
            kind: if notice.resolved { Kind::Resolved } else { Kind::Opened },
            key: bounded_key(&notice.key),
            severity: record.severity,
            title: line(&notice.title, TITLE),
            event: line(&record.event, FACTS.1),
            actor: line(&record.actor, FACTS.1),
            outcome: record.outcome,
            first_at: record.at,
            at: record.at,
            count: 1,
            sequence,
            source: source.to_owned(),
            runbook: page.map(|page| match runbooks {
                Some(base) => format!("{}/{page}", base.trim_end_matches('/')),
                None => format!("docs/runbooks/{page}.md"),
            }),
            facts: facts.collect(),
            about: record.about.clone(),
            evidence: record.evidence.clone(),
        }
    }

    /// One that a person sends to try a sink out.
    #[must_use]
    pub fn test(now: Timestamp, actor: &str, source: &str, sink: &str) -> Self {
        let title = format!("Test of the sink {sink}: nothing is wrong");
        let notice = Notice {
            key: format!("alerts.test:{sink}"),
            title,
            resolved: false,
            routes: Vec::new(),
            runbook: Some("alerts".to_owned()),
            facts: BTreeMap::from([("sink".to_owned(), sink.to_owned())]),
        };
        let detail = serde_json::Value::Null;
        let record = AuditRecord::new(now, actor, "alerts.test", Outcome::Ok, detail);
        Self { kind: Kind::Test, ..Self::of(&record, &notice, 0, source, None) }
    }

    /// Whether it says that the cause is gone.
    #[must_use]
    pub fn is_resolved(&self) -> bool {
        self.kind == Kind::Resolved
    }

    /// The sink that it is about, if it is about one.
    #[must_use]
    pub fn about_sink(&self) -> Option<&str> {
        self.key.strip_prefix(SELF_KEY)
    }

    /// Short facts with names for people: the notice's, then what it can be joined by.
    #[must_use]
    pub fn facts(&self) -> Vec<(String, String)> {
        let mut facts: Vec<_> =
            self.facts.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let mut more = |name: &str, value: Option<String>| {
            if let Some(value) = value
                && !self.facts.contains_key(name)
            {
                facts.push((name.to_owned(), line(&value, FACTS.2)));
            }
        };
        let about = &self.about;
        more("host", about.host.clone());
        more("process", about.process.clone());
        more("user", about.user.clone());
        more("request", about.request.clone());
        more("flow", about.flow.map(|f| format!("{} → {}", f.source, f.destination)));
        more("revision", about.revision.map(|number| number.to_string()));
        more("rules", some(self.evidence.rules.join(", ")));
        facts
    }
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// The key that receivers tell repeated deliveries by: one for each message and sink, the same on
/// every attempt, after a restart and when a dead letter is replayed.
#[must_use]
pub fn delivery_id(message: &Message, sink: &str) -> String {
    let Message { key, kind, at, sequence, source, .. } = message;
    let text = format!("{source}\n{sink}\n{sequence}\n{at}\n{}\n{key}", kind.as_str());
    let hash = ContentHash::of(text.as_bytes()).to_string();
    let hex = hash.strip_prefix("sha256:").unwrap_or(&hash);
    format!("msg_{}", hex.get(..32).unwrap_or(hex))
}

/// Alerts that differ must not become one by being cut.
pub(crate) fn bounded_key(key: &str) -> String {
    if key.chars().count() <= KEY && !key.chars().any(is_odd) {
        return key.to_owned();
    }
    let hash = ContentHash::of(key.as_bytes()).to_string();
    let hex = hash.strip_prefix("sha256:").unwrap_or(&hash);
    format!("{}#{}", line(key, KEY - 17), hex.get(..16).unwrap_or(hex))
}

/// One line of at most so many characters: what controls terminals or turns text around is gone.
pub(crate) fn line(text: &str, most: usize) -> String {
    let clean = text.chars().map(|c| if is_odd(c) { ' ' } else { c });
    cut(&clean.collect::<String>(), most)
}

/// At most so many characters, the last of them `…` if some are missing.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

fn is_odd(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_bounded_and_on_one_line() {
        assert_eq!(line("a\nb\u{202e}c\u{1b}[31m", 20), "a b c [31m");
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
        let (one, two) = ("k".repeat(300), format!("{}x", "k".repeat(300)));
        assert_ne!(bounded_key(&one), bounded_key(&two));
        assert!(bounded_key(&one).chars().count() <= KEY);
    }

    #[test]
    fn an_id_is_of_one_message_and_one_sink() {
        let message = Message::test(Timestamp::UNIX_EPOCH, "uid:0(root)", "edge-1", "soc");
        let id = delivery_id(&message, "soc");
        assert_eq!(id, delivery_id(&message.clone(), "soc"));
        assert_ne!(id, delivery_id(&message, "pager"));
        assert_ne!(id, delivery_id(&Message { sequence: 1, ..message }, "soc"));
        assert_eq!(id.len(), 36);
    }
}
