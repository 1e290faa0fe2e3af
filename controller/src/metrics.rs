//! What Prometheus sees. Names are here and nowhere else.

mod alerts;
mod pools;

use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use sark_core::decision::Decision;
use sark_decider::{By, Decided};
use sark_policy::decision::Line;
use sark_trail::TrailMetrics;

use crate::reconcile::Report;
use crate::trail::AuditorMetrics;

pub(crate) use alerts::{AttemptLabels, DeliveryLabels};

/// All metrics of `sarkd`.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    pub(crate) rounds: Family<RoundLabels, Counter>,
    pub(crate) round_seconds: Histogram,
    pub(crate) converged: Gauge,
    pub(crate) announced: Counter,
    pub(crate) withdrawn: Counter,
    rules: Family<StateLabels, Gauge>,
    revision: Gauge,
    pub(crate) changes: Family<ChangeLabels, Counter>,
    pub(crate) audit_lost: Counter,
    trail: Arc<TrailMetrics>,
    pub(crate) auditor: AuditorMetrics,
    pub(crate) decisions: Family<DecisionLabels, Counter>,
    pub(crate) requests: Family<RequestLabels, Counter>,
    pub(crate) refused: Family<RefusedLabels, Counter>,
    pub(crate) registry_versions: Counter,
    pub(crate) feed_failures: Family<FeedLabels, Counter>,
    pub(crate) feed_held: Family<FeedLabels, Counter>,
    pub(crate) registry_endpoints: Gauge,
    pub(crate) price_lists: Counter,
    pub(crate) price_models: Gauge,
    pub(crate) resolver_up: Family<ResolverLabels, Gauge>,
    pub(crate) addresses_refused: Counter,
    pub(crate) names: Gauge,
    pub(crate) names_stale: Gauge,
    pub(crate) names_unasked: Gauge,
    pub(crate) name_addresses: Gauge,
    pub(crate) leading: Gauge,
    pub(crate) leader_fence: Gauge,
    pub(crate) speaker_up: Gauge,
    pub(crate) peers_up: Family<PeerLabels, Gauge>,
    pub(crate) alerts: alerts::AlertMetrics,
    pub(crate) pools: pools::PoolMetrics,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RoundLabels {
    pub(crate) outcome: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct StateLabels {
    state: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ChangeLabels {
    event: String,
    outcome: String,
}

impl ChangeLabels {
    pub(crate) fn of(event: &str, outcome: &str) -> Self {
        Self { event: event.to_owned(), outcome: outcome.to_owned() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct DecisionLabels {
    pub(crate) line: String,
    pub(crate) action: String,
    pub(crate) set: String,
    pub(crate) error: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RequestLabels {
    pub(crate) route: String,
    pub(crate) status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RefusedLabels {
    pub(crate) why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct FeedLabels {
    feed: String,
    code: String,
}

impl FeedLabels {
    pub(crate) fn of(feed: &str, code: &str) -> Self {
        Self { feed: feed.to_owned(), code: code.to_owned() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ResolverLabels {
    resolver: String,
}

impl ResolverLabels {
    pub(crate) fn of(resolver: &str) -> Self {
        Self { resolver: resolver.to_owned() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct PeerLabels {
    pub(crate) peer: String,
}

impl Default for Metrics {
    fn default() -> Self {
        // From a lookup that finds nothing to do to a full table over a slow API.
        let round_seconds =
            Histogram::new([0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 60.0]);
        let mut all = Self {
            registry: Registry::with_prefix("sark"),
            rounds: Family::default(),
            round_seconds,
            converged: Gauge::default(),
            announced: Counter::default(),
            withdrawn: Counter::default(),
            rules: Family::default(),
            revision: Gauge::default(),
            changes: Family::default(),
            audit_lost: Counter::default(),
            trail: Arc::default(),
            auditor: AuditorMetrics::default(),
            decisions: Family::default(),
            requests: Family::default(),
            refused: Family::default(),
            registry_versions: Counter::default(),
            feed_failures: Family::default(),
            feed_held: Family::default(),
            registry_endpoints: Gauge::default(),
            price_lists: Counter::default(),
            price_models: Gauge::default(),
            resolver_up: Family::default(),
            addresses_refused: Counter::default(),
            names: Gauge::default(),
            names_stale: Gauge::default(),
            names_unasked: Gauge::default(),
            name_addresses: Gauge::default(),
            leading: Gauge::default(),
            leader_fence: Gauge::default(),
            speaker_up: Gauge::default(),
            peers_up: Family::default(),
            alerts: alerts::AlertMetrics::default(),
            pools: pools::PoolMetrics::default(),
        };
        all.register();
        all
    }
}

impl Metrics {
    /// Counters of the trail.
    #[must_use]
    pub fn trail(&self) -> &Arc<TrailMetrics> {
        &self.trail
    }

    fn register(&mut self) {
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        let r = &mut self.registry;
        self.alerts.register(r);
        self.pools.register(r);
        r.register("build", "Version of sarkd", build);
        r.register("reconcile_rounds", "Rounds by outcome", self.rounds.clone());
        r.register("reconcile_seconds", "Duration of rounds", self.round_seconds.clone());
        r.register(
            "reconcile_converged",
            "1 when the last round found nothing to do",
            self.converged.clone(),
        );
        r.register("rules_announced", "Rules announced", self.announced.clone());
        r.register("rules_withdrawn", "Rules withdrawn", self.withdrawn.clone());
        r.register("rules", "Rules by state when last compared", self.rules.clone());
        r.register(
            "revision",
            "The newest revision that a round worked for",
            self.revision.clone(),
        );
        r.register("changes", "Applies and withdrawals by outcome", self.changes.clone());
        self.trail.register(r);
        self.auditor.register(r);
        r.register("audit_lost", "Audit records that could not be stored", self.audit_lost.clone());
        r.register(
            "decisions",
            "Decisions by line, action, set (active, canary, shadow), and whether a policy could not be asked",
            self.decisions.clone(),
        );
        r.register("api_requests", "API requests by route and status", self.requests.clone());
        r.register(
            "api_refused",
            "Requests of those who are not known, or may not",
            self.refused.clone(),
        );
        r.register("feed_failures", "Feeds that could not be had", self.feed_failures.clone());
        r.register("feed_held", "Copies of feeds that are doubted", self.feed_held.clone());
        r.register("registry_versions", "New registry versions", self.registry_versions.clone());
        r.register(
            "registry_endpoints",
            "Endpoints in the newest registry version",
            self.registry_endpoints.clone(),
        );
        r.register("price_lists", "New price lists", self.price_lists.clone());
        r.register("price_models", "Models in the price list in use", self.price_models.clone());
        r.register("resolver_up", "1 while a resolver answers", self.resolver_up.clone());
        r.register(
            "addresses_refused",
            "Addresses inside that a name led to",
            self.addresses_refused.clone(),
        );
        r.register("names", "Names known", self.names.clone());
        r.register(
            "names_unasked",
            "Names beyond registry.resolve.ageing.listedNames",
            self.names_unasked.clone(),
        );
        r.register("names_stale", "Names that no resolver answers", self.names_stale.clone());
        r.register(
            "name_addresses",
            "Addresses, counted for each name that leads there",
            self.name_addresses.clone(),
        );
        r.register(
            "leading",
            "1 when this sarkd moves the routers, of all on its store",
            self.leading.clone(),
        );
        r.register(
            "leader_fence",
            "Number of the time in which this sarkd last led; 0 where there is no other",
            self.leader_fence.clone(),
        );
        r.register(
            "speaker_up",
            "1 when the BGP speaker answered last time",
            self.speaker_up.clone(),
        );
        r.register("peer_up", "1 when the peer's session is established", self.peers_up.clone());
    }

    pub(crate) fn set_rules(&self, report: &Report) {
        for (state, count) in [
            ("desired", report.desired),
            ("in-place", report.in_place),
            ("foreign", report.foreign),
            ("orphaned", report.orphaned),
        ] {
            let labels = StateLabels { state: state.to_owned() };
            self.rules.get_or_create(&labels).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// Counts a decision, and beside it that of a canary that erred.
    pub(crate) fn decided(&self, line: Line, decided: &Decided) {
        let set = match decided.by {
            By::Active => "active",
            By::Canary => "canary",
        };
        self.decision(line, set, &decided.decision);
        if let Some(aside) = &decided.shadow {
            self.decision(line, "canary", &aside.decision);
        }
    }

    /// Counts what a shadow says.
    pub(crate) fn shadowed(&self, line: Line, decision: &Decision) {
        self.decision(line, "shadow", decision);
    }

    fn decision(&self, line: Line, set: &str, decision: &Decision) {
        let labels = DecisionLabels {
            line: line.to_string(),
            action: decision.action.to_string(),
            set: set.to_owned(),
            error: decision.has_error().to_string(),
        };
        self.decisions.get_or_create(&labels).inc();
    }

    pub(crate) fn set_revision(&self, revision: Option<u64>) {
        self.revision.set(i64::try_from(revision.unwrap_or(0)).unwrap_or(i64::MAX));
    }

    /// OpenMetrics text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a `String` does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use sark_core::ContentHash;
    use sark_core::decision::{Action, ENGINE};
    use sark_decider::Shadow;

    use super::*;

    #[test]
    fn each_decision_is_counted_for_the_set_that_made_it() {
        let metrics = Metrics::default();
        let version = ContentHash::of(b"set");
        let says = |action, policy| Decision::without_rule(action, policy, "r", String::new());
        let decided = |by, shadow| Decided {
            decision: says(Action::Audit, "p"),
            version: version.clone(),
            by,
            shadow,
            breach: None,
        };
        let erred = Shadow { version: version.clone(), decision: says(Action::Deny, ENGINE) };
        metrics.decided(Line::Llm, &decided(By::Active, None));
        metrics.decided(Line::Llm, &decided(By::Canary, None));
        // The canary erred, and the active set decided in its place.
        metrics.decided(Line::Llm, &decided(By::Active, Some(erred)));
        metrics.shadowed(Line::Edr, &says(Action::Deny, "p"));
        let text = metrics.text();
        let count = |line: &str, action: &str, set: &str, error: &str| {
            let begin = format!(
                "sark_decisions_total{{line=\"{line}\",action=\"{action}\",set=\"{set}\",error=\"{error}\"}} "
            );
            text.lines().find_map(|line| line.strip_prefix(&begin)).map(str::to_owned)
        };
        assert_eq!(count("llm", "audit", "active", "false").as_deref(), Some("2"), "{text}");
        assert_eq!(count("llm", "audit", "canary", "false").as_deref(), Some("1"));
        assert_eq!(count("llm", "deny", "canary", "true").as_deref(), Some("1"));
        assert_eq!(count("edr", "deny", "shadow", "false").as_deref(), Some("1"));
    }
}
