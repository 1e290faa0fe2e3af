//! The one place where it is found out who asks, and whether they may.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sark_api::{ErrorBody, ErrorCode};
use sark_core::identity::{Access, Denied, Identity, Line, Needs};
use tokio::time::Instant;

use super::answer::Failure;
use super::table::{Effect, Route};
use super::{Api, Peer};
use crate::Actor;
use crate::events::{Answered, Event, Forbidden};

/// No request takes longer, body and waiting for convergence included.
const REQUEST_DEADLINE: Duration = Duration::from_secs(60);

/// Method and path.
type Key = (Method, &'static str);

/// What the gate knows.
#[derive(Clone)]
pub(super) struct Gate {
    api: Api,
    routes: Arc<HashMap<Key, (Access, Effect)>>,
}

impl Gate {
    /// Of all routes.
    pub(super) fn new(api: Api, table: &[Route]) -> Self {
        let one = |r: &Route| ((r.method.clone(), r.path), (r.access, r.effect));
        Self { api, routes: Arc::new(table.iter().map(one).collect()) }
    }

    /// What the route of this request asks for. Of a path or a method that is not in the table
    /// nothing is told to strangers.
    fn access(&self, request: &Request) -> Access {
        let unknown = Access { line: Line::Status, needs: Needs::Identity };
        let Some(path) = request.extensions().get::<MatchedPath>() else { return unknown };
        // What is looked at may be looked at without its body.
        let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
        let found = self.routes.iter().find(|((m, p), _)| m == method && *p == path.as_str());
        found.map_or(unknown, |(_, (access, _))| *access)
    }
}

/// Who asks, are they allowed, how long did it take.
pub(super) async fn gate(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let api = &gate.api;
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let asking = Asking {
        access: gate.access(&request),
        peer: request.extensions().get::<Peer>().cloned(),
        kind: kind_in(request.uri().path()).map(str::to_owned),
    };
    let identity = match admit(api, asking).await {
        Ok(identity) => identity,
        Err(failure) => return failure.into_response(),
    };
    let actor = Actor(identity.as_ref().map_or("nobody", |i| i.name.as_str()).to_owned());
    request.extensions_mut().insert(actor.clone());
    if let Some(identity) = identity {
        request.extensions_mut().insert(Arc::new(identity));
    }
    let response = match tokio::time::timeout(REQUEST_DEADLINE, next.run(request)).await {
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

/// What is known of a request before it is admitted.
struct Asking {
    access: Access,
    peer: Option<Peer>,
    kind: Option<String>,
}

/// Finds out who asks, and whether they may.
async fn admit(api: &Api, asking: Asking) -> Result<Option<Identity>, Failure> {
    if asking.access.needs == Needs::Nothing {
        return Ok(None);
    }
    let identity = identify(api, &asking).await?;
    match identity.may(asking.access, asking.kind.as_deref()) {
        Ok(()) => Ok(Some(identity)),
        Err(denied) => {
            Forbidden { actor: &identity.name, why: &denied.to_string() }.emit(&api.metrics);
            Err(refusal(&denied))
        }
    }
}

async fn identify(api: &Api, asking: &Asking) -> Result<Identity, Failure> {
    let Some(Peer::Local { uid }) = asking.peer else {
        let body = ErrorBody::new(ErrorCode::Internal, "the connection has no user");
        return Err(Failure(body));
    };
    match api.users.identity(uid).await {
        Some(identity) => Ok(identity),
        None => {
            let actor = format!("uid:{uid}");
            Forbidden { actor: &actor, why: "this user may not use sarkd" }.emit(&api.metrics);
            let body =
                ErrorBody::new(ErrorCode::Forbidden, format!("user {uid} may not use sarkd"));
            Err(Failure(body.with_help("add the user id to api.users, or use sudo")))
        }
    }
}

/// The kind of sensor in the path of a report.
fn kind_in(path: &str) -> Option<&str> {
    path.strip_prefix("/api/v1/sensors/")?.split('/').next()
}

fn refusal(denied: &Denied) -> Failure {
    let help = match denied {
        Denied::Role { role, .. } => format!("ask an admin for the role {role}"),
        Denied::Scope { line, .. } => {
            format!("use a token with the scope {}, or without scopes", line.as_str())
        }
        Denied::Report { kind, .. } => format!("use a token with the scope sensors:{kind}"),
    };
    Failure(ErrorBody::new(ErrorCode::Forbidden, denied.to_string()).with_help(help))
}
