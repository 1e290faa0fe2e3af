//! Questions to resolvers, their answers, and what others tell of answers.

use std::net::IpAddr;
use std::sync::Arc;

use sark_registry::ageing::{Event as Happened, Name, Observed};
use sark_registry::resolve::{Answer, Resolve, ResolveError, Seen};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinSet;

use super::{AT_ONCE, Known, Names};
use crate::events::{AddressRefused, Event};

/// What one resolver answered.
type Answered = (Arc<str>, Arc<dyn Resolve>, Result<Answer, ResolveError>);

/// A name, and whether any resolver answered.
type Asked = (Arc<str>, bool);

/// How many observations told something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// Of names that endpoints have.
    pub known: u64,
    /// Of names that are nobody's here.
    pub unknown: u64,
}

/// Questions under way, and what came of them.
pub(super) struct Questions {
    under_way: JoinSet<Asked>,
    sender: Sender<Answered>,
    answers: Receiver<Answered>,
}

/// What [`Questions::next`] tells.
pub(super) enum Heard {
    /// Of one resolver, as it comes: one that hangs holds up nobody's.
    Answer(Answered),
    /// All have answered, or will not.
    End(Asked),
}

impl Questions {
    pub(super) fn new() -> Self {
        let (sender, answers) = mpsc::channel(AT_ONCE);
        Self { under_way: JoinSet::new(), sender, answers }
    }

    pub(super) fn len(&self) -> usize {
        self.under_way.len()
    }

    /// Asks all resolvers.
    pub(super) fn ask(&mut self, name: Arc<str>, resolvers: &[Arc<dyn Resolve>]) {
        let one = |resolver: Arc<dyn Resolve>| {
            let (name, sender) = (Arc::clone(&name), self.sender.clone());
            async move {
                let answer = resolver.resolve(&name).await;
                let is_answered = answer.is_ok();
                // Nobody listens any more when names stop.
                let _ = sender.send((name, resolver, answer)).await;
                is_answered
            }
        };
        let all = futures::future::join_all(resolvers.iter().cloned().map(one));
        self.under_way.spawn(async move { (name, all.await.contains(&true)) });
    }

    /// The next that is known; for ever if nothing was asked. A question that ended badly is asked
    /// again by itself.
    pub(super) async fn next(&mut self) -> Heard {
        loop {
            tokio::select! {
                biased;
                Some(answered) = self.answers.recv() => return Heard::Answer(answered),
                Some(asked) = self.under_way.join_next(), if !self.under_way.is_empty() => {
                    if let Ok(asked) = asked {
                        return Heard::End(asked);
                    }
                }
            }
        }
    }
}

impl Names {
    /// What clients were answered and which flows live, as seen by whoever stood beside them: a log
    /// of their DNS server, a proxy, a sensor. It is in use within a second.
    pub fn tell(&self, answers: impl IntoIterator<Item = Seen>, flows: &[IpAddr]) -> Told {
        let now = self.clock.now();
        let mut told = Told::default();
        {
            let known = &mut *self.known();
            for seen in answers {
                if !known.ageing.knows(&seen.name) {
                    told.unknown += 1;
                    continue;
                }
                told.known += 1;
                known.observe(seen.observed(now), now, &self.metrics);
            }
            for &address in flows {
                known.ageing.apply(&Happened::LiveFlow { address, at: now }, now);
            }
        }
        if told.known > 0 {
            self.told.notify_one();
        }
        told
    }

    pub(super) fn hear(&self, heard: Heard) {
        let now = self.clock.now();
        let known = &mut *self.known();
        let (name, resolver, answer) = match heard {
            Heard::Answer(answered) => answered,
            Heard::End((_, true)) => return,
            Heard::End((name, false)) => {
                let failed = Happened::Failed { name: name.to_string(), at: now };
                let changes = known.ageing.apply(&failed, now);
                known.news.note(&changes);
                return;
            }
        };
        match answer {
            Ok(answer) => {
                known.resolvers.answered(resolver.id(), &self.metrics);
                let observed = answer.observed(&name, resolver.serves_clients(), now);
                known.observe(observed, now, &self.metrics);
            }
            Err(error) => {
                tracing::debug!(code = error.code(), %error, "not resolved");
                known.resolvers.failed(resolver.id(), &error, now, &self.metrics);
            }
        }
    }
}

impl Known {
    fn observe(&mut self, observed: Observed, now: jiff::Timestamp, metrics: &crate::Metrics) {
        let refused = |name: Option<&Name>| -> Vec<IpAddr> {
            name.map(|name| name.refused.iter().map(|one| one.address).collect())
                .unwrap_or_default()
        };
        let name = observed.name.clone();
        let before = refused(self.ageing.name(&name));
        let changes = self.ageing.apply(&Happened::Observed(observed), now);
        self.news.note(&changes);
        let Some(known) = self.ageing.name(&name) else { return };
        for refused in known.refused.iter().filter(|one| !before.contains(&one.address)) {
            AddressRefused { name: &name, refused }.emit(metrics);
        }
    }
}
