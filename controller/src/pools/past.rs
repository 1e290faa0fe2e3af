//! How proxies were at a time, as the trail's records say: for who begins to ask, and for who explains.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use sark_core::audit::{AuditRecord, Page, Search};
use sark_core::storage::{AuditStore, StorageError};
use serde_json::Value;

use super::record::EVENT;
use crate::registrar::OURSELVES;

/// Records of the first look, newest first: as a rule it is the only one.
const FIRST: u32 = 1_000;
/// Of each look after it.
const MORE: u32 = 10_000;
/// Looks. Of whom nothing was found by then was up, as far as is known.
const LOOKS: usize = 6;

/// How proxies were. One of which nothing is known is not in it: it was up.
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
    /// How these (pool, proxy) were before this time: looks back until something is known of each of
    /// them, and not for ever.
    pub async fn before<S>(
        store: &S,
        at: Timestamp,
        asked: &[(&str, &str)],
    ) -> Result<Self, StorageError>
    where
        S: AuditStore + ?Sized,
    {
        let search = Search {
            until: Some(at),
            actor: Some(OURSELVES.to_owned()),
            event: Some(EVENT.to_owned()),
            ..Search::default()
        };
        let (mut past, mut before, mut limit) = (Self::default(), None, FIRST);
        for _ in 0..LOOKS {
            let found = store.search(&search, Page::Back { before, limit }).await?;
            let mut older = Self::default();
            found.iter().rev().for_each(|(_, record)| older.turned(record));
            for (proxy, was) in older.proxies {
                past.proxies.entry(proxy).or_insert(was);
            }
            let is_known = asked.iter().all(|(pool, proxy)| past.of(pool, proxy).is_some());
            if is_known || found.len() < limit as usize {
                return Ok(past);
            }
            before = found.last().map(|(sequence, _)| *sequence);
            limit = MORE;
        }
        tracing::warn!("there are too many records of proxies: those not found are taken for up");
        Ok(past)
    }

    /// How this one was; none if nothing is known of it.
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
        // Those that were up then, whatever became of the records that say so.
        let up = detail["up"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for other in up.filter(|other| *other != proxy) {
            let was = self.entry(pool, other, since);
            if !was.is_up {
                *was = Was { is_up: true, since, ..*was };
            }
        }
        let was = self.entry(pool, proxy, since);
        match detail["state"].as_str() {
            Some("up") => *was = Was { is_up: true, since, recovered: Some(since), ..*was },
            Some("down") => {
                let held = detail["holdDownSeconds"].as_u64().unwrap_or_default();
                *was = Was { is_up: false, since, hold_down: Duration::from_secs(held), ..*was };
            }
            _ => {}
        }
    }

    /// What is known of this one; up since then, if nothing is.
    fn entry(&mut self, pool: &str, proxy: &str, since: Timestamp) -> &mut Was {
        let was = Was { is_up: true, since, hold_down: Duration::ZERO, recovered: None };
        self.proxies.entry((pool.to_owned(), proxy.to_owned())).or_insert(was)
    }
}
