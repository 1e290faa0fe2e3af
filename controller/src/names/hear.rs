//! Questions to resolvers, their answers, and what others tell of answers.

use std::net::IpAddr;
use std::sync::Arc;

use sark_registry::ageing::{Event as Happened, Name, Observed};
use sark_registry::resolve::{Answer, Resolve, ResolveError, Seen};

use super::{Known, Names};
use crate::events::{AddressRefused, Event};

/// What a name was answered by each resolver.
pub(super) type Asked = (Arc<str>, Vec<(Arc<dyn Resolve>, Result<Answer, ResolveError>)>);

/// How many observations told something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// Of names that endpoints have.
    pub known: u64,
    /// Of names that are nobody's here.
    pub unknown: u64,
}

pub(super) async fn ask(name: Arc<str>, resolvers: Vec<Arc<dyn Resolve>>) -> Asked {
    let one = |resolver: Arc<dyn Resolve>| {
        let name = Arc::clone(&name);
        async move {
            let answer = resolver.resolve(&name).await;
            (resolver, answer)
        }
    };
    let answers = futures::future::join_all(resolvers.into_iter().map(one)).await;
    (name, answers)
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

    pub(super) fn hear(&self, asked: Result<Asked, tokio::task::JoinError>) {
        // A question that ended badly is asked again by itself.
        let Ok((name, answers)) = asked else { return };
        let now = self.clock.now();
        let known = &mut *self.known();
        let mut is_answered = false;
        for (resolver, answer) in answers {
            match answer {
                Ok(answer) => {
                    is_answered = true;
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
        if !is_answered {
            let failed = Happened::Failed { name: name.to_string(), at: now };
            let changes = known.ageing.apply(&failed, now);
            known.news.note(&changes);
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
