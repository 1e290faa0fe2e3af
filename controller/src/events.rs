//! Operational events: said once, counted once. Emitting one writes its log line and moves its
//! metric together.

mod alerts;
mod pools;

use std::time::Duration;

use jiff::Timestamp;
use sark_api::ProblemView;
use sark_core::audit::{AuditRecord, Written};
use sark_prices::PriceList;
use sark_registry::ageing::{Counts, Refused};
use sark_registry::resolve::ResolveError;
use sark_registry::storage::{PriceVersion, Version};

use crate::chain;
use crate::metrics::{
    ChangeLabels, FeedLabels, Metrics, RefusedLabels, RequestLabels, ResolverLabels, RoundLabels,
};
use crate::reconcile::{Report, RoundError};
use crate::{ChangeError, Changed};

pub use alerts::{
    AlertAttempted, AlertStoreFailed, AlertUnreadable, AlertsCounted, AlertsTaken, Attempted,
};
pub use pools::{CannotAsk, ProxyTurned};

/// Something that happened.
pub trait Event {
    /// Writes the line and moves the metric.
    fn emit(self, metrics: &Metrics);
}

/// There is a new registry version.
#[derive(Debug)]
pub struct RegistryChanged<'a> {
    /// The version.
    pub version: &'a Version,
    /// Another one is pinned, so it is not used.
    pub is_pinned: bool,
}

impl Event for RegistryChanged<'_> {
    fn emit(self, metrics: &Metrics) {
        let Version { number, hash, origin, counts } = self.version;
        tracing::info!(
            number,
            version = %hash,
            cause = origin.cause,
            actor = origin.actor,
            endpoints = counts.endpoints,
            used = !self.is_pinned,
            "a new registry version"
        );
        metrics.registry_versions.inc();
        metrics.registry_endpoints.set(i64::try_from(counts.endpoints).unwrap_or(i64::MAX));
    }
}

/// There is a new price list.
#[derive(Debug)]
pub struct PricesChanged<'a> {
    /// Which.
    pub version: &'a PriceVersion,
    /// What it says.
    pub list: &'a PriceList,
}

impl Event for PricesChanged<'_> {
    fn emit(self, metrics: &Metrics) {
        let PriceVersion { number, hash, origin } = self.version;
        tracing::info!(
            number,
            list = %hash,
            cause = origin.cause,
            actor = origin.actor,
            models = self.list.len(),
            unreadable = self.list.unreadable().count(),
            "a new price list"
        );
        metrics.price_lists.inc();
    }
}

/// A feed could not be had. The copy in use stays.
#[derive(Debug)]
pub struct FeedFailed<'a> {
    /// Its name.
    pub feed: &'a str,
    /// Why.
    pub problem: &'a ProblemView,
}

impl Event for FeedFailed<'_> {
    fn emit(self, metrics: &Metrics) {
        let ProblemView { code, message, .. } = self.problem;
        tracing::warn!(feed = self.feed, code, message, "a feed could not be had");
        metrics.feed_failures.get_or_create(&FeedLabels::of(self.feed, code)).inc();
    }
}

/// A copy of a feed is doubted and waits for a person. The copy in use stays.
#[derive(Debug)]
pub struct FeedHeld<'a> {
    /// Its name.
    pub feed: &'a str,
    /// Why.
    pub doubts: &'a [ProblemView],
}

impl Event for FeedHeld<'_> {
    fn emit(self, metrics: &Metrics) {
        for ProblemView { code, message, .. } in self.doubts {
            tracing::warn!(feed = self.feed, code, message, "a feed's copy is held");
            metrics.feed_held.get_or_create(&FeedLabels::of(self.feed, code)).inc();
        }
    }
}

/// A resolver does not answer any more. What names led to stays.
#[derive(Debug)]
pub struct ResolverDown<'a> {
    /// Its name.
    pub resolver: &'a str,
    /// Why its last question was not answered.
    pub error: &'a ResolveError,
}

impl Event for ResolverDown<'_> {
    fn emit(self, metrics: &Metrics) {
        let Self { resolver, error } = self;
        tracing::warn!(
            resolver,
            code = error.code(),
            %error,
            help = error.help(),
            "a resolver does not answer"
        );
        metrics.resolver_up.get_or_create(&ResolverLabels::of(resolver)).set(0);
    }
}

/// A resolver answered.
#[derive(Debug)]
pub struct ResolverUp<'a> {
    /// Its name.
    pub resolver: &'a str,
    /// If it did not until now.
    pub was_down_since: Option<Timestamp>,
}

impl Event for ResolverUp<'_> {
    fn emit(self, metrics: &Metrics) {
        let Self { resolver, was_down_since } = self;
        if let Some(since) = was_down_since {
            tracing::info!(resolver, %since, "a resolver answers again");
        }
        metrics.resolver_up.get_or_create(&ResolverLabels::of(resolver)).set(1);
    }
}

/// A resolver's answer led inside: to an address that names of others do not have.
#[derive(Debug)]
pub struct AddressRefused<'a> {
    /// The name.
    pub name: &'a str,
    /// What was refused, and who was answered so.
    pub refused: &'a Refused,
}

impl Event for AddressRefused<'_> {
    fn emit(self, metrics: &Metrics) {
        let Self { name, refused: Refused { address, what, vantage, .. } } = self;
        tracing::warn!(
            name,
            %address,
            what,
            ?vantage,
            "an address is not learned; registry.resolve.ageing.allow would let it be"
        );
        metrics.addresses_refused.inc();
    }
}

/// How much is known of names.
#[derive(Debug)]
pub struct NamesCounted {
    /// How much there is.
    pub counts: Counts,
    /// Names that no resolver answers.
    pub stale: usize,
}

impl Event for NamesCounted {
    fn emit(self, metrics: &Metrics) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        metrics.names.set(number(self.counts.names));
        metrics.names_unasked.set(number(self.counts.unasked));
        metrics.names_stale.set(number(self.stale as u64));
        metrics.name_addresses.set(number(self.counts.addresses));
    }
}

/// A round ended well.
#[derive(Debug)]
pub struct RoundDone<'a> {
    /// What it saw and did.
    pub report: &'a Report,
    /// How long it took.
    pub took: Duration,
}

impl Event for RoundDone<'_> {
    fn emit(self, metrics: &Metrics) {
        let Self { report, took } = self;
        let milliseconds = took.as_millis();
        if report.converged() {
            tracing::debug!(
                revision = report.revision,
                desired = report.desired,
                foreign = report.foreign,
                milliseconds,
                "round: nothing to do"
            );
        } else {
            tracing::info!(
                revision = report.revision,
                desired = report.desired,
                announced = report.announced,
                withdrawn = report.withdrawn,
                milliseconds,
                "round: rules sent to the BGP speaker"
            );
        }
        if report.orphaned > 0 {
            tracing::warn!(
                orphaned = report.orphaned,
                "the speaker holds rules of ours, but no revision is stored: they are left alone"
            );
        }
        metrics.rounds.get_or_create(&RoundLabels { outcome: "ok".into() }).inc();
        metrics.round_seconds.observe(took.as_secs_f64());
        metrics.converged.set(i64::from(report.converged()));
        metrics.announced.inc_by(report.announced);
        metrics.withdrawn.inc_by(report.withdrawn);
        metrics.set_rules(report);
        metrics.set_revision(report.revision);
    }
}

/// A round failed; the next one is the retry.
#[derive(Debug)]
pub struct RoundFailed<'a> {
    /// Why.
    pub error: &'a RoundError,
    /// How long it took.
    pub took: Duration,
}

impl Event for RoundFailed<'_> {
    fn emit(self, metrics: &Metrics) {
        let milliseconds = self.took.as_millis();
        tracing::warn!(error = chain(self.error), milliseconds, "round failed; will try again");
        metrics.rounds.get_or_create(&RoundLabels { outcome: "failed".into() }).inc();
        metrics.round_seconds.observe(self.took.as_secs_f64());
        metrics.converged.set(0);
    }
}

/// A change ended well.
#[derive(Debug)]
pub struct ChangeDone<'a> {
    /// Such as `flowspec.apply`.
    pub event: &'static str,
    /// Who asked.
    pub actor: &'a str,
    /// How long it took, convergence included.
    pub took: Duration,
    /// What it came to.
    pub changed: &'a Changed,
}

impl Event for ChangeDone<'_> {
    fn emit(self, metrics: &Metrics) {
        let Self { event, actor, took, changed } = self;
        tracing::info!(
            event,
            actor,
            revision = changed.revision,
            changed = changed.changed,
            converged = changed.convergence.converged,
            milliseconds = took.as_millis(),
            "change done"
        );
        metrics.changes.get_or_create(&ChangeLabels::of(event, "ok")).inc();
    }
}

/// A change was refused or failed; nothing changed.
#[derive(Debug)]
pub struct ChangeFailed<'a> {
    /// Such as `flowspec.apply`.
    pub event: &'static str,
    /// Who asked.
    pub actor: &'a str,
    /// How long it took.
    pub took: Duration,
    /// Why.
    pub error: &'a ChangeError,
}

impl Event for ChangeFailed<'_> {
    fn emit(self, metrics: &Metrics) {
        let Self { event, actor, took, error } = self;
        let milliseconds = took.as_millis();
        let outcome = match error {
            ChangeError::Refused(_) => "refused",
            ChangeError::Store(_) | ChangeError::Current(_) | ChangeError::Internal(_) => "failed",
            _ => "bad-input",
        };
        let error = chain(error);
        if outcome == "failed" {
            tracing::error!(event, actor, error, milliseconds, "change failed; nothing changed");
        } else {
            tracing::info!(event, actor, outcome, error, milliseconds, "nothing changed");
        }
        metrics.changes.get_or_create(&ChangeLabels::of(event, outcome)).inc();
    }
}

/// An audit record could not be stored.
#[derive(Debug)]
pub struct AuditLost<'a> {
    /// The record.
    pub record: &'a AuditRecord,
    /// Why.
    pub error: &'a dyn std::error::Error,
}

impl Event for AuditLost<'_> {
    fn emit(self, metrics: &Metrics) {
        // As it would have been stored: without secrets.
        let record = Written::of(self.record).map_or_else(|_| String::new(), |it| it.text().into());
        tracing::error!(error = chain(self.error), record, "an audit record could not be stored");
        metrics.audit_lost.inc();
    }
}

/// A request was answered.
#[derive(Debug)]
pub struct Answered<'a> {
    /// The route, not the path: few values.
    pub route: &'a str,
    /// Who asked.
    pub actor: &'a str,
    /// HTTP status.
    pub status: u16,
    /// How long it took.
    pub took: Duration,
}

impl Event for Answered<'_> {
    fn emit(self, metrics: &Metrics) {
        let Self { route, actor, status, took } = self;
        tracing::debug!(route, actor, status, milliseconds = took.as_millis(), "answered");
        metrics.requests.get_or_create(&RequestLabels { route: route.to_owned(), status }).inc();
    }
}

/// Somebody was not let in, or may not do what they asked for.
#[derive(Debug)]
pub struct NotLet<'a> {
    /// Who, or from where.
    pub who: &'a str,
    /// `unauthenticated`, `forbidden`, `too-many`.
    pub why: &'static str,
    /// What they asked for.
    pub route: &'a str,
}

impl Event for NotLet<'_> {
    fn emit(self, metrics: &Metrics) {
        let Self { who, why, route } = self;
        // The trail has it, bounded; a log of each would be the attacker's to fill.
        tracing::debug!(who, why, route, "not let in");
        metrics.refused.get_or_create(&RefusedLabels { why: why.to_owned() }).inc();
    }
}
