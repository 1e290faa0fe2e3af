//! What no document that is blocked by may hold.

use ipnet::IpNet;
use jiff::Timestamp;
use sark_registry::assemble::{covers, without};
use sark_registry::overlay::NeverTouch;
use sark_registry::{Endpoint, NamePattern};

use crate::forms::left_out;

/// Prefixes and names that must not be touched now, whichever version is exported: a version of
/// before was made without them, and what the configuration protects is in no version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spared {
    prefixes: Vec<IpNet>,
    names: Vec<NamePattern>,
}

impl Spared {
    /// Never-touch entries that hold at `now`, and prefixes that the configuration protects.
    #[must_use]
    pub fn new(
        never: &[NeverTouch],
        protected: impl IntoIterator<Item = IpNet>,
        now: Timestamp,
    ) -> Self {
        let never: Vec<&NeverTouch> =
            never.iter().filter(|never| never.expires_at.is_none_or(|end| end > now)).collect();
        let prefixes = never.iter().filter_map(|never| never.prefix()).chain(protected);
        Self {
            prefixes: prefixes.map(|prefix| prefix.trunc()).collect(),
            names: never.iter().filter_map(|never| never.name().cloned()).collect(),
        }
    }

    /// Whether all that the name stands for is spared.
    pub(crate) fn covers(&self, name: &NamePattern) -> bool {
        self.names.iter().any(|never| covers(never, name))
    }

    /// Spared names that a wildcard stands for beside others.
    pub(crate) fn below(&self, pattern: &NamePattern) -> impl Iterator<Item = &NamePattern> {
        self.names.iter().filter(move |never| pattern.is_wildcard() && covers(pattern, never))
    }

    /// What is left of an endpoint's prefix or learned address.
    pub(crate) fn cut(&self, e: &Endpoint, net: IpNet) -> Vec<IpNet> {
        let is_host = net.prefix_len() == net.max_prefix_len();
        if is_host && !self.names.is_empty() && e.prefixes.binary_search(&net).is_err() {
            // Only names led there.
            let led = e.learned_at(net.addr());
            let is_spared = |name: &str| self.names.iter().any(|never| never.matches(name));
            if !led.is_empty() && led.iter().all(|one| is_spared(&one.name)) {
                return Vec::new();
            }
        }
        let near = self.prefixes.iter().filter(|p| p.contains(&net) || net.contains(*p));
        let near: Vec<IpNet> = near.copied().collect();
        if near.is_empty() { vec![net] } else { without(net, &near) }
    }
}

/// How much is not in a document, by the reason.
#[derive(Debug, Default)]
pub(crate) struct LeftOut {
    /// Addresses at which other sites live.
    pub(crate) shared: u64,
    /// Prefixes and addresses that are spared, whole or in part.
    pub(crate) spared: u64,
    /// Names that are spared.
    pub(crate) names: u64,
    /// Names that are spared, and that the form blocks all the same.
    pub(crate) blocked: u64,
}

impl LeftOut {
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = left_out(self.shared, "address", "addresses", "other sites live there");
        let why = "never to be touched, whole or in part";
        notes.extend(left_out(self.spared, "address", "addresses", why));
        notes.extend(left_out(self.names, "name", "names", "never to be touched"));
        if self.blocked > 0 {
            let what = if self.blocked == 1 { "name" } else { "names" };
            notes.push(format!(
                "{} {what} never to be touched under a wildcard: the form cannot except them",
                self.blocked
            ));
        }
        notes
    }
}
