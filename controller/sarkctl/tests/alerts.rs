//! Alerts: what is asked of `sarkd`, and what becomes of its answers.

use crate::support::sarkctl;
use crate::support::server::{Answers, Server};
use serde_json::{Value, json};

const AT: &str = "2026-11-28T12:00:00Z";

fn delivery(state: &str, ended: Value) -> Value {
    json!({"number": 7, "id": "msg_1", "sink": "soc", "key": "health.peer-down:edge1",
        "sequence": 42, "message": {"title": "edge1 is down\u{1b}[2J", "kind": "opened"},
        "state": state, "attempts": 3, "madeAt": AT, "dueAt": AT, "endedAt": ended,
        "note": "answered 400: invalid_\u{1b}payload"})
}

fn scene() -> Server {
    let alert = json!({"key": "health.peer-down:edge1", "event": "health.peer-down",
        "title": "BGP session with edge1 is idle\u{1b}[2J", "severity": "high", "openedAt": AT,
        "lastAt": AT, "toldAt": AT, "count": 4, "sinks": ["soc", "pager"]});
    let lone = json!({"key": "x", "event": "x", "title": "nobody hears it", "severity": "low",
        "openedAt": AT, "lastAt": AT, "toldAt": AT, "count": 1, "sinks": []});
    let sink = |name: &str, kind: Value, dead: u64, problem: Value| {
        json!({"sink": name, "kind": kind, "problem": problem, "pending": 0, "delivered": 12,
            "dead": dead, "oldestPending": null, "lastDelivered": AT})
    };
    let sinks = json!({"cursor": 42, "sinks": [
        sink("pager", json!("pagerduty"), 0, Value::Null),
        sink("soc", json!("slack"), 1, json!("answered 400: invalid_payload")),
        sink("old", Value::Null, 0, Value::Null),
    ]});
    let dead = json!({"deliveries": [delivery("dead", json!(AT))]});
    let test = |sink: &str, outcome: &str, said: &str| json!({"sink": sink, "outcome": outcome, "said": said});
    Answers::default()
        .on("GET /v1/alerts?limit=20", 200, &json!({"alerts": [alert, lone]}))
        .on("GET /v1/alerts/sinks", 200, &sinks)
        .on("GET /v1/alerts/deliveries?sink=soc&limit=20", 200, &dead)
        .on("GET /v1/alerts/deliveries?state=dead&limit=20", 200, &dead)
        .on("GET /v1/alerts/deliveries/7", 200, &delivery("dead", json!(AT)))
        .on("POST /v1/alerts/sinks/pager/test", 200, &test("pager", "delivered", "answered 202"))
        .on("POST /v1/alerts/sinks/soc/test", 200, &test("soc", "dead", "answered 400"))
        .on("POST /v1/alerts/sinks/log/test", 200, &test("log", "retry", "no answer within 10 s"))
        .on("POST /v1/alerts/replay", 200, &json!({"replayed": 2}))
        .serve()
}

#[test]
fn what_is_open_and_whom_it_reached() {
    let server = scene();
    for (name, words) in [
        ("alerts-list", &["alerts", "list"][..]),
        ("alerts-sinks", &["alerts", "sinks"]),
        ("alerts-dead", &["alerts", "dead"]),
        ("alerts-show", &["alerts", "show", "7"]),
        ("alerts-show-list", &["alerts", "show", "--sink", "soc"]),
        ("alerts-test-taken", &["alerts", "test", "pager"]),
        ("alerts-test-refused", &["alerts", "test", "soc"]),
        ("alerts-test-later", &["alerts", "test", "log"]),
        ("alerts-replay", &["alerts", "replay", "--sink", "soc"]),
    ] {
        let run = sarkctl(["--socket", "sarkd.sock"]).with(words);
        let run = run.directory(server.path()).golden(name);
        assert!(!run.stdout.contains('\u{1b}'), "{}", run.stdout);
    }
    let (question, body) = server.requests().pop().unwrap();
    assert_eq!(question, "POST /v1/alerts/replay");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body, json!({"delivery": null, "sink": "soc", "all": false}));
}
