//! What waits for another person: somebody asks, somebody else approves, and it is done once.
//!
//! ```text
//!   request ─→ pending ─┬─ approve ─→ approved ── redeem ─→ used
//!                       ├─ reject ──→ rejected
//!                       └─ until ───→ expired  ←── until ──┘ (approved, and not used in time)
//! ```
//!
//! An approval is of a kind of thing and of a hash of exactly what is to be done: what was approved
//! and then changed is not approved. Nobody approves what they asked for, nor by a token that they
//! made, nor what a token that they made asked for.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ContentHash;
use crate::identity::Identity;

/// Longest title, in characters.
pub const LONGEST_TITLE: usize = 200;
/// Longest reason, in characters.
pub const LONGEST_REASON: usize = 1000;
/// An approval waits no longer.
pub const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24 * 7);

/// A request for an approval, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// Short, unique.
    pub id: String,
    /// What kind of thing, such as `flowspec.plan`.
    pub kind: String,
    /// Hash of exactly what is to be done.
    pub subject: ContentHash,
    /// For the person who decides: one line.
    pub title: String,
    /// Who asks.
    pub requested_by: String,
    /// Who made the token that asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester_made_by: Option<String>,
    /// When.
    pub requested_at: Timestamp,
    /// From then on it is no longer waited for, and no longer used.
    pub until: Timestamp,
    /// What became of it.
    pub step: Step,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Step {
    Pending,
    Approved(Decided),
    Rejected(Decided),
    Used {
        approved: Decided,
        by: String,
        at: Timestamp,
    },
    /// Nobody decided in time, and that was noticed and recorded.
    Expired {
        at: Timestamp,
    },
}

/// Who decided, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decided {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How an approval is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum State {
    Pending,
    Approved,
    Rejected,
    Expired,
    Used,
}

impl State {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Used => "used",
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What kind of thing.
    pub kind: String,
    /// Hash of exactly what is to be done.
    pub subject: ContentHash,
    /// One line.
    pub title: String,
    /// For how long it is waited for, and may be used.
    pub wait: SignedDuration,
}

/// Why it is not so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalError {
    /// A field is wrong.
    #[error("{field}: {why}")]
    Field {
        /// Which.
        field: &'static str,
        /// What is wrong.
        why: String,
    },
    /// It is not, or no longer, waiting.
    #[error("approval {id} is {}", .state.as_str())]
    NotPending {
        /// Which.
        id: String,
        /// How it is.
        state: State,
    },
    /// One's own.
    #[error("{by} asked for approval {id}, so somebody else has to decide")]
    Own {
        /// Which.
        id: String,
        /// Who.
        by: String,
    },
    /// It cannot be used.
    #[error("approval {id} is {}", .state.as_str())]
    NotApproved {
        /// Which.
        id: String,
        /// How it is.
        state: State,
    },
}

impl Approval {
    /// A request, of an id that nobody had.
    pub fn request(
        id: String,
        wanted: Wanted,
        by: &Identity,
        now: Timestamp,
    ) -> Result<Self, ApprovalError> {
        let field = |field, why: String| Err(ApprovalError::Field { field, why });
        let Wanted { kind, subject, title, wait } = wanted;
        if !crate::identity::is_name(&kind) {
            return field("kind", "small letters, digits, `-`, `_` and `.`, at most 64".into());
        }
        if let Err(why) = line(&title, LONGEST_TITLE) {
            return field("title", why);
        }
        if wait <= SignedDuration::ZERO || wait > LONGEST_WAIT {
            return field("wait", "more than nothing, and at most seven days".into());
        }
        // A time that cannot be written is far beyond seven days.
        let until = now.checked_add(wait).unwrap_or(Timestamp::MAX);
        Ok(Self {
            id,
            kind,
            subject,
            title,
            requested_by: by.name.clone(),
            requester_made_by: by.made_by.clone(),
            requested_at: now,
            until,
            step: Step::Pending,
        })
    }

    /// How it is at this time.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> State {
        let in_time = now < self.until;
        match self.step {
            Step::Pending if in_time => State::Pending,
            Step::Approved(_) if in_time => State::Approved,
            Step::Pending | Step::Approved(_) | Step::Expired { .. } => State::Expired,
            Step::Rejected(_) => State::Rejected,
            Step::Used { .. } => State::Used,
        }
    }

    /// The same, approved or rejected.
    pub fn decide(
        &self,
        approve: bool,
        by: &Identity,
        reason: Option<String>,
        now: Timestamp,
    ) -> Result<Self, ApprovalError> {
        let (id, state) = (self.id.clone(), self.state(now));
        if state != State::Pending {
            return Err(ApprovalError::NotPending { id, state });
        }
        // Who asked may take it back.
        if approve && by.is_one_with(&self.requested_by, self.requester_made_by.as_deref()) {
            return Err(ApprovalError::Own { id, by: by.name.clone() });
        }
        if let Some(Err(why)) = reason.as_deref().map(|reason| line(reason, LONGEST_REASON)) {
            return Err(ApprovalError::Field { field: "reason", why });
        }
        let decided = Decided { by: by.name.clone(), at: now, reason };
        let step = if approve { Step::Approved(decided) } else { Step::Rejected(decided) };
        Ok(Self { step, ..self.clone() })
    }

    /// The same, expired, if its time is over and nobody decided.
    #[must_use]
    pub fn expire(&self, now: Timestamp) -> Option<Self> {
        let is_late = self.step == Step::Pending && self.state(now) == State::Expired;
        is_late.then(|| Self { step: Step::Expired { at: now }, ..self.clone() })
    }

    /// The same, used: it is used once.
    pub fn redeem(&self, by: &str, now: Timestamp) -> Result<Self, ApprovalError> {
        match (&self.step, self.state(now)) {
            (Step::Approved(approved), State::Approved) => {
                let approved = approved.clone();
                let step = Step::Used { approved, by: by.to_owned(), at: now };
                Ok(Self { step, ..self.clone() })
            }
            (_, state) => Err(ApprovalError::NotApproved { id: self.id.clone(), state }),
        }
    }
}

fn line(text: &str, longest: usize) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("it is empty".into());
    }
    if text.chars().count() > longest {
        return Err(format!("it is longer than {longest} characters"));
    }
    if text.chars().any(char::is_control) {
        return Err("it has control characters".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
