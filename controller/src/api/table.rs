//! All routes, once: path, method, who may call it, what it does to the world, and its handler.
//!
//! There is no other way to add a route, and none to add one without saying who may call it: the
//! router is made from this table, and [`gate`](super::gate) asks it about each request.

use std::collections::BTreeSet;

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};
use sark_api::{
    ActivateRequest, ActivateResponse, AlertsResponse, ApplyRequest, ApplyResponse,
    ApprovalDecision, ApprovalRequest, ApprovalView, ApprovalsResponse, AuditResponse,
    CheckpointsResponse, CostRequest, CostResponse, CountersRequest, CountersTaken, DecideRequest,
    DecideResponse, DecisionRequest, DeliveriesResponse, DifferenceResponse, EndpointsResponse,
    EntriesChanged, EntriesRequest, EntriesResponse, Explanation, FeedView, FeedsResponse,
    HistoryResponse, KindsResponse, LookupResponse, NamesResponse, ObservationsRequest,
    ObservationsResponse, PeersResponse, PinRequest, PinResponse, PlanRequest, PlanResponse,
    PoliciesResponse, PoolsResponse, PriceLookupResponse, PriceVersionsResponse, PricesResponse,
    ProxiesResponse, ProxySnapshot, ProxyTop, RefreshRequest, RefreshResponse, RefreshResult,
    ReplayRequest, ReplayResponse, ReportTaken, ReportsResponse, RevisionView, RevisionsResponse,
    RollbackRequest, RolloutResponse, RuleView, RulesResponse, SensorsResponse, SetView,
    SetsResponse, SinkTest, SinksResponse, StatusResponse, StoredResponse, TokenMade, TokenRequest,
    TokenView, TokensResponse, TrailPosition, TrailResponse, VersionResponse, VersionsResponse,
    WhoamiResponse, WithdrawRequest, routes,
};
use sark_core::identity::{Access, Line, Needs, Role};
use sark_export::Form;
use schemars::JsonSchema;

use super::describe::{Parameter as P, Shape, description};
use super::{
    Api, alerts, approvals, audit, auth, changes, decisions, enforcers, explain, export, feeds,
    lines, metrics, observations, pools, prices, proxies, questions, registry, sensors,
};

/// What a call does to the world, and so who writes its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It changes nothing: counted, and the trail has how often each caller did.
    Looks,
    /// It changes something, or is to be remembered, and its handler writes the record.
    Records,
    /// It changes something, and the gate writes the record.
    Changes,
}

/// A route.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) access: Access,
    pub(super) effect: Effect,
    /// For people: one line.
    pub(super) about: &'static str,
    /// What it takes and gives.
    pub(super) shape: Shape,
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
        let (shape, handler) = (Shape::default(), on(filter, handler));
        Self { method, path, access, effect, about, shape, handler }
    }

    fn with(mut self, say: impl FnOnce(&mut Shape)) -> Self {
        say(&mut self.shape);
        self
    }

    fn takes<T: JsonSchema>(self) -> Self {
        self.with(Shape::takes::<T>)
    }

    fn takes_as(self, kind: &'static str) -> Self {
        self.with(|shape| shape.takes_as(kind))
    }

    fn gives<T: JsonSchema>(self) -> Self {
        self.with(Shape::gives::<T>)
    }

    fn gives_as(self, kinds: Vec<&'static str>) -> Self {
        self.with(|shape| shape.gives_as(kinds))
    }

    fn may_be_nothing(self, when: &'static str) -> Self {
        self.with(|shape| shape.may_be_nothing(when))
    }

    fn query(self, parameters: Vec<P>) -> Self {
        self.with(|shape| shape.query(parameters))
    }

    fn header(self, name: &'static str) -> Self {
        self.with(|shape| shape.header(name))
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

const fn approver(line: Line) -> Access {
    role(line, Role::Approver)
}

const fn admin(line: Line) -> Access {
    role(line, Role::Admin)
}

const fn anybody() -> Access {
    Access { line: Line::Status, needs: Needs::Nothing }
}

/// All of them.
pub(super) fn table() -> Vec<Route> {
    let all = [
        status(),
        flowspec(),
        endpoints(),
        versions(),
        prices(),
        decided(),
        trail(),
        told(),
        identities(),
        waiting(),
        reports(),
        elsewhere(),
    ];
    all.into_iter().flatten().collect()
}

const TEXT: &str = "text/plain";
const LINES: &str = "application/x-ndjson";
const OCTETS: &str = "application/octet-stream";
const OPENMETRICS: &str = "application/openmetrics-text";

fn export_query() -> Vec<P> {
    vec![
        P::text("form").required(),
        P::text("provider").many(),
        P::text("kind").many(),
        P::text("role").many(),
        P::flag("verified"),
        P::flag("shared"),
        P::text("at"),
    ]
}

fn export_kinds() -> Vec<&'static str> {
    let kinds: BTreeSet<_> = Form::ALL.iter().map(|form| form.media_type()).collect();
    kinds.into_iter().collect()
}

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const DELETE: Method = Method::DELETE;

#[rustfmt::skip]
fn status() -> Vec<Route> {
    use Effect::Looks;
    let line = Line::Status;
    vec![
        Route::new(viewer(line), GET, routes::STATUS, Looks, "How sarkd, its speaker and its peers are", questions::status).gives::<StatusResponse>(),
        Route::new(viewer(line), GET, routes::PEERS, Looks, "Sessions with routers", questions::peers).gives::<PeersResponse>(),
        Route::new(anybody(), GET, routes::HEALTHZ, Looks, "200 while the process runs", metrics::healthz).gives_as(vec![TEXT]),
        Route::new(viewer(line), GET, routes::READYZ, Looks, "200 when store and speaker answer", metrics::readyz).gives_as(vec![TEXT]),
        Route::new(viewer(line), GET, routes::METRICS, Looks, "Metrics, as OpenMetrics text", metrics::metrics).gives_as(vec![OPENMETRICS]),
        Route::new(anybody(), GET, routes::OPENAPI, Looks, "This description", description).gives::<serde_json::Value>(),
    ]
}

#[rustfmt::skip]
fn flowspec() -> Vec<Route> {
    use Effect::{Looks, Records};
    let line = Line::Flowspec;
    vec![
        Route::new(viewer(line), POST, routes::PLAN, Records, "What applying these files would change", changes::plan).takes::<PlanRequest>().gives::<PlanResponse>(),
        Route::new(operator(line), POST, routes::APPLY, Records, "Apply these files", changes::apply).takes::<ApplyRequest>().gives::<ApplyResponse>(),
        Route::new(operator(line), POST, routes::WITHDRAW, Records, "Withdraw policies", changes::withdraw).takes::<WithdrawRequest>().gives::<ApplyResponse>(),
        Route::new(viewer(line), GET, routes::RULES, Looks, "Rules that are, or should be, announced", questions::rules).gives::<RulesResponse>(),
        Route::new(viewer(line), GET, routes::RULE, Looks, "One rule", questions::rule).gives::<RuleView>(),
        Route::new(Access { line, needs: Needs::Enforcer }, POST, routes::COUNTERS, Looks, "What an enforcer's rules have counted", enforcers::counters).takes::<CountersRequest>().gives::<CountersTaken>(),
        Route::new(viewer(line), GET, routes::REVISIONS, Looks, "What the policy set was", questions::revisions).query(vec![P::limit()]).gives::<RevisionsResponse>(),
        Route::new(viewer(line), GET, routes::REVISION, Looks, "One revision, with its files", questions::revision).gives::<RevisionView>(),
        Route::new(viewer(line), GET, routes::POLICIES, Looks, "Policies that hold", questions::policies).gives::<PoliciesResponse>(),
        Route::new(viewer(line), GET, routes::POOLS, Looks, "Pools of proxies, and how these are", pools::pools).gives::<PoolsResponse>(),
    ]
}

#[rustfmt::skip]
fn decided() -> Vec<Route> {
    use Effect::{Looks, Records};
    let line = Line::Policy;
    let decide = Access { line, needs: Needs::Decide };
    let how = || vec![P::text("stage"), P::number("percent"), P::number("expect")];
    vec![
        Route::new(decide, POST, routes::DECISIONS, Records, "Decide on a request, an activity, a tunnel or a report", decisions::decide).takes::<DecideRequest>().gives::<DecideResponse>(),
        Route::new(viewer(line), GET, routes::DECISION_SETS, Looks, "Decision sets that are kept, and rollouts", decisions::sets).gives::<SetsResponse>(),
        Route::new(viewer(line), GET, routes::DECISION_SET, Looks, "One decision set, with its files", decisions::set).gives::<SetView>(),
        Route::new(viewer(line), GET, routes::ROLLOUT, Looks, "Which decision sets are in use", decisions::rollout).gives::<RolloutResponse>(),
        Route::new(operator(line), POST, routes::ROLLOUT, Records, "Put a decision set to use", decisions::activate).takes::<ActivateRequest>().gives::<ActivateResponse>(),
        Route::new(operator(line), POST, routes::BUNDLE, Records, "Put an OPA bundle to use", decisions::bundle).takes_as(OCTETS).query(how()).gives::<ActivateResponse>(),
        Route::new(operator(line), POST, routes::ROLLBACK, Records, "Take the candidate back, or the active set", decisions::rollback).takes::<RollbackRequest>().gives::<ActivateResponse>(),
        Route::new(operator(line), POST, routes::SOURCE, Records, "Ask the source of the decision set now", decisions::refresh).gives::<ActivateResponse>(),
    ]
}

fn search() -> Vec<P> {
    let texts =
        ["since", "until", "actor", "event", "severity", "host", "user", "request", "policy"];
    let numbers = ["after", "before"].map(P::text);
    texts.map(P::text).into_iter().chain(numbers).chain([P::flag("alerts"), P::limit()]).collect()
}

#[rustfmt::skip]
fn trail() -> Vec<Route> {
    use Effect::Looks;
    let line = Line::Audit;
    let on = || vec![P::text("after"), P::limit()];
    vec![
        Route::new(viewer(line), GET, routes::TRAIL, Looks, "Where the audit trail is, and who signs it", audit::trail).gives::<TrailResponse>(),
        Route::new(viewer(line), GET, routes::TRAIL_RECORDS, Looks, "Records that a search finds", audit::records).query(search()).gives::<AuditResponse>(),
        Route::new(viewer(line), GET, routes::EXPLAIN, Looks, "All that is known of one request", explain::explain).gives::<Explanation>(),
        Route::new(viewer(line), GET, routes::TRAIL_STORED, Looks, "Records as they are stored, to verify them", audit::stored).query(on()).gives::<StoredResponse>(),
        Route::new(viewer(line), GET, routes::TRAIL_CHECKPOINTS, Looks, "Signed checkpoints", audit::checkpoints).query(on()).gives::<CheckpointsResponse>(),
    ]
}

#[rustfmt::skip]
fn told() -> Vec<Route> {
    use Effect::{Looks, Records};
    let line = Line::Alerts;
    vec![
        Route::new(viewer(line), GET, routes::ALERTS, Looks, "Alerts that are open", alerts::open).query(vec![P::limit()]).gives::<AlertsResponse>(),
        Route::new(viewer(line), GET, routes::SINKS, Looks, "Where alerts go, and how that goes", alerts::sinks).gives::<SinksResponse>(),
        Route::new(viewer(line), GET, routes::DELIVERIES, Looks, "What was sent where", alerts::deliveries).query(vec![P::text("sink"), P::text("state"), P::text("key"), P::limit()]).gives::<DeliveriesResponse>(),
        Route::new(viewer(line), GET, routes::DELIVERY, Looks, "One delivery", alerts::delivery).gives::<serde_json::Value>(),
        Route::new(operator(line), POST, routes::SINK_TEST, Records, "Send a sink one message now", alerts::test).gives::<SinkTest>(),
        Route::new(operator(line), POST, routes::REPLAY, Records, "Send dead letters again", alerts::replay).takes::<ReplayRequest>().gives::<ReplayResponse>(),
    ]
}

#[rustfmt::skip]
fn endpoints() -> Vec<Route> {
    use Effect::{Changes, Looks, Records};
    let line = Line::Registry;
    vec![
        Route::new(viewer(line), GET, routes::ENDPOINTS, Looks, "Endpoints", questions::endpoints).query(vec![P::text("provider"), P::text("kind")]).gives::<EndpointsResponse>(),
        Route::new(viewer(line), GET, routes::LOOKUP, Looks, "Who is behind addresses and names", questions::lookup).query(vec![P::text("q").required().many()]).gives::<LookupResponse>(),
        Route::new(viewer(line), POST, routes::LOOKUP_LINES, Looks, "The same, by the million", lines::lookup_lines).takes_as(TEXT).gives_as(vec![LINES]),
        Route::new(viewer(line), GET, routes::EXPORT, Looks, "The registry in the form of another tool", export::export).query(export_query()).gives_as(export_kinds()),
        Route::new(viewer(line), GET, routes::FEEDS, Looks, "What each feed said last", feeds::feeds).gives::<FeedsResponse>(),
        Route::new(viewer(line), GET, routes::FEED, Looks, "One feed", feeds::feed).gives::<FeedView>(),
        Route::new(viewer(line), GET, routes::FEED_PENDING, Looks, "A copy that waits for a decision", feeds::pending).gives_as(vec![OCTETS]),
        Route::new(operator(line), POST, routes::FEED_ACCEPT, Records, "Use a copy that waits", feeds::accept).takes::<DecisionRequest>().gives::<RefreshResult>(),
        Route::new(operator(line), POST, routes::FEED_REJECT, Records, "Drop a copy that waits", feeds::reject).takes::<DecisionRequest>().gives::<RefreshResult>(),
        Route::new(operator(line), POST, routes::REFRESH, Records, "Ask feeds now", feeds::refresh).takes::<RefreshRequest>().gives::<RefreshResponse>(),
        Route::new(viewer(line), GET, routes::NAMES, Looks, "Names and where they lead", feeds::names).gives::<NamesResponse>(),
        // Many an hour, from resolvers: what they change is told by the versions they make.
        Route::new(operator(line), POST, routes::OBSERVATIONS, Changes, "What others saw of names and flows", observations::observe).takes::<ObservationsRequest>().gives::<ObservationsResponse>(),
    ]
}

#[rustfmt::skip]
fn versions() -> Vec<Route> {
    use Effect::{Looks, Records};
    let line = Line::Registry;
    vec![
        Route::new(viewer(line), GET, routes::VERSIONS, Looks, "Registry versions", registry::versions).query(vec![P::limit()]).gives::<VersionsResponse>(),
        Route::new(viewer(line), GET, routes::VERSION, Looks, "One version, with its endpoints", registry::version).gives::<VersionResponse>(),
        Route::new(viewer(line), GET, routes::DIFFERENCE, Looks, "What differs between two versions", registry::difference).query(vec![P::text("from").required(), P::text("to").required()]).gives::<DifferenceResponse>(),
        Route::new(viewer(line), GET, routes::HISTORY, Looks, "When an address or a name came and went", registry::history).query(vec![P::text("q").required()]).gives::<HistoryResponse>(),
        Route::new(operator(line), POST, routes::PIN, Records, "Which version rules are made from", registry::pin).takes::<PinRequest>().gives::<PinResponse>(),
        Route::new(viewer(line), GET, routes::ENTRIES, Looks, "Entries by hand", registry::entries).gives::<EntriesResponse>(),
        Route::new(operator(line), POST, routes::ENTRIES, Records, "Add or replace an entry", registry::put_entries).takes::<EntriesRequest>().gives::<EntriesChanged>(),
        Route::new(operator(line), DELETE, routes::ENTRY, Records, "Remove an entry", registry::delete_entry).query(vec![P::flag("dryRun"), P::text("expect")]).gives::<EntriesChanged>(),
    ]
}

#[rustfmt::skip]
fn prices() -> Vec<Route> {
    use Effect::Looks;
    let line = Line::Registry;
    vec![
        Route::new(viewer(line), GET, routes::PRICES, Looks, "What models cost", prices::prices).query(vec![P::text("provider"), P::number("version")]).gives::<PricesResponse>(),
        Route::new(viewer(line), GET, routes::PRICE_LOOKUP, Looks, "What some models cost", prices::lookup).query(vec![P::text("q").required().many(), P::text("provider"), P::number("version")]).gives::<PriceLookupResponse>(),
        Route::new(viewer(line), POST, routes::PRICE_COST, Looks, "What a use of a model costs", prices::cost).takes::<CostRequest>().gives::<CostResponse>(),
        Route::new(viewer(line), GET, routes::PRICE_VERSIONS, Looks, "Price lists that are kept", prices::versions).query(vec![P::limit()]).gives::<PriceVersionsResponse>(),
    ]
}

#[rustfmt::skip]
fn identities() -> Vec<Route> {
    use Effect::{Looks, Records};
    let line = Line::Identities;
    let known = Access { line: Line::Status, needs: Needs::Identity };
    vec![
        Route::new(known, GET, routes::WHOAMI, Looks, "Who asks, and what they may do", auth::whoami).gives::<WhoamiResponse>(),
        Route::new(admin(line), GET, routes::TOKENS, Looks, "Tokens, without their texts", auth::tokens).gives::<TokensResponse>(),
        Route::new(admin(line), POST, routes::TOKENS, Records, "Make a token", auth::make).takes::<TokenRequest>().gives::<TokenMade>(),
        Route::new(admin(line), GET, routes::TOKEN, Looks, "One token", auth::token).gives::<TokenView>(),
        Route::new(admin(line), DELETE, routes::TOKEN, Records, "Revoke a token", auth::revoke).gives::<TokenView>(),
    ]
}

#[rustfmt::skip]
fn waiting() -> Vec<Route> {
    use Effect::{Looks, Records};
    let line = Line::Approvals;
    vec![
        Route::new(viewer(line), GET, routes::APPROVALS, Looks, "What waits for another person", approvals::approvals).query(vec![P::text("state")]).gives::<ApprovalsResponse>(),
        Route::new(operator(line), POST, routes::APPROVALS, Records, "Ask for an approval", approvals::request).takes::<ApprovalRequest>().gives::<ApprovalView>(),
        Route::new(viewer(line), GET, routes::APPROVAL, Looks, "One approval", approvals::approval).gives::<ApprovalView>(),
        Route::new(approver(line), POST, routes::APPROVE, Records, "Approve; never one's own", approvals::approve).takes::<ApprovalDecision>().gives::<ApprovalView>(),
        Route::new(approver(line), POST, routes::REJECT, Records, "Reject", approvals::reject).takes::<ApprovalDecision>().gives::<ApprovalView>(),
    ]
}

#[rustfmt::skip]
fn reports() -> Vec<Route> {
    use Effect::{Looks, Records};
    let line = Line::Sensors;
    let report = Access { line, needs: Needs::Report };
    vec![
        Route::new(viewer(line), GET, routes::SENSORS, Looks, "Sensors, and when each last reported", sensors::sensors).gives::<SensorsResponse>(),
        Route::new(viewer(line), GET, routes::SENSOR_KINDS, Looks, "What each kind of sensor may report", sensors::kinds).gives::<KindsResponse>(),
        Route::new(viewer(line), GET, routes::REPORTS, Looks, "What sensors reported", sensors::reports).query(vec![P::text("kind"), P::text("sensor"), P::limit()]).gives::<ReportsResponse>(),
        Route::new(report, POST, routes::REPORT, Records, "Report what a sensor saw", sensors::report).takes::<serde_json::Value>().header("Idempotency-Key").gives::<ReportTaken>(),
    ]
}

#[rustfmt::skip]
fn elsewhere() -> Vec<Route> {
    use Effect::{Looks, Records};
    let by = |line| Access { line, needs: Needs::Proxy };
    vec![
        Route::new(by(Line::Policy), GET, routes::PROXY_SNAPSHOT, Looks, "What a proxy decides by", proxies::snapshot).query(vec![P::text("have"), P::number("wait")]).gives::<ProxySnapshot>().may_be_nothing("It is still the version that the caller has."),
        Route::new(viewer(Line::Audit), GET, routes::PROXY_TOP, Looks, "The calls of the last minutes", proxies::top).query(vec![P::number("window"), P::text("by"), P::limit()]).gives::<ProxyTop>(),
        Route::new(viewer(Line::Status), GET, routes::PROXY_STATUS, Looks, "Proxies that were heard", proxies::status).gives::<ProxiesResponse>(),
        Route::new(by(Line::Audit), POST, routes::PROXY_RECORDS, Records, "Records of a proxy", proxies::records).takes_as(TEXT).gives::<TrailPosition>(),
        Route::new(by(Line::Audit), GET, routes::PROXY_MARK, Looks, "How far records of a proxy are stored", proxies::mark).gives::<TrailPosition>(),
    ]
}
