//! Alerts from the trail through a store and running sinks: quiet hours, rates, routes, and what is
//! damaged or old.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use sark_controller::alerts::{AlertParts, Alerts};
use sark_controller::approvals::Approvals;
use sark_controller::{Actor, Metrics};
use sark_core::approval::{State, Wanted};
use sark_core::audit::{AuditRecord, Notice, Outcome};
use sark_core::decision::Severity;
use sark_core::identity::{Identity, Known, Rights};
use sark_core::storage::AuditStore as _;
use sark_core::storage::alerts::{AlertStore as _, DeliveryFilter, DeliveryState, Replay, Settled};
use sark_core::{Clock, ContentHash};
use sark_store::Store;
use sark_store::test_util::TestPlace;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::alerts::alerts_config;
use crate::client::{get, post};
use crate::daemon::Place;
use crate::world::SOON;

/// Put forward by hand.
struct HandClock(Mutex<Timestamp>);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// The dispatcher on a database; each sink is a file.
struct Scene {
    place: TestPlace,
    files: tempfile::TempDir,
    store: Store,
    clock: Arc<HandClock>,
    config: String,
    alerts: Arc<Alerts>,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Scene {
    /// `sinks` are names with what else is configured of each, `rest` what follows.
    async fn new(at: &str, sinks: &[(&str, &str)], rest: &str) -> Self {
        let (place, files) = (TestPlace::sqlite(), tempfile::tempdir().unwrap());
        let mut config = "  sinks:\n".to_owned();
        for (name, more) in sinks {
            let path = files.path().join(name);
            config +=
                &format!("  - {{ name: {name}, file: {{ path: {} }}{more} }}\n", path.display());
        }
        config += rest;
        let (store, metrics) = (place.open().await, Arc::default());
        let clock = Arc::new(HandClock(Mutex::new(at.parse().unwrap())));
        let alerts = dispatcher(&config, &store, &clock, &metrics);
        let (stop, tasks) = (CancellationToken::new(), JoinSet::new());
        Self { place, files, store, clock, config, alerts, metrics, stop, tasks }
    }

    fn run(&mut self) {
        self.tasks.spawn(Arc::clone(&self.alerts).run_taker(self.stop.clone()));
        for sink in self.alerts.sinks() {
            let work = Arc::clone(&self.alerts).run_sink(sink.to_owned(), self.stop.clone());
            self.tasks.spawn(work);
        }
    }

    /// Ends, and begins anew on the same store.
    async fn restart(&mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
        self.alerts = dispatcher(&self.config, &self.store, &self.clock, &self.metrics);
        self.stop = CancellationToken::new();
        self.run();
    }

    async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
    }

    fn at(&self, at: &str) {
        *self.clock.0.lock().unwrap() = at.parse().unwrap();
    }

    fn later(&self, by: SignedDuration) {
        let mut now = self.clock.0.lock().unwrap();
        *now = now.checked_add(by).unwrap();
    }

    async fn tell(&self, key: &str, severity: Severity, routes: &[&str]) {
        self.store.append(&self.record(key, severity, routes, false)).await.unwrap();
    }

    async fn end(&self, key: &str) {
        self.store.append(&self.record(key, Severity::Info, &[], true)).await.unwrap();
    }

    fn record(
        &self,
        key: &str,
        severity: Severity,
        routes: &[&str],
        resolved: bool,
    ) -> AuditRecord {
        let notice = Notice {
            key: key.into(),
            title: format!("{key} is wrong"),
            resolved,
            routes: routes.iter().map(|&route| route.into()).collect(),
            runbook: None,
            facts: [].into(),
        };
        AuditRecord::new(self.clock.now(), "sarkd", "test", Outcome::Failed, Value::Null)
            .told(severity, notice)
    }

    /// What a sink was told.
    fn told(&self, sink: &str) -> Vec<Value> {
        let path: PathBuf = self.files.path().join(sink);
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// `opened k medium`.
    fn lines(&self, sink: &str) -> Vec<String> {
        let word = |line: &Value, name: &str| line["alert"][name].as_str().unwrap().to_owned();
        let line =
            |line: Value| ["kind", "key", "severity"].map(|name| word(&line, name)).join(" ");
        self.told(sink).into_iter().map(line).collect()
    }

    /// Until a sink was told so many.
    async fn until(&self, sink: &str, many: usize) {
        let there = async || {
            while self.told(sink).len() < many {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(SOON, there()).await.is_err() {
            panic!("{sink} was told {:?}", self.lines(sink));
        }
    }

    async fn open(&self) -> Vec<String> {
        let open = self.store.open_alerts(99).await.unwrap();
        open.into_iter().map(|group| group.key).collect()
    }
}

fn dispatcher(
    config: &str,
    store: &Store,
    clock: &Arc<HandClock>,
    metrics: &Arc<Metrics>,
) -> Arc<Alerts> {
    Arc::new(Alerts::new(AlertParts {
        config: alerts_config(config).alerts,
        host: "edge-1".into(),
        secrets: Arc::new(|_| Err("there are none here".into())),
        store: Arc::new(store.clone()),
        trail: Arc::new(store.clone()),
        clock: Arc::clone(clock) as _,
        metrics: Arc::clone(metrics),
        seed: 7,
    }))
}

#[tokio::test]
async fn at_night_it_waits_until_it_is_grave() {
    let rest = "  timeZone: Europe/Berlin
  quietHours: [{ name: night, from: '22:00', to: '07:00', except: critical }]
  routes:
  - { name: chat, to: [chat], quietHours: night }
  - { name: log, to: [log] }";
    let sinks = [("chat", ""), ("log", "")];
    let mut scene = Scene::new("2026-11-29T00:50:00Z", &sinks, rest).await;
    scene.run();
    scene.tell("k", Severity::Medium, &[]).await;
    scene.tell("m", Severity::Medium, &[]).await;
    scene.until("log", 2).await;
    assert!(scene.told("chat").is_empty());
    // Two in the morning: what got worse comes, after what it got worse than; the other stays.
    scene.at("2026-11-29T01:00:00Z");
    scene.tell("k", Severity::Critical, &[]).await;
    scene.until("chat", 2).await;
    assert_eq!(scene.lines("chat"), ["opened k medium", "worse k critical"]);
    // It is over, and nobody is woken for that: not for this one, nor for one that nobody heard of.
    scene.at("2026-11-29T01:10:00Z");
    scene.end("m").await;
    scene.until("log", 4).await;
    scene.at("2026-11-29T05:59:59Z");
    scene.tell("n", Severity::High, &[]).await;
    scene.until("log", 5).await;
    assert_eq!(scene.told("chat").len(), 2);
    scene.at("2026-11-29T06:00:00Z");
    scene.tell("day", Severity::Low, &[]).await;
    scene.until("chat", 6).await;
    // In the order in which it happened, where the alert is the same.
    let morning = scene.lines("chat").split_off(2);
    let mut sorted = morning.clone();
    sorted.sort();
    assert_eq!(sorted, ["opened day low", "opened m medium", "opened n high", "resolved m medium"]);
    let of_m: Vec<_> = morning.iter().filter(|line| line.contains(" m ")).collect();
    assert_eq!(of_m, ["opened m medium", "resolved m medium"]);
    scene.stop().await;
}

/// A retry is no quiet hour: what failed first is delivered first.
#[tokio::test]
async fn what_failed_is_not_overtaken() {
    let mut scene = Scene::new("2026-11-28T12:00:00Z", &[("log", "")], "").await;
    scene.tell("k", Severity::Medium, &[]).await;
    scene.alerts.take_some().await.unwrap();
    let now = scene.clock.now();
    let first = scene.store.due("log", now, 9).await.unwrap().remove(0);
    let due_at = now + SignedDuration::from_secs(900);
    let (state, note) = (DeliveryState::Pending, "answered 503".to_owned());
    let retry = Settled { number: first.number, state, attempts: 1, due_at, at: now, note };
    scene.store.settle(&retry, None).await.unwrap();
    scene.later(SignedDuration::from_secs(1));
    scene.tell("k", Severity::Critical, &[]).await;
    scene.end("k").await;
    scene.alerts.take_some().await.unwrap();
    assert!(scene.store.due("log", scene.clock.now(), 9).await.unwrap().is_empty());
    scene.later(SignedDuration::from_secs(900));
    scene.run();
    scene.until("log", 3).await;
    let lines = scene.lines("log");
    assert_eq!(lines, ["opened k medium", "worse k critical", "resolved k critical"]);
    scene.stop().await;
}

/// A burst of ten, then one a second; who may be told faster is not held up.
#[tokio::test]
async fn each_sink_is_told_as_fast_as_it_may_be() {
    let sinks = [("slow", ", perMinute: 60"), ("fast", ", perMinute: 6000")];
    let mut scene = Scene::new("2026-11-28T12:00:00Z", &sinks, "").await;
    scene.run();
    let begun = Instant::now();
    for number in 0..13 {
        scene.tell(&format!("k{number}"), Severity::High, &[]).await;
    }
    scene.until("slow", 13).await;
    // It can take longer, but not less.
    assert!(begun.elapsed() >= Duration::from_secs(3), "{:?}", begun.elapsed());
    scene.until("fast", 13).await;
    let mut keys = scene.lines("slow");
    assert_eq!(keys, scene.lines("fast"));
    keys.dedup();
    assert_eq!(keys.len(), 13);
    scene.stop().await;
}

#[tokio::test]
async fn each_route_takes_what_is_its_own() {
    let rest = "  routes:
  - { name: page, to: [pager], severity: high }
  - { name: chat, to: [chat, pager], severity: medium, events: ['other.*'] }
  - { name: legal, to: [legal], onlyWhenNamed: true }
  - { name: log, to: [log] }";
    let sinks = [("pager", ""), ("chat", ""), ("legal", ""), ("log", "")];
    let mut scene = Scene::new("2026-11-28T12:00:00Z", &sinks, rest).await;
    scene.run();
    scene.tell("low", Severity::Low, &[]).await;
    scene.tell("medium", Severity::Medium, &["chat"]).await;
    scene.tell("high", Severity::High, &[]).await;
    scene.tell("info", Severity::Info, &[]).await;
    scene.tell("named", Severity::Info, &["legal"]).await;
    assert!(scene.alerts.problems().is_empty());
    // The routes have no such name: the one that takes most has it.
    scene.tell("soc", Severity::Info, &["soc"]).await;
    scene.tell("end", Severity::Critical, &["chat", "legal"]).await;
    for (sink, keys) in [
        ("pager", &["medium", "high", "end"][..]),
        ("chat", &["medium", "end"]),
        ("legal", &["named", "end"]),
        ("log", &["low", "medium", "high", "soc", "end"]),
    ] {
        scene.until(sink, keys.len()).await;
        let told = scene.told(sink);
        let told: Vec<_> = told.iter().map(|line| line["alert"]["key"].as_str().unwrap()).collect();
        assert_eq!(told, keys, "{sink}");
    }
    let problems = scene.alerts.problems();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].code, "alerts-no-route");
    assert!(problems[0].message.ends_with(r#"does not have: "soc""#), "{}", problems[0].message);
    scene.stop().await;
}

/// Octets that are no text, and text that is no record: what comes after them is told.
#[tokio::test]
async fn what_cannot_be_read_is_stepped_over_and_told() {
    let mut scene = Scene::new("2026-11-28T12:00:00Z", &[("log", "")], "").await;
    for key in ["a", "b", "c", "audit.tampered", "d"] {
        scene.tell(key, Severity::High, &[]).await;
    }
    scene
        .place
        .raw(
            "DROP TRIGGER trail_is_final;
             UPDATE trail SET body = CAST(x'ff' AS TEXT) WHERE sequence = 2;
             UPDATE trail SET body = '{' WHERE sequence = 3;",
        )
        .await
        .unwrap();
    scene.run();
    scene.until("log", 4).await;
    let told = scene.told("log");
    let keys: Vec<_> = told.iter().map(|line| line["alert"]["key"].as_str().unwrap()).collect();
    // Those of one time are one alert.
    assert_eq!(keys, ["a", "alerts.unreadable", "audit.tampered", "d"]);
    let alert = &told[1]["alert"];
    assert_eq!((&alert["severity"], &alert["facts"]["record"]), (&json!("high"), &json!("2")));
    assert!(alert["title"].as_str().unwrap().starts_with("Alert 2 of the audit trail"), "{alert}");
    let open = scene.store.alert_groups(&["alerts.unreadable".into()]).await.unwrap();
    assert_eq!(open[0].count, 2);
    assert!(open[0].title.starts_with("Alert 3 of"), "{}", open[0].title);
    assert!(scene.metrics.text().contains("sark_alert_unreadable_total 2\n"));
    assert_eq!(scene.store.alert_cursor().await.unwrap(), 5);
    // And all goes on.
    scene.tell("e", Severity::High, &[]).await;
    scene.until("log", 5).await;
    scene.stop().await;
}

/// A peer that is down for 31 days is one open alert all the time, and its end is told.
#[tokio::test]
async fn what_is_open_for_a_month_is_open_still() {
    let sinks = [("log", ""), ("other", "")];
    let rest = "  routes: [{ name: log, to: [log] }]";
    let mut scene = Scene::new("2026-10-01T12:00:00Z", &sinks, rest).await;
    scene.run();
    scene.tell("health.peer-down:edge1", Severity::High, &[]).await;
    scene.tell("alerts.sink:other", Severity::High, &[]).await;
    // Nobody is told by it any more.
    scene.tell("alerts.sink:gone", Severity::High, &[]).await;
    scene.tell("decision.edr:a/b:alice", Severity::High, &[]).await;
    scene.until("log", 4).await;
    scene.later(SignedDuration::from_hours(31 * 24));
    scene.restart().await;
    scene.tell("new", Severity::Low, &[]).await;
    scene.until("log", 5).await;
    let mut open = scene.open().await;
    open.sort();
    assert_eq!(open, ["alerts.sink:other", "health.peer-down:edge1", "new"]);
    scene.end("health.peer-down:edge1").await;
    scene.until("log", 6).await;
    assert_eq!(scene.lines("log")[5], "resolved health.peer-down:edge1 high");
    assert!(!scene.open().await.contains(&"health.peer-down:edge1".to_owned()));
    scene.stop().await;
}

#[tokio::test]
async fn an_approval_that_nobody_decides_on_ends_its_alert() {
    let mut scene = Scene::new("2026-11-28T12:00:00Z", &[("log", "")], "").await;
    scene.run();
    let store = Arc::new(scene.store.clone());
    let approvals = Approvals::new(store, Arc::clone(&scene.clock) as _);
    let by = Identity {
        name: "uid:1(a)".into(),
        known: Known::User,
        rights: Rights::default(),
        made_by: None,
    };
    let wanted = Wanted {
        kind: "flowspec.plan".into(),
        subject: ContentHash::of(b"plan"),
        title: "Redirect".into(),
        wait: SignedDuration::from_hours(1),
    };
    let approval = approvals.request(wanted, &by).await.unwrap();
    scene.until("log", 1).await;
    assert_eq!(approvals.expire().await.unwrap(), 0);
    scene.later(SignedDuration::from_hours(1));
    assert_eq!(approvals.expire().await.unwrap(), 1);
    // Once, whoever looks.
    let another = Approvals::new(Arc::new(scene.place.open().await), Arc::clone(&scene.clock) as _);
    assert_eq!(another.expire().await.unwrap(), 0);
    scene.until("log", 2).await;
    let key = format!("approval:{}", approval.id);
    assert_eq!(
        scene.lines("log"),
        [format!("opened {key} medium"), format!("resolved {key} medium")]
    );
    assert!(scene.open().await.is_empty());
    assert_eq!(approvals.list(Some(State::Expired)).await.unwrap().len(), 1);
    let records = scene.store.records(9).await.unwrap();
    let events: Vec<_> = records.iter().map(|record| record.event.as_str()).collect();
    assert_eq!(events, ["approval.expire", "approval.request"]);
    assert_eq!(records[0].actor, "sarkd");
    scene.stop().await;
}

/// The trigger was given up and the end delivered: replayed alone it would open what nothing closes.
#[tokio::test]
async fn a_trigger_that_is_replayed_is_ended_again() {
    let mut scene = Scene::new("2026-11-28T12:00:00Z", &[("log", "")], "").await;
    scene.tell("health.a", Severity::High, &[]).await;
    scene.end("health.a").await;
    scene.alerts.take_some().await.unwrap();
    let now = scene.clock.now();
    let first = scene.store.due("log", now, 9).await.unwrap().remove(0);
    let (state, note) = (DeliveryState::Dead, "answered 400".to_owned());
    let dead = Settled { number: first.number, state, attempts: 1, due_at: now, at: now, note };
    scene.store.settle(&dead, None).await.unwrap();
    scene.run();
    scene.until("log", 1).await;
    let delivered = DeliveryFilter { state: Some(DeliveryState::Delivered), ..Default::default() };
    let settled = async |many| {
        while scene.store.deliveries(&delivered, 9).await.unwrap().len() < many {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, settled(1)).await.unwrap();
    let actor = Actor("uid:0(root)".into());
    assert_eq!(scene.alerts.replay(&Replay::One(first.number), &actor).await.unwrap(), 1);
    scene.until("log", 3).await;
    let told = scene.told("log");
    let kinds: Vec<_> = told.iter().map(|line| line["alert"]["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["resolved", "opened", "resolved"]);
    assert_eq!(told[0], told[2], "the same id and words");
    scene.stop().await;
}

#[tokio::test]
async fn a_test_is_one_record() {
    let mut place = Place::new("");
    let file = place.root().join("alerts.jsonl");
    place.configure(&format!(
        "bgp: {{ asn: 64512, routerId: 127.0.0.1, gobgpd: {{ mode: external, api: '127.0.0.1:9' }} }}
alerts: {{ sinks: [{{ name: log, file: {{ path: {} }} }}] }}",
        file.display()
    ));
    place.start().await;
    let (status, said) = post(&place.socket(), "/v1/alerts/sinks/log/test", Value::Null).await;
    assert_eq!((status, &said["outcome"]), (200, &json!("delivered")), "{said}");
    let (_, found) = get(&place.socket(), "/v1/audit/records?limit=1000").await;
    let records = found["records"].as_array().unwrap();
    let events = records.iter().map(|one| one["event"].as_str().unwrap());
    let events: Vec<_> =
        events.filter(|it| it.starts_with("alerts.") || *it == "api.call").collect();
    assert_eq!(events, ["alerts.test"], "{found}");
    assert!(place.terminate().await.success());
}
