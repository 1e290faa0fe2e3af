//! Feeds and names: what each said, and decisions about copies that are doubted.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use sark_api::{
    DecisionRequest, ErrorBody, ErrorCode, FeedView, FeedsResponse, NamesResponse, RefreshRequest,
    RefreshResponse, RefreshResult,
};
use sark_registry::feed::PRICE_LIST;

use super::Api;
use super::answer::{Answer, Failure, body, to_the_end};
use crate::Actor;
use crate::chain;
use crate::feeds::FeedError;
use crate::registrar::RegistrarError;

pub(super) async fn feeds(State(api): State<Api>) -> Result<Answer<FeedsResponse>, Failure> {
    Ok(Answer(api.feeds.views().await?))
}

pub(super) async fn feed(
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<Answer<FeedView>, Failure> {
    Ok(Answer(api.feeds.view(&name).await?))
}

pub(super) async fn pending(
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let octets = api.feeds.pending(&name).await?;
    let kind = [(header::CONTENT_TYPE, "application/octet-stream")];
    Ok((kind, Body::from(octets)).into_response())
}

pub(super) async fn accept(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Answer<RefreshResult>, Failure> {
    let DecisionRequest { hash } = body(request).await?;
    let feeds = Arc::clone(&api.feeds);
    let change = async move { feeds.accept(&name, &hash, &actor).await };
    Ok(Answer(to_the_end(&api, change).await?))
}

pub(super) async fn reject(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Answer<RefreshResult>, Failure> {
    let DecisionRequest { hash } = body(request).await?;
    let feeds = Arc::clone(&api.feeds);
    let change = async move { feeds.reject(&name, &hash, &actor).await };
    Ok(Answer(to_the_end(&api, change).await?))
}

/// All at once: a slow feed holds up nobody but who asked for it.
pub(super) async fn refresh(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    request: Request,
) -> Result<Answer<RefreshResponse>, Failure> {
    let RefreshRequest { feeds: mut names } = body(request).await?;
    if names.is_empty() {
        names = api.feeds.scheduled().collect();
    }
    names.sort();
    names.dedup();
    for name in &names {
        api.feeds.view(name).await?;
    }
    let asked = names.into_iter().map(|name| {
        let (feeds, actor) = (Arc::clone(&api.feeds), actor.clone());
        // Goes on if the client does not wait.
        api.work.spawn(async move { feeds.refresh(&name, &actor).await })
    });
    let mut results = Vec::new();
    for result in futures::future::join_all(asked).await {
        let result = result.map_err(|error| {
            Failure(ErrorBody::new(ErrorCode::Internal, format!("the refresh failed: {error}")))
        })?;
        results.push(result?);
    }
    let version = api.observatory.snapshot().version().to_string();
    Ok(Answer(RefreshResponse { version, results }))
}

pub(super) async fn names(State(api): State<Api>) -> Result<Answer<NamesResponse>, Failure> {
    let Some(names) = api.names else {
        return Ok(Answer(NamesResponse { enabled: false, names: Vec::new() }));
    };
    let registry = api.observatory.snapshot();
    let views = tokio::task::spawn_blocking(move || names.views(&registry));
    let names = views.await.map_err(|error| {
        Failure(ErrorBody::new(ErrorCode::Internal, format!("the names are not told: {error}")))
    })?;
    Ok(Answer(NamesResponse { enabled: true, names }))
}

impl From<FeedError> for Failure {
    fn from(error: FeedError) -> Self {
        let message = chain(&error);
        let body = |code| ErrorBody::new(code, message.clone());
        Self(match error {
            FeedError::Unknown { name, .. } if name == PRICE_LIST => body(ErrorCode::NotFound)
                .with_help("name a price list in `registry.prices` of sarkd's configuration"),
            FeedError::Unknown { nearest, .. } => {
                body(ErrorCode::NotFound).with_help(match nearest {
                    Some(name) => format!("did you mean {name:?}?"),
                    None => "sarkctl registry feeds list shows them".to_owned(),
                })
            }
            FeedError::NotPending(_) => body(ErrorCode::Conflict)
                .with_help("look again: sarkctl registry feeds show FEED --pending"),
            FeedError::Unreadable { .. } => {
                body(ErrorCode::BadInput).with_help("reject it; the copy in use stays")
            }
            FeedError::Store(_) | FeedError::Registrar(RegistrarError::Store(_)) => {
                body(ErrorCode::Unavailable)
                    .with_help("the registry stays as it was; check the disk of state.directory")
            }
            FeedError::Registrar(RegistrarError::Defect(_)) => body(ErrorCode::Internal),
        })
    }
}
