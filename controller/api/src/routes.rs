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
/// `GET` → [`PoliciesResponse`](crate::PoliciesResponse).
pub const POLICIES: &str = "/v1/policies";
/// `GET` → [`PeersResponse`](crate::PeersResponse).
pub const PEERS: &str = "/v1/peers";
/// `GET` → 200 while the process runs.
pub const HEALTHZ: &str = "/healthz";
/// `GET` → 200 when the store and the BGP speaker answer, else 503.
pub const READYZ: &str = "/readyz";
/// `GET` → OpenMetrics text.
pub const METRICS: &str = "/metrics";

/// Largest request body, in octets.
pub const MAX_BODY: usize = 4 << 20;
