//! What became visible since the last registry version.

use std::collections::BTreeSet;
use std::sync::Arc;

use sark_registry::ageing::Change;

/// Names whose addresses became more or fewer.
#[derive(Debug, Default)]
pub(super) struct News {
    names: BTreeSet<Arc<str>>,
}

impl News {
    pub(super) fn note(&mut self, changes: &[Change]) {
        let visible = changes.iter().filter(|change| change.is_visible());
        self.names.extend(visible.map(|change| Arc::clone(&change.name)));
    }

    pub(super) fn is_due(&self) -> bool {
        !self.names.is_empty()
    }

    /// For the version's history.
    pub(super) fn cause(&self) -> String {
        match (self.names.first(), self.names.len()) {
            (None, _) => "names".to_owned(),
            (Some(name), 1) => format!("name {name}"),
            (Some(name), more) => format!("name {name} and {} more", more - 1),
        }
    }

    /// Could not be published: tried again with what came meanwhile.
    pub(super) fn put_back(&mut self, other: Self) {
        self.names.extend(other.names);
    }
}
