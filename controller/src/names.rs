//! Asks for the addresses of names, hears what clients were answered, and keeps what they lead to.
//!
//! ```text
//!   resolvers ── answers ──┐
//!                          ├→ Ageing ── what names lead to ──→ Registrar → a version → a round
//!   API ── observations ───┘
//! ```
//!
//! One task asks: questions run beside it, at most [`AT_ONCE`] at a time, and each answer is heard as it
//! comes, so that a resolver that hangs holds up nobody's. What becomes visible is made a registry version
//! after [`TOGETHER`], so that one answer of many addresses is one version.

mod health;
mod hear;
mod news;
mod problems;
mod view;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sark_core::Clock;
use sark_core::storage::StorageError;
use sark_registry::ageing::{Ageing, Config, Memory};
use sark_registry::resolve::Resolve;
use sark_registry::storage::RegistryStore;
use sark_registry::{Learned, Snapshot};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::chain;
use crate::events::{Event, NamesCounted};
use crate::{Metrics, Registrar, RegistryHolder};
use health::Resolvers;
use hear::Questions;
pub use hear::Told;
use news::News;

/// Names asked for at the same time.
const AT_ONCE: usize = 64;
/// Changes within this time of each other are one version.
const TOGETHER: Duration = Duration::from_millis(200);
/// Between two versions, when addresses come; and when they only leave, which nobody waits for.
const COMING: SignedDuration = SignedDuration::from_secs(1);
const LEAVING: SignedDuration = SignedDuration::from_secs(10);
/// Longest time between two looks at the clock.
const LOOK: Duration = Duration::from_secs(5);
/// What was learned is saved this long after a change, now and then without one, and at the end.
const SAVE_AFTER: SignedDuration = SignedDuration::from_secs(5);
const SAVE_WITHIN: SignedDuration = SignedDuration::from_secs(300);

/// See the module. Questions about it go through [`Names::look`].
pub struct Names {
    known: Mutex<Known>,
    resolvers: Vec<Arc<dyn Resolve>>,
    /// Somebody told of answers.
    told: Notify,
    registrar: Arc<Registrar>,
    registry: Arc<RegistryHolder>,
    store: Arc<dyn RegistryStore>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
}

struct Known {
    ageing: Ageing,
    news: News,
    /// What the registry was last given.
    published: BTreeMap<Arc<str>, Vec<Learned>>,
    resolvers: Resolvers,
}

impl Names {
    /// Goes on from what was learned before; what cannot be read of it is learned anew.
    pub async fn new(
        config: Config,
        resolvers: Vec<Arc<dyn Resolve>>,
        registrar: Arc<Registrar>,
        registry: Arc<RegistryHolder>,
        store: Arc<dyn RegistryStore>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, StorageError> {
        let now = clock.now();
        let ageing = match store.learned().await? {
            None => Ageing::new(config, now),
            Some(saved) => restored(&saved.document, &config, now).unwrap_or_else(|error| {
                tracing::warn!(error, "learned addresses are learned anew");
                Ageing::new(config, now)
            }),
        };
        let known = Known {
            ageing,
            news: News::default(),
            published: BTreeMap::new(),
            resolvers: Resolvers::default(),
        };
        Ok(Self {
            known: Mutex::new(known),
            resolvers,
            told: Notify::new(),
            registrar,
            registry,
            store,
            clock,
            metrics,
        })
    }

    /// What was learned before a restart, for the first version after it: no rule goes because
    /// `sarkd` starts.
    pub fn resume(&self, registry: &Snapshot) -> BTreeMap<Arc<str>, Vec<Learned>> {
        let now = self.clock.now();
        let known = &mut *self.known();
        known.ageing.watch(registry.endpoints().iter().filter(|e| e.is_usable(now)), now);
        known.published = known.ageing.learned();
        known.published.clone()
    }

    /// Looks at what is known.
    pub fn look<T>(&self, look: impl FnOnce(&Ageing) -> T) -> T {
        look(&self.known().ageing)
    }

    /// Until `stop`; then what was learned is saved.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut questions = Questions::new();
        let mut watched: Option<Arc<Snapshot>> = None;
        let mut save_at = after(self.clock.now(), SAVE_WITHIN);
        let mut publish_at = Timestamp::MIN;
        let mut counted: Option<Timestamp> = None;
        while !stop.is_cancelled() {
            let now = self.clock.now();
            self.watch(&mut watched, now);
            let free = AT_ONCE.saturating_sub(questions.len());
            let due = self.pass_time(now, free);
            for name in due {
                questions.ask(name, &self.resolvers);
            }
            let wait = self.known().news.wait();
            // A clock that was set back makes nobody wait longer.
            if wait.is_some_and(|wait| !within(now, publish_at, wait)) {
                self.hear_more(&mut questions).await;
                publish_at = now;
                if self.publish().await {
                    save_at = save_at.min(after(now, SAVE_AFTER));
                }
            }
            if save_at <= now || !within(save_at, now, SAVE_WITHIN) {
                let pause = if self.save(now).await { SAVE_WITHIN } else { SAVE_AFTER };
                save_at = after(now, pause);
            }
            if counted.is_none_or(|at| now.duration_since(at).unsigned_abs() >= LOOK) {
                self.count();
                counted = Some(now);
            }
            let mut pause = self.pause(now, free > 0);
            if let Some(wait) = self.known().news.wait() {
                let until = after(publish_at, wait).duration_since(now);
                pause = pause.min(Duration::try_from(until).unwrap_or_default());
            }
            let pause = tokio::time::sleep(pause);
            tokio::select! {
                () = stop.cancelled() => {}
                heard = questions.next() => self.hear(heard),
                () = self.told.notified() => {}
                () = self.registry.changed() => {}
                () = pause => {}
            }
        }
        self.save(self.clock.now()).await;
    }

    /// Which names to ask is in the registry: the newest version, so that a pin loses nothing. An
    /// endpoint may have got a name that is known already.
    fn watch(&self, watched: &mut Option<Arc<Snapshot>>, now: Timestamp) {
        let newest = self.registry.newest();
        if watched.as_ref().is_none_or(|watched| !Arc::ptr_eq(watched, &newest)) {
            let usable = newest.endpoints().iter().filter(|e| e.is_usable(now));
            let known = &mut *self.known();
            known.ageing.watch(usable, now);
            if known.ageing.learned() != known.published {
                known.news.other_endpoints();
            }
            *watched = Some(newest);
        }
    }

    /// What ages, ages; which names to ask now, at most so many.
    fn pass_time(&self, now: Timestamp, most: usize) -> Vec<Arc<str>> {
        let known = &mut *self.known();
        known.news.note(&known.ageing.tick(now));
        // Without resolvers, clients are all there is.
        if most == 0 || self.resolvers.is_empty() {
            return Vec::new();
        }
        known.ageing.due(now, most)
    }

    /// Answers that come a moment after one that changed something are in the same version.
    async fn hear_more(&self, questions: &mut Questions) {
        let together = tokio::time::sleep(TOGETHER);
        tokio::pin!(together);
        loop {
            tokio::select! {
                heard = questions.next() => self.hear(heard),
                () = &mut together => return,
            }
        }
    }

    /// Whether there is a version of it now; if not, it is tried again after a while.
    async fn publish(&self) -> bool {
        let (news, learned) = {
            let known = &mut *self.known();
            (std::mem::take(&mut known.news), known.ageing.learned())
        };
        match self.registrar.learn(learned.clone(), &news.cause()).await {
            Ok(()) => {
                self.known().published = learned;
                true
            }
            Err(error) => {
                tracing::error!(error = chain(&error), "what names lead to is not in use yet");
                self.known().news.put_back(news);
                false
            }
        }
    }

    async fn save(&self, now: Timestamp) -> bool {
        let document = serde_json::to_string(self.known().ageing.memory());
        let Ok(document) = document else { return false };
        let saved = self.store.save_learned(&document, now).await;
        if let Err(error) = &saved {
            tracing::error!(error = chain(error), "what was learned of names was not saved");
        }
        saved.is_ok()
    }

    fn count(&self) {
        let (counts, stale) = self.look(|ageing| {
            let names = ageing.memory().names.values();
            (ageing.counts(), names.filter(|name| name.stale_since.is_some()).count())
        });
        NamesCounted { counts, stale }.emit(&self.metrics);
    }

    fn pause(&self, now: Timestamp, may_ask: bool) -> Duration {
        let known = self.known();
        let may_ask = may_ask && !self.resolvers.is_empty();
        let next = [known.ageing.next_change(), known.ageing.next_due().filter(|_| may_ask)];
        let until = |at: Timestamp| Duration::try_from(at.duration_since(now)).unwrap_or_default();
        next.into_iter().flatten().map(until).min().map_or(LOOK, |pause| pause.min(LOOK))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn after(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Whether `time` is less than so much later than `since`, and not before it.
fn within(time: Timestamp, since: Timestamp, by: SignedDuration) -> bool {
    (SignedDuration::ZERO..by).contains(&time.duration_since(since))
}

fn restored(document: &str, config: &Config, now: Timestamp) -> Result<Ageing, String> {
    let memory: Memory = serde_json::from_str(document).map_err(|error| error.to_string())?;
    Ageing::restore(config.clone(), memory, now).map_err(|error| error.to_string())
}
