//! What became visible since the last registry version.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;
use sark_registry::ageing::Change;

use super::{COMING, LEAVING};

/// Names whose addresses became more or fewer, or became another endpoint's.
#[derive(Debug, Default)]
pub(super) struct News {
    names: BTreeSet<Arc<str>>,
    is_coming: bool,
}

impl News {
    pub(super) fn note(&mut self, changes: &[Change]) {
        for change in changes.iter().filter(|change| change.is_visible()) {
            self.names.insert(Arc::clone(&change.name));
            self.is_coming |= change.is_coming();
        }
    }

    /// What is known belongs to other endpoints than before.
    pub(super) fn other_endpoints(&mut self) {
        self.is_coming = true;
    }

    /// How long after the last version there should be another; `None` if there is nothing new.
    pub(super) fn wait(&self) -> Option<SignedDuration> {
        match (self.is_coming, self.names.is_empty()) {
            (true, _) => Some(COMING),
            (false, false) => Some(LEAVING),
            (false, true) => None,
        }
    }

    /// For the version's history.
    pub(super) fn cause(&self) -> String {
        match (self.names.first(), self.names.len()) {
            (None, _) => "names of other endpoints".to_owned(),
            (Some(name), 1) => format!("name {name}"),
            (Some(name), more) => format!("name {name} and {} more", more - 1),
        }
    }

    /// Could not be published: tried again with what came meanwhile.
    pub(super) fn put_back(&mut self, other: Self) {
        self.names.extend(other.names);
        self.is_coming |= other.is_coming;
    }
}
