//! What was decided on a request, an activity, a sighting or a report, and why.

use serde::{Deserialize, Serialize};

/// What happens. In order: of several the greatest wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It goes on.
    Allow,
    /// It goes on, and the record says so.
    Audit,
    /// It goes on, and somebody is told.
    Alert,
    /// It goes on without what the `redact` obligations name.
    Redact,
    /// It waits for a person.
    Hold,
    /// It is refused, with a reason the client can read.
    Deny,
    /// It is cut off: the connection is reset, the process ends.
    Block,
    /// The host is cut off from the network.
    Isolate,
}

impl Action {
    /// All of them, the mildest first.
    pub const ALL: [Self; 8] = [
        Self::Allow,
        Self::Audit,
        Self::Alert,
        Self::Redact,
        Self::Hold,
        Self::Deny,
        Self::Block,
        Self::Isolate,
    ];

    /// Whether what was asked for goes on.
    #[must_use]
    pub const fn allows(self) -> bool {
        matches!(self, Self::Allow | Self::Audit | Self::Alert | Self::Redact)
    }

    /// The severity of a result that names none.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::Allow | Self::Audit => Severity::Info,
            Self::Redact => Severity::Low,
            Self::Alert | Self::Hold | Self::Deny => Severity::Medium,
            Self::Block => Severity::High,
            Self::Isolate => Severity::Critical,
        }
    }

    /// As policies write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Audit => "audit",
            Self::Alert => "alert",
            Self::Redact => "redact",
            Self::Hold => "hold",
            Self::Deny => "deny",
            Self::Block => "block",
            Self::Isolate => "isolate",
        }
    }
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How soon people want to know. It routes alerts; it does not change what happens.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Severity {
    #[default]
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    /// As policies write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What else must be done for the decision to hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Obligation {
    /// Take out what the detectors found of these kinds; `*` is every kind.
    Redact {
        /// Kinds of findings.
        findings: Vec<String>,
    },
    /// Send it to another endpoint.
    Redirect {
        /// Its id, such as `local-models/gateway`.
        to: String,
    },
    /// Tell these people too.
    Notify {
        /// A route of the alert configuration.
        route: String,
    },
    /// Who may let a held request go on, and for how long it waits.
    Approval {
        /// Role or group.
        by: String,
        /// After so many seconds it is refused.
        seconds: u32,
    },
    /// Keep these parts of what was decided on in the record, encrypted.
    Keep {
        /// Names of fields, such as `prompt`.
        fields: Vec<String>,
    },
}

/// One rule that matched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Matched {
    /// What it asks for.
    pub action: Action,
    /// How soon people want to know.
    pub severity: Severity,
    /// The policy.
    pub policy_id: String,
    /// The rule in it.
    pub rule_id: String,
    /// Why, for the person who is refused.
    pub reason: String,
    /// What it asks for besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obligations: Vec<Obligation>,
}

/// The policy of a decision that no rule made.
pub const DEFAULT: &str = "default";
/// The policy of what matched because a policy could not be asked.
pub const ENGINE: &str = "engine";

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Whether it goes on. Follows from `action`.
    pub allow: bool,
    /// What happens.
    pub action: Action,
    /// Why, for the person who is refused.
    pub reason: String,
    /// The policy of the rule that won; `default` if none matched, `engine` if one could not be asked.
    pub policy_id: String,
    /// The rule that won.
    pub rule_id: String,
    /// The highest of all rules that matched.
    pub severity: Severity,
    /// Those of all rules that matched, in order and without repeats.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obligations: Vec<Obligation>,
    /// All rules that matched, the one that won first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matched: Vec<Matched>,
}

/// Why results do not make a decision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// No rule.
    #[error("no rule matched")]
    Nothing,
    /// Something is to be redacted, and nothing says what.
    #[error("{policy_id}/{rule_id} redacts, and no `redact` obligation says what")]
    RedactsNothing {
        /// The policy.
        policy_id: String,
        /// The rule.
        rule_id: String,
    },
    /// A redaction that would not take place.
    #[error("{policy_id}/{rule_id} has a `redact` obligation, and its action is `{action}`")]
    RedactsBeside {
        /// The policy.
        policy_id: String,
        /// The rule.
        rule_id: String,
        /// What it asks for.
        action: Action,
    },
    /// Refused, and sent on.
    #[error("{policy_id}/{rule_id} sends on what its action `{action}` stops")]
    RedirectsStopped {
        /// The policy.
        policy_id: String,
        /// The rule.
        rule_id: String,
        /// What it asks for.
        action: Action,
    },
    /// Two ways at once.
    #[error("rules send it to both `{0}` and `{1}`")]
    TwoWays(String, String),
}

impl Decision {
    /// What all rules that matched come to: the greatest action wins; of equal actions the highest
    /// severity, then the policy and the rule that come first by name. The order of `matched` does
    /// not count.
    pub fn of(mut matched: Vec<Matched>) -> Result<Self, Contradiction> {
        matched.sort_by(|a, b| {
            let strength = (b.action, b.severity).cmp(&(a.action, a.severity));
            strength.then_with(|| a.cmp(b))
        });
        matched.dedup();
        matched.iter().try_for_each(consistent)?;
        let first = matched.first().ok_or(Contradiction::Nothing)?;
        let (action, reason) = (first.action, first.reason.clone());
        let (policy_id, rule_id) = (first.policy_id.clone(), first.rule_id.clone());
        let severity = matched.iter().map(|rule| rule.severity).max().unwrap_or(first.severity);
        let mut obligations: Vec<Obligation> = Vec::new();
        for obligation in matched.iter().flat_map(|rule| &rule.obligations) {
            // What is stopped is neither rewritten nor sent on.
            let moot = !action.allows()
                && action != Action::Hold
                && matches!(obligation, Obligation::Redact { .. } | Obligation::Redirect { .. });
            if !moot && !obligations.contains(obligation) {
                obligations.push(obligation.clone());
            }
        }
        let mut ways = obligations.iter().filter_map(|obligation| match obligation {
            Obligation::Redirect { to } => Some(to),
            _ => None,
        });
        if let (Some(first), Some(second)) = (ways.next(), ways.next()) {
            return Err(Contradiction::TwoWays(first.clone(), second.clone()));
        }
        let allow = action.allows();
        Ok(Self { allow, action, reason, policy_id, rule_id, severity, obligations, matched })
    }

    /// Whether a policy could not be asked: an error, a limit, no answer.
    #[must_use]
    pub fn has_error(&self) -> bool {
        self.policy_id == ENGINE || self.matched.iter().any(|rule| rule.policy_id == ENGINE)
    }

    /// A decision no rule made.
    #[must_use]
    pub fn without_rule(action: Action, policy_id: &str, rule_id: &str, reason: String) -> Self {
        Self {
            allow: action.allows(),
            action,
            reason,
            policy_id: policy_id.to_owned(),
            rule_id: rule_id.to_owned(),
            severity: action.severity(),
            obligations: Vec::new(),
            matched: Vec::new(),
        }
    }
}

fn consistent(rule: &Matched) -> Result<(), Contradiction> {
    let named = || (rule.policy_id.clone(), rule.rule_id.clone());
    let redacts = rule.obligations.iter().any(|o| matches!(o, Obligation::Redact { .. }));
    let redirects = rule.obligations.iter().any(|o| matches!(o, Obligation::Redirect { .. }));
    let (policy_id, rule_id) = named();
    let action = rule.action;
    if action == Action::Redact && !redacts {
        return Err(Contradiction::RedactsNothing { policy_id, rule_id });
    }
    if action != Action::Redact && redacts {
        return Err(Contradiction::RedactsBeside { policy_id, rule_id, action });
    }
    if redirects && !action.allows() {
        return Err(Contradiction::RedirectsStopped { policy_id, rule_id, action });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
