//! The audit trail: searched, and handed out as it is stored, so that who asks verifies it himself.

use axum::extract::{Query, State};
use sark_api::{AuditResponse, CheckpointsResponse, NumberedRecord, StoredResponse, TrailResponse};
use sark_core::audit::{Page, Search};
use sark_core::decision::Severity;
use sark_core::storage::StorageError;

use super::Api;
use super::answer::{Answer, Failure, bad};
use super::questions::{Pairs, flag, known, limit};
use crate::observatory::QuestionError;

pub(super) async fn trail(State(api): State<Api>) -> Result<Answer<TrailResponse>, Failure> {
    let store = &api.observatory.store;
    Ok(Answer(TrailResponse {
        head: store.head().await.map_err(unanswered)?,
        beginning: store.beginning().await.map_err(unanswered)?,
        origin: api.observatory.config.audit.checkpoints.origin.clone(),
        key: api.trail_key.as_ref().map(ToString::to_string),
    }))
}

pub(super) async fn records(
    State(api): State<Api>,
    Query(pairs): Pairs,
) -> Result<Answer<AuditResponse>, Failure> {
    let names = [
        "since", "until", "actor", "event", "severity", "host", "user", "request", "policy",
        "alerts", "after", "before", "limit",
    ];
    let [
        since,
        until,
        actor,
        event,
        severity,
        host,
        user,
        request,
        policy,
        alerts,
        after,
        before,
        most,
    ] = known(pairs, names)?;
    let time = |name: &str, text: Option<String>| {
        let wrong = |_| bad(format!("{name} is not a time such as 2026-11-28T12:00:00Z"));
        text.map(|text| text.parse().map_err(wrong)).transpose()
    };
    let search = Search {
        since: time("since", since)?,
        until: time("until", until)?,
        actor,
        event,
        severity: severity.as_deref().map(parse_severity).transpose()?,
        host,
        user,
        request,
        policy,
        alerts: flag("alerts", alerts)?,
    };
    let limit = limit(most.or_else(|| Some("100".to_owned())))?;
    let page = match (number("after", after)?, number("before", before)?) {
        (Some(_), Some(_)) => return Err(bad("after or before, not both")),
        (Some(after), None) => Page::On { after, limit },
        (None, before) => Page::Back { before, limit },
    };
    let found = api.observatory.store.search(&search, page).await.map_err(unanswered)?;
    let numbered = |(sequence, record)| NumberedRecord { sequence, record };
    Ok(Answer(AuditResponse { records: found.into_iter().map(numbered).collect() }))
}

pub(super) async fn stored(
    State(api): State<Api>,
    Query(pairs): Pairs,
) -> Result<Answer<StoredResponse>, Failure> {
    let [after, most] = known(pairs, ["after", "limit"])?;
    let after = number("after", after)?.unwrap_or(0);
    let limit = limit(most.or_else(|| Some("1000".to_owned())))?;
    let stored = api.observatory.store.stored_after(after, limit).await.map_err(unanswered)?;
    Ok(Answer(StoredResponse { stored }))
}

pub(super) async fn checkpoints(
    State(api): State<Api>,
    Query(pairs): Pairs,
) -> Result<Answer<CheckpointsResponse>, Failure> {
    let [after, most] = known(pairs, ["after", "limit"])?;
    let after = number("after", after)?.unwrap_or(0);
    let limit = limit(most.or_else(|| Some("1000".to_owned())))?;
    let store = &api.observatory.store;
    let checkpoints = store.checkpoints_after(after, limit).await.map_err(unanswered)?;
    Ok(Answer(CheckpointsResponse { checkpoints }))
}

fn unanswered(error: StorageError) -> Failure {
    QuestionError::Store(error).into()
}

fn number(name: &str, text: Option<String>) -> Result<Option<u64>, Failure> {
    let wrong = |_| bad(format!("{name} is not a record's number"));
    text.map(|text| text.parse().map_err(wrong)).transpose()
}

fn parse_severity(text: &str) -> Result<Severity, Failure> {
    let all = [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
    let found = all.into_iter().find(|severity| severity.as_str() == text);
    found
        .ok_or_else(|| bad(format!("severity {text:?} is not info, low, medium, high or critical")))
}
