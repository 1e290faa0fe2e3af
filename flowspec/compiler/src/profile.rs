//! What a peer accepts and programs.

/// Capabilities of a router as FlowSpec receiver; peers' profiles intersect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// `strict`, `frr`, `bird`, or `frr ∩ strict`.
    pub name: String,
}

impl Profile {
    /// Names of the profiles that exist.
    pub const NAMES: &'static [&'static str] = &["strict", "frr", "bird"];

    /// By name.
    pub fn named(name: &str) -> Option<Self> {
        todo!()
    }

    /// What both can do.
    pub fn intersect(&self, other: &Self) -> Self {
        todo!()
    }
}
