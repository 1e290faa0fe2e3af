//! Reports of sensors, over real TLS on loopback.

use hyper::Method;
use sark_core::identity::Role;
use sark_core::storage::AuditStore;
use serde_json::{Value, json};

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
