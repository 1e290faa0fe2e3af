//! The one place where it is found out who asks, and whether they may.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sark_api::{ErrorBody, ErrorCode, routes};
use sark_core::audit::{AuditRecord, Outcome};
use sark_core::identity::{Access, Identity, Line, Needs};
use serde_json::json;
use tokio::time::Instant;

use super::answer::Failure;
use super::leaders;
use super::refusals::Refused;
use super::strangers::append;
use super::table::{Effect, Route};
use super::who::{NotAdmitted, identify, refusal};
use super::{Api, Peer};
use crate::Actor;
use crate::events::{Answered, Event, NotLet};

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

    /// What the route of this request asks for, and does. Of a path or a method that is not in the
    /// table nothing is told to strangers.
    fn asks_for(&self, request: &Request) -> (Access, Effect) {
        let unknown = (Access { line: Line::Status, needs: Needs::Identity }, Effect::Looks);
        let Some(path) = request.extensions().get::<MatchedPath>() else { return unknown };
        // What is looked at may be looked at without its body.
        let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
        let found = self.routes.iter().find(|((m, p), _)| m == method && *p == path.as_str());
        found.map_or(unknown, |(_, asked)| *asked)
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
    let (access, effect) = gate.asks_for(&request);
    let asking = Asking {
        access,
        peer: request.extensions().get::<Peer>().cloned(),
        // Taken away: no handler and no log has it.
        authorization: request.headers_mut().remove(header::AUTHORIZATION),
        kind: kind_in(request.uri().path()).map(str::to_owned),
        route,
    };
    let (actor, response) = match admit(api, &asking).await {
        Ok(identity) => {
            let name = identity.as_ref().map_or("nobody", |identity| identity.name.as_str());
            let actor = Actor(name.to_owned());
            request.extensions_mut().insert(actor.clone());
            if let Some(identity) = identity {
                request.extensions_mut().insert(Arc::new(identity));
            }
            let method = request.method().clone();
            let response = match leaders::refused(&api.leadership, &method, &asking.route) {
                Some(failure) => failure.into_response(),
                None => in_time(request, next).await,
            };
            match effect {
                Effect::Changes => {
                    record(api, &actor, &method, &asking.route, response.status()).await;
                }
                // Who need not be known is not asked for.
                Effect::Looks if asking.access.needs != Needs::Nothing => {
                    api.callers.looked(&actor.0, &asking.route);
                }
                Effect::Looks | Effect::Records => {}
            }
            (actor, response)
        }
        Err(refused) => (Actor(refused.who), refused.failure.into_response()),
    };
    Answered {
        route: &asking.route,
        actor: &actor.0,
        status: response.status().as_u16(),
        took: begun.elapsed(),
    }
    .emit(&api.metrics);
    with_version(response)
}

async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_DEADLINE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Failure(
            ErrorBody::new(ErrorCode::Timeout, "the request took too long")
                .with_help("a change that was accepted goes on: see sarkctl flowspec revisions"),
        )
        .into_response(),
    }
}

/// So that a client of another version can say so.
fn with_version(mut response: Response) -> Response {
    let version = HeaderValue::from_static(env!("CARGO_PKG_VERSION"));
    response.headers_mut().insert(HeaderName::from_static(routes::SARKD_VERSION), version);
    response
}

/// The record of a change whose handler writes none.
async fn record(api: &Api, actor: &Actor, method: &Method, route: &str, status: StatusCode) {
    let outcome = match status.as_u16() {
        200..300 => Outcome::Ok,
        500.. => Outcome::Failed,
        _ => Outcome::Refused,
    };
    let detail = json!({ "method": method.as_str(), "route": route, "status": status.as_u16() });
    let now = api.observatory.clock.now();
    let record = AuditRecord::new(now, &actor.0, "api.call", outcome, detail);
    append(&*api.observatory.store, &record, &api.metrics).await;
}

/// What is known of a request before it is admitted.
struct Asking {
    access: Access,
    peer: Option<Peer>,
    authorization: Option<HeaderValue>,
    kind: Option<String>,
    route: String,
}

/// Finds out who asks, and whether they may. Who is not admitted is counted, logged and recorded.
async fn admit(api: &Api, asking: &Asking) -> Result<Option<Identity>, NotAdmitted> {
    if asking.access.needs == Needs::Nothing {
        return Ok(None);
    }
    let admitted = match identify(api, asking.peer.as_ref(), asking.authorization.as_ref()).await {
        Ok(identity) => match identity.may(asking.access, asking.kind.as_deref()) {
            Ok(()) => {
                api.callers.came(&identity, asking.peer.as_ref(), api).await;
                Ok(Some(identity))
            }
            Err(denied) => Err(NotAdmitted::new(identity.name, "forbidden", refusal(&denied))),
        },
        Err(refused) => Err(refused),
    };
    if let Err(NotAdmitted { who, why, .. }) = &admitted {
        NotLet { who, why, route: &asking.route }.emit(&api.metrics);
        let refused = Refused { who: who.clone(), route: asking.route.clone(), why };
        api.strangers.refused(refused, api).await;
    }
    admitted
}

/// The kind of sensor in the path of a report.
fn kind_in(path: &str) -> Option<&str> {
    path.strip_prefix("/api/v1/sensors/")?.split('/').next()
}
