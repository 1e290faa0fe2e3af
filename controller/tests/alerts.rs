//! Alerts: from the trail to receivers that do their worst.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sark_alerts::Verdict;
use sark_api::config::{self, Config};
use sark_controller::alerts::{AlertParts, Alerts};
use sark_controller::{Actor, Metrics};
use sark_core::audit::{AuditRecord, Notice, Outcome};
use sark_core::decision::Severity;
use sark_core::secret::Secret;
use sark_core::storage::alerts::{
    AlertStore as _, Delivery, DeliveryFilter, DeliveryState, MemoryAlerts, Replay,
};
use sark_core::storage::{AuditStore as _, MemoryStore};
use sark_core::{Clock as _, SystemClock};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::receiver::{Receiver, Says};
use crate::world::SOON;

/// What must never be seen.
const SECRET: &str = "xoxb-s3cret";
const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The dispatcher on a store in memory, its clock the machine's.
pub struct Scene {
    pub base: Arc<MemoryStore>,
    pub store: Arc<MemoryAlerts>,
    pub alerts: Arc<Alerts>,
    pub metrics: Arc<Metrics>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

pub fn alerts_config(alerts: &str) -> Config {
    let text = format!("bgp: {{ asn: 64512, routerId: 192.0.2.1 }}\nalerts:\n{alerts}\n");
    config::load("test.yaml", &text, [], &[]).unwrap()
}

impl Scene {
    /// `alerts` is the section of the configuration.
    pub fn new(alerts: &str) -> Self {
        let base: Arc<MemoryStore> = Arc::default();
        let store = Arc::new(MemoryAlerts::new(Arc::clone(&base)));
        Self::over(alerts, base, store)
    }

    /// After a crash of all but the store.
    fn over(alerts: &str, base: Arc<MemoryStore>, store: Arc<MemoryAlerts>) -> Self {
        let metrics: Arc<Metrics> = Arc::default();
        let alerts = Arc::new(Alerts::new(AlertParts {
            config: alerts_config(alerts).alerts,
            host: "edge-1".into(),
            secrets: Arc::new(|reference| match reference.to_string().as_str() {
                "env:KEY" => Ok(Secret::new(KEY.into())),
                "env:TOKEN" => Ok(Secret::new(SECRET.into())),
                other => match other.strip_prefix("env:URL_") {
                    Some(port) => {
                        Ok(Secret::new(format!("http://127.0.0.1:{port}/services/{SECRET}")))
                    }
                    None => Err("there is no such environment variable".into()),
                },
            }),
            store: Arc::clone(&store) as _,
            trail: Arc::clone(&base) as _,
            clock: Arc::new(SystemClock),
            metrics: Arc::clone(&metrics),
            seed: 7,
        }));
        let (stop, tasks) = (CancellationToken::new(), JoinSet::new());
        Self { base, store, alerts, metrics, stop, tasks }
    }

    /// Starts the tasks.
    pub fn run(&mut self) {
        self.tasks.spawn(Arc::clone(&self.alerts).run_taker(self.stop.clone()));
        for sink in self.alerts.sinks() {
            let work = Arc::clone(&self.alerts).run_sink(sink.to_owned(), self.stop.clone());
            self.tasks.spawn(work);
        }
    }

    pub async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
    }

    pub async fn tell(&self, key: &str, resolved: bool) {
        self.base.append(&record(key, resolved)).await.unwrap();
    }

    pub async fn of(&self, sink: &str) -> Vec<Delivery> {
        let filter = DeliveryFilter { sink: Some(sink.into()), ..DeliveryFilter::default() };
        let mut all = self.store.deliveries(&filter, 1000).await.unwrap();
        all.reverse();
        all
    }

    pub async fn test(&self, sink: &str) -> Verdict {
        self.alerts.test(sink, &Actor("uid:0(root)".into())).await.unwrap()
    }

    /// Until this many deliveries of a sink are so.
    async fn until(&self, sink: &str, state: DeliveryState, many: usize) {
        let there = async || {
            loop {
                let all = self.of(sink).await;
                if all.iter().filter(|delivery| delivery.state == state).count() >= many {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(SOON, there()).await.is_err() {
            panic!("{sink} has no {many} {state:?}: {:?}", self.of(sink).await);
        }
    }
}

pub fn record(key: &str, resolved: bool) -> AuditRecord {
    let notice = Notice {
        key: key.into(),
        title: format!("{key} is wrong"),
        resolved,
        routes: Vec::new(),
        runbook: Some("feeds".into()),
        facts: [("feed".into(), "aws".into())].into(),
    };
    let detail = serde_json::json!({ "feed": "aws" });
    AuditRecord::new(SystemClock.now(), "sarkd", "registry.feed.held", Outcome::Refused, detail)
        .told(Severity::High, notice)
}

fn webhook(name: &str, receiver: &Receiver) -> String {
    let url = receiver.url("/hook");
    format!(
        "  - {{ name: {name}, webhook: {{ url: '{url}', keys: ['env:KEY'] }}, \
         privateAddresses: [127.0.0.0/8], timeout: 60s, perMinute: 6000 }}\n"
    )
}

/// Three sinks: one takes the connection and says nothing, one is not there, one works.
#[tokio::test]
async fn a_dead_sink_delays_no_other() {
    let (slow, good) = (Receiver::new(Says::Nothing).await, Receiver::new(Says::ok()).await);
    let gone = Receiver::new(Says::ok()).await.gone().await;
    let sinks = [("slow", &slow), ("gone", &gone), ("good", &good)];
    let sinks: String = sinks.iter().map(|(name, receiver)| webhook(name, receiver)).collect();
    let text = format!("  sinks:\n{sinks}");
    let mut scene = Scene::new(&text);
    scene.run();
    for number in 0..20 {
        scene.tell(&format!("k{number}"), false).await;
    }
    scene.until("good", DeliveryState::Delivered, 20).await;
    assert!(scene.of("slow").await.iter().all(|d| d.state == DeliveryState::Pending));
    assert!(scene.of("gone").await.iter().all(|d| d.state == DeliveryState::Pending));
    assert!(good.requests().len() >= 20);
    scene.stop().await;
}

/// The crash is between the answer and its being stored: the store fails just then.
#[tokio::test]
async fn after_a_crash_the_same_key_is_sent_again() {
    let receiver = Receiver::new(Says::ok()).await;
    let text = format!("  sinks:\n{}", webhook("hook", &receiver));
    let mut scene = Scene::new(&text);
    let base = Arc::clone(&scene.base);
    receiver.before_answer(move || base.set_broken(true));
    scene.tell("k", false).await;
    scene.alerts.take_some().await.unwrap();
    scene.run();
    receiver.until(1).await;
    let (base, store) = (Arc::clone(&scene.base), Arc::clone(&scene.store));
    scene.stop().await;
    base.set_broken(false);
    receiver.before_answer(|| {});
    let mut scene = Scene::over(&text, base, store);
    scene.run();
    scene.until("hook", DeliveryState::Delivered, 1).await;
    let requests = receiver.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].header("webhook-id"), requests[1].header("webhook-id"));
    assert_eq!(requests[0].body, requests[1].body);
    // Nothing is read from the trail twice.
    scene.alerts.take_some().await.unwrap();
    assert_eq!(scene.of("hook").await.len(), 1);
    scene.stop().await;
}

#[tokio::test]
async fn a_server_that_asks_for_time_gets_it() {
    let busy = Says::Raw(
        b"HTTP/1.1 429 Too Many\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            .to_vec(),
    );
    let receiver = Receiver::new(busy).await;
    let mut scene = Scene::new(&format!("  sinks:\n{}", webhook("hook", &receiver)));
    scene.tell("k", false).await;
    scene.run();
    receiver.until(1).await;
    receiver.set(Says::ok());
    scene.until("hook", DeliveryState::Delivered, 1).await;
    let delivery = scene.of("hook").await.remove(0);
    assert_eq!(delivery.attempts, 2);
    let waited = delivery.ended_at.unwrap().duration_since(delivery.made_at);
    assert!(waited.as_secs_f64() >= 1.0, "{waited}");
    scene.stop().await;
}

#[tokio::test]
async fn what_is_given_up_is_told_to_the_others_and_can_be_replayed() {
    let refused = Says::Raw(
        b"HTTP/1.1 400 Bad\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!".to_vec(),
    );
    let (bad, good) = (Receiver::new(refused).await, Receiver::new(Says::ok()).await);
    let text = format!("  sinks:\n{}{}", webhook("bad", &bad), webhook("good", &good));
    let mut scene = Scene::new(&text);
    scene.tell("k", false).await;
    scene.run();
    // The alert itself, and that it did not reach the other.
    scene.until("good", DeliveryState::Delivered, 2).await;
    let dead = scene.of("bad").await;
    assert_eq!(dead.len(), 1, "a sink is not told of itself: {dead:?}");
    assert_eq!(dead[0].note.as_deref(), Some("answered 400: no!"));
    let told = scene.of("good").await;
    assert_eq!(told[1].key, "alerts.sink:bad");
    bad.set(Says::ok());
    let actor = Actor("uid:0(root)".into());
    assert_eq!(scene.alerts.replay(&Replay::Sink("bad".into()), &actor).await.unwrap(), 1);
    scene.until("bad", DeliveryState::Delivered, 1).await;
    // It works again, and the others hear it.
    scene.until("good", DeliveryState::Delivered, 3).await;
    let last = scene.of("good").await.remove(2);
    assert_eq!(last.message["kind"], "resolved");
    let requests = bad.requests();
    assert_eq!(requests[0].header("webhook-id"), requests[1].header("webhook-id"));
    let events: Vec<_> =
        scene.base.records(99).await.unwrap().into_iter().map(|record| record.event).collect();
    assert_eq!(events, ["alerts.sink", "alerts.replay", "alerts.dead", "registry.feed.held"]);
    scene.stop().await;
}

/// With every sink broken, alerts about alerts do not make more of themselves.
#[tokio::test]
async fn alerts_about_alerts_end() {
    let refused =
        Says::Raw(b"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec());
    let (one, two) = (Receiver::new(refused.clone()).await, Receiver::new(refused).await);
    let text = format!("  sinks:\n{}{}", webhook("one", &one), webhook("two", &two));
    let mut scene = Scene::new(&text);
    scene.tell("k", false).await;
    scene.run();
    scene.until("one", DeliveryState::Dead, 2).await;
    scene.until("two", DeliveryState::Dead, 2).await;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(scene.of("one").await.len() + scene.of("two").await.len(), 4);
    scene.stop().await;
}

#[tokio::test]
async fn hostile_answers() {
    let redirect = Says::Raw(
        b"HTTP/1.1 307 Go\r\nLocation: http://169.254.169.254/latest/meta-data/\r\n\
          Content-Length: 0\r\nConnection: close\r\n\r\n"
            .to_vec(),
    );
    for (says, part) in [
        (Says::Endless, "answered 200"),
        (redirect, "it redirects, which is not followed"),
        (Says::Nothing, "no answer within 1 s"),
        (Says::Drip, "no answer within 1 s"),
        (Says::Raw(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()), "cannot be reached"),
        (Says::Raw(Vec::new()), "cannot be reached"),
    ] {
        let receiver = Receiver::new(says).await;
        let text = webhook("hook", &receiver).replace("timeout: 60s", "timeout: 1s");
        let scene = Scene::new(&format!("  sinks:\n{text}"));
        let verdict = format!("{:?}", scene.test("hook").await);
        assert!(verdict.contains(part), "{part}: {verdict}");
        assert_eq!(receiver.requests().len(), 1, "{part}");
    }
    // Octets where TLS should be.
    let receiver = Receiver::new(Says::Raw(b"HTTP/1.1 400 no TLS here\r\n\r\n".to_vec())).await;
    let text = webhook("hook", &receiver).replace("http://", "https://");
    let scene = Scene::new(&format!("  sinks:\n{text}"));
    let verdict = scene.test("hook").await;
    assert!(
        matches!(&verdict, Verdict::Retry { why, .. } if why.contains("does not prove")),
        "{verdict:?}"
    );
}

#[tokio::test]
async fn an_address_that_leads_inside_is_refused() {
    let receiver = Receiver::new(Says::ok()).await;
    let port = receiver.at.port();
    for host in ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "2130706433", "10.0.0.1"] {
        let text =
            format!("  sinks: [{{ name: hook, webhook: {{ url: 'https://{host}:{port}/' }} }}]");
        let verdict = Scene::new(&text).test("hook").await;
        let Verdict::Dead { why } = &verdict else { panic!("{host}: {verdict:?}") };
        assert!(why.contains("not a public address") && why.contains("privateAddresses"), "{why}");
    }
    // What is allowed is allowed alone.
    let text = format!(
        "  sinks: [{{ name: hook, webhook: {{ url: 'https://127.0.0.1:{port}/' }}, \
         privateAddresses: [10.0.0.0/8] }}]"
    );
    assert!(matches!(Scene::new(&text).test("hook").await, Verdict::Dead { .. }));
    assert!(receiver.requests().is_empty());
}

/// Whatever goes wrong: no secret is in what is stored, told or written.
#[tokio::test]
async fn secrets_are_sent_and_not_told() {
    let receiver = Receiver::new(Says::ok()).await;
    let port = receiver.at.port();
    let text = format!(
        "  sinks:
  - {{ name: slack, slack: {{ url: 'env:URL_{port}' }}, privateAddresses: [127.0.0.0/8], timeout: 1s }}
  - {{ name: splunk, splunk: {{ url: 'http://127.0.0.1:{port}', token: 'env:TOKEN' }}, privateAddresses: [127.0.0.0/8], timeout: 1s }}
  - {{ name: closed, slack: {{ url: 'env:URL_{port}' }}, timeout: 1s }}
  - {{ name: absent, slack: {{ url: 'env:NONE' }} }}"
    );
    let mut scene = Scene::new(&text);
    let mut told = String::new();
    for says in [
        Says::ok(),
        Says::Nothing,
        Says::Raw(b"HTTP/1.1 403 no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec()),
        Says::Raw(b"nonsense".to_vec()),
    ] {
        receiver.set(says);
        for sink in ["slack", "splunk", "closed", "absent"] {
            told.push_str(&format!("{sink}: {:?}\n", scene.test(sink).await));
        }
    }
    let sent: String = receiver.requests().iter().map(|request| request.head.clone()).collect();
    assert_eq!(sent.matches(SECRET).count(), 8, "{sent}");
    receiver.set(Says::Raw(
        b"HTTP/1.1 400 no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec(),
    ));
    scene.tell("k", false).await;
    scene.run();
    scene.until("slack", DeliveryState::Dead, 1).await;
    for sink in ["slack", "splunk", "closed", "absent"] {
        told.push_str(&format!("{:?}\n", scene.of(sink).await));
    }
    told.push_str(&format!("{:?}", scene.base.records(99).await.unwrap()));
    told.push_str(&serde_json::to_string(&scene.alerts.sink_views().await.unwrap()).unwrap());
    told.push_str(&scene.metrics.text());
    assert!(!told.contains(SECRET) && !told.contains(KEY), "{told}");
    assert!(told.contains("env:NONE: there is no such environment variable"), "{told}");
    scene.stop().await;
}

#[tokio::test]
async fn a_file_has_a_line_for_each() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("alerts.jsonl");
    let text = format!("  sinks: [{{ name: file, file: {{ path: {} }} }}]", path.display());
    let mut scene = Scene::new(&text);
    for number in 0..3 {
        scene.tell(&format!("k{number}"), false).await;
    }
    scene.tell("k1", true).await;
    scene.run();
    scene.until("file", DeliveryState::Delivered, 4).await;
    let lines = std::fs::read_to_string(&path).unwrap();
    let kinds: Vec<_> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| line["alert"]["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["opened", "opened", "opened", "resolved"]);
    // A device is no file.
    let scene2 = Scene::new("  sinks: [{ name: file, file: { path: /dev/null } }]");
    assert!(matches!(scene2.test("file").await, Verdict::Retry { .. }));
    scene.stop().await;
}

/// What is configured is checked, and what the page shows is right.
#[test]
fn the_configuration() {
    let page = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/alerts.md");
    let page = std::fs::read_to_string(page).unwrap();
    let examples: Vec<_> = page.split("```yaml\n").skip(1).collect();
    assert!(!examples.is_empty());
    for example in examples {
        let example = example.split("```").next().unwrap();
        let text = format!("bgp: {{ asn: 64512, routerId: 192.0.2.1 }}\n{example}");
        let config = config::load("alerts.md", &text, [], &[]).unwrap();
        assert!(!config.alerts.sinks.is_empty());
    }
    let sink = |text: &str| format!("  sinks: [{{ name: oncall, {text} }}]");
    for (alerts, part) in [
        (sink("slack: { url: 'https://hooks.slack.com/x' }"), "write env:NAME or file:/path"),
        (sink("webhook: { url: 'http://example.com/' }"), "plain http"),
        (sink("webhook: { url: 'example.com' }"), "neither an address nor a reference"),
        (sink("splunk: { url: 'https://x', token: 'plain' }"), "a secret is no reference"),
        (sink("perMinute: 0, file: { path: /x }"), "perMinute"),
        (sink("file: { path: x }"), "not absolute"),
        (sink("perMinute: 5"), "it has no kind"),
        (sink("file: { path: /x }, slack: { url: 'env:A' }"), "2 kinds"),
        (sink("file: { path: /x }, template: { title: '{tilte}' }"), "there is no {tilte}"),
        (
            format!("{}\n  routes: [{{ name: r, to: [oncal] }}]", sink("file: {path: /x}")),
            "did you mean oncall?",
        ),
        (
            format!("{}\n  routes: [{{ name: r, to: [siem] }}]", sink("file: {path: /x}")),
            "there are: oncall",
        ),
        (
            format!(
                "{}\n  routes: [{{ name: r, to: [oncall], quietHours: n }}]",
                sink("file: {path: /x}")
            ),
            "no quiet hours",
        ),
        ("  timeZone: Europe/Berlinn".to_owned(), "no time zone"),
    ] {
        let text = format!("bgp: {{ asn: 64512, routerId: 192.0.2.1 }}\nalerts:\n{alerts}\n");
        let error = format!("{:?}", config::load("test.yaml", &text, [], &[]).unwrap_err());
        assert!(error.contains(part), "{part}: {error}");
    }
}
