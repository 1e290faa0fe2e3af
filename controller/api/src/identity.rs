//! Who asks, and tokens.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sark_core::identity::{Known, Role, Scope, Token, TokenState};
use serde::{Deserialize, Serialize};

/// Who asked this question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WhoamiResponse {
    /// As records name them.
    pub name: String,
    /// How they are known.
    pub known: Known,
    /// How far they may go.
    pub roles: BTreeSet<Role>,
    /// Where; empty is everywhere.
    #[serde(default)]
    pub scopes: BTreeSet<Scope>,
    /// Routes, and whether they may use each.
    #[serde(default)]
    pub routes: Vec<RouteView>,
}

/// A route, as who asks sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RouteView {
    /// `GET`.
    pub method: String,
    /// With the names of what varies in braces.
    pub path: String,
    /// What it does.
    pub about: String,
    /// What it asks for: `nothing`, `identity`, a role, or `report`.
    pub needs: String,
    /// The line of work.
    pub line: String,
    /// Whether who asks may use it.
    pub allowed: bool,
}

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenRequest {
    /// Unique among those that hold: small letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// How far; none for a sensor.
    #[serde(default)]
    pub roles: BTreeSet<Role>,
    /// Where; empty is everywhere.
    #[serde(default)]
    pub scopes: BTreeSet<Scope>,
    /// Seconds for which it holds, 1 to 31622400; 90 days if not given.
    #[serde(default)]
    pub seconds: Option<u64>,
}

/// A token that was made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenMade {
    /// What is kept of it.
    pub token: TokenView,
    /// Its text: it is not shown again.
    pub secret: String,
}

impl std::fmt::Debug for TokenMade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenMade").field("token", &self.token).finish_non_exhaustive()
    }
}

/// Tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokensResponse {
    /// Newest first.
    pub tokens: Vec<TokenView>,
}

/// A token, without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenView {
    /// Part of its text; not secret.
    pub id: String,
    /// Its name.
    pub name: String,
    /// As records name it.
    pub actor: String,
    /// How far.
    pub roles: BTreeSet<Role>,
    /// Where; empty is everywhere.
    #[serde(default)]
    pub scopes: BTreeSet<Scope>,
    /// Whether it holds.
    pub state: TokenState,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// From then on it does not hold.
    pub expires_at: Option<Timestamp>,
    /// Since when it does not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// By whom it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_by: Option<String>,
    /// When it was last accepted, to the minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// From where, then: an address, or `socket`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_from: Option<String>,
}

impl TokenView {
    /// As it is at this time.
    #[must_use]
    pub fn of(token: Token, now: Timestamp) -> Self {
        Self {
            actor: token.actor(),
            state: token.state(now),
            id: token.id,
            name: token.name,
            roles: token.rights.roles,
            scopes: token.rights.scopes,
            created_at: token.created_at,
            created_by: token.created_by,
            expires_at: token.expires_at,
            revoked_at: token.revoked_at,
            revoked_by: token.revoked_by,
            last_used_at: token.last_used_at,
            last_used_from: token.last_used_from,
        }
    }
}
