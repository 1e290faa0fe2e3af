//! Names and what they lead to, with resolvers in memory.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sark_api::Dnssec;
use sark_controller::names::{Names, Told};
use sark_core::storage::MemoryStore;
use sark_flowspec::speaker::fake::FakeSpeaker;
use sark_registry::State;
use sark_registry::ageing::{Answered, Config, Vantage};
use sark_registry::resolve::{Answer, Fake, Resolve, ResolveError, Seen};
use sark_registry::storage::MemoryRegistry;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::world::{Outside, TestClock, World, files};

const NAME: &str = "api.mistral.ai";

const POLICY: &str = "apiVersion: sark/v1
kind: FlowSpecPolicy
metadata: { name: watch-mistral, owner: netsec }
spec:
  from: [10.0.0.0/8]
  to: { providers: [mistral] }
  protocol: tcp
  ports: [443]
  action: { mark: { dscp: 10 } }
";

struct Scene {
    world: World,
    registry: Arc<MemoryRegistry>,
    resolver: Arc<Fake>,
    names: Arc<Names>,
    clock: Arc<TestClock>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Scene {
    async fn new(registry: Option<Arc<MemoryRegistry>>) -> Self {
        Self::beside(registry, None).await
    }

    /// With another resolver.
    async fn beside(
        registry: Option<Arc<MemoryRegistry>>,
        other: Option<Arc<dyn Resolve>>,
    ) -> Self {
        let store: Arc<MemoryStore> = Arc::default();
        let mut outside = Outside::new(Arc::clone(&store));
        outside.registry = registry.unwrap_or(outside.registry);
        let registry = Arc::clone(&outside.registry);
        let clock = Arc::new(TestClock::new());
        let world = World::assembled(
            FakeSpeaker::new(),
            Arc::clone(&store),
            store as _,
            Arc::clone(&clock),
            outside,
        );
        let resolver = Arc::new(Fake::new("site").for_clients());
        let config =
            Config { allow: vec!["198.51.100.0/24".parse().unwrap()], ..Config::default() };
        let stop = CancellationToken::new();
        let site = Arc::clone(&resolver) as Arc<dyn Resolve>;
        let names = Names::new(
            config,
            std::iter::once(site).chain(other).collect(),
            Arc::clone(&world.api.registrar),
            Arc::clone(world.api.observatory.registry()),
            Arc::clone(&registry) as _,
            Arc::clone(&clock) as _,
            Arc::clone(&world.api.metrics),
        );
        let names = Arc::new(names.await.unwrap());
        world.api.registrar.begin(Some(&names)).await.unwrap();
        let task = tokio::spawn(Arc::clone(&names).run(stop.clone()));
        Self { world, registry, resolver, names, clock, stop, task }
    }

    async fn stop(self) -> Arc<MemoryRegistry> {
        self.stop.cancel();
        self.task.await.unwrap();
        self.world.stop().await;
        self.registry
    }

    /// Addresses of the name in the registry in use, with their states.
    fn learned(&self) -> Vec<(String, State)> {
        let registry = self.world.api.observatory.snapshot();
        let endpoint = registry.by_id("mistral/api").unwrap();
        endpoint.learned.iter().map(|one| (one.address.to_string(), one.state)).collect()
    }

    async fn until(&self, wanted: &[&str]) {
        let there = async {
            while self
                .learned()
                .iter()
                .map(|(address, _)| address.as_str())
                .ne(wanted.iter().copied())
            {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let reached = tokio::time::timeout(Duration::from_secs(7200), there).await;
        assert!(reached.is_ok(), "{wanted:?}: {:?}", self.learned());
    }
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A new address becomes a rule by itself; an old one leaves late, and only because others are
/// answered in its place.
#[tokio::test(start_paused = true)]
async fn an_address_becomes_a_rule_and_leaves_late() {
    let scene = Scene::new(None).await;
    scene.resolver.set(NAME, 60, &[address("198.51.100.20")]);
    scene.until(&["198.51.100.20"]).await;
    scene.world.apply(&files(&[POLICY.to_owned()])).await.unwrap();
    let rule = |host| format!("dst 198.51.100.{host}/32 src 10.0.0.0/8 proto =6 dport =443");
    assert_eq!(scene.world.ours(), [rule(20)]);

    let moved = scene.clock.elapsed();
    scene.resolver.set(NAME, 60, &[address("198.51.100.21")]);
    scene.until(&["198.51.100.20", "198.51.100.21"]).await;
    scene.world.settled().await;
    let both = "dst 198.51.100.20/31 src 10.0.0.0/8 proto =6 dport =443";
    assert_eq!(scene.world.ours(), [both], "marking is harmless, so they are one prefix");
    scene.until(&["198.51.100.21"]).await;
    scene.world.settled().await;
    assert_eq!(scene.world.ours(), [rule(21)]);
    let stayed = scene.clock.elapsed() - moved;
    assert!(stayed >= Duration::from_secs(600), "{stayed:?}");
    scene.stop().await;
}

/// Names that nobody answers keep their addresses, however long; so does a restart.
#[tokio::test(start_paused = true)]
async fn losing_the_dns_withdraws_nothing() {
    let scene = Scene::new(None).await;
    scene.resolver.set(NAME, 60, &[address("198.51.100.20")]);
    scene.until(&["198.51.100.20"]).await;
    scene.resolver.fail(NAME);
    tokio::time::sleep(Duration::from_secs(3 * 3600)).await;
    scene.until(&["198.51.100.20"]).await;
    let registry = scene.stop().await;

    let scene = Scene::new(Some(registry)).await;
    scene.resolver.fail(NAME);
    let first: Vec<_> = scene.learned().into_iter().map(|(address, _)| address).collect();
    assert_eq!(first, ["198.51.100.20"], "the first version after a restart has it");
    tokio::time::sleep(Duration::from_secs(3 * 3600)).await;
    scene.until(&["198.51.100.20"]).await;
    let versions = scene.world.api.registrar.versions(10).await.unwrap();
    assert_eq!(versions.len(), 2, "without and with it; a restart adds none: {versions:?}");
    scene.stop().await;
}

/// What a client was answered is a rule within a second, whoever the resolvers are; names under a
/// wildcard are known by what clients ask for.
#[tokio::test(start_paused = true)]
async fn what_clients_were_answered_counts_at_once() {
    let scene = Scene::new(None).await;
    scene.resolver.set(NAME, 60, &[address("198.51.100.20")]);
    scene.until(&["198.51.100.20"]).await;
    scene.world.apply(&files(&[POLICY.to_owned()])).await.unwrap();
    let told = scene.names.tell(
        [
            answered("API.Mistral.ai", "198.51.100.30"),
            answered("www.example.com", "198.51.100.31"),
            answered("team7.openai.azure.com", "198.51.100.32"),
        ],
        &[],
    );
    assert_eq!(told, Told { known: 2, unknown: 1 });
    let begun = scene.clock.elapsed();
    scene.until(&["198.51.100.20", "198.51.100.30"]).await;
    assert!(scene.clock.elapsed() - begun <= Duration::from_secs(1));
    scene.world.settled().await;
    let rule = |host| format!("dst 198.51.100.{host}/32 src 10.0.0.0/8 proto =6 dport =443");
    assert_eq!(scene.world.ours(), [rule(20), rule(30)]);
    let registry = scene.world.api.observatory.snapshot();
    let azure = registry.lookup_address(address("198.51.100.32"));
    assert_eq!(azure.len(), 1, "{azure:?}");
    scene.stop().await;
}

/// A resolver that does not answer is said, and so is what follows from it.
#[tokio::test(start_paused = true)]
async fn a_resolver_that_is_down_is_said() {
    let scene = Scene::new(None).await;
    assert_eq!(scene.names.problems(), []);
    scene.resolver.down(true);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let codes = |scene: &Scene| -> Vec<String> {
        scene.names.problems().into_iter().map(|problem| problem.code).collect()
    };
    assert_eq!(codes(&scene), ["resolver-down", "names-stale"]);
    let text = scene.world.api.metrics.text();
    assert!(text.contains("sark_resolver_up{resolver=\"site\"} 0"), "{text}");
    assert!(!text.contains("sark_names_stale 0"), "{text}");
    scene.resolver.down(false);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(codes(&scene), [""; 0]);
    let text = scene.world.api.metrics.text();
    assert!(text.contains("sark_resolver_up{resolver=\"site\"} 1"), "{text}");
    assert!(text.contains("sark_names_stale 0"), "{text}");
    scene.stop().await;
}

/// Answers nothing for an hour.
struct Hangs(Arc<str>);

#[async_trait]
impl Resolve for Hangs {
    fn id(&self) -> &Arc<str> {
        &self.0
    }

    async fn resolve(&self, name: &str) -> Result<Answer, ResolveError> {
        let seconds = 3600;
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        Err(ResolveError::Timeout { resolver: Arc::clone(&self.0), name: name.to_owned(), seconds })
    }
}

/// What one resolver answers is in use although another hangs.
#[tokio::test(start_paused = true)]
async fn a_resolver_that_hangs_holds_up_nobodys_answer() {
    let scene = Scene::beside(None, Some(Arc::new(Hangs("hangs".into())))).await;
    let asked = scene.clock.elapsed();
    scene.resolver.set(NAME, 60, &[address("198.51.100.20")]);
    scene.until(&["198.51.100.20"]).await;
    let took = scene.clock.elapsed() - asked;
    assert!(took < Duration::from_secs(600), "{took:?}");
    scene.stop().await;
}

fn answered(name: &str, to: &str) -> Seen {
    let addresses = vec![address(to)];
    Seen { name: name.to_owned(), addresses, ttl: Some(60), chain: Vec::new(), at: None }
}

/// An answer that leads inside is not learned, and who said so is shown; with what else is known.
#[tokio::test(start_paused = true)]
async fn rebinding_is_refused() {
    let scene = Scene::new(None).await;
    let answered = |text: &str| Answered { address: address(text), ttl: 60 };
    scene.resolver.put(
        NAME,
        Ok(Answer {
            resolver: "site".into(),
            addresses: ["10.0.0.1", "127.0.0.1", "198.51.100.20"].map(answered).into(),
            chain: vec!["front.example".to_owned()],
            hints: vec![],
            dnssec: Some(false),
        }),
    );
    scene.until(&["198.51.100.20"]).await;
    let views = scene.names.views(&scene.world.api.observatory.snapshot());
    let view = views.iter().find(|view| view.name == NAME).unwrap();
    let refused: Vec<_> =
        view.refused.iter().map(|r| (r.address.to_string(), r.what.as_str())).collect();
    assert_eq!(refused, [("10.0.0.1".to_owned(), "private"), ("127.0.0.1".into(), "loopback")]);
    assert!(view.refused.iter().all(|refused| refused.vantage == Vantage::Site("site".into())));
    assert_eq!(view.addresses[0].vantage, Some(Vantage::Site("site".into())));
    assert!(view.addresses[0].first_seen <= Some(view.addresses[0].last_seen));
    assert_eq!((view.failures, view.stale_since), (0, None));
    assert_eq!(
        (view.dnssec, &*view.chain),
        (Some(Dnssec::Insecure), &["front.example".into()][..])
    );
    scene.stop().await;
}
