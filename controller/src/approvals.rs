//! What waits for another person.

use std::sync::Arc;

use jiff::SignedDuration;
use sark_core::approval::{Approval, ApprovalError, State, Wanted};
use sark_core::audit::{AuditRecord, Notice, Outcome};
use sark_core::identity::Identity;
use sark_core::storage::StorageError;
use sark_core::{Clock, ContentHash, Severity};
use serde_json::json;

use crate::Storage;
use crate::registrar::OURSELVES;

/// Approvals that are listed.
const LISTED: u32 = 1000;
/// Digits of an id, in base 32.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Why it is not so.
#[derive(Debug, thiserror::Error)]
pub enum ApprovalsError {
    /// The approval itself says why.
    #[error(transparent)]
    Approval(#[from] ApprovalError),
    /// There is none.
    #[error("there is no approval {0:?}")]
    Absent(String),
    /// Nobody approved this.
    #[error("nobody approved this ({kind}, {})", .subject.short())]
    NotApproved {
        /// What kind of thing.
        kind: String,
        /// Hash of exactly what.
        subject: ContentHash,
    },
    /// Somebody else was faster.
    #[error("somebody else decided on approval {0} at the same time")]
    Conflict(String),
    /// The store does not answer.
    #[error("cannot use the store")]
    Store(#[from] StorageError),
    /// The machine has no random numbers.
    #[error("cannot make an id: {0}")]
    Random(String),
}

/// Asks for, decides on, and uses approvals.
pub struct Approvals {
    store: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
}

impl Approvals {
    /// In this store.
    #[must_use]
    pub fn new(store: Arc<dyn Storage>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Asks for one, and tells those who may approve.
    pub async fn request(&self, wanted: Wanted, by: &Identity) -> Result<Approval, ApprovalsError> {
        let now = self.clock.now();
        let approval = Approval::request(id()?, wanted, by, now)?;
        let title = format!("{} asks: {}", by.name, approval.title);
        let record = self.record(&approval, &by.name, "approval.request", Outcome::Ok);
        let record = record.told(Severity::Medium, notice(&approval, title, false));
        // 60 random bits are not taken.
        if self.store.add_approval(&approval, &record).await? {
            Ok(approval)
        } else {
            Err(ApprovalsError::Conflict(approval.id))
        }
    }

    /// Newest first; those in this state, if one is given.
    pub async fn list(&self, state: Option<State>) -> Result<Vec<Approval>, ApprovalsError> {
        let now = self.clock.now();
        let mut all = self.store.approvals(LISTED).await?;
        all.retain(|approval| state.is_none_or(|state| approval.state(now) == state));
        Ok(all)
    }

    /// One.
    pub async fn find(&self, id: &str) -> Result<Approval, ApprovalsError> {
        let found = self.store.approval(id).await?;
        found.ok_or_else(|| ApprovalsError::Absent(id.to_owned()))
    }

    /// Approves or rejects one.
    pub async fn decide(
        &self,
        id: &str,
        approve: bool,
        reason: Option<String>,
        by: &Identity,
    ) -> Result<Approval, ApprovalsError> {
        let before = self.find(id).await?;
        let after = match before.decide(approve, by, reason, self.clock.now()) {
            Ok(after) => after,
            Err(error) => {
                // Who tries to approve their own is worth a record.
                if matches!(error, ApprovalError::Own { .. }) {
                    let what = "approval.approve";
                    self.store
                        .append(&self.record(&before, &by.name, what, Outcome::Refused))
                        .await?;
                }
                return Err(error.into());
            }
        };
        let (event, word) = if approve {
            ("approval.approve", "approved")
        } else {
            ("approval.reject", "rejected")
        };
        let title = format!("{} {word}: {}", by.name, after.title);
        let record = self.record(&after, &by.name, event, Outcome::Ok);
        let record = record.told(Severity::Info, notice(&after, title, true));
        if self.store.step_approval(&before.step, &after, &record).await? {
            Ok(after)
        } else {
            Err(ApprovalsError::Conflict(after.id))
        }
    }

    /// Uses an approval of exactly this: of two who try at once, one does. Call it just before what
    /// was approved is done.
    pub async fn redeem(
        &self,
        kind: &str,
        subject: &ContentHash,
        by: &str,
    ) -> Result<Approval, ApprovalsError> {
        let now = self.clock.now();
        for before in self.store.approved(kind, subject.as_str()).await? {
            let Ok(after) = before.redeem(by, now) else { continue };
            let record = self.record(&after, by, "approval.use", Outcome::Ok);
            if self.store.step_approval(&before.step, &after, &record).await? {
                return Ok(after);
            }
        }
        Err(ApprovalsError::NotApproved { kind: kind.to_owned(), subject: subject.clone() })
    }

    /// Records of those whose time is over and on which nobody decided that they are expired, which
    /// ends their alert; once, whoever looks. How many.
    pub async fn expire(&self) -> Result<usize, StorageError> {
        let now = self.clock.now();
        let mut many = 0;
        for before in self.store.undecided(LISTED).await? {
            let Some(after) = before.expire(now) else { continue };
            let title = format!("Nobody decided in time: {}", after.title);
            let record = self.record(&after, OURSELVES, "approval.expire", Outcome::Ok);
            let record = record.told(Severity::Info, notice(&after, title, true));
            many += usize::from(self.store.step_approval(&before.step, &after, &record).await?);
        }
        Ok(many)
    }

    fn record(&self, approval: &Approval, by: &str, event: &str, outcome: Outcome) -> AuditRecord {
        let now = self.clock.now();
        let detail = json!({
            "approval": approval.id,
            "kind": approval.kind,
            "subject": approval.subject,
            "title": approval.title,
            "requestedBy": approval.requested_by,
            "until": approval.until,
            "state": approval.state(now),
        });
        AuditRecord::new(now, by, event, outcome, detail)
    }
}

fn notice(approval: &Approval, title: String, resolved: bool) -> Notice {
    Notice {
        key: format!("approval:{}", approval.id),
        title,
        resolved,
        routes: Vec::new(),
        runbook: None,
        facts: [
            ("approval".to_owned(), approval.id.clone()),
            ("kind".to_owned(), approval.kind.clone()),
            ("subject".to_owned(), approval.subject.short().to_owned()),
            ("until".to_owned(), approval.until.to_string()),
        ]
        .into(),
    }
}

/// For how long an approval waits unless it is said.
pub const WAIT: SignedDuration = SignedDuration::from_hours(1);

fn id() -> Result<String, ApprovalsError> {
    let mut random = [0_u8; 12];
    getrandom::fill(&mut random).map_err(|error| ApprovalsError::Random(error.to_string()))?;
    let digit = |octet: u8| DIGITS.get(usize::from(octet & 31)).map_or('0', |d| char::from(*d));
    Ok(random.into_iter().map(digit).collect())
}
