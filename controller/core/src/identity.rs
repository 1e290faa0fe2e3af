//! Who asks, and what they may do.
//!
//! A [`Role`] says how far somebody may go, a [`Scope`] narrows that to some lines of work, and an
//! [`Access`] is what a route asks for. [`Identity::may`] is the one place that compares them.

mod token;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use token::{Malformed, Presented, TOKEN_PREFIX, Token, TokenState};

/// How far somebody may go. `viewer` < `operator` < `admin`; `approver` stands beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks at everything, changes nothing.
    Viewer,
    /// Changes what routers, the registry and policies do. Includes `viewer`.
    Operator,
    /// Approves and rejects what others ask for. Includes `viewer`, not `operator`.
    Approver,
    /// Says who may do what. Includes all others; its own requests are approved by others too.
    Admin,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Approver, Self::Admin];

    /// Whether who has this role may do what the other may.
    #[must_use]
    pub const fn includes(self, other: Self) -> bool {
        matches!(
            (self, other),
            (Self::Admin, _)
                | (_, Self::Viewer)
                | (Self::Operator, Self::Operator)
                | (Self::Approver, Self::Approver)
        )
    }

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| {
            format!("there is no role {text:?}: viewer, operator, approver or admin")
        })
    }
}

/// A line of work that routes belong to, and that a token can be narrowed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Line {
    /// How the daemon is. No scope takes it away.
    Status,
    /// Rules on routers.
    Flowspec,
    /// Endpoints, feeds, names, prices.
    Registry,
    /// Policies and decisions.
    Policy,
    /// The trail.
    Audit,
    /// Alerts and where they go.
    Alerts,
    /// Reports of sensors.
    Sensors,
    /// What waits for another person.
    Approvals,
    /// Who may do what.
    Identities,
}

impl Line {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Status,
        Self::Flowspec,
        Self::Registry,
        Self::Policy,
        Self::Audit,
        Self::Alerts,
        Self::Sensors,
        Self::Approvals,
        Self::Identities,
    ];

    /// As a scope names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Flowspec => "flowspec",
            Self::Registry => "registry",
            Self::Policy => "policy",
            Self::Audit => "audit",
            Self::Alerts => "alerts",
            Self::Sensors => "sensors",
            Self::Approvals => "approvals",
            Self::Identities => "identities",
        }
    }
}

/// What a token is narrowed to. Written `flowspec`, `sensors:rfc1149`, `decide`, `proxy` or `enforcer`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// A line of work, as far as the roles go.
    Line(Line),
    /// Reports of this kind of sensor, and nothing else: it needs no role.
    Reports(String),
    /// To ask for decisions, and nothing else: it needs no role. Written `decide`.
    Decide,
    /// To decide elsewhere, by what is in use here, and to hand in the records of it: it needs no role.
    /// Written `proxy`.
    Proxy,
    /// To say what rules of routers have counted, and nothing else: it needs no role. Written
    /// `enforcer`.
    Enforcer,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => f.write_str(line.as_str()),
            Self::Reports(kind) => write!(f, "sensors:{kind}"),
            Self::Decide => f.write_str("decide"),
            Self::Proxy => f.write_str("proxy"),
            Self::Enforcer => f.write_str("enforcer"),
        }
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(kind) = text.strip_prefix("sensors:") {
            return if is_name(kind) {
                Ok(Self::Reports(kind.to_owned()))
            } else {
                Err(format!("{kind:?} is no kind of sensor: small letters, digits and `-`"))
            };
        }
        match text {
            "decide" => return Ok(Self::Decide),
            "proxy" => return Ok(Self::Proxy),
            "enforcer" => return Ok(Self::Enforcer),
            _ => {}
        }
        let line = Line::ALL.into_iter().find(|line| line.as_str() == text);
        line.map(Self::Line).ok_or_else(|| {
            let lines = Line::ALL.map(Line::as_str).join(", ");
            format!("there is no scope {text:?}: {lines}, sensors:KIND, decide, proxy or enforcer")
        })
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Scope {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Scope".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let lines = Line::ALL.map(Line::as_str).join("|");
        schemars::json_schema!({
            "type": "string",
            "description": "A line of work, the reports of one kind of sensor, decisions, what a proxy or what an enforcer needs.",
            "pattern": format!("^({lines}|decide|proxy|enforcer|sensors:[a-z0-9][a-z0-9-]{{0,63}})$"),
        })
    }
}

/// Names of sensors, their kinds, and tokens: 1 to 64 small letters, digits, `-`, `_` and `.`, of
/// which the first is a letter or a digit. They stand in paths, records and file names.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| letter(b) || matches!(b, b'-' | b'_' | b'.'))
        && text.bytes().next().is_some_and(letter)
}

/// What somebody may do: as far as the roles go, in these lines of work.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rights {
    /// How far; none is enough for a sensor.
    #[serde(default)]
    pub roles: BTreeSet<Role>,
    /// Where; empty is everywhere.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub scopes: BTreeSet<Scope>,
}

impl Rights {
    /// These roles, everywhere.
    #[must_use]
    pub fn of(roles: impl IntoIterator<Item = Role>) -> Self {
        Self { roles: roles.into_iter().collect(), scopes: BTreeSet::new() }
    }

    /// Whether who has these may also do all that the others allow: nobody gives away more than
    /// they have.
    #[must_use]
    pub fn cover(&self, other: &Self) -> bool {
        let roles = other.roles.iter().all(|role| self.has(*role));
        let scopes = self.scopes.is_empty()
            || (!other.scopes.is_empty()
                && other.scopes.iter().all(|scope| match scope {
                    Scope::Line(_) => self.scopes.contains(scope),
                    Scope::Reports(_) => {
                        self.scopes.contains(scope)
                            || self.scopes.contains(&Scope::Line(Line::Sensors))
                    }
                    Scope::Decide => {
                        self.scopes.contains(scope)
                            || self.scopes.contains(&Scope::Line(Line::Policy))
                    }
                    Scope::Proxy => {
                        self.scopes.contains(scope) || PROXIES.iter().all(|line| self.reach(*line))
                    }
                    Scope::Enforcer => {
                        self.scopes.contains(scope)
                            || self.scopes.contains(&Scope::Line(Line::Flowspec))
                    }
                }));
        roles && scopes
    }

    fn has(&self, role: Role) -> bool {
        self.roles.iter().any(|own| own.includes(role))
    }

    fn reach(&self, line: Line) -> bool {
        line == Line::Status || self.scopes.is_empty() || self.scopes.contains(&Scope::Line(line))
    }
}

/// What a route asks for before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Needs {
    /// Nothing: anybody who can reach it.
    Nothing,
    /// To be known.
    Identity,
    /// This role, or one that includes it.
    Role(Role),
    /// The scope `sensors:KIND`, or `operator` where sensors are within reach.
    Report,
    /// The scope `decide`, or `operator` where policies are within reach.
    Decide,
    /// The scope `proxy`, or `admin` where its line is within reach: who hands in records of others
    /// is believed.
    Proxy,
    /// The scope `enforcer`, or `operator` where rules of routers are within reach.
    Enforcer,
}

/// The lines of work of what a proxy needs.
const PROXIES: [Line; 2] = [Line::Policy, Line::Audit];

/// Which line of work a route belongs to, and what it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Access {
    /// The line.
    pub line: Line,
    /// What it asks for.
    pub needs: Needs,
}

/// How somebody is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Known {
    /// A user of this machine, as the kernel says.
    User,
    /// A token.
    Token,
    /// A client certificate.
    Certificate,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// As records name them: `uid:0(root)`, `token:ci`, `cert:noc`, `sensor:roof-cat-2`, `proxy:edge-1`,
    /// `enforcer:edge-1`.
    pub name: String,
    /// How they are known.
    pub known: Known,
    /// What they may do.
    pub rights: Rights,
    /// Who made the token: nobody approves by a token of their own what they asked for.
    pub made_by: Option<String>,
}

/// Why somebody may not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// A higher role is asked for.
    #[error("{name} is {has}, and this is for {role}")]
    Role {
        /// Who.
        name: String,
        /// What they are.
        has: String,
        /// What it is for.
        role: Role,
    },
    /// It is outside the scopes.
    #[error("{name} is for {scopes} only, and this is of {}", .line.as_str())]
    Scope {
        /// Who.
        name: String,
        /// What they are narrowed to.
        scopes: String,
        /// The line of work.
        line: Line,
    },
    /// No right to report.
    #[error("{name} may not report as a sensor of kind {kind:?}")]
    Report {
        /// Who.
        name: String,
        /// The kind.
        kind: String,
    },
    /// No right to ask for decisions.
    #[error("{0} may not ask for decisions")]
    Decide(String),
    /// No right to decide elsewhere.
    #[error("{0} is not a proxy")]
    Proxy(String),
    /// No right to say what rules have counted.
    #[error("{0} is not an enforcer")]
    Enforcer(String),
}

impl Identity {
    /// Whether they may use a route. Of one that takes reports, `kind` is the kind in its path.
    pub fn may(&self, access: Access, kind: Option<&str>) -> Result<(), Denied> {
        let role = match access.needs {
            Needs::Nothing | Needs::Identity => return Ok(()),
            Needs::Report => return self.may_report(kind.unwrap_or_default()),
            Needs::Decide => return self.may_decide(),
            Needs::Proxy => return self.may_decide_elsewhere(access.line),
            Needs::Enforcer => return self.may_enforce(),
            Needs::Role(role) => role,
        };
        if !self.rights.has(role) {
            return Err(Denied::Role { name: self.name.clone(), has: self.roles(), role });
        }
        if !self.rights.reach(access.line) {
            let scopes = list(&self.rights.scopes);
            return Err(Denied::Scope { name: self.name.clone(), scopes, line: access.line });
        }
        Ok(())
    }

    fn may_report(&self, kind: &str) -> Result<(), Denied> {
        let rights = &self.rights;
        let own = rights.scopes.contains(&Scope::Reports(kind.to_owned()));
        if own || (rights.has(Role::Operator) && rights.reach(Line::Sensors)) {
            return Ok(());
        }
        Err(Denied::Report { name: self.name.clone(), kind: kind.to_owned() })
    }

    fn may_decide(&self) -> Result<(), Denied> {
        let rights = &self.rights;
        let may = rights.scopes.contains(&Scope::Decide)
            || (rights.has(Role::Operator) && rights.reach(Line::Policy));
        if may { Ok(()) } else { Err(Denied::Decide(self.name.clone())) }
    }

    fn may_decide_elsewhere(&self, line: Line) -> Result<(), Denied> {
        let rights = &self.rights;
        let may = rights.scopes.contains(&Scope::Proxy)
            || (rights.has(Role::Admin) && rights.reach(line));
        if may { Ok(()) } else { Err(Denied::Proxy(self.name.clone())) }
    }

    fn may_enforce(&self) -> Result<(), Denied> {
        let rights = &self.rights;
        let may = rights.scopes.contains(&Scope::Enforcer)
            || (rights.has(Role::Operator) && rights.reach(Line::Flowspec));
        if may { Ok(()) } else { Err(Denied::Enforcer(self.name.clone())) }
    }

    /// Whether this is the same person as far as anybody can tell: by name, or by a token that one
    /// of them made.
    #[must_use]
    pub fn is_one_with(&self, name: &str, made_by: Option<&str>) -> bool {
        self.name == name
            || self.made_by.as_deref() == Some(name)
            || made_by == Some(self.name.as_str())
    }

    fn roles(&self) -> String {
        if self.rights.roles.is_empty() {
            "without a role".to_owned()
        } else {
            list(&self.rights.roles)
        }
    }
}

fn list<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
