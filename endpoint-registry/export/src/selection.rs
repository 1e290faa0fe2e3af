//! Which endpoints are exported.

use sark_registry::{Endpoint, Kind, Role, Snapshot};

/// What to export; an empty list means any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Slugs.
    pub providers: Vec<String>,
    /// See the type.
    pub kinds: Vec<Kind>,
    /// Empty means `ingress` and `relay`. All forms but JSON and CSV take only these two.
    pub roles: Vec<Role>,
    /// Only what its owner's document confirms.
    pub verified: bool,
    /// Addresses that clouds and content networks share, too, in the forms that block addresses.
    pub shared: bool,
}

/// A provider is selected that the registry does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the registry knows no provider {slug:?}")]
pub struct UnknownProvider {
    /// As given.
    pub slug: String,
    /// The nearest that it knows.
    pub nearest: Option<String>,
}

impl Selection {
    /// Refuses a provider that the snapshot does not know: misspelt, it would select nothing, and a
    /// block list would be empty without a word.
    pub fn check(&self, snapshot: &Snapshot) -> Result<(), UnknownProvider> {
        let known = |slug: &&String| snapshot.by_provider(slug).next().is_some();
        match self.providers.iter().find(|slug| !known(slug)) {
            None => Ok(()),
            Some(slug) => Err(UnknownProvider {
                slug: slug.clone(),
                nearest: sark_core::document::nearest(slug, snapshot.providers())
                    .map(str::to_owned),
            }),
        }
    }

    pub(crate) fn takes(&self, e: &Endpoint) -> bool {
        let role =
            if self.roles.is_empty() { e.is_destination() } else { self.roles.contains(&e.role) };
        role && self.names(e) && (!self.verified || e.verified)
    }

    /// Whether its provider and kind are asked for. What else is asked may change: an endpoint that
    /// is not verified any more.
    pub(crate) fn names(&self, e: &Endpoint) -> bool {
        (self.providers.is_empty() || self.providers.contains(&e.provider))
            && (self.kinds.is_empty() || self.kinds.contains(&e.kind))
    }
}
