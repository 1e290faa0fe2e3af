//! Feeds, versions and entries, on a source and a store in memory.

use std::sync::Arc;

use sark_api::{FeedState, RefreshOutcome};
use sark_controller::feeds::copies;
use sark_controller::registrar::{Beginning, EntriesError, How, PinnedTo};
use sark_core::Clock as _;
use sark_core::storage::{AuditStore as _, MemoryStore};
use sark_flowspec::speaker::fake::FakeSpeaker;
use sark_registry::feed::{self, FakeSource, Feed};
use sark_registry::storage::MemoryRegistry;

use crate::world::{Outside, TestClock, World, actor, files};

const FEED: &str = "apiVersion: sark/v1
kind: EndpointFeed
metadata: { name: relays, owner: netsec }
spec:
  title: Relays of a test
  file: relays.txt
  format: text
  schedule: \"0 0 * * * *\"
  outputs:
    - { endpoint: relay-co/relays, title: Relay Co, kind: vpn, role: relay, sharedness: dedicated, confidence: 95, verified: true, ports: [udp/51820] }
  limits: { leastEntries: 2, mostEntries: 1000, change: { percent: 25, entries: 2 }, privateRanges: true }
";

const POLICY: &str = "apiVersion: sark/v1
kind: FlowSpecPolicy
metadata: { name: no-relays, owner: netsec }
spec:
  from: [10.0.0.0/8]
  to: { providers: [relay-co] }
  action: drop
";

/// A world with one feed, and what it stands on.
struct Scene {
    world: World,
    source: Arc<FakeSource>,
    registry: Arc<MemoryRegistry>,
    speaker: FakeSpeaker,
    store: Arc<MemoryStore>,
}

fn relays() -> Arc<Feed> {
    let feeds = feed::parse("relays.yaml", FEED).unwrap();
    Arc::new(feeds.into_iter().next().unwrap())
}

fn list(hosts: impl IntoIterator<Item = u8>) -> String {
    hosts.into_iter().map(|host| format!("198.51.100.{host}\n")).collect()
}

impl Scene {
    async fn new() -> Self {
        let store: Arc<MemoryStore> = Arc::default();
        let registry = Arc::new(MemoryRegistry::new(Arc::clone(&store)));
        Self::on(FakeSpeaker::new(), store, registry, Arc::default()).await
    }

    async fn on(
        speaker: FakeSpeaker,
        store: Arc<MemoryStore>,
        registry: Arc<MemoryRegistry>,
        source: Arc<FakeSource>,
    ) -> Self {
        let clock = Arc::new(TestClock::new());
        let feeds = vec![relays()];
        let copies = copies(&feeds, &*registry, clock.now()).await.unwrap();
        let beginning = Beginning { feeds, copies, ..Beginning::default() };
        let outside = Outside {
            registry: Arc::clone(&registry),
            source: Arc::clone(&source) as _,
            beginning,
            ..Outside::new(Arc::clone(&store))
        };
        let world = World::assembled(
            speaker.clone(),
            Arc::clone(&store),
            Arc::clone(&store) as _,
            clock,
            outside,
        );
        world.api.registrar.begin(None).await.unwrap();
        Self { world, source, registry, speaker, store }
    }

    /// The same again, as after a restart.
    async fn restart(self) -> Self {
        let Self { world, source, registry, speaker, store } = self;
        world.stop().await;
        Self::on(speaker, store, registry, source).await
    }

    async fn refresh(&self) -> (RefreshOutcome, Vec<String>) {
        let result = self.world.api.feeds.refresh("relays", &actor()).await.unwrap();
        (result.outcome, result.problems.into_iter().map(|problem| problem.code).collect())
    }

    async fn state(&self) -> FeedState {
        self.world.api.feeds.view("relays").await.unwrap().state
    }

    fn addresses(&self) -> usize {
        let registry = self.world.api.observatory.snapshot();
        registry.by_id("relay-co/relays").map_or(0, |endpoint| endpoint.prefixes.len())
    }

    async fn newest(&self) -> u64 {
        self.world.api.registrar.versions(1).await.unwrap()[0].number
    }
}

/// A refresh is a version with its cause, and the routers get the difference and nothing else.
#[tokio::test(start_paused = true)]
async fn what_a_feed_says_reaches_the_routers() {
    let scene = Scene::new().await;
    scene.source.set("relays", list(1..=20));
    assert_eq!(scene.refresh().await, (RefreshOutcome::Updated, vec![]));
    assert_eq!(scene.addresses(), 20);
    scene.world.apply(&files(&[POLICY.to_owned()])).await.unwrap();
    let announced = scene.world.ours();
    assert!(announced.contains(&"dst 198.51.100.1/32 src 10.0.0.0/8".to_owned()), "{announced:?}");

    scene.source.set("relays", list(2..=21));
    assert_eq!(scene.refresh().await.0, RefreshOutcome::Updated);
    scene.world.settled().await;
    let expected = [
        "dst 198.51.100.16/30 src 10.0.0.0/8",
        "dst 198.51.100.2/31 src 10.0.0.0/8",
        "dst 198.51.100.20/31 src 10.0.0.0/8",
        "dst 198.51.100.4/30 src 10.0.0.0/8",
        "dst 198.51.100.8/29 src 10.0.0.0/8",
    ];
    assert_eq!(scene.world.ours(), expected, "2 to 21, in as few prefixes");
    let versions = scene.world.api.registrar.versions(10).await.unwrap();
    let causes: Vec<&str> = versions.iter().map(|version| version.origin.cause.as_str()).collect();
    assert_eq!(causes, ["feed relays", "feed relays", "start"]);
    assert_eq!(versions[0].origin.actor, actor().0);

    assert_eq!(scene.refresh().await.0, RefreshOutcome::Unchanged);
    assert_eq!(scene.newest().await, versions[0].number, "the same content is no version");
}

/// Too much at once is kept for a person; the copy in use stays until then, over a restart too.
#[tokio::test(start_paused = true)]
async fn a_doubted_copy_waits_for_a_person() {
    let scene = Scene::new().await;
    scene.source.set("relays", list(1..=20));
    scene.refresh().await;
    scene.source.set("relays", list(1..=60));
    let (outcome, codes) = scene.refresh().await;
    assert_eq!(
        (outcome, codes.as_slice()),
        (RefreshOutcome::Held, &["change-share".to_owned()][..])
    );
    assert_eq!((scene.addresses(), scene.state().await), (20, FeedState::Held));
    let scene = scene.restart().await;
    assert_eq!((scene.addresses(), scene.state().await), (20, FeedState::Held));
    assert_eq!(scene.refresh().await.0, RefreshOutcome::Held, "asked again, still doubted");

    let pending = scene.world.api.feeds.view("relays").await.unwrap().pending.unwrap();
    assert_eq!((pending.entries, pending.added, pending.removed), (60, 40, 0));
    let feeds = &scene.world.api.feeds;
    feeds.accept("relays", "sha256:00", &actor()).await.expect_err("another copy");
    let accepted = feeds.accept("relays", &pending.hash, &actor()).await.unwrap();
    assert_eq!((accepted.outcome, accepted.added), (RefreshOutcome::Updated, 40));
    assert_eq!((scene.addresses(), scene.state().await), (60, FeedState::Current));
    let records = scene.store.records(50).await.unwrap();
    for event in ["registry.feed.held", "registry.feed.accept", "registry.version"] {
        assert!(records.iter().any(|record| record.event == event), "{event}");
    }
}

/// A publisher that says that nothing is new has confirmed the copy in use, and no other.
#[tokio::test(start_paused = true)]
async fn a_copy_is_confirmed_by_its_publisher() {
    let scene = Scene::new().await;
    let confirmed = async || {
        let view = scene.world.api.feeds.view("relays").await.unwrap();
        view.copy.unwrap().fetched_at.unwrap()
    };
    scene.source.set("relays", list(1..=20));
    scene.refresh().await;
    let first = confirmed().await;
    tokio::time::advance(std::time::Duration::from_secs(3600)).await;
    assert_eq!(scene.refresh().await.0, RefreshOutcome::Unchanged);
    let second = confirmed().await;
    assert!(second > first);
    // A copy that is held says nothing of the one in use, however often it comes; nor does silence.
    scene.source.set("relays", list(1..=60));
    tokio::time::advance(std::time::Duration::from_secs(3600)).await;
    assert_eq!(scene.refresh().await.0, RefreshOutcome::Held);
    assert_eq!(scene.refresh().await.0, RefreshOutcome::Held);
    assert_eq!(confirmed().await, second);
    scene.source.fail("relays");
    assert_eq!(scene.refresh().await.0, RefreshOutcome::Failed);
    assert_eq!(confirmed().await, second);
}

/// What was rejected is not brought up again.
#[tokio::test(start_paused = true)]
async fn a_rejected_copy_stays_away() {
    let scene = Scene::new().await;
    scene.source.set("relays", list(1..=20));
    scene.refresh().await;
    scene.source.set("relays", list(101..=120));
    assert_eq!(scene.refresh().await.0, RefreshOutcome::Held);
    let pending = scene.world.api.feeds.view("relays").await.unwrap().pending.unwrap();
    let rejected = scene.world.api.feeds.reject("relays", &pending.hash, &actor()).await.unwrap();
    assert_eq!(rejected.outcome, RefreshOutcome::Rejected);
    assert_eq!((rejected.added, rejected.removed), (20, 20));
    assert_eq!(scene.refresh().await.0, RefreshOutcome::Unchanged);
    assert_eq!((scene.addresses(), scene.state().await), (20, FeedState::Current));
}

/// A feed that vanishes, empties or sends rubbish withdraws nothing.
#[tokio::test(start_paused = true)]
async fn whatever_happens_to_a_feed_nothing_is_withdrawn() {
    let scene = Scene::new().await;
    scene.source.set("relays", list(1..=20));
    scene.refresh().await;
    scene.world.apply(&files(&[POLICY.to_owned()])).await.unwrap();
    let rules = scene.world.ours();
    let version = scene.newest().await;
    for (octets, outcome) in [
        (Some(""), RefreshOutcome::Failed),
        (Some("<!doctype html><title>Sorry</title>"), RefreshOutcome::Failed),
        (Some("0.0.0.0/0\n198.51.100.1\n"), RefreshOutcome::Held),
        (Some("198.51.100.1\n"), RefreshOutcome::Held),
        (None, RefreshOutcome::Failed),
    ] {
        match octets {
            Some(octets) => scene.source.set("relays", octets),
            None => scene.source.fail("relays"),
        }
        let (found, codes) = scene.refresh().await;
        assert_eq!(found, outcome, "{octets:?}: {codes:?}");
        scene.world.settled().await;
        assert_eq!(scene.world.ours(), rules, "{octets:?}");
    }
    assert_eq!(scene.newest().await, version);
    let scene = scene.restart().await;
    assert_eq!(scene.addresses(), 20, "also without the feed after a restart");
}

/// A pinned version is used whatever comes, over a restart, until it is unpinned.
#[tokio::test(start_paused = true)]
async fn a_rollback_holds_until_it_is_taken_back() {
    let scene = Scene::new().await;
    scene.source.set("relays", list(1..=20));
    scene.refresh().await;
    let good = scene.newest().await;
    scene.source.set("relays", list(1..=22));
    scene.refresh().await;
    assert_eq!(scene.addresses(), 22);
    let in_use = scene.world.api.registrar.pin(PinnedTo::Previous, &actor()).await.unwrap();
    assert_eq!((in_use.number, scene.addresses()), (good, 20));

    scene.source.set("relays", list(1..=24));
    assert_eq!(scene.refresh().await.0, RefreshOutcome::Updated, "recorded");
    assert_eq!(scene.addresses(), 20, "and not used");
    let scene = scene.restart().await;
    assert_eq!(scene.addresses(), 20);
    scene.world.api.registrar.pin(PinnedTo::Newest, &actor()).await.unwrap();
    assert_eq!(scene.addresses(), 24);
}

/// Entries through the API stand above feeds, end by themselves, and survive a restart.
#[tokio::test(start_paused = true)]
async fn entries_and_what_is_never_touched() {
    let scene = Scene::new().await;
    scene.source.set("relays", list(1..=20));
    scene.refresh().await;
    let entry = "apiVersion: sark/v1
kind: EndpointOverlay
metadata: { name: our-vpn, owner: netops, expires: 2027-01-01 }
neverTouch:
  - { prefix: 198.51.100.7/32, reason: our own gateway, owner: netops, expires: 2027-01-01 }
";
    let registrar = &scene.world.api.registrar;
    let (dry, now) = (How { dry_run: true, expect: None }, How::default());
    let newest = scene.newest().await;
    let shown = registrar.put_entry("e.yaml", entry, dry, &actor()).await.unwrap();
    assert_eq!((scene.addresses(), scene.newest().await), (20, newest), "nothing changed");
    assert!(registrar.entries().await.unwrap().is_empty());
    assert_eq!(shown.endpoints.len(), 1);
    assert_eq!(shown.endpoints[0].removed.texts().collect::<Vec<_>>(), ["198.51.100.7/32"]);
    // What was looked at is what is put; and not if something came between.
    let other = How { expect: Some("sha256:00"), ..now };
    let refused = registrar.put_entry("e.yaml", entry, other, &actor()).await;
    assert!(matches!(refused, Err(EntriesError::Unexpected { .. })), "{refused:?}");
    let looked_at = shown.before.to_string();
    // A name that leads elsewhere by then is another version, and no reason to refuse.
    for host in [70, 71] {
        let learned = sark_registry::Learned {
            address: std::net::Ipv4Addr::new(203, 0, 113, host).into(),
            name: "api.mistral.ai".to_owned(),
            state: sark_registry::State::Active,
            sharedness: sark_registry::Sharedness::Cdn,
            since: "2026-11-21T07:00:00Z".parse().unwrap(),
        };
        let learned = [("mistral/api".into(), vec![learned])].into();
        registrar.learn(learned, "a test").await.unwrap();
    }
    assert_ne!(scene.newest().await, newest, "there is another version");
    let shown = registrar.put_entry("e.yaml", entry, dry, &actor()).await.unwrap();
    assert_eq!(shown.before.to_string(), looked_at);
    let same = How { expect: Some(&looked_at), ..now };
    let put = registrar.put_entry("e.yaml", entry, same, &actor()).await.unwrap();
    assert_eq!((put.entry.as_str(), &put.after), ("our-vpn", &shown.after));
    assert_eq!(scene.addresses(), 19);
    let in_use = scene.world.api.observatory.snapshot();
    assert_eq!(in_use.version(), &shown.after, "what was shown is what came");
    let again = registrar.put_entry("e.yaml", entry, same, &actor()).await;
    assert!(matches!(again, Err(EntriesError::Unexpected { .. })), "{again:?}");
    scene.world.apply(&files(&[POLICY.to_owned()])).await.unwrap();
    let ours = scene.world.ours();
    assert!(!ours.iter().any(|rule| rule.contains("dst 198.51.100.7/32 src 10")), "{ours:?}");

    // What no endpoint has makes no other version, and is spared all the same.
    let quiet = entry.replace("our-vpn", "quiet").replace("198.51.100.7/32", "203.0.113.200/32");
    registrar.put_entry("q.yaml", &quiet, now, &actor()).await.unwrap();
    assert_eq!(scene.world.api.observatory.snapshot().never_touch().len(), 2);
    registrar.delete_entry("quiet", now, &actor()).await.unwrap();
    assert_eq!(scene.world.api.observatory.snapshot().never_touch().len(), 1);

    let scene = scene.restart().await;
    assert_eq!(scene.addresses(), 19);
    let registrar = &scene.world.api.registrar;
    registrar.delete_entry("our-vpm", now, &actor()).await.expect_err("another name");
    let shown = registrar.delete_entry("our-vpn", dry, &actor()).await.unwrap();
    assert_eq!(shown.endpoints[0].added.texts().collect::<Vec<_>>(), ["198.51.100.7/32"]);
    assert_eq!((scene.addresses(), registrar.entries().await.unwrap().len()), (19, 1));
    registrar.delete_entry("our-vpn", now, &actor()).await.unwrap();
    assert_eq!(scene.addresses(), 20);
    for wrong in ["kind: nothing", "", &format!("{entry}---\n{}", entry.replace("our-vpn", "b"))] {
        let wrong = registrar.put_entry("e.yaml", wrong, now, &actor()).await;
        assert!(matches!(wrong, Err(EntriesError::Input(_))), "{wrong:?}");
    }
}

/// How versions differ, and since when an address is known.
#[tokio::test(start_paused = true)]
async fn differences_and_history() {
    let scene = Scene::new().await;
    let first = scene.newest().await;
    scene.source.set("relays", list(1..=20));
    scene.refresh().await;
    let registrar = &scene.world.api.registrar;
    let from = registrar.version(&first.to_string()).await.unwrap();
    let to = registrar.version("live").await.unwrap();
    let changes = registrar.difference(&from, &to).await.unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].id.as_str(), changes[0].added.prefixes.len()), ("relay-co/relays", 20));
    registrar.version("999").await.expect_err("no such version");

    let registry = scene.world.api.observatory.snapshot();
    let question = registry.answer("198.51.100.9").unwrap().question;
    let (steps, is_cut) = registrar.history(&question).await.unwrap();
    assert!(!is_cut);
    assert_eq!(steps.len(), 1);
    assert_eq!(steps[0].version.number, to.number);
    assert_eq!(steps[0].came, [("relay-co/relays".to_owned(), "198.51.100.9/32".to_owned())]);
}
