//! Questions by the million: one a line in, one answer a line out, in their order.
//!
//! Answers are made while they are sent, a piece at a time: a client that reads slowly holds its
//! questions and one piece, whatever the answers come to. All are of one registry version.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::stream;
use sark_api::{lookup_brief, routes};
use sark_registry::Snapshot;

use super::Api;
use super::answer::{Failure, bad, octets};

/// Octets of answers made at once, about: a few milliseconds of work.
const PIECE: usize = 128 << 10;

pub(super) async fn lookup_lines(
    State(api): State<Api>,
    request: Request,
) -> Result<Response, Failure> {
    let questions = octets(request, "send fewer lines at a time").await?;
    let questions = String::from_utf8(questions.into());
    let questions = questions.map_err(|_| bad("the questions are no UTF-8"))?;
    let registry = api.observatory.snapshot();
    let version = registry.version().to_string();
    let rest = Rest { registry, questions, at: 0 };
    let answers = stream::try_unfold(Some(rest), async |rest| {
        let Some(rest) = rest else { return Ok(None) };
        // Not on a thread that others wait for. An error closes the connection before the end.
        tokio::task::spawn_blocking(move || rest.piece()).await
    });
    let head = [
        (header::CONTENT_TYPE, "application/x-ndjson".to_owned()),
        (header::HeaderName::from_static(routes::REGISTRY_VERSION), version),
    ];
    Ok((head, Body::from_stream(answers)).into_response())
}

/// Questions that wait for an answer.
struct Rest {
    registry: Arc<Snapshot>,
    questions: String,
    at: usize,
}

impl Rest {
    /// The next answers, and what is left then; `None` when all are answered.
    fn piece(mut self) -> Option<(Bytes, Option<Self>)> {
        let rest = self.questions.get(self.at..).filter(|rest| !rest.is_empty())?;
        let mut answers = Vec::with_capacity(PIECE + 1024);
        for line in rest.split_inclusive('\n') {
            self.at += line.len();
            // Writing to memory does not fail.
            let answer = lookup_brief(&self.registry, line.trim());
            let _ = serde_json::to_writer(&mut answers, &answer);
            answers.push(b'\n');
            if answers.len() >= PIECE {
                break;
            }
        }
        Some((answers.into(), Some(self)))
    }
}
