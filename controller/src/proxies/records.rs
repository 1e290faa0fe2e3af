//! Records that a proxy hands in: read and checked one by one, and of nobody but that proxy.

use std::time::Duration;

use sark_api::TrailBatch;
use sark_core::audit::{AuditRecord, LARGEST, UnreadableRecord, Written};
use sark_core::identity::Identity;
use sark_core::storage::StorageError;
use serde_json::Value;

use super::calls::{Seen, seen};

/// Octets of a record as it is sent: as many as a spool takes, what redaction adds included. Of what is
/// stored the detail is left out if it has more than [`LARGEST`].
const LONGEST: usize = 4 * LARGEST;
/// The last number that a record can have.
const MOST_RECORDS: u64 = i64::MAX as u64;
/// Octets of a mark's name.
const LONGEST_MARK: usize = 128;
/// What a proxy records: these, and what begins with one of [`KINDS`].
const EVENTS: [&str; 2] = ["audit.lost", "audit.refused"];
const KINDS: [&str; 2] = ["decision.", "proxy."];
/// The member of a detail that says who a record said it was of.
pub(super) const SAID_BY: &str = "saidBy";

/// What was sent: read, and not stored yet.
#[derive(Debug)]
pub struct Sent {
    /// Where its mark goes.
    pub batch: TrailBatch,
    /// The records, redacted.
    pub records: Vec<Written>,
    /// What they say of calls.
    pub(super) seen: Vec<Seen>,
}

/// Why records are not taken. None of a request is, if one is not.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// The name of a mark.
    #[error("a mark's name is 1 to {LONGEST_MARK} letters, digits, `-`, `_`, `.` and `:`")]
    Mark,
    /// The first line.
    #[error("line 1: {0}")]
    First(String),
    /// A line is no record.
    #[error("line {line}")]
    Record {
        /// From 1.
        line: usize,
        /// Why.
        source: UnreadableRecord,
    },
    /// A record is too long.
    #[error("line {line}: a record has at most {LONGEST} octets")]
    TooLong {
        /// From 1.
        line: usize,
    },
    /// A record of something that a proxy has no say in.
    #[error("line {line}: {why}")]
    NotTheirs {
        /// From 1.
        line: usize,
        /// What it is.
        why: String,
    },
    /// They were stored before, or others are missing.
    #[error("the mark is at {0}: nothing was stored")]
    Moved(u64),
    /// Too many requests.
    #[error("{who} sends too often")]
    TooMany {
        /// Who.
        who: String,
        /// When again.
        wait: Duration,
    },
    /// The store does not answer.
    #[error("cannot use the store")]
    Store(#[from] StorageError),
}

/// A mark as it is stored: nobody moves that of another. No name of an identity has a second colon, so
/// no two have one.
pub(super) fn mark_of(mark: &str, by: &Identity) -> Result<String, RecordsError> {
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
    if !(1..=LONGEST_MARK).contains(&mark.len()) || !mark.bytes().all(letter) {
        return Err(RecordsError::Mark);
    }
    Ok(format!("{}:{mark}", by.name))
}

/// Reads what was sent by somebody: the first line, and a record on each line after it.
pub fn parse(text: &str, by: &Identity) -> Result<Sent, RecordsError> {
    let mut lines = (1..).zip(text.lines());
    let first = lines.next().map_or("", |(_, first)| first);
    let batch: TrailBatch =
        serde_json::from_str(first).map_err(|error| RecordsError::First(error.to_string()))?;
    mark_of(&batch.mark, by)?;
    if batch.position > MOST_RECORDS {
        return Err(RecordsError::First(format!("position: at most {MOST_RECORDS}")));
    }
    let records = lines.map(|(line, text)| record(line, text, by));
    let records = records.collect::<Result<Vec<_>, _>>()?;
    let seen = records.iter().filter_map(seen).collect();
    Ok(Sent { records, seen, batch })
}

fn record(line: usize, text: &str, by: &Identity) -> Result<Written, RecordsError> {
    let unreadable = |source| RecordsError::Record { line, source };
    if text.len() > LONGEST {
        return Err(RecordsError::TooLong { line });
    }
    let record: AuditRecord = serde_json::from_str(text).map_err(|e| unreadable(e.into()))?;
    let record = theirs(record, by).map_err(|why| RecordsError::NotTheirs { line, why })?;
    let written = Written::of(&record).map_err(unreadable)?;
    if written.text().len() > LONGEST {
        return Err(RecordsError::TooLong { line });
    }
    Ok(written)
}

/// The same, as one of this proxy; or why it cannot be.
fn theirs(mut record: AuditRecord, by: &Identity) -> Result<AuditRecord, String> {
    let event = &record.event;
    let is_own = EVENTS.contains(&event.as_str());
    if !is_own && !KINDS.iter().any(|kind| event.starts_with(kind)) {
        return Err(format!("no proxy records {}", shown(event)));
    }
    if let Some(notice) = &mut record.notice {
        // An alert is opened and resolved by what happened, and by nothing else.
        let rest = notice.key.strip_prefix(event.as_str());
        if !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':')) {
            let (key, event) = (shown(&notice.key), shown(event));
            return Err(format!("{key} is no key of an alert of {event}"));
        }
        if is_own {
            // Of this spool, and not of sarkd's.
            notice.key = format!("{event}:{}", by.name);
        }
    }
    if record.actor != by.name {
        let said = std::mem::replace(&mut record.actor, by.name.clone());
        if let Value::Object(detail) = &mut record.detail {
            detail.insert(SAID_BY.to_owned(), said.into());
        }
    }
    Ok(record)
}

/// Of a text of theirs, what a message has room for.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(64).collect();
    format!("{short:?}")
}

#[cfg(test)]
mod tests {
    use sark_core::audit::{Notice, Outcome};
    use sark_core::decision::Severity;
    use sark_core::identity::{Known, Rights};
    use serde_json::json;

    use super::*;

    fn edge() -> Identity {
        let (known, rights) = (Known::Token, Rights::default());
        Identity { name: "proxy:edge-1".into(), known, rights, made_by: None }
    }

    fn line(event: &str) -> AuditRecord {
        let at = jiff::Timestamp::UNIX_EPOCH;
        AuditRecord::new(at, "sark-proxy", event, Outcome::Ok, json!({ "n": 1 }))
    }

    fn told(event: &str, key: &str) -> AuditRecord {
        let notice = Notice {
            key: key.into(),
            title: "t".into(),
            resolved: true,
            routes: Vec::new(),
            runbook: None,
            facts: Default::default(),
        };
        line(event).told(Severity::High, notice)
    }

    fn sent(records: &[AuditRecord]) -> Result<Sent, RecordsError> {
        let mut text = json!({ "mark": "spool:a", "position": 9 }).to_string();
        for record in records {
            text = format!("{text}\n{}", serde_json::to_string(record).unwrap());
        }
        parse(&text, &edge())
    }

    #[test]
    fn whoever_a_record_says_it_is_of_it_is_of_who_sent_it() {
        let mut forged = line("decision.llm");
        forged.actor = "uid:0(root)".into();
        let mut own = line("proxy.flow");
        own.actor = "proxy:edge-1".into();
        let sent = sent(&[forged, own.clone()]).unwrap();
        let records: Vec<_> = sent.records.iter().map(|one| one.record().unwrap()).collect();
        assert_eq!(
            (&*records[0].actor, &records[0].detail["saidBy"]),
            ("proxy:edge-1", &json!("uid:0(root)"))
        );
        assert_eq!(records[1], own);
        assert_eq!(sent.records[0].index().actor, "proxy:edge-1");
    }

    #[test]
    fn what_a_proxy_has_no_say_in_is_not_taken() {
        let good = || told("decision.llm", "decision.llm:llm-models/not-allowed:ada");
        for bad in [
            line("flowspec.apply"),
            line("audit.prune"),
            line("audit.lost.not"),
            line("decisions"),
            told("decision.llm", "audit.tampered"),
            told("proxy.flow", "proxy.flows"),
            told("audit.lost", "health.audit-spool-full"),
        ] {
            let error = sent(&[good(), bad.clone()]).unwrap_err();
            assert!(matches!(error, RecordsError::NotTheirs { line: 3, .. }), "{bad:?}: {error}");
        }
        let taken = sent(&[
            good(),
            told("audit.lost", "audit.lost"),
            told("proxy.pinned", "proxy.pinned:a:b"),
        ])
        .unwrap();
        let keys: Vec<_> = taken
            .records
            .iter()
            .filter_map(|one| Some(one.record().unwrap().notice?.key))
            .collect();
        assert_eq!(
            keys,
            [
                "decision.llm:llm-models/not-allowed:ada",
                "audit.lost:proxy:edge-1",
                "proxy.pinned:a:b"
            ]
        );
    }

    #[test]
    fn what_is_no_record_names_its_line() {
        let head = r#"{"mark":"spool:a","position":2}"#;
        let good = serde_json::to_string(&line("proxy.flow")).unwrap();
        for bad in ["{", "", "[]", "{\"at\":1}", &"[".repeat(10_000)] {
            let error = parse(&format!("{head}\n{good}\n{bad}\n{good}"), &edge()).unwrap_err();
            assert!(matches!(error, RecordsError::Record { line: 3, .. }), "{bad}: {error}");
        }
        let mut long = line("proxy.flow");
        long.detail = json!({ "text": "x".repeat(LONGEST) });
        assert!(matches!(sent(&[long]).unwrap_err(), RecordsError::TooLong { line: 2 }));
        // As everywhere, what is long loses its detail.
        let mut long = line("proxy.flow");
        long.detail = json!({ "text": "x".repeat(LARGEST) });
        assert!(sent(&[long]).unwrap().records[0].text().len() < 1000);
        for bad in
            ["", "{}", "x", r#"{"mark":"a","position":-1}"#, r#"{"mark":"a","position":1,"x":1}"#]
        {
            assert!(matches!(parse(bad, &edge()), Err(RecordsError::First(_))), "{bad}");
        }
        for bad in ["", "a b", "a/b", "é", &"a".repeat(200)] {
            let head = json!({ "mark": bad, "position": 1 }).to_string();
            assert!(matches!(parse(&head, &edge()), Err(RecordsError::Mark)), "{bad}");
        }
        assert_eq!(parse(head, &edge()).unwrap().records.len(), 0);
    }

    #[test]
    fn secrets_are_not_taken() {
        let key = "sk-ant-api03-A1b2C3d4E5f6G7h8I9j0";
        let mut leaking = line("decision.llm");
        leaking.detail = json!({ "why": key });
        assert!(!sent(&[leaking]).unwrap().records[0].text().contains(key));
    }
}
