//! Who called, in the trail, without filling it.
//!
//! The first call of somebody from somewhere is a record of its own, and so is the next after an hour
//! without one (`api.login`). What only looks is counted, and is one record of each caller when the
//! minute is over (`api.looked`). What changes something has its own record with the change.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sark_core::audit::{AuditRecord, Outcome};
use sark_core::identity::Identity;
use serde_json::json;
use tokio::time::Instant;

use super::source::Source;
use super::strangers::note;
use super::{Api, Peer};

/// Over which calls are counted.
const WINDOW: Duration = Duration::from_secs(60);
/// Who has not called for as long comes anew.
const AWAY: Duration = Duration::from_secs(3600);
/// Callers that are told apart; with more, each call may be a new one.
const MOST: usize = 10_000;

/// Callers with a record of their own in one window, and the name of all the others.
const NAMED: usize = 200;
const OTHERS: &str = "others";

/// Those who called.
#[derive(Debug, Default)]
pub(crate) struct Callers(Mutex<Called>);

#[derive(Debug, Default)]
struct Called {
    /// When each was last here, by name and by where they call from.
    here: HashMap<(String, String), Instant>,
    begun: Option<Instant>,
    /// What each looked at, and how often.
    looked: Looked,
}

/// By who looked, and the route.
type Looked = BTreeMap<String, BTreeMap<String, u64>>;

impl Called {
    /// Whether they come anew.
    fn come(&mut self, name: &str, from: &str, now: Instant) -> bool {
        let is_here = |then: &Instant| now.duration_since(*then) < AWAY;
        if self.here.len() >= MOST {
            self.here.retain(|_, then| is_here(then));
        }
        if self.here.len() >= MOST {
            self.here.clear();
        }
        let before = self.here.insert((name.to_owned(), from.to_owned()), now);
        !before.is_some_and(|then| is_here(&then))
    }

    fn look(&mut self, name: &str, route: &str, now: Instant) {
        self.begun.get_or_insert(now);
        let is_full = self.looked.len() >= NAMED && !self.looked.contains_key(name);
        let name = if is_full { OTHERS } else { name };
        let routes = self.looked.entry(name.to_owned()).or_default();
        *routes.entry(route.to_owned()).or_default() += 1;
    }

    /// What was counted, if the window is over.
    fn counted(&mut self, now: Instant) -> Looked {
        match self.begun {
            Some(begun) if now.duration_since(begun) >= WINDOW => self.all(),
            _ => Looked::new(),
        }
    }

    fn all(&mut self) -> Looked {
        self.begun = None;
        std::mem::take(&mut self.looked)
    }
}

impl Callers {
    /// Somebody who is known calls.
    pub(crate) async fn came(&self, identity: &Identity, peer: Option<&Peer>, api: &Api) {
        let from = match peer {
            Some(Peer::Remote { address, .. }) => Source::of(*address).to_string(),
            Some(Peer::Local { .. }) | None => "socket".to_owned(),
        };
        if !self.lock().come(&identity.name, &from, Instant::now()) {
            return;
        }
        let detail = json!({ "from": from, "known": identity.known });
        let now = api.observatory.clock.now();
        let record = AuditRecord::new(now, &identity.name, "api.login", Outcome::Ok, detail);
        note(api, &record).await;
    }

    /// Somebody looked at something.
    pub(crate) fn looked(&self, name: &str, route: &str) {
        self.lock().look(name, route, Instant::now());
    }

    /// Tells the trail what was counted: if the minute is over, or because it ends now.
    pub(crate) async fn tell(&self, ends: bool, api: &Api) {
        let counted = if ends { self.lock().all() } else { self.lock().counted(Instant::now()) };
        for (name, routes) in counted {
            let count: u64 = routes.values().sum();
            let detail = json!({ "count": count, "routes": routes });
            let now = api.observatory.clock.now();
            note(api, &AuditRecord::new(now, name, "api.looked", Outcome::Ok, detail)).await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Called> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_comes_is_told_once_an_hour_without_a_call() {
        let (mut called, now) = (Called::default(), Instant::now());
        assert!(called.come("cert:noc", "192.0.2.1", now));
        assert!(called.come("cert:noc", "192.0.2.2", now), "from elsewhere");
        let later = now + AWAY / 2;
        assert!(!called.come("cert:noc", "192.0.2.1", later));
        assert!(!called.come("cert:noc", "192.0.2.1", later + AWAY / 2));
        assert!(called.come("cert:noc", "192.0.2.1", later + 2 * AWAY));
        for n in 0..3 * MOST {
            called.come(&n.to_string(), "socket", now);
        }
        assert!(called.here.len() <= MOST);
    }

    #[tokio::test(start_paused = true)]
    async fn a_million_looks_are_one_record_a_minute() {
        let (mut called, now) = (Called::default(), Instant::now());
        for _ in 0..1_000_000 {
            called.look("token:grafana", "/v1/status", now);
        }
        assert!(called.counted(now + WINDOW / 2).is_empty(), "not over yet");
        let counted = called.counted(now + WINDOW);
        assert_eq!(counted["token:grafana"]["/v1/status"], 1_000_000);
        assert!(called.counted(now + 2 * WINDOW).is_empty());
        called.look("token:grafana", "/v1/status", now + 2 * WINDOW);
        assert_eq!(called.all().len(), 1, "what ends is told whole");
        for n in 0..10_000 {
            called.look(&n.to_string(), "/v1/status", now);
        }
        let counted = called.all();
        assert_eq!(counted.len(), NAMED + 1);
        assert_eq!(counted[OTHERS]["/v1/status"], 10_000 - NAMED as u64);
    }
}
