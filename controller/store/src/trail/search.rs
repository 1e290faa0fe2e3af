//! Searches as SQL.

use sark_core::audit::{AuditRecord, Page, Search, micros, rank};
use sark_core::storage::StorageError;

use crate::query::{Query, Value, sql_of};
use crate::store::{Store, corrupt};

/// How the events of most records begin.
const DECISIONS: &str = "decision.";

/// Conditions with their parameters, `?` in each of them being the parameter.
#[derive(Default)]
struct Conditions<'q> {
    texts: Vec<String>,
    values: Vec<Value<'q>>,
}

impl<'q> Conditions<'q> {
    fn add(&mut self, text: &'static str, value: impl Into<Value<'q>>) {
        self.values.push(value.into());
        self.texts.push(text.replace('?', &format!("${}", self.values.len())));
    }
}

pub(super) async fn search(
    store: &Store,
    search: &Search,
    page: Page,
) -> Result<Vec<(u64, AuditRecord)>, StorageError> {
    let mut all = Conditions::default();
    let (order, limit) = match page {
        Page::Back { before, limit } => {
            if let Some(before) = before {
                all.add("sequence < ?", i64::try_from(before).unwrap_or(i64::MAX));
            }
            ("DESC", limit)
        }
        Page::On { after, limit } => {
            all.add("sequence > ?", i64::try_from(after).unwrap_or(i64::MAX));
            ("ASC", limit)
        }
    };
    narrow(&mut all, search);
    let Conditions { mut texts, values } = all;
    texts.push("TRUE".to_owned());
    let (conditions, last) = (texts.join(" AND "), values.len() + 1);
    let text = format!(
        "SELECT sequence, body FROM trail WHERE {conditions} ORDER BY sequence {order} LIMIT ${last}"
    );
    let query = values.into_iter().fold(sql_of(text), Query::bind);
    let mut session = store.reading("search the audit trail").await?;
    let rows = query.bind(limit).all(&mut session).await?;
    let found = rows.iter().map(|row| {
        let sequence = row.count("sequence")?;
        let place = || format!("audit record {sequence}");
        let body: String = row.get("body").map_err(|error| corrupt(place(), error))?;
        let record: AuditRecord =
            serde_json::from_str(&body).map_err(|error| corrupt(place(), error))?;
        Ok((sequence, record))
    });
    found.collect()
}

fn narrow<'q>(all: &mut Conditions<'q>, search: &'q Search) {
    let Search { since, until, actor, event, severity, host, user, request, policy, alerts } =
        search;
    if let Some(since) = since {
        all.add("at >= ?", micros(*since));
    }
    if let Some(until) = until {
        all.add("at < ?", micros(*until));
    }
    if let Some(actor) = actor {
        if actor != "sarkd" {
            all.texts.push("actor <> 'sarkd'".to_owned());
        }
        all.add("actor = ?", actor);
    }
    if let Some(event) = event {
        if !event.starts_with(DECISIONS) && !DECISIONS.starts_with(event.as_str()) {
            // As the index has it: all but decisions.
            all.texts.push("(event < 'decision.' OR event >= 'decision/')".to_owned());
        }
        all.add("event >= ?", event);
        if let Some(after) = after_all_that_begin_with(event) {
            all.add("event < ?", after);
        }
    }
    if let Some(severity) = severity.filter(|severity| rank(*severity) > 0) {
        all.add("severity > 0 AND severity >= ?", i64::from(rank(severity)));
    }
    if let Some(host) = host {
        all.add("host = ?", host);
    }
    if let Some(user) = user {
        all.add("person = ?", user);
    }
    if let Some(request) = request {
        // As the index has it.
        all.add("request IS NOT NULL AND request >= ?", request);
        if let Some(after) = after_all_that_begin_with(request) {
            all.add("request < ?", after);
        }
    }
    if let Some(policy) = policy {
        // Not LIKE: that has signs of its own, and on SQLite takes capitals for small letters.
        all.add("replace(policies, ?, '') <> policies", format!("\n{policy}\n"));
    }
    if *alerts {
        // As the index has it.
        all.texts.push("is_alert".to_owned());
    }
}

/// The first text, by octets, after all that begin with this one.
fn after_all_that_begin_with(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // Code points are in the order of their UTF-8 octets; surrogates are none.
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::after_all_that_begin_with;

    #[test]
    fn prefixes_end_where_the_next_text_begins() {
        for (prefix, after) in [
            ("flowspec.", Some("flowspec/")),
            ("é", Some("ê")),
            ("\u{d7ff}", Some("\u{e000}")),
            ("a\u{10ffff}", Some("b")),
            ("\u{10ffff}", None),
            ("", None),
        ] {
            assert_eq!(after_all_that_begin_with(prefix).as_deref(), after, "{prefix:?}");
        }
    }
}
