use jiff::SignedDuration;
use sark_api::config::load;
use sark_api::{PoolState, ProxyState};
use sark_compiler::{Fate, ProxyShare, Steering};
use sark_core::SystemClock;
use sark_core::audit::{AuditRecord, Outcome};
use sark_core::decision::Severity;
use sark_core::storage::{AuditStore as _, MemoryStore, PolicyFile, Revision, RevisionStore as _};
use sark_flowspec::Afi;
use sark_registry::feed::Subject;
use sark_registry::overlay::NeverTouch;
use serde_json::json;

use super::*;

const CONFIG: &str = "bgp: { asn: 64512, routerId: 192.0.2.1 }
pools:
  - name: inspection
    proxies: [{ name: a, nextHop4: 192.0.2.10 }, { name: b, nextHop4: 192.0.2.11 }]
    health: { check: tcp, port: 443, holdDownSeconds: 0, recoverAfter: 1 }
  - name: quiet
    proxies: [{ name: a, nextHop4: 192.0.2.12 }]
";

struct Place {
    pools: Arc<Pools>,
    signals: Arc<Signals>,
    turned: mpsc::Receiver<Turned>,
}

fn place() -> Place {
    place_of(CONFIG)
}

fn place_of(config: &str) -> Place {
    let config = load("test.yaml", config, [], &[]).unwrap();
    let signals: Arc<Signals> = Arc::default();
    let (pools, turned) = Pools::new(
        config.pools.clone(),
        config.environment(),
        Arc::new(SystemClock),
        Arc::clone(&signals),
        Arc::default(),
    );
    Place { pools: Arc::new(pools), signals, turned }
}

impl Place {
    fn heard(&self, member: usize, works: bool) {
        let words = if works { "connected" } else { "connection refused" }.to_owned();
        let answer = Answer { works, words, at: SystemClock.now(), took: Duration::ZERO };
        self.pools.heard(member, answer);
    }

    fn up(&self) -> Vec<bool> {
        let environment = self.pools.environment();
        let all = environment.pools.iter().flat_map(|pool| &pool.proxies);
        all.map(|proxy| proxy.is_up).collect()
    }

    async fn is_settled(&self) -> bool {
        tokio::time::timeout(Duration::from_millis(1), self.pools.settled()).await.is_ok()
    }

    async fn is_woken(&self) -> bool {
        // A permit is there at once or not at all.
        let woken = self.signals.wake.notified();
        tokio::time::timeout(Duration::from_millis(1), woken).await.is_ok()
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_changes_the_deployment_wakes_and_is_recorded() {
    let mut place = place();
    let before = place.pools.environment();
    assert_eq!(place.up(), [true, true, true]);
    place.heard(0, true);
    place.heard(1, false);
    assert!(Arc::ptr_eq(&before, &place.pools.environment()), "nothing turned");
    assert!(!place.is_woken().await);
    place.heard(1, false);
    assert_eq!(place.up(), [true, false, true]);
    assert!(place.is_woken().await);
    let turned = place.turned.try_recv().unwrap();
    assert_eq!((turned.pool.as_str(), turned.proxy.as_str()), ("inspection", "b"));
    assert_eq!(turned.turn, Turn::Down { hold_down: Duration::ZERO });
    place.heard(1, true);
    assert_eq!(place.up(), [true, true, true]);
    assert_eq!(place.turned.try_recv().unwrap().turn, Turn::Up);
    let metrics = place.pools.metrics.text();
    for line in [
        "sark_proxy_up{pool=\"inspection\",proxy=\"b\"} 1",
        "sark_proxy_turns_total{pool=\"inspection\",proxy=\"b\",to=\"down\"} 1",
        "sark_proxy_turns_total{pool=\"inspection\",proxy=\"b\",to=\"up\"} 1",
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_sarkd_lacks_moves_nothing() {
    let mut place = place();
    place.heard(0, true);
    for _ in 0..9 {
        for member in [0, 1] {
            place.pools.cannot_ask(member, "too many open files".to_owned());
        }
    }
    assert_eq!(place.up(), [true, true, true]);
    assert!(!place.is_woken().await && place.turned.try_recv().is_err());
    let said = |view: &sark_api::PoolsResponse| {
        let proxies = view.pools[0].proxies.iter();
        proxies.map(|it| (it.state, it.cannot_ask.is_some())).collect::<Vec<_>>()
    };
    let view = place.pools.view(&[], true);
    assert_eq!(said(&view), [(ProxyState::Up, true), (ProxyState::Unknown, true)]);
    assert_eq!(view.pools[0].proxies[0].answer.as_ref().unwrap().words, "connected");
    assert_eq!(problems(&view).len(), 1, "one cause is one problem");
    let metrics = place.pools.metrics.text();
    let line = "sark_proxy_unasked_total{pool=\"inspection\",proxy=\"b\"} 9";
    assert!(metrics.contains(line), "{metrics}");
    // It can again.
    place.heard(0, true);
    place.heard(1, true);
    let view = place.pools.view(&[], true);
    assert_eq!(said(&view), [(ProxyState::Up, false); 2]);
    assert_eq!(problems(&view), []);
}

#[tokio::test(start_paused = true)]
async fn the_last_of_a_pool_is_not_held_down() {
    let place = place_of(&CONFIG.replace("holdDownSeconds: 0", "holdDownSeconds: 600"));
    for member in [0, 1] {
        place.heard(member, false);
        place.heard(member, false);
    }
    assert_eq!(place.up(), [false, false, true]);
    let held = |place: &Place| {
        let view = place.pools.view(&[], true);
        view.pools[0].proxies.iter().map(|proxy| proxy.held_until.is_some()).collect::<Vec<_>>()
    };
    assert_eq!(held(&place), [false, false]);
    place.heard(1, true);
    assert_eq!(place.up(), [false, true, true], "nobody else is up");
    place.heard(0, true);
    assert_eq!(place.up(), [false, true, true], "the other is held down");
    assert_eq!(held(&place), [true, false]);
}

#[tokio::test(start_paused = true)]
async fn who_is_the_last_is_said_of_each_family() {
    let place = place_of(
        &CONFIG
            .replace("holdDownSeconds: 0", "holdDownSeconds: 600")
            .replace("nextHop4: 192.0.2.11 ", "nextHop6: '2001:db8::11', check: '192.0.2.11:9' "),
    );
    place.heard(0, false);
    place.heard(0, false);
    assert_eq!(place.up(), [false, true, true]);
    place.heard(0, true);
    assert_eq!(place.up(), [true, true, true], "the other has no next hop in IPv4");
}

#[tokio::test(start_paused = true)]
async fn the_first_verdicts_are_waited_for_and_not_for_ever() {
    let place = place();
    let settled = place.pools.settled();
    tokio::pin!(settled);
    let second = Duration::from_secs(1);
    assert!(tokio::time::timeout(second, &mut settled).await.is_err());
    place.heard(0, true);
    place.heard(1, false);
    assert!(tokio::time::timeout(second, &mut settled).await.is_err(), "one failure is no verdict");
    place.heard(1, false);
    tokio::time::timeout(second, &mut settled).await.unwrap();
    // Nobody asks: it ends all the same.
    let begun = Instant::now();
    self::place().pools.settled().await;
    assert!(begun.elapsed() >= SHORTEST_SETTLING);
}

#[test]
fn the_wait_for_verdicts_goes_by_what_is_asked_for() {
    let of = |health: &str| {
        let config = CONFIG.replace("holdDownSeconds: 0, recoverAfter: 1", health);
        settling(&load("test.yaml", &config, [], &[]).unwrap().pools)
    };
    assert_eq!(of("holdDownSeconds: 0"), SHORTEST_SETTLING);
    let slow = "everyMillis: 8000, timeoutMillis: 2000, failAfter: 4";
    assert_eq!(of(slow), Duration::from_millis(3 * 8800 + 2000));
    let slow = "everyMillis: 4000, timeoutMillis: 2000, recoverAfter: 5";
    assert_eq!(of(slow), Duration::from_millis(4 * 4400 + 2000));
    assert_eq!(of("everyMillis: 60000, failAfter: 100"), LONGEST_SETTLING);
}

/// What a store has of the second proxy's fall, as one that begins to ask finds it.
async fn fallen(config: &str) -> Past {
    let mut place = place_of(config);
    for works in [false, false] {
        place.heard(1, works);
    }
    let store = MemoryStore::default();
    while let Ok(turned) = place.turned.try_recv() {
        store.append(&record::plain(&turned, Severity::Info, json!({}))).await.unwrap();
    }
    let asked = [("inspection", "a"), ("inspection", "b")];
    Past::before(&store, SystemClock.now() + SignedDuration::from_secs(1), &asked).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn who_begins_to_ask_knows_who_was_down() {
    let held = CONFIG.replace("holdDownSeconds: 0", "holdDownSeconds: 600");
    let past = fallen(&held).await;
    assert_eq!(past.of("inspection", "a"), None);

    let mut place = place_of(&held);
    place.pools.resume(&past);
    assert_eq!(place.up(), [true, false, true]);
    assert!(place.turned.try_recv().is_err(), "nothing turned");
    let view = place.pools.view(&[], true);
    let states: Vec<_> = view.pools[0].proxies.iter().map(|it| it.state).collect();
    assert_eq!(states, [ProxyState::Unknown, ProxyState::Down]);
    assert!(view.pools[0].proxies[1].held_until.is_some());
    place.heard(0, true);
    assert!(!place.is_settled().await, "that it was down is no verdict");
    place.heard(1, true);
    assert!(place.is_settled().await);
    assert_eq!(place.up(), [true, false, true], "its hold-down goes on");
    tokio::time::advance(Duration::from_secs(601)).await;
    place.heard(1, true);
    assert_eq!(place.up(), [true, true, true]);
    assert_eq!(place.turned.try_recv().unwrap().turn, Turn::Up);
}

/// That it rose was not written, or could not be: who begins to lead would else move the flows of a proxy
/// that works.
#[tokio::test(start_paused = true)]
async fn a_lost_record_moves_no_rule() {
    let several = CONFIG.replace("recoverAfter: 1", "recoverAfter: 3");
    let past = fallen(&several).await;

    let mut place = place_of(&several);
    place.pools.resume(&past);
    place.heard(0, true);
    for _ in 0..2 {
        place.heard(1, true);
        assert!(!place.is_settled().await, "the reconciler waits");
        assert_eq!(place.up(), [true, false, true]);
    }
    place.heard(1, true);
    assert!(place.is_settled().await);
    assert_eq!(place.up(), [true, true, true], "before the first rule is made");
    assert_eq!(place.turned.try_recv().unwrap().turn, Turn::Up, "from now on it is on record");

    // One that is down in truth is known to be by its first answer.
    let place = place_of(&several);
    place.pools.resume(&past);
    place.heard(0, true);
    place.heard(1, false);
    assert!(place.is_settled().await);
    assert_eq!(place.up(), [true, false, true]);
}

#[tokio::test(start_paused = true)]
async fn the_view_says_how_each_is_and_what_it_gets() {
    let place = place();
    place.heard(0, true);
    place.heard(1, false);
    place.heard(1, false);
    let share = |proxy: &str, source: &str, part| ProxyShare {
        proxy: proxy.to_owned(),
        sources: vec![source.parse().unwrap()],
        part,
    };
    let steering = |policy: &str, shares| Steering {
        policy: policy.to_owned(),
        pool: "inspection".to_owned(),
        afi: Afi::Ipv4,
        fate: Fate::Redirected,
        shares,
    };
    let steering = [
        steering("one", vec![share("a", "10.0.0.0/9", 0.5), share("b", "10.128.0.0/9", 0.5)]),
        steering("two", vec![share("a", "10.0.0.0/9", 1.0)]),
    ];
    let view = place.pools.view(&steering, true);
    let [inspection, quiet] = view.pools.as_slice() else { panic!("{view:?}") };
    assert_eq!((inspection.state, quiet.state), (PoolState::Degraded, PoolState::Up));
    let [a, b] = inspection.proxies.as_slice() else { panic!("{inspection:?}") };
    assert_eq!((a.state, b.state), (ProxyState::Up, ProxyState::Down));
    assert_eq!((a.share, b.share), (Some(75.0), Some(25.0)));
    assert_eq!(a.sources, ["10.0.0.0/9".parse().unwrap()]);
    assert_eq!(a.check.as_deref(), Some("tcp 192.0.2.10:443"));
    assert_eq!(b.answer.as_ref().unwrap().words, "connection refused");
    assert_eq!(quiet.proxies[0].state, ProxyState::Unasked);
    assert_eq!((quiet.proxies[0].share, &quiet.proxies[0].check), (None, &None));
    // One that follows knows nothing of it.
    let view = place.pools.view(&[], false);
    assert!(view.pools[0].proxies.iter().all(|proxy| proxy.state == ProxyState::Unknown));
}

fn policy(name: &str, from: &str, when: &str) -> PolicyFile {
    let text = format!(
        "apiVersion: sark/v1
kind: FlowSpecPolicy
metadata: {{ name: {name} }}
spec:
  from: [{from}]
  to: {{ prefixes: [203.0.113.0/28] }}
  protocol: tcp
  ports: [443]
  action: {{ redirect: {{ to: inspection }} }}
  whenProxyDown: {when}
"
    );
    PolicyFile { name: format!("{name}.yaml"), text }
}

/// What is in use, and who tries it.
struct Rehearsed {
    place: Place,
    store: Arc<MemoryStore>,
    registry: Arc<crate::RegistryHolder>,
    rehearser: Rehearser,
}

impl Rehearsed {
    fn new() -> Self {
        let peers = "peers: [{ name: edge1, address: 192.0.2.21, asn: 64601, profile: frr }]";
        let place = place_of(&format!("{CONFIG}{peers}"));
        let store = Arc::new(MemoryStore::default());
        let registry = Arc::new(crate::RegistryHolder::new(snapshot(&[])));
        let desired = Arc::new(crate::DesiredState::new(
            Arc::clone(&store) as Arc<dyn crate::Storage>,
            Arc::clone(&registry),
            Arc::clone(&place.pools),
        ));
        let rehearser = Rehearser::new(desired, Arc::clone(&place.pools), Arc::new(SystemClock));
        Self { place, store, registry, rehearser }
    }

    /// Accepted, as if nothing had been tried.
    async fn accept(&self, number: u64, files: Vec<PolicyFile>) {
        let revision = Revision {
            number,
            at: SystemClock.now(),
            actor: "test".to_owned(),
            cause: "apply".to_owned(),
            files,
            activated: std::collections::BTreeMap::new(),
            registry_version: String::new(),
            policy_version: String::new(),
            announce: 0,
            withdraw: 0,
            keep: 0,
        };
        let record = AuditRecord::new(SystemClock.now(), "test", "test", Outcome::Ok, json!({}));
        self.store.commit(&revision, &record).await.unwrap();
    }

    fn would_refuse(&self) -> Vec<PoolRefusal> {
        self.place.pools.view(&[], true).would_refuse
    }
}

/// The registry that ships, with a prefix that no rule may touch.
fn snapshot(never: &[&str]) -> sark_registry::Snapshot {
    let never = never.iter().map(|prefix| NeverTouch {
        subject: Subject::Prefix(prefix.parse().unwrap()),
        reason: "test".to_owned(),
        owner: "test".to_owned(),
        expires_at: None,
    });
    sark_registry::load([]).unwrap().with_never_touch(&never.collect::<Vec<_>>())
}

/// When the pool is down one drops, and the other does as it says.
fn overlapping(narrow: &str) -> Vec<PolicyFile> {
    vec![policy("wide", "10.20.0.0/16", "drop"), policy("narrow", "10.20.0.0/17", narrow)]
}

#[tokio::test]
async fn what_is_in_use_is_tried_again_and_told_before_a_proxy_goes() {
    let mut rehearsed = Rehearsed::new();
    rehearsed.accept(1, overlapping("keep")).await;
    assert!(rehearsed.rehearser.look().await);
    let view = rehearsed.place.pools.view(&[], true);
    let found = problems(&view);
    assert_eq!((view.would_refuse.len(), found.len()), (1, 1), "{view:?}");
    assert_eq!(found[0].code, "pool-unready");
    let message = &found[0].message;
    assert!(message.contains("would be refused with the pool inspection down"), "{message}");
    rehearsed.accept(2, overlapping("drop")).await;
    assert!(rehearsed.rehearser.look().await);
    assert_eq!(rehearsed.would_refuse(), [], "nothing is wrong with the new set");
}

#[tokio::test]
async fn what_says_the_same_is_not_tried_again() {
    let mut rehearsed = Rehearsed::new();
    rehearsed.accept(1, overlapping("keep")).await;
    assert!(rehearsed.rehearser.look().await);
    assert!(!rehearsed.rehearser.look().await);
    // Another registry, and the one of before again, before anybody looks.
    for never in [&["198.51.100.0/24"][..], &[]] {
        assert!(rehearsed.registry.replace(Arc::new(snapshot(never))));
    }
    assert!(!rehearsed.rehearser.look().await);
    // A proxy goes, and is back before anybody looks.
    let heard = |rehearsed: &Rehearsed, works| rehearsed.place.heard(1, works);
    for works in [true, false, false, true] {
        heard(&rehearsed, works);
    }
    assert!(!rehearsed.rehearser.look().await);
    for works in [false, false] {
        heard(&rehearsed, works);
    }
    assert!(rehearsed.rehearser.look().await, "another proxy is up");
    rehearsed.registry.replace(Arc::new(snapshot(&["198.51.100.0/24"])));
    assert!(rehearsed.rehearser.look().await, "another prefix may not be touched");
    assert_eq!(rehearsed.would_refuse().len(), 1);
}

#[tokio::test]
async fn what_is_told_of_failures_is_of_what_is_in_use() {
    let mut rehearsed = Rehearsed::new();
    let told = PoolRefusal { policy: "old".into(), why: "with it down".into(), fix: "none".into() };
    rehearsed.place.pools.would_refuse(vec![told]);
    assert!(!rehearsed.rehearser.look().await);
    assert_eq!(rehearsed.would_refuse(), [], "nothing is in use");
    rehearsed.accept(1, overlapping("keep")).await;
    assert!(rehearsed.rehearser.look().await);
    // A store that is away changes nothing.
    rehearsed.store.set_broken(true);
    assert!(!rehearsed.rehearser.look().await);
    assert_eq!(rehearsed.would_refuse().len(), 1);
    rehearsed.store.set_broken(false);
    // What cannot be compiled is told by the reconciler; nothing can be said of its failures.
    let unknown = policy("wide", "10.20.0.0/16", "drop");
    let text = unknown.text.replace("to: inspection", "to: nowhere");
    rehearsed.accept(2, vec![PolicyFile { text, ..unknown }]).await;
    assert!(!rehearsed.rehearser.look().await);
    assert_eq!(rehearsed.would_refuse(), []);
    rehearsed.accept(3, overlapping("keep")).await;
    assert!(rehearsed.rehearser.look().await);
    assert_eq!(rehearsed.would_refuse().len(), 1);
}
