//! What proxies decide by, and their records.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use sark_api::{
    DiagnosticBody, ErrorBody, ErrorCode, ProxiesResponse, ProxyTop, TopBy, TrailPosition, routes,
};
use sark_core::document::Diagnostic;
use sark_core::identity::Identity;

use super::Api;
use super::answer::{Answer, Failure, bad, octets_up_to, to_the_end};
use super::questions::{Pairs, known, limit};
use crate::chain;
use crate::decisions::DecisionsError;
use crate::proxies::{LONGEST_WAIT, RecordsError, SPAN, Said, SnapshotError, parse};

/// What was sent has no name of its own.
const NAME: &str = "records";

pub(super) async fn snapshot(
    State(api): State<Api>,
    Extension(identity): Extension<Arc<Identity>>,
    headers: HeaderMap,
    Query(pairs): Pairs,
) -> Result<Response, Failure> {
    let [have, wait] = known(pairs, ["have", "wait"])?;
    let most = LONGEST_WAIT.as_secs();
    let wait = wait.map_or(Ok(0), |text| text.parse::<u64>());
    let Some(wait) = wait.ok().filter(|wait| *wait <= most) else {
        return Err(bad(format!("wait: 0 to {most} seconds")));
    };
    let (said, wait) = (said(&headers), Duration::from_secs(wait));
    let newest = api.proxies.snapshot(&identity, said, have.as_deref(), wait).await?;
    Ok(match newest {
        None => StatusCode::NO_CONTENT.into_response(),
        Some(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
    })
}

pub(super) async fn top(
    State(api): State<Api>,
    Query(pairs): Pairs,
) -> Result<Answer<ProxyTop>, Failure> {
    let [window, by, most] = known(pairs, ["window", "by", "limit"])?;
    let longest = SPAN.as_secs();
    let window = window.map_or(Ok(longest), |text| text.parse());
    let Some(window) = window.ok().filter(|window| (1..=longest).contains(window)) else {
        return Err(bad(format!("window: 1 to {longest} seconds")));
    };
    let by = match by {
        None => TopBy::default(),
        Some(text) => TopBy::ALL.into_iter().find(|by| by.as_str() == text).ok_or_else(|| {
            let all = TopBy::ALL.map(TopBy::as_str).join(", ");
            bad(format!("by {text:?} is none of {all}"))
        })?,
    };
    let (rows, window) = (limit(most)? as usize, SignedDuration::from_secs(window));
    // Fifty thousand calls are summed and sorted: not on a thread that others wait for.
    let proxies = Arc::clone(&api.proxies);
    let top = tokio::task::spawn_blocking(move || proxies.top(window, by, rows)).await;
    top.map(Answer).map_err(|error| {
        Failure(ErrorBody::new(ErrorCode::Internal, format!("it was not summed: {error}")))
    })
}

pub(super) async fn status(State(api): State<Api>) -> Answer<ProxiesResponse> {
    Answer(api.proxies.status())
}

/// What a proxy says of itself; what cannot be read it has not said.
fn said(headers: &HeaderMap) -> Said {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::to_owned);
    let waiting = text(routes::PROXY_WAITING).and_then(|text| text.parse().ok());
    Said { agent: text(header::USER_AGENT.as_str()), waiting }
}

pub(super) async fn mark(
    State(api): State<Api>,
    Extension(identity): Extension<Arc<Identity>>,
    Path(mark): Path<String>,
) -> Result<Answer<TrailPosition>, Failure> {
    let position = api.proxies.mark(&mark, &identity).await?;
    Ok(Answer(TrailPosition { position }))
}

pub(super) async fn records(
    State(api): State<Api>,
    Extension(identity): Extension<Arc<Identity>>,
    request: Request,
) -> Result<Response, Failure> {
    if let Err(error) = api.proxies.may_send(&identity) {
        let wait = match &error {
            RecordsError::TooMany { wait, .. } => wait.as_secs() + 1,
            _ => 1,
        };
        let mut response = Failure::from(error).into_response();
        response.headers_mut().insert(header::RETRY_AFTER, wait.into());
        return Ok(response);
    }
    let said = said(request.headers());
    let octets = octets_up_to(routes::MAX_RECORDS, request, "send fewer records at a time").await?;
    let text = String::from_utf8(octets.into()).map_err(|_| bad("the records are no UTF-8"))?;
    let proxies = Arc::clone(&api.proxies);
    let stored = async move {
        let (by, sender) = (Arc::clone(&identity), identity);
        // Eight megabytes of JSON are no work for a thread that others wait for.
        let read = tokio::task::spawn_blocking(move || parse(&text, &sender)).await;
        let sent = read.map_err(Refused::Defect)?.map_err(|error| {
            tracing::warn!(who = by.name, error = chain(&error), "records are refused");
            Refused::Records(error)
        })?;
        proxies.store(sent, &by, said).await.map_err(Refused::Records)
    };
    let position = to_the_end(&api, stored).await?;
    Ok(axum::Json(TrailPosition { position }).into_response())
}

/// Why records were not taken.
enum Refused {
    Records(RecordsError),
    Defect(tokio::task::JoinError),
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Records(error) => error.into(),
            Refused::Defect(error) => {
                let message = format!("the records were not read: {error}");
                Self(ErrorBody::new(ErrorCode::Internal, message))
            }
        }
    }
}

impl From<RecordsError> for Failure {
    fn from(error: RecordsError) -> Self {
        let message = chain(&error);
        let body = |code| ErrorBody::new(code, message.clone());
        let at = |line: usize, mut body: ErrorBody| {
            let line = u32::try_from(line).unwrap_or(u32::MAX);
            let mut place = DiagnosticBody::from(Diagnostic::of_file(NAME, message.clone()));
            place.line = line;
            body.error.diagnostics.push(place);
            body.with_help("nothing of the request was stored")
        };
        Self(match &error {
            RecordsError::Mark => body(ErrorCode::BadInput),
            RecordsError::First(_) => at(1, body(ErrorCode::BadInput)),
            RecordsError::Record { line, .. } => at(*line, body(ErrorCode::BadInput)),
            RecordsError::TooLong { line } => at(*line, body(ErrorCode::TooLarge)),
            RecordsError::NotTheirs { line, .. } => at(*line, body(ErrorCode::Refused)),
            RecordsError::Moved(position) => {
                let mut body = body(ErrorCode::Conflict)
                    .with_help("go on after this position: what is before it is stored");
                body.error.position = Some(*position);
                body
            }
            RecordsError::TooMany { .. } => {
                body(ErrorCode::TooMany).with_help("send more records at a time")
            }
            RecordsError::Store(_) => {
                body(ErrorCode::Unavailable).with_help("nothing was stored: send the same again")
            }
        })
    }
}

impl From<SnapshotError> for Failure {
    fn from(error: SnapshotError) -> Self {
        let body = |code| ErrorBody::new(code, chain(&error));
        Self(match &error {
            SnapshotError::Set(DecisionsError::Store(_)) | SnapshotError::Prices(_) => {
                body(ErrorCode::Unavailable).with_help("what the proxy has stays in use: ask again")
            }
            SnapshotError::Set(_) | SnapshotError::Join(_) | SnapshotError::Json(_) => {
                body(ErrorCode::Internal)
            }
        })
    }
}
