//! What a person has to look at, of the trail.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError, Weak};

use super::{Shared, WhenFull};

/// Something that needs a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Such as `audit-spool-full`.
    pub code: &'static str,
    /// The sentence.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// What is wrong, as long as it is.
#[derive(Debug, Default)]
pub struct TrailHealth {
    told: Mutex<BTreeMap<&'static str, Trouble>>,
    spool: OnceLock<(Weak<Shared>, WhenFull)>,
}

impl TrailHealth {
    /// What is wrong.
    #[must_use]
    pub fn problems(&self) -> Vec<Trouble> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        self.full().into_iter().chain(told.values().cloned()).collect()
    }

    pub(super) fn watch(&self, shared: Weak<Shared>, when_full: WhenFull) {
        // One trail has one of these.
        let _ = self.spool.set((shared, when_full));
    }

    /// Told until it is [`resolved`](Self::resolved).
    pub fn problem(&self, code: &'static str, message: String, help: &str) {
        let new = Trouble { code, message, help: help.to_owned() };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.get(code) != Some(&new) {
            tracing::error!(code, message = new.message);
            told.insert(code, new);
        }
    }

    /// It is over.
    pub fn resolved(&self, code: &'static str) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).remove(code);
    }

    /// Looked at when somebody asks: it comes and goes with every record.
    fn full(&self) -> Option<Trouble> {
        let (shared, when_full) = self.spool.get()?;
        if shared.upgrade().is_none_or(|shared| shared.has_room()) {
            return None;
        }
        let what = match when_full {
            WhenFull::Block => "every decision is refused",
            WhenFull::DropAndCount => "records of decisions are dropped",
        };
        let message = format!("the audit spool is full: {what}");
        let help = "the store does not take records, see the log: is the database away, its disk \
                    full? docs/runbooks/audit.md";
        Some(Trouble { code: "audit-spool-full", message, help: help.to_owned() })
    }
}
