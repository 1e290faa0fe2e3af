//! Asks for the addresses of names, and keeps what they lead to.
//!
//! One task owns the [`Ageing`]; questions run beside it, at most [`AT_ONCE`] at a time, so that a
//! resolver that hangs holds up no name but those it was asked for. What becomes visible is made a
//! registry version after [`TOGETHER`], so that one answer of many addresses is one version.

mod view;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sark_core::Clock;
use sark_core::storage::StorageError;
use sark_registry::Snapshot;
use sark_registry::ageing::{Ageing, Change, Config, Event, Memory};
use sark_registry::resolve::{Answer, Resolve, ResolveError};
use sark_registry::storage::RegistryStore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::chain::chain;
use crate::{Registrar, RegistryHolder};

/// Names asked for at the same time.
const AT_ONCE: usize = 64;
/// Changes within this time of each other are one version.
const TOGETHER: Duration = Duration::from_millis(200);
/// Longest time between two looks at the clock.
const LOOK: Duration = Duration::from_secs(5);
/// What was learned is saved this long after a change, and at the end.
const SAVE_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// See the module. Questions about it go through [`Names::look`].
pub struct Names {
    ageing: Mutex<Ageing>,
    resolvers: Vec<Arc<dyn Resolve>>,
    registrar: Arc<Registrar>,
    registry: Arc<RegistryHolder>,
    store: Arc<dyn RegistryStore>,
    clock: Arc<dyn Clock>,
}

/// What a name was answered by each resolver.
type Asked = (Arc<str>, Vec<Result<(Answer, bool), ResolveError>>);

impl Names {
    /// Goes on from what was learned before; what cannot be read of it is learned anew.
    pub async fn new(
        config: Config,
        resolvers: Vec<Arc<dyn Resolve>>,
        registrar: Arc<Registrar>,
        registry: Arc<RegistryHolder>,
        store: Arc<dyn RegistryStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StorageError> {
        let now = clock.now();
        let ageing = match store.learned().await? {
            None => Ageing::new(config, now),
            Some(saved) => restored(&saved.document, &config, now).unwrap_or_else(|error| {
                tracing::warn!(error, "learned addresses are learned anew");
                Ageing::new(config, now)
            }),
        };
        Ok(Self { ageing: Mutex::new(ageing), resolvers, registrar, registry, store, clock })
    }

    /// Looks at what is known.
    pub fn look<T>(&self, look: impl FnOnce(&Ageing) -> T) -> T {
        look(&self.ageing())
    }

    /// Until `stop`; then what was learned is saved.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut questions = JoinSet::new();
        let mut watched: Option<Arc<Snapshot>> = None;
        let mut news = News::default();
        let mut unsaved: Option<Timestamp> = None;
        // What was learned before the restart stands at once.
        news.is_due = true;
        while !stop.is_cancelled() {
            let now = self.clock.now();
            self.watch(&mut watched, now);
            news.note(&self.ageing().tick(now));
            let free = AT_ONCE.saturating_sub(questions.len());
            let due = if free > 0 { self.ageing().due(now, free) } else { Vec::new() };
            for name in due {
                questions.spawn(ask(name, self.resolvers.clone()));
            }
            if news.is_due && self.publish(&mut news).await {
                unsaved = unsaved.or(Some(now));
            }
            if unsaved.is_some_and(|since| now.duration_since(since) >= SAVE_AFTER) {
                self.save(now).await;
                unsaved = None;
            }
            let pause = tokio::time::sleep(self.pause(now, free > 0));
            tokio::select! {
                () = stop.cancelled() => {}
                Some(asked) = questions.join_next(), if !questions.is_empty() => {
                    self.hear(asked, &mut news);
                    self.hear_more(&mut questions, &mut news).await;
                }
                () = self.registry.changed() => {}
                () = pause => {}
            }
        }
        self.save(self.clock.now()).await;
    }

    /// Which names to ask is in the registry.
    fn watch(&self, watched: &mut Option<Arc<Snapshot>>, now: Timestamp) {
        let newest = self.registry.snapshot();
        if watched.as_ref().is_none_or(|watched| !Arc::ptr_eq(watched, &newest)) {
            self.ageing().watch(newest.endpoints().iter().filter(|e| e.is_usable(now)), now);
            *watched = Some(newest);
        }
    }

    /// Answers that come a moment after one that changed something are in the same version.
    async fn hear_more(&self, questions: &mut JoinSet<Asked>, news: &mut News) {
        if !news.is_due {
            return;
        }
        let together = tokio::time::sleep(TOGETHER);
        tokio::pin!(together);
        while !questions.is_empty() {
            tokio::select! {
                Some(asked) = questions.join_next() => self.hear(asked, news),
                () = &mut together => return,
            }
        }
    }

    fn hear(&self, asked: Result<Asked, tokio::task::JoinError>, news: &mut News) {
        // A question that ended badly is asked again by itself.
        let Ok((name, answers)) = asked else { return };
        let now = self.clock.now();
        let mut is_answered = false;
        for answer in answers {
            match answer {
                Ok((answer, serves_clients)) => {
                    is_answered = true;
                    let observed = answer.observed(&name, serves_clients, now);
                    let changes = self.ageing().apply(&Event::Observed(observed), now);
                    news.note(&changes);
                }
                Err(error) => tracing::debug!(code = error.code(), %error, "not resolved"),
            }
        }
        if !is_answered {
            let failed = Event::Failed { name: name.to_string(), at: now };
            news.note(&self.ageing().apply(&failed, now));
        }
    }

    /// Whether there is a version of it now; if not, it is tried again at the next look.
    async fn publish(&self, news: &mut News) -> bool {
        let learned = self.ageing().learned();
        match self.registrar.learn(learned, &news.cause()).await {
            Ok(()) => {
                *news = News::default();
                true
            }
            Err(error) => {
                tracing::error!(error = chain(&error), "what names lead to is not in use yet");
                false
            }
        }
    }

    async fn save(&self, now: Timestamp) {
        let document = serde_json::to_string(self.ageing().memory());
        let Ok(document) = document else { return };
        if let Err(error) = self.store.save_learned(&document, now).await {
            tracing::error!(error = chain(&error), "what was learned of names was not saved");
        }
    }

    fn pause(&self, now: Timestamp, may_ask: bool) -> Duration {
        let ageing = self.ageing();
        let next = [ageing.next_change(), ageing.next_due().filter(|_| may_ask)];
        let until = |at: Timestamp| Duration::try_from(at.duration_since(now)).unwrap_or_default();
        next.into_iter().flatten().map(until).min().map_or(LOOK, |pause| pause.min(LOOK))
    }

    fn ageing(&self) -> MutexGuard<'_, Ageing> {
        self.ageing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became visible since the last version.
#[derive(Debug, Default)]
struct News {
    is_due: bool,
    names: BTreeSet<Arc<str>>,
}

impl News {
    fn note(&mut self, changes: &[Change]) {
        for change in changes.iter().filter(|change| change.is_visible()) {
            self.is_due = true;
            self.names.insert(Arc::clone(&change.name));
        }
    }

    fn cause(&self) -> String {
        match (self.names.first(), self.names.len()) {
            (None, _) => "names learned before".to_owned(),
            (Some(name), 1) => format!("name {name}"),
            (Some(name), more) => format!("name {name} and {} more", more - 1),
        }
    }
}

async fn ask(name: Arc<str>, resolvers: Vec<Arc<dyn Resolve>>) -> Asked {
    let one = |resolver: Arc<dyn Resolve>| {
        let name = Arc::clone(&name);
        async move {
            let answer = resolver.resolve(&name).await?;
            Ok((answer, resolver.serves_clients()))
        }
    };
    let answers = futures::future::join_all(resolvers.into_iter().map(one)).await;
    (name, answers)
}

fn restored(document: &str, config: &Config, now: Timestamp) -> Result<Ageing, String> {
    let memory: Memory = serde_json::from_str(document).map_err(|error| error.to_string())?;
    Ageing::restore(config.clone(), memory, now).map_err(|error| error.to_string())
}
