//! How proxies were at a time, as the trail's records say: for who begins to ask, and for who explains.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use sark_core::audit::{AuditRecord, Page, Search};
use sark_core::storage::{AuditStore, StorageError};

use super::record::EVENT;
use crate::registrar::OURSELVES;

/// Records that are looked through, newest first; whose last one is older is taken for up.
const LOOKED_AT: u32 = 1000;

/// How proxies were. One that never turned is not in it: it was up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    proxies: HashMap<(String, String), Was>,
}

/// How one was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Was {
    /// Whether it was up.
    pub is_up: bool,
    /// Since when.
    pub since: Timestamp,
    /// Of its last fall.
    pub hold_down: Duration,
    /// When it came back last.
    pub recovered: Option<Timestamp>,
}

impl Past {
    /// How they were before this time.
    pub async fn before<S>(store: &S, at: Timestamp) -> Result<Self, StorageError>
    where
        S: AuditStore + ?Sized,
    {
        let search = Search {
            until: Some(at),
            actor: Some(OURSELVES.to_owned()),
            event: Some(EVENT.to_owned()),
            ..Search::default()
        };
        let found = store.search(&search, Page::Back { before: None, limit: LOOKED_AT }).await?;
        let mut past = Self::default();
        found.iter().rev().for_each(|(_, record)| past.turned(record));
        Ok(past)
    }

    /// How this one was; none if it never turned.
    #[must_use]
    pub fn of(&self, pool: &str, proxy: &str) -> Option<&Was> {
        self.proxies.get(&(pool.to_owned(), proxy.to_owned()))
    }

    /// Takes the next record.
    fn turned(&mut self, record: &AuditRecord) {
        let detail = &record.detail;
        let (Some(pool), Some(proxy)) = (detail["pool"].as_str(), detail["proxy"].as_str()) else {
            return;
        };
        let since = record.at;
        let was = self.proxies.entry((pool.to_owned(), proxy.to_owned())).or_insert(Was {
            is_up: true,
            since,
            hold_down: Duration::ZERO,
            recovered: None,
        });
        match detail["state"].as_str() {
            Some("up") => *was = Was { is_up: true, since, recovered: Some(since), ..*was },
            Some("down") => {
                let held = detail["holdDownSeconds"].as_u64().unwrap_or_default();
                *was = Was { is_up: false, since, hold_down: Duration::from_secs(held), ..*was };
            }
            _ => {}
        }
    }
}
