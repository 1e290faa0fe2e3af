//! The price list: from its source to what a call costs, on a source and a store in memory.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use sark_api::{CostRequest, FeedState, ProxySnapshot, RefreshOutcome, config, routes};
use sark_controller::api::{listen, serve};
use sark_controller::feeds::copies;
use sark_controller::registrar::Beginning;
use sark_core::Clock as _;
use sark_core::storage::{AuditStore as _, MemoryStore};
use sark_flowspec::speaker::fake::FakeSpeaker;
use sark_prices::{Picodollars, Unit, Usage};
use sark_registry::feed::{FakeSource, Feed, PRICE_LIST};
use sark_registry::storage::{MemoryRegistry, PriceStore as _};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::client::{get, post};
use crate::world::{Outside, TestClock, World, actor};

struct Scene {
    world: World,
    source: Arc<FakeSource>,
    registry: Arc<MemoryRegistry>,
    store: Arc<MemoryStore>,
}

fn feed() -> Arc<Feed> {
    let text = "bgp: { asn: 64512, routerId: 192.0.2.1 }
registry: { prices: { file: prices.json } }
";
    let config = config::load("test.yaml", text, [], &[]).unwrap();
    Arc::new(config.registry.prices.feed(Path::new("/etc/sark")).unwrap())
}

/// Models m0, m1, …, each with this input price in millionths of a dollar.
fn list(prices: impl IntoIterator<Item = u32>) -> String {
    let mut text = "{\"sample_spec\": {\"notes\": \"invented\"}".to_owned();
    for (at, price) in prices.into_iter().enumerate() {
        let entry =
            format!("\"litellm_provider\": \"openai\", \"input_cost_per_token\": {price}e-6");
        write!(text, ",\n\"m{at}\": {{{entry}}}").unwrap();
    }
    text + "}"
}

impl Scene {
    async fn new() -> Self {
        let store: Arc<MemoryStore> = Arc::default();
        let registry = Arc::new(MemoryRegistry::new(Arc::clone(&store)));
        Self::on(store, registry, Arc::default()).await
    }

    async fn on(
        store: Arc<MemoryStore>,
        registry: Arc<MemoryRegistry>,
        source: Arc<FakeSource>,
    ) -> Self {
        let clock = Arc::new(TestClock::new());
        let feeds = vec![feed()];
        let copies = copies(&feeds, &*registry, clock.now()).await.unwrap();
        let beginning = Beginning { feeds, copies, ..Beginning::default() };
        let (registry_, source_) = (Arc::clone(&registry), Arc::clone(&source));
        let outside = Outside {
            registry: registry_,
            source: source_,
            beginning,
            ..Outside::new(Arc::clone(&store))
        };
        let storage = Arc::clone(&store) as _;
        let world =
            World::assembled(FakeSpeaker::new(), Arc::clone(&store), storage, clock, outside);
        world.api.registrar.begin(None).await.unwrap();
        world.api.feeds.begin().await;
        Self { world, source, registry, store }
    }

    async fn restart(self) -> Self {
        let Self { world, source, registry, store } = self;
        world.stop().await;
        Self::on(store, registry, source).await
    }

    async fn refresh(&self) -> (RefreshOutcome, Vec<String>) {
        let result = self.world.api.feeds.refresh(PRICE_LIST, &actor()).await.unwrap();
        (result.outcome, result.problems.into_iter().map(|problem| problem.code).collect())
    }

    async fn state(&self) -> FeedState {
        self.world.api.feeds.view(PRICE_LIST).await.unwrap().state
    }

    /// Of a million tokens to m0 by some list; `None` if that is not known.
    async fn cost(&self, version: Option<u64>) -> Option<String> {
        let request = CostRequest {
            provider: Some("openai".to_owned()),
            model: "m0".to_owned(),
            tier: None,
            usage: Usage::default().with(Unit::Input, 1_000_000),
            version,
        };
        let used = self.world.api.prices.list(version).await.unwrap();
        let cost = sark_api::cost(&used.list, used.version, &request);
        assert_eq!(cost.list.version, used.version);
        cost.complete.then(|| cost.total.to_string())
    }

    async fn versions(&self) -> Vec<(u64, String)> {
        let versions = self.world.api.prices.versions(10).await.unwrap();
        versions.into_iter().map(|version| (version.number, version.origin.actor)).collect()
    }
}

/// Who decides elsewhere prices calls by the list that is in use here.
#[tokio::test(start_paused = true)]
async fn proxies_are_given_the_list_and_wake_when_there_is_another() {
    let scene = Scene::new().await;
    let api = scene.world.api.clone();
    let newest = async |have: Option<String>, seconds| {
        let wait = std::time::Duration::from_secs(seconds);
        let body = api.proxies.snapshots.newest(have.as_deref(), wait).await.unwrap();
        body.map(|body| serde_json::from_slice::<ProxySnapshot>(&body).unwrap())
    };
    let without = newest(None, 0).await.unwrap();
    assert_eq!((without.prices, without.price_version), (None, None));
    assert_eq!(newest(Some(without.version.clone()), 0).await, None);
    let (woken, outcome) = tokio::join!(newest(Some(without.version.clone()), 55), async {
        tokio::time::sleep(std::time::Duration::from_secs(7)).await;
        scene.source.set(PRICE_LIST, list([3, 4]));
        scene.refresh().await.0
    });
    assert_eq!(outcome, RefreshOutcome::Updated);
    let woken = woken.unwrap();
    assert_eq!((woken.prices, woken.price_version), (Some(list([3, 4])), Some(1)));
    assert_ne!(woken.version, without.version);
    // Nothing changes: the time is over.
    let begun = tokio::time::Instant::now();
    assert_eq!(newest(Some(woken.version.clone()), 20).await, None);
    assert_eq!(begun.elapsed().as_secs(), 20);
    // The same after a restart.
    drop(api);
    let scene = scene.restart().await;
    let body = scene.world.api.proxies.snapshots.newest(Some(&woken.version), Default::default());
    assert_eq!(body.await.unwrap(), None);
    scene.world.stop().await;
}

/// Asked although no other feed is; each list is a version, and old ones still price old calls.
#[tokio::test(start_paused = true)]
async fn a_list_is_used_and_remembered() {
    let scene = Scene::new().await;
    assert_eq!(scene.world.api.feeds.scheduled().collect::<Vec<_>>(), [PRICE_LIST]);
    assert_eq!(scene.cost(None).await, None, "without a list nothing has a price");
    let holder = scene.world.api.prices.holder();
    assert!(holder.list().is_empty());

    scene.source.set(PRICE_LIST, list([3, 4, 5]));
    assert_eq!(scene.refresh().await, (RefreshOutcome::Updated, vec![]));
    assert_eq!(scene.cost(None).await.as_deref(), Some("3"));
    assert_eq!(holder.list().len(), 3, "whoever holds it sees it");
    scene.source.set(PRICE_LIST, list([6, 4, 5, 1]));
    assert_eq!(scene.refresh().await.0, RefreshOutcome::Updated);
    assert_eq!(scene.refresh().await.0, RefreshOutcome::Unchanged);
    assert_eq!(scene.cost(None).await.as_deref(), Some("6"));
    assert_eq!(scene.cost(Some(1)).await.as_deref(), Some("3"));
    assert_eq!(scene.cost(Some(2)).await.as_deref(), Some("6"));
    scene.world.api.prices.list(Some(3)).await.expect_err("there is no third");
    assert_eq!(scene.versions().await, [(2, actor().0), (1, actor().0)]);

    let records = scene.store.records(50).await.unwrap();
    let of = |event: &str| records.iter().filter(|record| record.event == event).count();
    assert_eq!((of("registry.prices"), of("registry.version")), (2, 1), "no registry version");
    let metrics = scene.world.api.metrics.text();
    assert!(metrics.contains("sark_price_lists_total 2"), "{metrics}");
    assert!(metrics.contains("sark_price_models 4"), "{metrics}");

    let scene = scene.restart().await;
    assert_eq!(scene.cost(None).await.as_deref(), Some("6"), "without asking anybody");
    assert_eq!(scene.source.asked(), [PRICE_LIST; 3], "as before the restart");
    assert_eq!(scene.versions().await.len(), 2, "the same list is no new version");
}

/// What is doubted is not used until a person says so, and what was rejected stays away.
#[tokio::test(start_paused = true)]
async fn a_doubted_list_waits_for_a_person() {
    let scene = Scene::new().await;
    scene.source.set(PRICE_LIST, list([3; 100]));
    scene.refresh().await;
    for (next, code) in [(list([3; 80]), "models-lost"), (list([31; 100]), "price-jump")] {
        scene.source.set(PRICE_LIST, next);
        assert_eq!(scene.refresh().await, (RefreshOutcome::Held, vec![code.to_owned()]));
        assert_eq!(
            (scene.cost(None).await.as_deref(), scene.state().await),
            (Some("3"), FeedState::Held)
        );
    }
    let scene = scene.restart().await;
    assert_eq!(
        (scene.cost(None).await.as_deref(), scene.state().await),
        (Some("3"), FeedState::Held)
    );

    let feeds = &scene.world.api.feeds;
    let pending = feeds.view(PRICE_LIST).await.unwrap().pending.unwrap();
    assert_eq!((pending.entries, pending.added, pending.removed), (100, 100, 100));
    assert_eq!(pending.removed_sample[0], "m0 input_cost_per_token 0.000003");
    feeds.reject(PRICE_LIST, &pending.hash, &actor()).await.unwrap();
    assert_eq!(scene.refresh().await.0, RefreshOutcome::Unchanged);
    assert_eq!(scene.cost(None).await.as_deref(), Some("3"));

    scene.source.set(PRICE_LIST, list([40; 100]));
    scene.refresh().await;
    let pending = feeds.view(PRICE_LIST).await.unwrap().pending.unwrap();
    feeds.accept(PRICE_LIST, &pending.hash, &actor()).await.unwrap();
    assert_eq!(
        (scene.cost(None).await.as_deref(), scene.state().await),
        (Some("40"), FeedState::Current)
    );
    let records = scene.store.records(50).await.unwrap();
    for event in ["registry.feed.held", "registry.feed.reject", "registry.feed.accept"] {
        assert!(records.iter().any(|record| record.event == event), "{event}");
    }
}

/// A source that vanishes or sends rubbish takes no price away.
#[tokio::test(start_paused = true)]
async fn the_last_good_list_stays() {
    let scene = Scene::new().await;
    scene.source.set(PRICE_LIST, list([3, 4]));
    scene.refresh().await;
    for (octets, outcome) in [
        (Some(""), RefreshOutcome::Failed),
        (Some("<!doctype html><title>Sorry</title>"), RefreshOutcome::Failed),
        (Some("{\"error\": \"rate limit\"}"), RefreshOutcome::Failed),
        (Some("{\"m0\": {\"input_cost_per_token\": 3e-6"), RefreshOutcome::Failed),
        (Some("{}"), RefreshOutcome::Held),
        (None, RefreshOutcome::Failed),
    ] {
        match octets {
            Some(octets) => scene.source.set(PRICE_LIST, octets),
            None => scene.source.fail(PRICE_LIST),
        }
        let (found, codes) = scene.refresh().await;
        assert_eq!(found, outcome, "{octets:?}: {codes:?}");
        assert_eq!(scene.cost(None).await.as_deref(), Some("3"), "{octets:?}");
    }
    assert_eq!(scene.versions().await.len(), 1);
}

/// A list that could not be stored is not used, and comes into use when it can be.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_stored_is_not_used() {
    let scene = Scene::new().await;
    scene.source.set(PRICE_LIST, list([3]));
    scene.refresh().await;
    scene.source.set(PRICE_LIST, list([4]));
    scene.registry.refuse_prices(true);
    assert_eq!(scene.refresh().await.0, RefreshOutcome::Failed);
    assert_eq!(scene.cost(None).await.as_deref(), Some("3"));
    scene.registry.refuse_prices(false);
    assert_eq!(scene.refresh().await.0, RefreshOutcome::Unchanged, "the copy was there already");
    assert_eq!(scene.cost(None).await.as_deref(), Some("4"));
}

/// Old lists are removed, never the one in use.
#[tokio::test(start_paused = true)]
async fn old_lists_go() {
    let scene = Scene::new().await;
    for price in 1..=103 {
        scene.source.set(PRICE_LIST, list([price; 3]).replace("m0", &format!("m{price}")));
        let (outcome, _) = scene.refresh().await;
        if outcome == RefreshOutcome::Held {
            let pending = scene.world.api.feeds.view(PRICE_LIST).await.unwrap().pending.unwrap();
            scene.world.api.feeds.accept(PRICE_LIST, &pending.hash, &actor()).await.unwrap();
        }
    }
    let versions = scene.registry.price_versions(1000).await.unwrap();
    assert_eq!((versions.len(), versions[0].number, versions[99].number), (100, 103, 4));
    assert_eq!(scene.world.api.prices.holder().current().version, Some(103));
    let used = scene.world.api.prices.holder().list();
    assert_eq!(
        used.lookup(Some("openai"), "m103").unwrap().model.prices[0].amount,
        Picodollars(103_000_000)
    );
}

/// The same over the socket: what a client asks, and what it is told when it asks for nonsense.
#[tokio::test]
async fn clients_ask() {
    let scene = Scene::new().await;
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("sarkd.sock");
    let (listener, _guard) = listen(&socket).unwrap();
    let stop = CancellationToken::new();
    let server = tokio::spawn(serve(listener, scene.world.api.clone().router(), stop.clone()));

    let call =
        json!({"provider": "openai", "model": "m0", "usage": {"input": 2_000_000, "query": 1}});
    let (status, none) = post(&socket, routes::PRICE_COST, call.clone()).await;
    assert_eq!((status, &none["complete"]), (200, &json!(false)), "{none}");
    assert_eq!(none["list"], json!({"version": null, "hash": null}));

    scene.source.set(PRICE_LIST, list([3, 4, 5]));
    let (status, _) = post(&socket, routes::REFRESH, json!({"feeds": []})).await;
    assert_eq!(status, 200, "the list is among what is on");
    let (_, cost) = post(&socket, routes::PRICE_COST, call).await;
    assert_eq!(cost["total"], "6");
    assert_eq!(cost["lines"][0]["source"], "input_cost_per_token");
    assert_eq!(cost["unpriced"], json!([{"unit": "query", "count": 1, "why": "no-price"}]));
    let (_, listed) = get(&socket, "/v1/registry/prices?provider=openai&version=1").await;
    assert_eq!(
        (&listed["list"]["version"], listed["models"].as_array().unwrap().len()),
        (&json!(1), 3)
    );
    let (_, nobody) = get(&socket, "/v1/registry/prices?provider=nobody").await;
    assert_eq!(nobody["models"], json!([]));
    let (_, found) = get(&socket, "/v1/registry/prices/lookup?q=m1-2026-08-07&q=m9").await;
    assert_eq!(
        (&found["results"][0]["how"], &found["results"][1]["model"]),
        (&json!("undated"), &Value::Null)
    );
    let (_, versions) = get(&socket, routes::PRICE_VERSIONS).await;
    assert_eq!(
        (&versions["inUse"], &versions["versions"][0]["cause"]),
        (&json!(1), &json!("feed price-list"))
    );

    for (path, expected) in [
        ("/v1/registry/prices?version=7", 404),
        ("/v1/registry/prices?version=x", 400),
        ("/v1/registry/prices?model=m0", 400),
        ("/v1/registry/prices/lookup", 400),
        ("/v1/registry/prices/versions?limit=0", 400),
    ] {
        assert_eq!(get(&socket, path).await.0, expected, "{path}");
    }
    for body in [
        json!({}),
        json!({"model": "m", "usage": {"tokens": 1}}),
        json!({"model": "m", "usage": {}, "x": 1}),
    ] {
        assert_eq!(post(&socket, routes::PRICE_COST, body.clone()).await.0, 400, "{body}");
    }
    stop.cancel();
    server.await.unwrap();
    scene.world.stop().await;
}
