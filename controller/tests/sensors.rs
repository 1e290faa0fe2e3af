//! Reports of sensors, over real TLS on loopback.

use hyper::Method;
use sark_core::identity::Role;
use sark_core::storage::AuditStore;
use serde_json::{Value, json};

use sark_api::Wanted;
use sark_controller::decisions::Material;
use sark_core::Clock as _;
use sark_core::audit::{AuditRecord, Notice, Outcome};
use sark_decider::directory;
use sark_store::Store;

use crate::client::post;
use crate::daemon::Place;
use crate::decision_sets::{NOBODY, records};
use crate::receiver::{Receiver, Says};
use crate::secured::{Secured, Shown};

const CARRIERS: &str = "/api/v1/sensors/rfc1149/reports";
const HOUR: i64 = 3600;

fn carrier(id: &str) -> Value {
    json!({
        "id": id, "event": "carrier", "site": "roof", "confidence": 0.9,
        "facts": { "payload": true, "payload_bytes": 204_800 },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_taken_once() {
    let secured = Secured::new().await;
    let text = secured.token("roof-cat-2", &[], &["sensors:rfc1149"], HOUR).await;
    let cat = Shown::token(&text);
    let (status, first) =
        secured.say(Method::POST, CARRIERS, carrier("r-1").to_string(), &cat).await;
    assert_eq!(status, 200, "{first}");
    assert_eq!((&first["sensor"], &first["recent"]), (&json!("roof-cat-2"), &json!(1)));
    let (_, second) = secured.say(Method::POST, CARRIERS, carrier("r-2").to_string(), &cat).await;
    assert_eq!(second["recent"], 2);
    // Sent again, it has the answer that it had; another report of its id has none.
    let again = secured.say(Method::POST, CARRIERS, carrier("r-1").to_string(), &cat).await;
    assert_eq!(again, (200, first.clone()));
    let mut other = carrier("r-1");
    other["facts"]["payload_bytes"] = json!(1);
    let (status, body) = secured.say(Method::POST, CARRIERS, other.to_string(), &cat).await;
    assert_eq!(status, 422, "{body}");
    // The same by a key.
    let keyed = Shown { headers: vec![("idempotency-key", "k-1".into())], ..cat.clone() };
    let third = secured.say(Method::POST, CARRIERS, carrier("r-3").to_string(), &keyed).await;
    assert_eq!((third.0, &third.1["recent"]), (200, &json!(3)));
    assert_eq!(
        secured.say(Method::POST, CARRIERS, carrier("r-3").to_string(), &keyed).await,
        third
    );
    let (status, body) =
        secured.say(Method::POST, CARRIERS, carrier("r-4").to_string(), &keyed).await;
    assert_eq!(status, 422, "{body}");
    assert!(body["error"]["message"].as_str().unwrap().contains("k-1"), "{body}");
    let bad = Shown { headers: vec![("idempotency-key", "a b".into())], ..cat.clone() };
    assert_eq!(secured.say(Method::POST, CARRIERS, carrier("r-5").to_string(), &bad).await.0, 400);

    // Told as another sensor, of another kind, as none at all.
    let mut as_other = carrier("r-6");
    as_other["sensor"] = json!("roof-cat-1");
    assert_eq!(secured.say(Method::POST, CARRIERS, as_other.to_string(), &cat).await.0, 400);
    let generic = "/api/v1/sensors/generic/reports";
    assert_eq!(secured.say(Method::POST, generic, carrier("r-7").to_string(), &cat).await.0, 403);
    let operator = Shown::token(&secured.token("noc", &[Role::Operator], &[], HOUR).await);
    let by_hand = secured.say(Method::POST, CARRIERS, as_other.to_string(), &operator).await;
    assert_eq!((by_hand.0, &by_hand.1["sensor"]), (200, &json!("roof-cat-1")));
    let unknown = "/api/v1/sensors/doors/reports";
    assert_eq!(secured.say(Method::POST, unknown, "{}", &operator).await.0, 404);

    // What its schema does not allow, what is too long, what is no JSON.
    for wrong in [
        json!({ "id": "r-8", "event": "mouse" }).to_string(),
        json!({ "id": "r-8", "event": "escape" }).to_string(),
        json!({ "id": "r-8", "event": "carrier", "facts": { "prompt": "x" } }).to_string(),
        format!("{}1", "[".repeat(10_000)),
        "{".into(),
        String::new(),
    ] {
        let (status, body) = secured.say(Method::POST, CARRIERS, wrong.clone(), &cat).await;
        assert_eq!(status, 400, "{wrong}: {body}");
    }
    let long = format!("\"{}\"", "x".repeat(100_000));
    assert_eq!(secured.say(Method::POST, CARRIERS, long, &cat).await.0, 413);

    let (_, listed) =
        secured.say(Method::GET, "/v1/sensors/reports?kind=rfc1149", "", &operator).await;
    let ids: Vec<_> =
        listed["reports"].as_array().unwrap().iter().map(|one| &one["report"]["id"]).collect();
    assert_eq!(ids, ["r-6", "r-3", "r-2", "r-1"]);
    let (_, sensors) = secured.say(Method::GET, "/v1/sensors", "", &operator).await;
    assert_eq!(sensors["sensors"].as_array().unwrap().len(), 2);
    let records = secured.world.store.records(1000).await.unwrap();
    let taken = records.iter().filter(|record| record.event == "sensor.report");
    let actors: Vec<&str> = taken.map(|record| record.actor.as_str()).collect();
    assert_eq!(
        actors,
        ["token:noc", "sensor:roof-cat-2", "sensor:roof-cat-2", "sensor:roof-cat-2"]
    );
    secured.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sensor_that_reports_too_much_is_slowed_down() {
    let secured = Secured::new().await;
    let one = Shown::token(&secured.token("one", &[], &["sensors:generic"], HOUR).await);
    let other = Shown::token(&secured.token("other", &[], &["sensors:generic"], HOUR).await);
    let generic = "/api/v1/sensors/generic/reports";
    let mut last = 0;
    for number in 0..200 {
        let report = json!({ "id": format!("r-{number}"), "event": "seen" }).to_string();
        let response = secured.ask(Method::POST, generic, report, &one).await.unwrap();
        last = response.status().as_u16();
        if last == 429 {
            assert!(response.headers().contains_key("retry-after"));
            assert!(number >= 60, "{number}");
            break;
        }
        assert_eq!(last, 200);
    }
    assert_eq!(last, 429);
    let report = json!({ "id": "r", "event": "seen" }).to_string();
    assert_eq!(secured.say(Method::POST, generic, report, &other).await.0, 200);
    secured.end().await;
}

/// With the shipped policies.
async fn deciding() -> Secured {
    let secured = Secured::new().await;
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/decision");
    let decisions = &secured.world.api.decisions;
    let taken = decisions.take(Material::Files(directory::read(&path).unwrap()), "api").await;
    let taken = taken.unwrap();
    assert!(decisions.activate(taken, Wanted::Active, None, None, "uid:0(root)").await.unwrap());
    secured
}

async fn report(secured: &Secured, cat: &Shown, body: &Value) -> Value {
    let (status, answer) = secured.say(Method::POST, CARRIERS, body.to_string(), cat).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

/// The notices of reports, oldest first: which key, whether it ends, why, and how severe.
async fn notices(secured: &Secured) -> Vec<(String, bool, String, String)> {
    let mut records = secured.world.store.records(1000).await.unwrap();
    records.reverse();
    let of_report = records.into_iter().filter(|record| record.event == "sensor.report");
    let told = of_report.filter_map(|record| {
        let notice = record.notice?;
        Some((notice.key, notice.resolved, notice.title, record.severity.to_string()))
    });
    told.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_counts_for_nothing_escalates_nothing() {
    let secured = deciding().await;
    let cat = Shown::token(&secured.token("roof-cat-2", &[], &["sensors:rfc1149"], HOUR).await);
    // Doubtful, empty, both, at another site, and of another event.
    for number in 0..3 {
        let mut doubtful = carrier(&format!("doubtful-{number}"));
        doubtful["confidence"] = json!(0.1);
        assert_eq!(report(&secured, &cat, &doubtful).await["action"], "audit");
        let mut empty = carrier(&format!("empty-{number}"));
        empty["facts"] = json!({ "payload": false, "payload_bytes": 0 });
        assert_eq!(report(&secured, &cat, &empty).await["action"], "audit");
        let mut neither = carrier(&format!("neither-{number}"));
        (neither["confidence"], neither["facts"]) = (json!(0.1), json!({}));
        assert_eq!(report(&secured, &cat, &neither).await["action"], "audit");
        let mut elsewhere = carrier(&format!("elsewhere-{number}"));
        elsewhere["site"] = json!("cellar");
        assert_eq!(report(&secured, &cat, &elsewhere).await["action"], "alert");
        let mut escape = carrier(&format!("escape-{number}"));
        escape["event"] = json!("escape");
        assert_eq!(report(&secured, &cat, &escape).await["action"], "alert");
    }
    let of_roof = async || {
        let told = notices(&secured).await.into_iter();
        let told = told.filter(|(key, ..)| key == "sensor:rfc1149:carrier:roof");
        told.map(|(_, _, title, severity)| (title, severity)).collect::<Vec<_>>()
    };
    let seen = ("roof-cat-2 saw a carrier with payload at roof".to_owned(), "medium".to_owned());
    for number in 1..=3 {
        let answer = report(&secured, &cat, &carrier(&format!("r-{number}"))).await;
        assert_eq!((&answer["recent"], &answer["action"]), (&json!(number), &json!("alert")));
        assert_eq!(of_roof().await, vec![seen.clone(); number]);
    }
    assert_eq!(report(&secured, &cat, &carrier("r-4")).await["recent"], 4);
    let many = ("4 carriers at roof within 30 minutes".to_owned(), "high".to_owned());
    assert_eq!(of_roof().await[3..], [many]);
    secured.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_ends_when_somebody_is_surely_awake() {
    let secured = deciding().await;
    let cat = Shown::token(&secured.token("roof-cat-2", &[], &["sensors:rfc1149"], HOUR).await);
    let coverage = |id: &str, confidence: f64, awake: u32| {
        json!({
            "id": id, "event": "coverage", "site": "roof", "confidence": confidence,
            "facts": { "agents": 3, "agents_awake": awake },
        })
    };
    let notices = async || {
        let all = notices(&secured).await.into_iter();
        all.map(|(key, resolved, title, _)| (key, resolved, title)).collect::<Vec<_>>()
    };
    let key = "sensor.state:rfc1149:coverage:roof".to_owned();
    report(&secured, &cat, &coverage("c-1", 0.9, 0)).await;
    let gap = "nobody watches the air at roof: all agents nap".to_owned();
    assert_eq!(notices().await, [(key.clone(), false, gap)]);
    // A doubtful report counts for nothing, and what was seen meanwhile is no end of it.
    report(&secured, &cat, &coverage("c-2", 0.1, 3)).await;
    let mut empty = carrier("r-1");
    empty["facts"] = json!({});
    report(&secured, &cat, &empty).await;
    assert_eq!(notices().await.len(), 1);
    report(&secured, &cat, &coverage("c-3", 0.9, 2)).await;
    let awake = "somebody watches the air at roof: 2 agents are awake".to_owned();
    assert_eq!(notices().await[1..], [(key, true, awake)]);
    secured.end().await;
}

/// What a `sarkd` before this one told and did not live to end.
fn told_before(event: &str, key: &str) -> AuditRecord {
    let notice = Notice {
        key: key.to_owned(),
        title: "all nap".to_owned(),
        resolved: false,
        routes: Vec::new(),
        runbook: None,
        facts: std::collections::BTreeMap::new(),
    };
    let severity = sark_core::decision::Severity::High;
    let now = sark_core::SystemClock.now();
    AuditRecord::new(now, "sarkd", event, Outcome::Failed, json!({})).told(severity, notice)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_slept_over_a_restart_wakes_for_everybody_once() {
    let receiver = Receiver::new(Says::ok()).await;
    let mut place = Place::new("");
    std::fs::write(place.root().join("key"), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    place.configure(&format!(
        "{NOBODY}
sensors: {{ expected: [{{ sensor: cat-1, kind: rfc1149, every: 40s }}] }}
alerts:
  sinks:
  - {{ name: hook, privateAddresses: [127.0.0.0/8], perMinute: 6000,
      webhook: {{ url: '{}', keys: ['file:{}'] }} }}",
        receiver.url("/hook"),
        place.root().join("key").display(),
    ));
    place.start().await;
    assert!(place.terminate().await.success());
    let store = Store::open(&place.root().join("state/sark.db")).await.unwrap();
    let keys = ["sensor.silent:rfc1149:cat-1", "sensor.gap:rfc1149"];
    for (event, key) in ["sensor.silent", "sensor.gap"].into_iter().zip(keys) {
        store.append(&told_before(event, key)).await.unwrap();
    }
    store.close().await;
    // What the receiver was told, as types and keys.
    let told = |kind: &str| {
        let bodies = receiver.requests().into_iter();
        let bodies = bodies.map(|request| serde_json::from_slice::<Value>(&request.body).unwrap());
        let of_kind = bodies.filter(|body| body["type"] == kind).map(|body| body.to_string());
        of_kind.filter(|body| keys.iter().any(|key| body.contains(key))).count()
    };
    place.start().await;
    place.until("both are open", async || (told("alert.opened") == 2).then_some(())).await;
    let heartbeat = json!({ "id": "h-1", "sensor": "cat-1", "event": "heartbeat" });
    let taken = post(&place.socket(), "/api/v1/sensors/rfc1149/reports", heartbeat).await;
    assert_eq!(taken.0, 200, "{taken:?}");
    place.until("both have ended", async || (told("alert.resolved") == 2).then_some(())).await;
    // Another start says nothing of it again.
    assert!(place.terminate().await.success());
    place.start().await;
    for event in ["sensor.heard", "sensor.covered"] {
        assert_eq!(records(&place, event, 1).await.len(), 1, "{event}");
    }
    assert_eq!(told("alert.resolved"), 2);
    assert!(place.terminate().await.success());
}
