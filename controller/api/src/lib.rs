//! feed → registry → policy → [plan] → NLRI → GoBGP → router
//!
//! What `sarkd` and its clients say to each other: JSON over a Unix socket, one type per body, one
//! error body ([`ErrorBody`]), the paths in [`routes`]. Changed only in compatible ways: fields
//! are added, never renamed. Read [`ApplyRequest`] and [`ApplyResponse`] first.
//!
//! [`config`] is the configuration that `sarkd` and `sarkctl --offline --config` read alike.
//!
//! No I/O: files and sockets are the caller's.

mod alerts;
mod approvals;
mod audit;
pub mod config;
mod decisions;
mod error;
mod explain;
mod flowspec;
mod identity;
mod policy;
mod pools;
mod proxies;
mod registry;
pub mod routes;
mod sensors;
mod status;

pub use alerts::{
    AlertsResponse, DeliveriesResponse, ReplayRequest, ReplayResponse, SinkOutcome, SinkTest,
    SinkView, SinksResponse,
};
pub use approvals::{ApprovalDecision, ApprovalRequest, ApprovalView, ApprovalsResponse};
pub use audit::{
    AuditResponse, CheckpointsResponse, NumberedRecord, StoredResponse, TrailResponse,
};
pub use decisions::{
    ActivateRequest, ActivateResponse, CandidateView, Counted, Counts, DecideRequest,
    DecideResponse, RollbackRequest, RolloutResponse, RolloutView, SetView, SetsResponse, Wanted,
};
pub use error::{DiagnosticBody, ErrorBody, ErrorCode, ErrorDetail};
pub use explain::{
    AnswerView, AskedView, ClientView, DecisionView, DestinationView, Explanation, RegisteredView,
    SteeringRule, SteeringView,
};
pub use flowspec::{
    ApplyRequest, ApplyResponse, Convergence, CountersRequest, CountersTaken, CountersView,
    EnforcerCounter, EnforcerView, PlanRequest, PlanResponse, RevisionView, RevisionsResponse,
    RuleCounter, RuleState, RuleView, RulesResponse, WithdrawRequest,
};
pub use identity::{RouteView, TokenMade, TokenRequest, TokenView, TokensResponse, WhoamiResponse};
pub use policy::{PoliciesResponse, PolicyView};
pub use pools::{
    PoolPolicyView, PoolProxyView, PoolRefusal, PoolState, PoolView, PoolsResponse, ProxyAnswer,
    ProxyState,
};
pub use proxies::{
    CallView, ProxiesResponse, ProxyCandidate, ProxySet, ProxySnapshot, ProxyTop, ProxyView, TopBy,
    TopRow, TrailBatch, TrailPosition,
};
pub use registry::{
    AddressView, BriefAnswer, ChangeKind, CopyView, CostLine, CostRequest, CostResponse,
    DecisionRequest, DifferenceResponse, Dnssec, EndpointDifference, EndpointView,
    EndpointsResponse, EntriesChanged, EntriesRequest, EntriesResponse, EntryView, FeedState,
    FeedView, FeedsResponse, FieldDifference, HistoryResponse, HistoryStep, LookupHit,
    LookupResponse, LookupResult, MOST_OBSERVATIONS, ModelPrices, NameView, NamesResponse,
    NeverTouchView, ObservationsRequest, ObservationsResponse, PendingView, PinRequest,
    PinResponse, PinTarget, PriceLookup, PriceLookupResponse, PriceRange, PriceSource,
    PriceVersionView, PriceVersionsResponse, PricesResponse, ProblemView, QueryKind,
    RefreshOutcome, RefreshRequest, RefreshResponse, RefreshResult, RefusedView, UnitPrice,
    UnpricedItem, VersionResponse, VersionView, VersionsResponse, ViewError, cost, lookup,
    lookup_brief, price_lookup, prices,
};
pub use sensors::{
    KindView, KindsResponse, ReportTaken, ReportView, ReportsResponse, SensorView, SensorsResponse,
};
pub use status::{
    PeerView, PeersResponse, Problem, ReconcileView, RuleCounts, SpeakerView, StatusResponse,
    StoreView,
};
