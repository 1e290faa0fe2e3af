//! Pools: what is asked of `sarkd`, and what becomes of its answer.

use crate::support::sarkctl;
use crate::support::server::Answers;
use serde_json::{Value, json};

const AT: &str = "2026-11-28T12:00:00Z";

fn proxy(name: &str, state: &str, answer: Value, share: Value, sources: &[&str]) -> Value {
    json!({"name": name, "state": state, "since": AT, "heldUntil": null,
        "nextHop4": "192.0.2.10", "nextHop6": null, "check": "http 192.0.2.10:9467/readyz",
        "answer": answer, "share": share, "sources": sources})
}

fn said(works: bool, words: &str) -> Value {
    json!({"works": works, "words": words, "at": AT, "milliseconds": 1})
}

fn scene() -> Value {
    let mut held = proxy("b", "down", said(true, "200"), json!(0.0), &[]);
    held["heldUntil"] = json!("2026-11-28T12:00:10Z");
    let sources = ["10.20.0.0/19", "10.20.64.0/19", "10.20.96.0/19", "10.20.192.0/18"];
    let mut unasked = proxy("a", "unasked", Value::Null, Value::Null, &[]);
    (unasked["check"], unasked["since"]) = (Value::Null, Value::Null);
    let policy = |name: &str, fate: &str| json!({"policy": name, "afi": "ipv4", "fate": fate});
    json!({"asks": true, "pools": [
        {"name": "inspection", "state": "degraded", "policies": [policy("inspect", "redirected")],
            "proxies": [proxy("a", "up", said(true, "200"), json!(100.0), &sources), held]},
        {"name": "other", "state": "down",
            "policies": [policy("see", "withdrawn"), policy("hold", "dropped"),
                policy("stay", "kept")],
            "proxies": [proxy("a", "down", said(false, "status 503\u{1b}[2J"), Value::Null, &[])]},
        {"name": "lab", "state": "up", "policies": [], "proxies": [unasked]},
    ]})
}

#[test]
fn pools_and_what_becomes_of_policies() {
    let server = Answers::default().on("GET /api/v1/pools", 200, &scene()).serve();
    for (name, words) in [
        ("pools", &["proxy", "pools"][..]),
        ("pools-verbose", &["proxy", "pools", "-v"]),
        ("pools-json", &["proxy", "pools", "-o", "json"]),
    ] {
        let run = sarkctl(["--socket", "sarkd.sock"]).with(words);
        run.directory(server.path()).golden(name);
    }
    let mut follows = json!({"asks": false, "pools": []});
    let nothing = Answers::default().on("GET /api/v1/pools", 200, &follows).serve();
    let run = sarkctl(["proxy", "pools", "--socket", "sarkd.sock"]);
    run.directory(nothing.path()).golden("pools-none");
    follows["pools"] = json!([{"name": "lab", "state": "up", "policies": [],
        "proxies": [proxy("a", "unknown", Value::Null, Value::Null, &[])]}]);
    let other = Answers::default().on("GET /api/v1/pools", 200, &follows).serve();
    let run = sarkctl(["proxy", "pools", "--socket", "sarkd.sock"]);
    run.directory(other.path()).golden("pools-follower");
}
