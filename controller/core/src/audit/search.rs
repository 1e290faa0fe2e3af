//! Which records.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::written::policy_of;
use super::{AuditRecord, micros};
use crate::decision::Severity;

/// What a record must be to be found; what is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Search {
    /// At this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// By this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Events that begin like this: `registry.feed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// At least this severe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// On this host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Of this user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// About requests (activities, sightings, reports) whose id begins like this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// On which a rule of this policy matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Alerts only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alerts: bool,
}

impl Search {
    /// Whether this is one.
    #[must_use]
    pub fn finds(&self, record: &AuditRecord) -> bool {
        let same = |wanted: &Option<String>, has: Option<&String>| {
            wanted.as_ref().is_none_or(|wanted| has == Some(wanted))
        };
        let at = micros(record.at);
        self.since.is_none_or(|since| at >= micros(since))
            && self.until.is_none_or(|until| at < micros(until))
            && same(&self.actor, Some(&record.actor))
            && self.event.as_ref().is_none_or(|event| record.event.starts_with(event.as_str()))
            && self.severity.is_none_or(|severity| record.severity >= severity)
            && same(&self.host, record.about.host.as_ref())
            && same(&self.user, record.about.user.as_ref())
            && self.request.as_ref().is_none_or(|begins| {
                record.about.request.as_ref().is_some_and(|id| id.starts_with(begins.as_str()))
            })
            && self.policy.as_ref().is_none_or(|policy| {
                record.evidence.rules.iter().any(|rule| policy_of(rule) == policy)
            })
            && (!self.alerts || record.notice.is_some())
    }
}

/// Which of those that were found, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The newest, newest first; before this number if there is one.
    Back {
        /// A number that is not of the page any more.
        before: Option<u64>,
        /// At most so many.
        limit: u32,
    },
    /// Those after this number (0 is before the first), oldest first.
    On {
        /// A number that is not of the page.
        after: u64,
        /// At most so many.
        limit: u32,
    },
}
