//! All routes, once: path, method, who may call it, what it does to the world, and its handler.
//!
//! There is no other way to add a route, and none to add one without saying who may call it: the
//! router is made from this table, and [`gate`](super::gate) asks it about each request.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};
use sark_api::routes;
use sark_core::identity::{Access, Line, Needs, Role};

use super::{
    Api, changes, export, feeds, lines, metrics, observations, prices, questions, registry,
};

/// What a call does to the world, and so who writes its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It changes nothing: counted and logged.
    Looks,
    /// It changes something, and its handler writes the record with the change.
    Records,
    /// It changes something, and the gate writes the record.
    #[expect(dead_code, reason = "for routes to come")]
    Changes,
}

/// A route.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) access: Access,
    pub(super) effect: Effect,
    /// For people: one line.
    #[expect(dead_code, reason = "told by the API's description")]
    pub(super) about: &'static str,
    handler: MethodRouter<Api>,
}

impl Route {
    /// Who may call it comes first, so that nobody forgets it.
    fn new<H, T>(
        access: Access,
        method: Method,
        path: &'static str,
        effect: Effect,
        about: &'static str,
        handler: H,
    ) -> Self
    where
        H: Handler<T, Api>,
        T: 'static,
    {
        // Every method in the table is one that axum knows.
        let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET);
        Self { method, path, access, effect, about, handler: on(filter, handler) }
    }
}

/// A router of all routes, without the gate.
pub(super) fn router(table: Vec<Route>) -> Router<Api> {
    table.into_iter().fold(Router::new(), |all, route| all.route(route.path, route.handler))
}

const fn role(line: Line, role: Role) -> Access {
    Access { line, needs: Needs::Role(role) }
}

const fn viewer(line: Line) -> Access {
    role(line, Role::Viewer)
}

const fn operator(line: Line) -> Access {
    role(line, Role::Operator)
}

const fn anybody() -> Access {
    Access { line: Line::Status, needs: Needs::Nothing }
}

/// All of them.
pub(super) fn table() -> Vec<Route> {
    [status(), flowspec(), endpoints(), versions(), prices()].into_iter().flatten().collect()
}

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const DELETE: Method = Method::DELETE;

#[rustfmt::skip]
fn status() -> Vec<Route> {
    use Effect::Looks;
    let line = Line::Status;
    vec![
        Route::new(viewer(line), GET, routes::STATUS, Looks, "How sarkd, its speaker and its peers are", questions::status),
        Route::new(viewer(line), GET, routes::PEERS, Looks, "Sessions with routers", questions::peers),
        Route::new(anybody(), GET, routes::HEALTHZ, Looks, "200 while the process runs", metrics::healthz),
        Route::new(viewer(line), GET, routes::READYZ, Looks, "200 when store and speaker answer", metrics::readyz),
        Route::new(viewer(line), GET, routes::METRICS, Looks, "Metrics, as OpenMetrics text", metrics::metrics),
    ]
}

#[rustfmt::skip]
fn flowspec() -> Vec<Route> {
    use Effect::{Looks, Records};
    let line = Line::Flowspec;
    vec![
        Route::new(viewer(line), POST, routes::PLAN, Looks, "What applying these files would change", changes::plan),
        Route::new(operator(line), POST, routes::APPLY, Records, "Apply these files", changes::apply),
        Route::new(operator(line), POST, routes::WITHDRAW, Records, "Withdraw policies", changes::withdraw),
        Route::new(viewer(line), GET, routes::RULES, Looks, "Rules that are, or should be, announced", questions::rules),
        Route::new(viewer(line), GET, routes::RULE, Looks, "One rule", questions::rule),
        Route::new(viewer(line), GET, routes::REVISIONS, Looks, "What the policy set was", questions::revisions),
        Route::new(viewer(line), GET, routes::REVISION, Looks, "One revision, with its files", questions::revision),
        Route::new(viewer(line), GET, routes::POLICIES, Looks, "Policies that hold", questions::policies),
    ]
}

#[rustfmt::skip]
fn endpoints() -> Vec<Route> {
    use Effect::{Looks, Records};
    let line = Line::Registry;
    vec![
        Route::new(viewer(line), GET, routes::ENDPOINTS, Looks, "Endpoints", questions::endpoints),
        Route::new(viewer(line), GET, routes::LOOKUP, Looks, "Who is behind addresses and names", questions::lookup),
        Route::new(viewer(line), POST, routes::LOOKUP_LINES, Looks, "The same, by the million", lines::lookup_lines),
        Route::new(viewer(line), GET, routes::EXPORT, Looks, "The registry in the form of another tool", export::export),
        Route::new(viewer(line), GET, routes::FEEDS, Looks, "What each feed said last", feeds::feeds),
        Route::new(viewer(line), GET, routes::FEED, Looks, "One feed", feeds::feed),
        Route::new(viewer(line), GET, routes::FEED_PENDING, Looks, "A copy that waits for a decision", feeds::pending),
        Route::new(operator(line), POST, routes::FEED_ACCEPT, Records, "Use a copy that waits", feeds::accept),
        Route::new(operator(line), POST, routes::FEED_REJECT, Records, "Drop a copy that waits", feeds::reject),
        Route::new(operator(line), POST, routes::REFRESH, Records, "Ask feeds now", feeds::refresh),
        Route::new(viewer(line), GET, routes::NAMES, Looks, "Names and where they lead", feeds::names),
        // Many an hour, from resolvers: what they change is told by the versions they make.
        Route::new(operator(line), POST, routes::OBSERVATIONS, Records, "What others saw of names and flows", observations::observe),
    ]
}

#[rustfmt::skip]
fn versions() -> Vec<Route> {
    use Effect::{Looks, Records};
    let line = Line::Registry;
    vec![
        Route::new(viewer(line), GET, routes::VERSIONS, Looks, "Registry versions", registry::versions),
        Route::new(viewer(line), GET, routes::VERSION, Looks, "One version, with its endpoints", registry::version),
        Route::new(viewer(line), GET, routes::DIFFERENCE, Looks, "What differs between two versions", registry::difference),
        Route::new(viewer(line), GET, routes::HISTORY, Looks, "When an address or a name came and went", registry::history),
        Route::new(operator(line), POST, routes::PIN, Records, "Which version rules are made from", registry::pin),
        Route::new(viewer(line), GET, routes::ENTRIES, Looks, "Entries by hand", registry::entries),
        Route::new(operator(line), POST, routes::ENTRIES, Records, "Add or replace an entry", registry::put_entries),
        Route::new(operator(line), DELETE, routes::ENTRY, Records, "Remove an entry", registry::delete_entry),
    ]
}

#[rustfmt::skip]
fn prices() -> Vec<Route> {
    use Effect::Looks;
    let line = Line::Registry;
    vec![
        Route::new(viewer(line), GET, routes::PRICES, Looks, "What models cost", prices::prices),
        Route::new(viewer(line), GET, routes::PRICE_LOOKUP, Looks, "What some models cost", prices::lookup),
        Route::new(viewer(line), POST, routes::PRICE_COST, Looks, "What a use of a model costs", prices::cost),
        Route::new(viewer(line), GET, routes::PRICE_VERSIONS, Looks, "Price lists that are kept", prices::versions),
    ]
}
