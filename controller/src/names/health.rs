//! Which resolvers answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use sark_registry::resolve::ResolveError;

use crate::Metrics;
use crate::events::{Event, ResolverDown, ResolverUp};

/// So many questions in a row without an answer, and a resolver counts as down: one packet lost is
/// no outage.
const IN_A_ROW: u32 = 3;

/// What is known of one.
#[derive(Debug, Default)]
struct Health {
    /// Questions in a row that it did not answer.
    failures: u32,
    /// Since when it is down, and why.
    down: Option<(Timestamp, ResolveError)>,
}

/// All, by id.
#[derive(Debug, Default)]
pub(super) struct Resolvers(BTreeMap<Arc<str>, Health>);

impl Resolvers {
    /// Those that do not answer, since when and why.
    pub(super) fn down(&self) -> impl Iterator<Item = (&str, Timestamp, &ResolveError)> {
        self.0.iter().filter_map(|(id, health)| {
            let (since, error) = health.down.as_ref()?;
            Some((&**id, *since, error))
        })
    }

    /// It answered, if only that it cannot: that says something of the name, not of the resolver.
    pub(super) fn answered(&mut self, id: &Arc<str>, metrics: &Metrics) {
        let health = self.0.entry(Arc::clone(id)).or_default();
        health.failures = 0;
        let was_down_since = health.down.take().map(|(since, _)| since);
        ResolverUp { resolver: id, was_down_since }.emit(metrics);
    }

    /// It did not answer a question.
    pub(super) fn failed(
        &mut self,
        id: &Arc<str>,
        error: &ResolveError,
        now: Timestamp,
        metrics: &Metrics,
    ) {
        let is_the_names_fault =
            matches!(error, ResolveError::Answered { .. } | ResolveError::Chain { .. });
        if is_the_names_fault {
            self.answered(id, metrics);
            return;
        }
        let health = self.0.entry(Arc::clone(id)).or_default();
        health.failures = health.failures.saturating_add(1);
        if health.failures >= IN_A_ROW && health.down.is_none() {
            health.down = Some((now, error.clone()));
            ResolverDown { resolver: id, error }.emit(metrics);
        }
    }
}
