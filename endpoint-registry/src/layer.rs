//! Which layer gave what.

use serde::{Deserialize, Serialize};

/// What a layer gave to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Given {
    /// `seed`, `feed tor-relays`, `names`, `overlay our-site`, `entry lab-vpn`, `never-touch`.
    pub layer: String,
    /// See the type.
    pub did: Did,
    /// What: `12 prefixes`, `sharedness`; empty for all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub what: Vec<String>,
    /// Who answers for the layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// See [`Given`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Did {
    /// Made it, or made it anew in place of what was there.
    Defined,
    /// Added to it.
    Added,
    /// Changed what it said.
    Changed,
    /// Took away from it.
    Removed,
}

impl Given {
    /// Without owner.
    #[must_use]
    pub fn new(layer: impl Into<String>, did: Did, what: Vec<String>) -> Self {
        Self { layer: layer.into(), did, what, owner: None }
    }
}

/// `1 prefix`, `12 prefixes`; nothing for none.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> Option<String> {
    match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{count} {many}")),
    }
}

/// For people: `from: seed; feed tor-relays added 12 prefixes; overlay lab changed sharedness`.
impl std::fmt::Display for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = match self.did {
            Did::Defined if self.what.is_empty() => return self.with_owner(f),
            Did::Defined => "defined",
            Did::Added => "added",
            Did::Changed => "changed",
            Did::Removed => "removed",
        };
        self.with_owner(f)?;
        write!(f, " {word} {}", self.what.join(", "))
    }
}

impl Given {
    fn with_owner(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.owner {
            Some(owner) => write!(f, "{} ({owner})", self.layer),
            None => f.write_str(&self.layer),
        }
    }
}
