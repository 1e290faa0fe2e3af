//! The control API: JSON over a Unix socket, for users of this machine who are allowed.

mod answer;
mod changes;
mod export;
mod feeds;
mod leaders;
mod lines;
mod listen;
mod metrics;
mod observations;
mod prices;
mod questions;
mod registry;
mod serve;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use sark_api::{ErrorBody, ErrorCode, routes};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::events::{Answered, Event, Forbidden};
use crate::feeds::Feeds;
use crate::names::Names;
use crate::prices::Prices;
use crate::{Actor, Changes, Leadership, Metrics, Observatory, Registrar};
use answer::Failure;
pub use listen::{ListenError, SocketGuard, listen};
pub use metrics::serve_metrics;
pub use serve::serve;

/// No request takes longer, body and waiting for convergence included.
const REQUEST_DEADLINE: Duration = Duration::from_secs(60);

/// What the handlers share.
#[derive(Clone)]
pub struct Api {
    /// Makes revisions.
    pub changes: Arc<Changes>,
    /// Answers questions.
    pub observatory: Arc<Observatory>,
    /// Makes registry versions.
    pub registrar: Arc<Registrar>,
    /// Asks feeds.
    pub feeds: Arc<Feeds>,
    /// Knows what models cost.
    pub prices: Arc<Prices>,
    /// Asks for names, if they are asked for.
    pub names: Option<Arc<Names>>,
    /// Whether this one makes changes.
    pub leadership: Leadership,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// User ids that may ask.
    pub allowed: Arc<BTreeSet<u32>>,
    /// Changes under way: they end although their client went away, and the drain waits for them.
    pub work: TaskTracker,
}

/// The user at the other end of a connection, as the kernel says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) uid: u32,
}

impl Api {
    /// All routes, behind the check of the user.
    pub fn router(self) -> Router {
        let guard = from_fn_with_state(self.clone(), guard);
        Router::new()
            .route(routes::STATUS, get(questions::status))
            .route(routes::PLAN, post(changes::plan))
            .route(routes::APPLY, post(changes::apply))
            .route(routes::WITHDRAW, post(changes::withdraw))
            .route(routes::RULES, get(questions::rules))
            .route(routes::RULE, get(questions::rule))
            .route(routes::REVISIONS, get(questions::revisions))
            .route(routes::REVISION, get(questions::revision))
            .route(routes::ENDPOINTS, get(questions::endpoints))
            .route(routes::LOOKUP, get(questions::lookup))
            .route(routes::EXPORT, get(export::export))
            .route(routes::LOOKUP_LINES, post(lines::lookup_lines))
            .route(routes::FEEDS, get(feeds::feeds))
            .route(routes::FEED, get(feeds::feed))
            .route(routes::FEED_PENDING, get(feeds::pending))
            .route(routes::FEED_ACCEPT, post(feeds::accept))
            .route(routes::FEED_REJECT, post(feeds::reject))
            .route(routes::REFRESH, post(feeds::refresh))
            .route(routes::NAMES, get(feeds::names))
            .route(routes::OBSERVATIONS, post(observations::observe))
            .route(routes::VERSIONS, get(registry::versions))
            .route(routes::VERSION, get(registry::version))
            .route(routes::DIFFERENCE, get(registry::difference))
            .route(routes::HISTORY, get(registry::history))
            .route(routes::PIN, post(registry::pin))
            .route(routes::ENTRIES, get(registry::entries).post(registry::put_entries))
            .route(routes::ENTRY, delete(registry::delete_entry))
            .route(routes::PRICES, get(prices::prices))
            .route(routes::PRICE_LOOKUP, get(prices::lookup))
            .route(routes::PRICE_COST, post(prices::cost))
            .route(routes::PRICE_VERSIONS, get(prices::versions))
            .route(routes::POLICIES, get(questions::policies))
            .route(routes::PEERS, get(questions::peers))
            .route(routes::HEALTHZ, get(metrics::healthz))
            .route(routes::READYZ, get(metrics::readyz))
            .route(routes::METRICS, get(metrics::metrics))
            .fallback(no_route)
            .method_not_allowed_fallback(no_method)
            .layer(guard)
            .with_state(self)
    }
}

/// Who asks, is it allowed, how long did it take.
async fn guard(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let Some(peer) = request.extensions().get::<Peer>().copied() else {
        return Failure(ErrorBody::new(ErrorCode::Internal, "the connection has no user"))
            .into_response();
    };
    if !api.allowed.contains(&peer.uid) {
        Forbidden { uid: peer.uid }.emit(&api.metrics);
        return Failure(
            ErrorBody::new(ErrorCode::Forbidden, format!("user {} may not use sarkd", peer.uid))
                .with_help("add the user id to api.allowUids, or use sudo"),
        )
        .into_response();
    }
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let actor = actor_of(peer.uid).await;
    request.extensions_mut().insert(actor.clone());
    let refused = leaders::refused(&api.leadership, request.method(), &route);
    let answer = async {
        match refused {
            Some(failure) => failure.into_response(),
            None => next.run(request).await,
        }
    };
    let response = match tokio::time::timeout(REQUEST_DEADLINE, answer).await {
        Ok(response) => response,
        Err(_) => Failure(
            ErrorBody::new(ErrorCode::Timeout, "the request took too long")
                .with_help("a change that was accepted goes on: see sarkctl flowspec revisions"),
        )
        .into_response(),
    };
    Answered {
        route: &route,
        actor: &actor.0,
        status: response.status().as_u16(),
        took: begun.elapsed(),
    }
    .emit(&api.metrics);
    response
}

async fn actor_of(uid: u32) -> Actor {
    // The user database may be on a network.
    let name = tokio::task::spawn_blocking(move || {
        nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(uid)).ok().flatten().map(|u| u.name)
    });
    match name.await {
        Ok(Some(name)) => Actor(format!("uid:{uid}({name})")),
        _ => Actor(format!("uid:{uid}")),
    }
}

async fn no_route(request: Request) -> Failure {
    let path = request.uri().path().to_owned();
    Failure(ErrorBody::new(ErrorCode::NotFound, format!("there is no {path}")))
}

async fn no_method(request: Request) -> Failure {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    Failure(ErrorBody::new(ErrorCode::MethodNotAllowed, format!("{path} does not take {method}")))
}
