//! Which endpoints a name belongs to.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{Endpoint, NamePattern, Role};

/// Ids of endpoints.
type Ids = Vec<Arc<str>>;

/// Ids of endpoints, by the patterns of their names.
#[derive(Debug, Clone, Default)]
pub(super) struct Watched {
    exact: BTreeMap<Arc<str>, Ids>,
    /// By what follows the wildcard's label; within it the longest pattern first.
    wildcards: BTreeMap<Box<str>, Vec<(NamePattern, Ids)>>,
}

impl Watched {
    /// Endpoints that clients connect to; the names of others lead to no destination.
    pub fn new<'a>(endpoints: impl IntoIterator<Item = &'a Endpoint>) -> Self {
        let mut watched = Self::default();
        for endpoint in endpoints {
            if !matches!(endpoint.role, Role::Ingress | Role::Relay) {
                continue;
            }
            let id: Arc<str> = endpoint.id.as_str().into();
            for pattern in &endpoint.names {
                watched.add(pattern, &id);
            }
        }
        for patterns in watched.wildcards.values_mut() {
            patterns.sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.as_str().len()));
        }
        watched
    }

    fn add(&mut self, pattern: &NamePattern, id: &Arc<str>) {
        if !pattern.is_wildcard() {
            self.exact.entry(pattern.as_str().into()).or_default().push(Arc::clone(id));
            return;
        }
        let patterns = self.wildcards.entry(pattern.suffix().into()).or_default();
        match patterns.iter_mut().find(|(known, _)| known == pattern) {
            Some((_, ids)) => ids.push(Arc::clone(id)),
            None => patterns.push((pattern.clone(), vec![Arc::clone(id)])),
        }
    }

    /// Names that endpoints list, in order.
    pub fn listed(&self) -> impl Iterator<Item = &Arc<str>> {
        self.exact.keys()
    }

    pub fn is_listed(&self, name: &str) -> bool {
        self.exact.contains_key(name)
    }

    /// The endpoints with the pattern that says most of this name: itself, else the wildcard with the
    /// longest suffix.
    pub fn endpoints_of(&self, name: &str) -> &[Arc<str>] {
        if let Some(ids) = self.exact.get(name) {
            return ids;
        }
        let suffixes = name.match_indices('.').filter_map(|(dot, _)| name.get(dot + 1..));
        let mut patterns = suffixes.filter_map(|suffix| self.wildcards.get(suffix)).flatten();
        patterns.find(|(pattern, _)| pattern.matches(name)).map_or(&[], |(_, ids)| ids)
    }
}
