//! A controller on fakes, with the reconciler and the watcher running.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sark_api::ReconcileView;
use sark_api::config::{self, Config};
use sark_controller::api::Api;
use sark_controller::decisions::Sets;
use sark_controller::registrar::Beginning;
use sark_controller::sensors::Kinds;
use sark_controller::start::{Assembled, Parts, assemble};
use sark_controller::{
    Actor, ChangeError, Changed, Leadership, RegistryHolder, Signals, SpeakerPlace, Storage,
    StorePlace, Unkept, Which,
};
use sark_core::Clock;
use sark_core::storage::{MemoryStore, PolicyFile};
use sark_flowspec::speaker::fake::FakeSpeaker;
use sark_flowspec::{Afi, LargeCommunity, Nlri, Observed};
use sark_registry::feed::{FakeSource, Source};
use sark_registry::storage::MemoryRegistry;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Longest wait for anything that should happen.
pub const SOON: Duration = Duration::from_secs(120);

/// The runtime's clock, from a day in 2026 on: pausing and advancing it moves policies too.
#[derive(Debug)]
pub struct TestClock {
    begun: tokio::time::Instant,
}

impl TestClock {
    pub fn new() -> Self {
        Self { begun: tokio::time::Instant::now() }
    }
}

impl TestClock {
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.begun.elapsed()).unwrap();
        "2026-11-21T12:00:00Z".parse::<Timestamp>().unwrap() + elapsed
    }
}

/// What the registry is made of.
pub struct Outside {
    pub config: Config,
    pub registry: Arc<MemoryRegistry>,
    pub source: Arc<dyn Source>,
    pub beginning: Beginning,
}

impl Outside {
    pub fn new(store: Arc<MemoryStore>) -> Self {
        let registry = Arc::new(MemoryRegistry::new(store));
        let source = Arc::new(FakeSource::default());
        Self { config: test_config(), registry, source, beginning: Beginning::default() }
    }
}

/// The controller and handles on everything around it.
pub struct World {
    pub speaker: FakeSpeaker,
    pub store: Arc<MemoryStore>,
    pub api: Api,
    pub status: watch::Receiver<ReconcileView>,
    pub signals: Arc<Signals>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

pub fn test_config() -> Config {
    let text = "bgp: { asn: 64512, routerId: 192.0.2.1 }
peers: [{ name: edge1, address: 192.0.2.11, asn: 64601, profile: frr }]
";
    config::load("test.yaml", text, [], &[]).unwrap()
}

impl World {
    /// Empty, running.
    pub fn new() -> Self {
        Self::resume(FakeSpeaker::new(), Arc::default())
    }

    /// On a speaker and a store that were there before.
    pub fn resume(speaker: FakeSpeaker, store: Arc<MemoryStore>) -> Self {
        let clock = Arc::new(TestClock::new());
        Self::over(speaker, Arc::clone(&store), store, clock)
    }

    /// As [`resume`](Self::resume), at a time of before.
    pub fn over(
        speaker: FakeSpeaker,
        store: Arc<MemoryStore>,
        storage: Arc<dyn Storage>,
        clock: Arc<TestClock>,
    ) -> Self {
        let outside = Outside::new(Arc::clone(&store));
        Self::assembled(speaker, store, storage, clock, outside)
    }

    /// With feeds, a source of them and a store of the registry.
    pub fn assembled(
        speaker: FakeSpeaker,
        store: Arc<MemoryStore>,
        storage: Arc<dyn Storage>,
        clock: Arc<TestClock>,
        outside: Outside,
    ) -> Self {
        let Outside { config, registry, source, beginning } = outside;
        let Assembled { reconciler, watcher, api, status, signals, .. } = assemble(Parts {
            config: Arc::new(config),
            store: storage,
            registry: Arc::new(RegistryHolder::new(sark_registry::load([]).unwrap())),
            registry_store: registry,
            beginning,
            source,
            speaker: Arc::new(speaker.clone()),
            keeper: Box::new(Unkept),
            place: SpeakerPlace { mode: "external".into(), api: "fake".into() },
            leadership: Leadership::alone(),
            store_place: StorePlace { engine: "sqlite", place: "memory".into() },
            clock,
            patience: Duration::from_secs(10),
            kinds: Kinds::load(None).unwrap(),
            sets: Sets { store: Arc::clone(&store) as _, keys: Arc::default(), source: None },
        });
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(reconciler.run(stop.clone()));
        tasks.spawn(watcher.run(stop.clone()));
        Self { speaker, store, api, status, signals, stop, tasks }
    }

    /// Ends the tasks and gives back what outlives them.
    pub async fn stop(mut self) -> (FakeSpeaker, Arc<MemoryStore>) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
        (self.speaker, self.store)
    }

    pub async fn apply(&self, files: &[PolicyFile]) -> Result<Changed, ChangeError> {
        self.api.changes.apply(files.to_vec(), None, &actor()).await
    }

    pub async fn withdraw(&self, names: &[&str]) -> Result<Changed, ChangeError> {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        self.api.changes.withdraw(Which::Named(names), &actor()).await
    }

    /// Waits until the speaker's table has this many rules of ours.
    pub async fn ours_are(&self, count: usize) {
        let there = async {
            while self.ours().len() != count {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        if tokio::time::timeout(SOON, there).await.is_err() {
            panic!("{} rules instead of {count}: {:?}", self.ours().len(), self.status.borrow());
        }
    }

    /// Waits until the reconciler says so.
    pub async fn status_is(&self, wanted: impl FnMut(&ReconcileView) -> bool) {
        let mut status = self.status.clone();
        let reached = tokio::time::timeout(SOON, status.wait_for(wanted)).await.is_ok();
        assert!(reached, "{:?}", self.status.borrow());
    }

    /// Waits until a round that begins after this found nothing left to do.
    pub async fn settled(&self) {
        // The first to end may have begun before.
        for _ in 0..2 {
            let rounds = self.status.borrow().rounds;
            self.signals.wake.notify_one();
            self.status_is(|status| status.rounds > rounds).await;
        }
        self.status_is(|status| status.converged).await;
    }

    /// Text forms of our rules in the speaker's table, sorted.
    pub fn ours(&self) -> Vec<String> {
        let mut rules: Vec<String> = self
            .speaker
            .peek()
            .iter()
            .filter(|o| o.local && o.large_communities.iter().any(|c| c.global == 64512))
            .map(|o| o.nlri.as_ref().unwrap().to_string())
            .collect();
        rules.sort();
        rules
    }
}

pub fn actor() -> Actor {
    Actor("uid:0(root)".to_owned())
}

/// A policy that drops TCP to one address. Nothing protected is in its way, so it is one rule.
pub fn drop_to(name: &str, address: Ipv4Addr) -> String {
    format!(
        "apiVersion: sark/v1
kind: FlowSpecPolicy
metadata: {{ name: {name} }}
spec:
  from: [10.200.0.0/16]
  to: {{ prefixes: [{address}/32] }}
  protocol: tcp
  ports: [443]
  action: drop
"
    )
}

/// One file per text: `0.yaml`, `1.yaml`.
pub fn files(texts: &[String]) -> Vec<PolicyFile> {
    texts
        .iter()
        .enumerate()
        .map(|(n, text)| PolicyFile { name: format!("{n}.yaml"), text: text.clone() })
        .collect()
}

/// `count` policies with one rule each, apart from each other so that nothing is merged.
pub fn many(count: u32) -> Vec<PolicyFile> {
    let texts: Vec<String> = (0..count)
        .map(|n| drop_to(&format!("p{n}"), Ipv4Addr::from(0x0a64_0000 + 2 * n)))
        .collect();
    vec![PolicyFile { name: "many.yaml".into(), text: texts.join("---\n") }]
}

/// A path that is not ours.
pub fn foreign(text: &str, local: bool) -> Observed {
    let nlri = Nlri::parse(Afi::Ipv4, text).unwrap();
    Observed {
        afi: Afi::Ipv4,
        octets: nlri.encode(),
        nlri: Ok(nlri),
        communities: Vec::new(),
        large_communities: vec![LargeCommunity { global: 64999, local1: 1, local2: 1 }],
        local,
    }
}
