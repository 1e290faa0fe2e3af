//! The paths, once.

/// `GET` → [`StatusResponse`](crate::StatusResponse).
pub const STATUS: &str = "/v1/status";
/// `POST` [`PlanRequest`](crate::PlanRequest) → [`PlanResponse`](crate::PlanResponse).
pub const PLAN: &str = "/v1/flowspec/plan";
/// `POST` [`ApplyRequest`](crate::ApplyRequest) → [`ApplyResponse`](crate::ApplyResponse).
pub const APPLY: &str = "/v1/flowspec/apply";
/// `POST` [`WithdrawRequest`](crate::WithdrawRequest) → [`ApplyResponse`](crate::ApplyResponse).
pub const WITHDRAW: &str = "/v1/flowspec/withdraw";
/// `GET` → [`RulesResponse`](crate::RulesResponse).
pub const RULES: &str = "/v1/flowspec/rules";
/// `GET` → [`RuleView`](crate::RuleView); `rule` is the last part of the large community, as the
/// large community prints it or in hex, or the NLRI in hex.
pub const RULE: &str = "/v1/flowspec/rules/{rule}";
/// `GET`, `?limit=` (20, at most 1000) → [`RevisionsResponse`](crate::RevisionsResponse).
pub const REVISIONS: &str = "/v1/flowspec/revisions";
/// `GET` → [`RevisionView`](crate::RevisionView) with its files.
pub const REVISION: &str = "/v1/flowspec/revisions/{number}";
/// `GET`, `?provider=` and `?kind=` → [`EndpointsResponse`](crate::EndpointsResponse).
pub const ENDPOINTS: &str = "/v1/registry/endpoints";
/// `GET`, `?q=` once or more → [`LookupResponse`](crate::LookupResponse).
pub const LOOKUP: &str = "/v1/registry/lookup";
/// `GET`, `?form=`, once; `?provider=`, `?kind=`, `?role=`, each any number of times; `?verified=true`,
/// `?shared=true`, `?at=` a version → the document, in the form of its tool. Headers say which
/// registry it is of ([`REGISTRY_VERSION`]) and what was left out ([`NOTE`]).
pub const EXPORT: &str = "/v1/registry/export";
/// `POST` one question a line → one [`BriefAnswer`](crate::BriefAnswer) a line, in their order, and
/// [`REGISTRY_VERSION`].
pub const LOOKUP_LINES: &str = "/v1/registry/lookup-lines";
/// `GET` → [`FeedsResponse`](crate::FeedsResponse).
pub const FEEDS: &str = "/v1/registry/feeds";
/// `GET` → [`FeedView`](crate::FeedView).
pub const FEED: &str = "/v1/registry/feeds/{feed}";
/// `GET` → the octets of the pending copy, its parts one after another.
pub const FEED_PENDING: &str = "/v1/registry/feeds/{feed}/pending";
/// `POST` [`DecisionRequest`](crate::DecisionRequest) → [`RefreshResult`](crate::RefreshResult).
pub const FEED_ACCEPT: &str = "/v1/registry/feeds/{feed}/accept";
/// `POST` [`DecisionRequest`](crate::DecisionRequest) → [`RefreshResult`](crate::RefreshResult).
pub const FEED_REJECT: &str = "/v1/registry/feeds/{feed}/reject";
/// `POST` [`RefreshRequest`](crate::RefreshRequest) → [`RefreshResponse`](crate::RefreshResponse).
pub const REFRESH: &str = "/v1/registry/refresh";
/// `GET` → [`NamesResponse`](crate::NamesResponse).
pub const NAMES: &str = "/v1/registry/names";
/// `POST` [`ObservationsRequest`](crate::ObservationsRequest) →
/// [`ObservationsResponse`](crate::ObservationsResponse).
pub const OBSERVATIONS: &str = "/v1/registry/observations";
/// `GET`, `?limit=` (20, at most 1000) → [`VersionsResponse`](crate::VersionsResponse).
pub const VERSIONS: &str = "/v1/registry/versions";
/// `GET`; a number or the beginning of a hash → [`VersionResponse`](crate::VersionResponse).
pub const VERSION: &str = "/v1/registry/versions/{version}";
/// `GET`, `?from=&to=` → [`DifferenceResponse`](crate::DifferenceResponse).
pub const DIFFERENCE: &str = "/v1/registry/difference";
/// `GET`, `?q=` → [`HistoryResponse`](crate::HistoryResponse).
pub const HISTORY: &str = "/v1/registry/history";
/// `POST` [`PinRequest`](crate::PinRequest) → [`PinResponse`](crate::PinResponse).
pub const PIN: &str = "/v1/registry/pin";
/// `GET` → [`EntriesResponse`](crate::EntriesResponse); `POST`
/// [`EntriesRequest`](crate::EntriesRequest) → [`EntriesChanged`](crate::EntriesChanged).
pub const ENTRIES: &str = "/v1/registry/entries";
/// `DELETE`, `?dryRun=true` and `?expect=` as in [`EntriesRequest`](crate::EntriesRequest) →
/// [`EntriesChanged`](crate::EntriesChanged).
pub const ENTRY: &str = "/v1/registry/entries/{entry}";
/// `GET`, `?provider=` and `?version=` → [`PricesResponse`](crate::PricesResponse).
pub const PRICES: &str = "/v1/registry/prices";
/// `GET`, `?q=` once or more, `?provider=` and `?version=` →
/// [`PriceLookupResponse`](crate::PriceLookupResponse).
pub const PRICE_LOOKUP: &str = "/v1/registry/prices/lookup";
/// `POST` [`CostRequest`](crate::CostRequest) → [`CostResponse`](crate::CostResponse).
pub const PRICE_COST: &str = "/v1/registry/prices/cost";
/// `GET`, `?limit=` (20, at most 1000) →
/// [`PriceVersionsResponse`](crate::PriceVersionsResponse).
pub const PRICE_VERSIONS: &str = "/v1/registry/prices/versions";
/// `GET` → [`PoliciesResponse`](crate::PoliciesResponse).
pub const POLICIES: &str = "/v1/policies";
/// `GET` → [`PeersResponse`](crate::PeersResponse).
pub const PEERS: &str = "/v1/peers";
/// `GET` → [`PoolsResponse`](crate::PoolsResponse).
pub const POOLS: &str = "/api/v1/pools";
// Who may do what.

/// `GET` → [`WhoamiResponse`](crate::WhoamiResponse).
pub const WHOAMI: &str = "/v1/auth/whoami";
/// `GET` → [`TokensResponse`](crate::TokensResponse); `POST` [`TokenRequest`](crate::TokenRequest) →
/// [`TokenMade`](crate::TokenMade).
pub const TOKENS: &str = "/v1/auth/tokens";
/// `GET`, `DELETE` (revokes it); its id or its name → [`TokenView`](crate::TokenView).
pub const TOKEN: &str = "/v1/auth/tokens/{token}";

// What waits for another person.

/// `GET`, `?state=` → [`ApprovalsResponse`](crate::ApprovalsResponse); `POST`
/// [`ApprovalRequest`](crate::ApprovalRequest) → [`ApprovalView`](crate::ApprovalView).
pub const APPROVALS: &str = "/v1/approvals";
/// `GET` → [`ApprovalView`](crate::ApprovalView).
pub const APPROVAL: &str = "/v1/approvals/{approval}";
/// `POST` [`ApprovalDecision`](crate::ApprovalDecision) → [`ApprovalView`](crate::ApprovalView).
pub const APPROVE: &str = "/v1/approvals/{approval}/approve";
/// `POST` [`ApprovalDecision`](crate::ApprovalDecision) → [`ApprovalView`](crate::ApprovalView).
pub const REJECT: &str = "/v1/approvals/{approval}/reject";

// Sensors. What others are told to send to is below `/api`, for proxies that part by path.

/// `GET` → [`SensorsResponse`](crate::SensorsResponse).
pub const SENSORS: &str = "/v1/sensors";
/// `GET` → [`KindsResponse`](crate::KindsResponse).
pub const SENSOR_KINDS: &str = "/v1/sensors/kinds";
/// `GET`, `?kind=`, `?sensor=`, `?limit=` → [`ReportsResponse`](crate::ReportsResponse).
pub const REPORTS: &str = "/v1/sensors/reports";
/// `POST` a report as its kind's schema has it, and a header `Idempotency-Key` →
/// [`ReportTaken`](crate::ReportTaken).
pub const REPORT: &str = "/api/v1/sensors/{kind}/reports";

// Programs that decide elsewhere.

/// `GET`, `?have=` a version and `?wait=` seconds (at most 55) →
/// [`ProxySnapshot`](crate::ProxySnapshot); 204 if it is still that version when the time is over.
pub const PROXY_SNAPSHOT: &str = "/api/v1/proxy/snapshot";
/// `POST` [`TrailBatch`](crate::TrailBatch) and then the records, one a line →
/// [`TrailPosition`](crate::TrailPosition); 409 with the `position` in its error if the mark is
/// elsewhere.
pub const PROXY_RECORDS: &str = "/api/v1/trail/records";
/// `GET` → [`TrailPosition`](crate::TrailPosition).
pub const PROXY_MARK: &str = "/api/v1/trail/marks/{mark}";

/// Largest body of records, in octets.
pub const MAX_RECORDS: usize = 8 << 20;

// The audit trail.

/// `GET` → [`TrailResponse`](crate::TrailResponse).
pub const TRAIL: &str = "/v1/audit";
/// `GET`; the fields of [`Search`](sark_core::audit::Search), `?after=` (oldest first) or `?before=`
/// (newest first, as without), `?limit=` (100, at most 1000) → [`AuditResponse`](crate::AuditResponse).
pub const TRAIL_RECORDS: &str = "/v1/audit/records";
/// `GET`, `?after=` and `?limit=` (at most 1000) → [`StoredResponse`](crate::StoredResponse).
pub const TRAIL_STORED: &str = "/v1/audit/stored";
/// `GET`, `?after=` and `?limit=` (at most 1000) →
/// [`CheckpointsResponse`](crate::CheckpointsResponse).
pub const TRAIL_CHECKPOINTS: &str = "/v1/audit/checkpoints";
/// `GET` → 200 while the process runs.
pub const HEALTHZ: &str = "/healthz";
/// `GET` → 200 when the store and the BGP speaker answer, else 503.
pub const READYZ: &str = "/readyz";
/// `GET` → OpenAPI 3.1 of all of this.
pub const OPENAPI: &str = "/openapi.json";
/// `GET` → OpenMetrics text.
pub const METRICS: &str = "/metrics";

/// Header of each answer: version of `sarkd`.
pub const SARKD_VERSION: &str = "sarkd-version";
/// Header of an export: hash of the registry version that it is of.
pub const REGISTRY_VERSION: &str = "sark-registry-version";
/// Header of an export: what was left out, and why. There may be several.
pub const NOTE: &str = "sark-note";

/// Largest request body, in octets.
pub const MAX_BODY: usize = 4 << 20;

// Alerts.

/// `GET`, `?limit=` (20, at most 1000) → [`AlertsResponse`](crate::AlertsResponse): open ones.
pub const ALERTS: &str = "/v1/alerts";
/// `GET`, `?sink=`, `?state=`, `?key=`, `?limit=` (20, at most 1000) →
/// [`DeliveriesResponse`](crate::DeliveriesResponse).
pub const DELIVERIES: &str = "/v1/alerts/deliveries";
/// `GET` → [`Delivery`](sark_core::storage::alerts::Delivery).
pub const DELIVERY: &str = "/v1/alerts/deliveries/{number}";
/// `GET` → [`SinksResponse`](crate::SinksResponse).
pub const SINKS: &str = "/v1/alerts/sinks";
/// `POST` → [`SinkTest`](crate::SinkTest).
pub const SINK_TEST: &str = "/v1/alerts/sinks/{sink}/test";
/// `POST` [`ReplayRequest`](crate::ReplayRequest) → [`ReplayResponse`](crate::ReplayResponse).
pub const REPLAY: &str = "/v1/alerts/replay";

/// `POST` [`DecideRequest`](crate::DecideRequest) → [`DecideResponse`](crate::DecideResponse).
pub const DECISIONS: &str = "/v1/decisions";
/// `GET` → [`SetsResponse`](crate::SetsResponse).
pub const DECISION_SETS: &str = "/v1/decisions/sets";
/// `GET`; a version or the beginning of its hash → [`SetView`](crate::SetView) with its files.
pub const DECISION_SET: &str = "/v1/decisions/sets/{version}";
/// `GET` → [`RolloutResponse`](crate::RolloutResponse); `POST`
/// [`ActivateRequest`](crate::ActivateRequest) → [`ActivateResponse`](crate::ActivateResponse).
pub const ROLLOUT: &str = "/v1/decisions/rollout";
/// `POST` an OPA bundle (tar.gz), `?stage=`, `?percent=` and `?expect=` as in
/// [`ActivateRequest`](crate::ActivateRequest) → [`ActivateResponse`](crate::ActivateResponse).
pub const BUNDLE: &str = "/v1/decisions/bundle";
/// `POST` [`RollbackRequest`](crate::RollbackRequest) →
/// [`ActivateResponse`](crate::ActivateResponse).
pub const ROLLBACK: &str = "/v1/decisions/rollback";
/// `POST`: asks the source now → [`ActivateResponse`](crate::ActivateResponse).
pub const SOURCE: &str = "/v1/decisions/refresh";

/// `GET`; the id of a request, or its beginning → [`Explanation`](crate::Explanation).
pub const EXPLAIN: &str = "/api/v1/explain/{request}";
/// Header of what a proxy asks and hands in: records that wait in its spool.
pub const PROXY_WAITING: &str = "sark-waiting";
/// `GET`, `?window=` (seconds, 300 at most), `?by=` ([`TopBy`](crate::TopBy)), `?limit=` (20, at most
/// 1000) → [`ProxyTop`](crate::ProxyTop).
pub const PROXY_TOP: &str = "/api/v1/proxy/top";
/// `GET` → [`ProxiesResponse`](crate::ProxiesResponse).
pub const PROXY_STATUS: &str = "/api/v1/proxy/status";
/// `POST` [`CountersRequest`](crate::CountersRequest) → [`CountersTaken`](crate::CountersTaken).
pub const COUNTERS: &str = "/api/v1/enforcers/{enforcer}/counters";
