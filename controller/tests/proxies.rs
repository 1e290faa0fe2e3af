//! Programs that decide elsewhere: what they decide by, and their records, over real TLS on loopback.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hyper::Method;
use sark_api::{ProxySnapshot, Wanted};
use sark_controller::decisions::Material;
use sark_controller::registrar::How;
use sark_core::SystemClock;
use sark_core::audit::{AuditRecord, Notice, Outcome, Spooled};
use sark_core::decision::Severity;
use sark_core::identity::Role;
use sark_core::storage::{AuditStore, Mark, StorageError};
use sark_policy::decision::{DecisionSet, Limits, SetFile};
use sark_registry::Snapshot;
use sark_trail::{Destination, TrailSettings, WhenFull, trail};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::client;
use crate::daemon::Place;
use crate::decision_sets::{NOBODY, small};
use crate::secured::{Secured, Shown};
use crate::world::{SOON, actor};

const SNAPSHOT: &str = "/api/v1/proxy/snapshot";
const RECORDS: &str = "/api/v1/trail/records";
const MARK: &str = "/api/v1/trail/marks/spool:a";
const HOUR: i64 = 3600;
const ENTRY: &str = "apiVersion: sark/v1
kind: EndpointOverlay
metadata: { name: lab, owner: netsec, expires: 2027-01-01 }
sources:
  lab: { document: our plan, firstSeen: 2026-11-01, lastSeen: 2026-11-21 }
providers:
  - provider: lab
    title: Lab
    services:
      - { service: llm, kind: api, sharedness: dedicated, sources: [lab], prefixes: [192.0.2.0/28] }
";

async fn proxy(secured: &Secured, name: &str) -> Shown {
    Shown::token(&secured.token(name, &[], &["proxy"], HOUR).await)
}

/// What there is now, or what it changes to; nothing if it does not.
async fn ask(secured: &Secured, proxy: &Shown, query: &str) -> Option<ProxySnapshot> {
    let path = format!("{SNAPSHOT}{query}");
    let response = secured.ask(Method::GET, &path, "", proxy).await.unwrap();
    match response.status().as_u16() {
        200 => Some(serde_json::from_slice(response.body()).unwrap()),
        204 => None,
        other => panic!("{other}: {:?}", response.body()),
    }
}

async fn activate(secured: &Secured, name: &str, stage: Wanted, percent: Option<u8>) -> String {
    let file = |(path, text): (String, String)| SetFile { path, octets: text.into_bytes() };
    let files = small(name, "deny", name).into_iter().map(file).collect();
    let decisions = &secured.world.api.decisions;
    let taken = decisions.take(Material::Files(files), "api").await.unwrap();
    let version = taken.set.version().to_string();
    assert!(decisions.activate(taken, stage, percent, None, "uid:0(root)").await.unwrap());
    version
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_has_what_is_in_use_and_waits_for_what_comes() {
    let secured = Secured::new().await;
    secured.world.api.registrar.begin(None).await.unwrap();
    let edge = proxy(&secured, "edge-1").await;
    let first = ask(&secured, &edge, "").await.unwrap();
    assert_eq!((&first.active, &first.candidate, &first.prices), (&None, &None, &None));
    // Nothing changes: nothing is sent, at once or when the time is over.
    let have = |snapshot: &ProxySnapshot, wait: u32| {
        format!("?have={}&wait={wait}", snapshot.version.replace(':', "%3A"))
    };
    assert_eq!(ask(&secured, &edge, &have(&first, 0)).await, None);
    assert_eq!(ask(&secured, &edge, &have(&first, 1)).await, None);
    assert!(ask(&secured, &edge, "?have=sha256:other&wait=55").await.is_some());
    for wrong in ["?wait=56", "?wait=-1", "?wait=x", "?wait=1&wait=1", "?x=1"] {
        let path = format!("{SNAPSHOT}{wrong}");
        assert_eq!(secured.say(Method::GET, &path, "", &edge).await.0, 400, "{wrong}");
    }

    // A set: all who wait are told.
    let query = have(&first, 55);
    let (one, two, version) =
        tokio::join!(ask(&secured, &edge, &query), ask(&secured, &edge, &query), async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            activate(&secured, "one", Wanted::Active, None).await
        },);
    let one = one.unwrap();
    assert_eq!(Some(&one), two.as_ref());
    let active = one.active.clone().unwrap();
    assert_eq!(active.version, version);
    // It is the set, whole.
    let file = |file: sark_core::storage::PolicyFile| SetFile {
        path: file.name,
        octets: file.text.into_bytes(),
    };
    let files: Vec<_> = active.files.into_iter().map(file).collect();
    let set = DecisionSet::load(&files, None, &Limits::default()).unwrap();
    assert_eq!(set.version().to_string(), version);

    // A candidate beside it.
    let query = have(&one, 55);
    let (canary, candidate) = tokio::join!(ask(&secured, &edge, &query), async {
        activate(&secured, "two", Wanted::Canary, Some(7)).await
    });
    let canary = canary.unwrap();
    assert_eq!(canary.candidate.as_ref().unwrap().set.version, candidate);
    let written = serde_json::to_value(&canary.candidate).unwrap();
    assert_eq!((&written["stage"], &written["percent"]), (&json!("canary"), &json!(7)));

    // The registry, as it is here.
    let query = have(&canary, 55);
    let (registry, put) = tokio::join!(ask(&secured, &edge, &query), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        secured.world.api.registrar.put_entry("e", ENTRY, How::default(), &actor()).await
    });
    put.unwrap();
    let registry = registry.unwrap();
    assert_ne!(registry.registry_version, canary.registry_version);
    assert_eq!((&registry.active, &registry.candidate), (&canary.active, &canary.candidate));
    let endpoints = registry.endpoints.into_iter().map(|view| view.try_into().unwrap());
    let built = Snapshot::build(endpoints.collect());
    assert_eq!(built.version().to_string(), registry.registry_version);
    assert!(built.providers().any(|provider| provider == "lab"));
    secured.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_does_not_hold_up_the_end() {
    let secured = Secured::new().await;
    let edge = proxy(&secured, "edge-1").await;
    let first = ask(&secured, &edge, "").await.unwrap();
    let query = format!("?have={}&wait=55", first.version);
    let snapshots = Arc::clone(&secured.world.api.proxies);
    let (waited, ()) =
        tokio::join!(tokio::time::timeout(SOON / 4, ask(&secured, &edge, &query)), async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            snapshots.snapshots.end();
        });
    assert_eq!(waited.unwrap(), None);
    secured.end().await;
}

fn decided(number: u64) -> AuditRecord {
    let at = "2026-11-21T12:00:00Z".parse().unwrap();
    let detail = json!({ "number": number });
    AuditRecord::new(at, "proxy:edge-1", "decision.llm", Outcome::Ok, detail)
}

fn body(head: &Value, records: &[AuditRecord]) -> String {
    let lines = records.iter().map(|record| serde_json::to_string(record).unwrap());
    std::iter::once(head.to_string()).chain(lines).collect::<Vec<_>>().join("\n") + "\n"
}

/// Numbers of what was decided elsewhere, and by whom, oldest first.
async fn numbers(store: &impl AuditStore) -> Vec<(u64, String)> {
    let records = store.records_after(0, 100_000).await.unwrap().into_iter();
    let numbered =
        records.filter_map(|(_, record)| Some((record.detail["number"].as_u64()?, record.actor)));
    numbered.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_stored_once_and_as_of_who_sent_them() {
    let secured = Secured::new().await;
    let store = Arc::clone(&secured.world.store);
    let (edge, other) = (proxy(&secured, "edge-1").await, proxy(&secured, "edge-2").await);
    let send = async |body: String, by: &Shown| secured.say(Method::POST, RECORDS, body, by).await;
    let at = async |by: &Shown| secured.say(Method::GET, MARK, "", by).await.1["position"].clone();
    assert_eq!(at(&edge).await, 0);
    let batch = body(&json!({ "mark": "spool:a", "position": 2 }), &[decided(1), decided(2)]);
    assert_eq!(send(batch.clone(), &edge).await, (200, json!({ "position": 2 })));
    // The answer was lost, and it is sent again.
    let (status, again) = send(batch.clone(), &edge).await;
    assert_eq!((status, &again["error"]["position"]), (409, &json!(2)), "{again}");
    assert_eq!((at(&edge).await, at(&other).await), (json!(2), json!(0)));
    // More than what was stored meanwhile, by somebody who does not know that.
    let more = [decided(1), decided(2), decided(3)];
    let ignorant = json!({ "mark": "spool:a", "after": 0, "position": 3 });
    assert_eq!(send(body(&ignorant, &more), &edge).await.0, 409);
    let knowing = json!({ "mark": "spool:a", "after": 2, "position": 3 });
    assert_eq!(send(body(&knowing, &more[2..]), &edge).await.0, 200);
    // The same name is another mark to another, who cannot be the first.
    let (status, answer) = send(batch, &other).await;
    assert_eq!((status, &answer["position"]), (200, &json!(2)));
    assert_eq!((at(&edge).await, at(&other).await), (json!(3), json!(2)));
    let (one, two) = ("proxy:edge-1".to_owned(), "proxy:edge-2".to_owned());
    let expected = [(1, &one), (2, &one), (3, &one), (1, &two), (2, &two)];
    let expected = expected.map(|(number, who)| (number, who.clone()));
    assert_eq!(numbers(&*store).await, expected);
    let forged = store.records(1).await.unwrap();
    assert_eq!(forged[0].detail["saidBy"], "proxy:edge-1");
    // Found like all others.
    let viewer = Shown::token(&secured.token("noc", &[Role::Viewer], &[], HOUR).await);
    let path = "/v1/audit/records?actor=proxy:edge-1&event=decision";
    let (_, found) = secured.say(Method::GET, path, "", &viewer).await;
    assert_eq!(found["records"].as_array().unwrap().len(), 3, "{found}");
    secured.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_record_names_its_line_and_nothing_is_stored() {
    let secured = Secured::new().await;
    let store = Arc::clone(&secured.world.store);
    let edge = proxy(&secured, "edge-1").await;
    let head = json!({ "mark": "spool:a", "position": 3 });
    let send = async |body: String| secured.say(Method::POST, RECORDS, body, &edge).await;
    let applied = AuditRecord { event: "flowspec.apply".into(), ..decided(2) };
    let notice = Notice {
        key: "audit.tampered".into(),
        title: "all is well".into(),
        resolved: true,
        routes: Vec::new(),
        runbook: None,
        facts: Default::default(),
    };
    let resolving = decided(2).told(Severity::Critical, notice);
    for (bad, status) in [
        (serde_json::to_string(&applied).unwrap(), 422),
        (serde_json::to_string(&resolving).unwrap(), 422),
        ("{\"at\": 1}".to_owned(), 400),
        (String::new(), 400),
        (format!("\"{}\"", "x".repeat(5 << 20)), 413),
    ] {
        let good = serde_json::to_string(&decided(1)).unwrap();
        let (was, answer) = send(format!("{head}\n{good}\n{bad}\n{good}\n")).await;
        assert_eq!(was, status, "{answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("line 3: "), "{message}");
        assert_eq!(answer["error"]["diagnostics"][0]["line"], 3);
    }
    for bad in ["", "\n", "{}", "[]", "{\"mark\":\"a/b\",\"position\":1}", "\u{0}"] {
        assert_eq!(send(bad.to_owned()).await.0, 400, "{bad:?}");
    }
    let last = json!({ "mark": "spool:a", "position": u64::MAX }).to_string();
    assert_eq!(send(last).await.0, 400);
    assert_eq!(secured.say(Method::POST, RECORDS, vec![0xff, 0xfe], &edge).await.0, 400);
    // Refused by its length, it is not read: the connection may end before the answer is.
    let large = "x".repeat(9 << 20);
    if let Ok(response) = secured.ask(Method::POST, RECORDS, large, &edge).await {
        assert_eq!(response.status(), 413);
    }
    assert!(numbers(&*store).await.is_empty());
    assert_eq!(secured.say(Method::GET, MARK, "", &edge).await.1["position"], 0);
    assert_eq!(secured.say(Method::GET, "/api/v1/trail/marks/a%2Fb", "", &edge).await.0, 400);
    // The store is away: sent again, they are stored.
    let good = body(&head, &[decided(1)]);
    store.set_broken(true);
    assert_eq!(send(good.clone()).await.0, 503);
    store.set_broken(false);
    assert_eq!(send(good).await.0, 200);
    // Six megabytes are no more than may be.
    let large = |n| AuditRecord {
        detail: json!({ "number": n, "why": "x".repeat(900_000) }),
        ..decided(n)
    };
    let many: Vec<_> = (4..11).map(large).collect();
    let head = json!({ "mark": "spool:a", "after": 3, "position": 10 });
    assert_eq!(send(body(&head, &many)).await.0, 200);
    assert_eq!(numbers(&*store).await.len(), 8);
    secured.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_proxy_is_refused_and_who_sends_too_often_is_slowed_down() {
    let secured = Secured::new().await;
    let head = json!({ "mark": "spool:a", "position": 1 }).to_string();
    for (name, roles, scopes) in [
        ("operator", &[Role::Operator][..], &[][..]),
        ("gateway", &[], &["decide"]),
        ("cat", &[], &["sensors:rfc1149"]),
        ("narrow", &[Role::Admin], &["registry"]),
    ] {
        let shown = Shown::token(&secured.token(name, roles, scopes, HOUR).await);
        let (status, answer) = secured.say(Method::GET, SNAPSHOT, "", &shown).await;
        assert_eq!(status, 403, "{name}: {answer}");
        assert!(answer["error"]["help"].as_str().unwrap().contains("scope proxy"), "{answer}");
        assert_eq!(secured.say(Method::POST, RECORDS, head.clone(), &shown).await.0, 403);
        assert_eq!(secured.say(Method::GET, MARK, "", &shown).await.0, 403);
    }
    let edge = proxy(&secured, "edge-1").await;
    let (_, me) = secured.say(Method::GET, "/v1/auth/whoami", "", &edge).await;
    assert_eq!(me["name"], "proxy:edge-1");
    let api = &secured.world.api;
    let by =
        sark_core::identity::Identity { name: "proxy:edge-1".into(), ..crate::secured::root() };
    while api.proxies.may_send(&by).is_ok() {}
    let response = secured.ask(Method::POST, RECORDS, "{", &edge).await.unwrap();
    // As the machine is fast or not, one may have come free meanwhile.
    assert!([429, 400].contains(&response.status().as_u16()));
    if response.status() == 429 {
        assert!(response.headers().contains_key("retry-after"));
    }
    secured.end().await;
}

/// A `sarkd` elsewhere, as a proxy's trail sees it; of every second answer nothing is heard.
struct Elsewhere {
    secured: Arc<Secured>,
    edge: Shown,
    asked: std::sync::atomic::AtomicU32,
}

fn away(what: &'static str) -> StorageError {
    StorageError::Unavailable { what, source: "no answer".into() }
}

#[async_trait]
impl Destination for Elsewhere {
    async fn mark(&self, name: &str) -> Result<u64, StorageError> {
        let path = format!("/api/v1/trail/marks/{name}");
        let (_, answer) = self.secured.say(Method::GET, &path, "", &self.edge).await;
        answer["position"].as_u64().ok_or_else(|| away("read a mark"))
    }

    async fn write(&self, records: Vec<Spooled>, mark: Mark<'_>) -> Result<(), StorageError> {
        let Mark { name, after, position } = mark;
        let mut body = json!({ "mark": name, "after": after, "position": position }).to_string();
        for record in records {
            body = format!("{body}\n{}", record.text());
        }
        let (status, answer) = self.secured.say(Method::POST, RECORDS, body, &self.edge).await;
        let asked = self.asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        match status {
            _ if asked.is_multiple_of(2) => Err(away("hear the answer")),
            200 => Ok(()),
            409 => Err(StorageError::Moved(answer["error"]["position"].as_u64().unwrap())),
            other => panic!("{other}: {answer}"),
        }
    }

    fn most_octets(&self) -> u64 {
        5_000
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trail_elsewhere_comes_whole_and_once() {
    let secured = Arc::new(Secured::new().await);
    let edge = proxy(&secured, "edge-1").await;
    let directory = tempfile::tempdir().unwrap();
    let settings = TrailSettings {
        directory: directory.path().to_owned(),
        queue: 64,
        most_octets: 1 << 20,
        when_full: WhenFull::Block,
        program: "sark-proxy",
    };
    let shared = Arc::clone(&secured);
    let elsewhere = Arc::new(Elsewhere { secured: shared, edge, asked: Default::default() });
    let clock = Arc::new(SystemClock);
    let parts = trail(&settings, elsewhere, clock, Arc::default(), Arc::default()).await;
    let (trail, writer, drain) = parts.unwrap();
    let writer = tokio::task::spawn_blocking(move || writer.run());
    let drain = tokio::spawn(drain.run(CancellationToken::new()));
    for number in 0..200 {
        trail.durable(&decided(number)).await.unwrap();
    }
    drop(trail);
    writer.await.unwrap();
    tokio::time::timeout(SOON, drain).await.unwrap().unwrap();
    let all = numbers(&*secured.world.store).await;
    let expected: Vec<_> = (0..200).map(|number| (number, "proxy:edge-1".to_owned())).collect();
    assert_eq!(all, expected);
    Arc::into_inner(secured).unwrap().end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_is_not_stored_again_after_a_restart() {
    let mut place = Place::new(NOBODY);
    place.start().await;
    let batch = body(&json!({ "mark": "spool:a", "position": 2 }), &[decided(1), decided(2)]);
    let send = async |place: &Place, body: String| {
        client::request(&place.socket(), Method::POST, RECORDS, body).await.unwrap()
    };
    assert_eq!(send(&place, batch.clone()).await, (200, json!({ "position": 2 })));
    // Somebody waits when it ends: it ends.
    let (_, now) = client::get(&place.socket(), SNAPSHOT).await;
    let query = format!("{SNAPSHOT}?have={}&wait=55", now["version"].as_str().unwrap());
    let socket = place.socket();
    let waits = tokio::spawn(async move { client::raw(&socket, Method::GET, &query, "").await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let begun = std::time::Instant::now();
    assert!(place.terminate().await.success());
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(waits.await.unwrap().unwrap().status(), 204);
    place.start().await;
    assert_eq!(client::get(&place.socket(), MARK).await, (200, json!({ "position": 2 })));
    let (status, answer) = send(&place, batch).await;
    assert_eq!((status, &answer["error"]["position"]), (409, &json!(2)));
    let path = "/v1/audit/records?event=decision.llm";
    let (_, found) = client::get(&place.socket(), path).await;
    let found = found["records"].as_array().unwrap();
    assert_eq!(found.len(), 2);
    // Whoever they said they were of, they are of who sent them.
    let me = client::get(&place.socket(), "/v1/auth/whoami").await.1["name"].clone();
    assert!(found.iter().all(|record| record["actor"] == me), "{found:?}");
    assert!(place.terminate().await.success());
}
