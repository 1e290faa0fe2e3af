use serde_json::{Value, json};

use super::*;
use crate::doctor::Health;

const AT: &str = "2026-11-21T07:00:00Z";

fn now() -> Timestamp {
    AT.parse().unwrap()
}

fn before(hours: i64) -> String {
    (now() - SignedDuration::from_hours(hours)).to_string()
}

fn told(checks: &[Check]) -> Vec<String> {
    let line = |check: &Check| {
        let health = match check.health {
            Health::Ok => "ok",
            Health::Warn => "warn",
            Health::Fail => "fail",
        };
        format!("{health} {}: {}", check.name, check.message)
    };
    checks.iter().map(line).collect()
}

/// Asked every hour, with a copy that was confirmed so many hours ago.
fn feed(name: &str, state: &str, confirmed: Option<i64>) -> Value {
    let copy = confirmed.map(|hours| {
        json!({"hash": "ab", "changedAt": before(24 * 40), "fetchedAt": before(hours),
            "published": null, "entries": 12, "skipped": 0})
    });
    json!({"name": name, "title": "Example", "owner": "netsec", "licence": null,
        "location": "https://lists.example/a", "format": "text", "schedule": "0 0 * * * *",
        "state": state, "endpoints": ["example/api"], "copy": copy, "checkedAt": before(1),
        "nextAt": "2026-11-21T07:09:00Z", "failures": 0, "problem": null, "pending": null})
}

fn with(mut feed: Value, key: &str, value: Value) -> Value {
    feed[key] = value;
    feed
}

fn feeds_of(enabled: bool, feeds: Vec<Value>, verbose: bool) -> Vec<String> {
    let response = serde_json::from_value(json!({"enabled": enabled, "feeds": feeds})).unwrap();
    told(&super::feeds(&response, now(), verbose))
}

#[test]
fn feeds_that_need_nothing_are_one_line() {
    let all =
        || vec![feed("a", "current", Some(1)), with(feed("b", "off", None), "nextAt", json!(null))];
    assert_eq!(feeds_of(true, all(), false), ["ok feeds: 1 on, 1 current; next a in 9 min"]);
    assert_eq!(
        feeds_of(true, all(), true),
        [
            "ok feeds: 1 on, 1 current; next a in 9 min",
            "ok feed a: the copy in use was confirmed 1 h ago, asked again in 9 min",
        ]
    );
}

#[test]
fn feeds_that_are_off_still_age() {
    let none = vec![with(feed("a", "off", None), "nextAt", json!(null))];
    assert_eq!(
        feeds_of(false, none, false),
        [
            "ok feeds: not asked: `registry.feeds.enabled` is off; the registry is what ships and what you add"
        ]
    );
    assert_eq!(
        feeds_of(false, vec![feed("a", "current", Some(72)), feed("b", "current", Some(5))], true),
        [
            "warn feeds: not asked: `registry.feeds.enabled` is off; copies of 2 feeds are in use from before, the oldest of 3 d ago"
        ]
    );
    let off = vec![with(feed("a", "off", None), "nextAt", json!(null))];
    assert_eq!(feeds_of(true, off, false), ["warn feeds: asked for, but no feed is on"]);
}

#[test]
fn a_feed_that_fails_or_is_held_says_for_how_long() {
    let problem = json!({"code": "tls", "message": "who is it", "help": "look"});
    let failing = |hours| {
        let failing = with(feed("f", "failing", Some(hours)), "problem", problem.clone());
        with(failing, "failures", json!(5))
    };
    let doubt =
        |code: &str| json!({"code": code, "message": format!("it is {code}"), "help": "look"});
    let pending = json!({"hash": "cd", "fetchedAt": before(2), "entries": 1, "added": 0,
        "removed": 11, "addedSample": [], "removedSample": [], "doubts": [doubt("empty"), doubt("role")]});
    let held = |hours| with(feed("h", "held", Some(hours)), "pending", pending.clone());
    let last = |feed| feeds_of(true, vec![feed], false).pop().unwrap();
    assert_eq!(
        last(failing(3)),
        "warn feed f: failed 5 times in a row (tls): who is it; the copy in use was confirmed 3 h ago, asked again in 9 min"
    );
    assert!(last(failing(30)).starts_with("fail feed f: failed 5 times"));
    assert_eq!(
        last(held(3)),
        "warn feed h: a copy of 2 h ago is held: it is empty (and 1 reason more); the copy in use was confirmed 3 h ago"
    );
    assert!(last(held(30)).starts_with("fail feed h: "));
    // Nobody says why, and yet: 24 hours for one that is asked each hour, three days for a daily one.
    assert!(last(feed("o", "current", Some(30))).starts_with("fail feed o: the copy"));
    let daily = |hours| with(feed("d", "current", Some(hours)), "schedule", json!("0 0 3 * * *"));
    assert_eq!(feeds_of(true, vec![daily(71)], false).len(), 1);
    assert!(last(daily(73)).starts_with("fail feed d: "));
}

#[test]
fn a_pinned_version_is_to_be_looked_at() {
    let version = |number: u64| {
        json!({"number": number, "version": "sha256:01", "cause": "feed a", "at": before(number as i64),
            "actor": "sarkd", "endpoints": 7})
    };
    let of = |in_use: Value, pinned: Value| {
        let list = json!({"inUse": in_use, "pinned": pinned, "versions": [version(9), version(8)]});
        told(&[version_of(list)])
    };
    fn version_of(list: Value) -> Check {
        super::version(&serde_json::from_value(list).unwrap(), now())
    }
    assert_eq!(of(json!(9), json!(null)), ["ok version: 9, 9 h ago, by feed a"]);
    assert_eq!(
        of(json!(8), json!(8)),
        ["warn version: 8, 8 h ago, by feed a; pinned, and 1 later one recorded and not used"]
    );
    assert_eq!(of(json!(null), json!(null)), ["warn version: no registry version is stored yet"]);
}

#[test]
fn names_that_are_stale_or_lead_nowhere() {
    let address = |state: &str| {
        json!({"address": "192.0.2.1", "state": state, "sharedness": "cdn", "since": AT,
            "lastSeen": AT, "until": AT})
    };
    let name = |name: &str, stale: Option<i64>, addresses: Vec<Value>| {
        json!({"name": name, "endpoints": ["example/api"], "answeredAt": AT, "nextAt": AT,
            "staleSince": stale.map(before), "addresses": addresses})
    };
    let of = |enabled: bool, all: Vec<Value>| {
        let response = json!({"enabled": enabled, "names": all});
        told(&names(&serde_json::from_value(response).unwrap(), now()))
    };
    let good = || name("good.example", None, vec![address("active"), address("candidate")]);
    assert_eq!(of(true, vec![]), [""; 0]);
    assert_eq!(of(false, vec![good()]), [""; 0]);
    assert_eq!(of(true, vec![good()]), ["ok names: 1 name asked for, 1 addresses in use"]);
    let stale =
        |number: u32| name(&format!("s{number}.example"), Some(2), vec![address("draining")]);
    assert_eq!(
        of(true, vec![good(), stale(1), stale(2), stale(3), stale(4)]),
        [
            "warn names: 5 names asked for, 5 addresses in use; stale since 2 h ago: s1.example, s2.example, s3.example and 1 more"
        ]
    );
    assert_eq!(
        of(true, vec![stale(1)]),
        ["fail names: 1 name asked for, 1 addresses in use; no resolver answers, since 2 h ago"]
    );
    assert_eq!(
        of(
            true,
            vec![
                good(),
                name("gone.example", None, vec![]),
                name("unsure.example", None, vec![address("candidate")]),
            ]
        ),
        [
            "ok names: 3 names asked for, 1 addresses in use",
            "warn no address: answered without an address that may be learned: gone.example",
            "warn candidates: resolvers do not agree, and no client asked: unsure.example",
        ]
    );
}
