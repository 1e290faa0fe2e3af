//! Lookups, feeds and versions: what is asked of `sarkd`, and what becomes of its answers.

use crate::support::sarkctl;
use crate::support::server::Answers;
use sark_api::{ErrorBody, ErrorCode};
use serde_json::json;

#[test]
fn a_lookup_tells_layers_reasons_and_what_no_rule_may_touch() {
    let at = "2026-11-21T07:00:00Z";
    let endpoint = json!({
        "id": "example/api", "provider": "example", "title": "Example\u{1b}[2J", "kind": "api",
        "role": "ingress", "sharedness": "dedicated", "confidence": 90, "verified": true,
        "state": "active", "names": ["api.models.example"], "prefixes": [], "ports": ["tcp/443"],
        "expiresAt": null, "priceRef": null,
        "sources": [{"source": "its owner", "firstSeen": at, "lastSeen": at}],
        "layers": [{"layer": "seed", "did": "defined"},
            {"layer": "entry lab", "did": "added", "what": ["1 name"], "owner": "netsec"}],
    });
    let learned = json!({"address": "192.0.2.7", "name": "api.models.example", "state": "active",
        "sharedness": "cdn", "since": at});
    let hit = json!({"matched": "192.0.2.7/32", "endpoint": endpoint, "sharedness": "cdn",
        "reasons": [{"network": {"asn": 64500, "name": "Evil\u{1b}[31m"}}, "declared"],
        "learned": [learned]});
    let never = json!({"subject": "192.0.2.0/24", "reason": "our payment gateway",
        "owner": "netsec", "expiresAt": null});
    let answer = json!({"version": "sha256:01", "results": [{"query": "192.0.2.7",
        "kind": "address", "hits": [hit], "neverTouch": [never]}]});
    let server = Answers::default().on("GET /v1/registry/lookup?q=192.0.2.7", 200, &answer).serve();
    let lookup = ["registry", "lookup", "192.0.2.7", "--socket", "sarkd.sock"];
    let run = sarkctl(lookup).directory(server.path()).golden("lookup-layers");
    assert!(!run.stdout.contains('\u{1b}'), "{}", run.stdout);
}

#[test]
fn feeds_are_listed_with_what_is_wrong() {
    let at = "2026-11-21T07:00:00Z";
    let feed = |name: &str, state: &str, problem: serde_json::Value, pending: serde_json::Value| {
        json!({"name": name, "title": "Example", "owner": "netsec", "licence": null,
            "location": "https://lists.example/prefixes.json", "format": "prefixes",
            "schedule": "0 0 * * * * *", "state": state, "endpoints": ["example/api"],
            "copy": {"hash": "ab", "changedAt": at, "published": null, "entries": 12, "skipped": 0},
            "checkedAt": at, "nextAt": "2026-11-21T08:00:00Z", "failures": 0, "problem": problem,
            "pending": pending})
    };
    let doubt =
        json!({"code": "change-share", "message": "90 % of it\u{1b}[2J would go", "help": "look"});
    let pending = json!({"hash": "cd", "fetchedAt": at, "entries": 1, "added": 0, "removed": 11,
        "addedSample": [], "removedSample": ["192.0.2.0/24"], "doubts": [doubt]});
    let failure =
        json!({"code": "too-large", "message": "it is longer than 1 MiB", "help": "look"});
    let none = serde_json::Value::Null;
    let feeds = json!({"enabled": false, "feeds": [
        feed("example-a", "current", none.clone(), none.clone()),
        feed("example-b", "held", none.clone(), pending),
        feed("example-c", "failing", failure, none),
    ]});
    let server = Answers::default().on("GET /v1/registry/feeds", 200, &feeds).serve();
    let list = ["registry", "feeds", "list", "--socket", "sarkd.sock"];
    let run = sarkctl(list).directory(server.path()).golden("feeds");
    assert!(!run.stdout.contains('\u{1b}'), "{}", run.stdout);
    sarkctl(list).with(&["-o", "json"]).directory(server.path()).golden("feeds-json");
    let server = Answers::default()
        .on("GET /v1/registry/feeds", 403, &ErrorBody::new(ErrorCode::Forbidden, "uid 1 may not"))
        .serve();
    assert_eq!(sarkctl(list).directory(server.path()).run().code, 1);
}

#[test]
fn versions_say_which_is_in_use_and_which_is_pinned() {
    let version = |number: u64, cause: &str| {
        json!({"number": number, "version": "sha256:0123456789abcdef0123", "cause": cause,
            "at": "2026-11-21T07:00:00Z", "actor": "sarkd", "endpoints": 7})
    };
    let versions = json!({"inUse": 2, "pinned": 2,
        "versions": [version(3, "feed tor\u{1b}[31m"), version(2, "feed a"), version(1, "start")]});
    let none = json!({"inUse": null, "pinned": null, "versions": []});
    let server = Answers::default()
        .on("GET /v1/registry/versions?limit=20", 200, &versions)
        .on("GET /v1/registry/versions?limit=5", 200, &none)
        .serve();
    let list = ["registry", "versions", "--socket", "sarkd.sock"];
    let run = sarkctl(list).directory(server.path()).golden("versions");
    assert!(!run.stdout.contains('\u{1b}'), "{}", run.stdout);
    sarkctl(list).with(&["-o", "json"]).directory(server.path()).golden("versions-json");
    sarkctl(list).with(&["--limit", "5"]).directory(server.path()).golden("versions-none");
    assert_eq!(sarkctl(list).with(&["--limit", "0"]).directory(server.path()).run().code, 2);
}

/// What is shown is what is decided on; a copy that came since is not.
#[test]
fn a_held_copy_is_shown_and_decided_on() {
    let at = "2026-11-21T07:00:00Z";
    let doubt = json!({"code": "change-share", "message": "90 % of it\u{1b}[2J would go",
        "help": "compare, then accept or reject"});
    let feed = json!({"name": "tor", "title": "Tor", "owner": "netsec", "licence": "CC0",
        "location": "https://lists.example/tor", "format": "text", "schedule": "0 0 * * * * *",
        "state": "held", "endpoints": ["tor/relays"],
        "copy": {"hash": "sha256:ab", "changedAt": at, "published": null, "entries": 12, "skipped": 1},
        "checkedAt": at, "nextAt": at, "failures": 0, "problem": null,
        "pending": {"hash": "sha256:cd", "fetchedAt": at, "entries": 1, "added": 1, "removed": 12,
            "addedSample": ["192.0.2.1/32"], "removedSample": ["192.0.2.9/32"], "doubts": [doubt]}});
    let result =
        json!({"feed": "tor", "outcome": "updated", "added": 1, "removed": 12, "problems": []});
    let server = Answers::default()
        .on("GET /v1/registry/feeds/tor", 200, &feed)
        .on("GET /v1/registry/feeds/tor/pending", 200, &json!("192.0.2.1\n\u{1b}[2J"))
        .on("POST /v1/registry/feeds/tor/accept", 200, &result)
        .on("POST /v1/registry/feeds/tor/reject", 200, &result)
        .serve();
    let socket = ["--socket", "sarkd.sock"];
    let run = sarkctl(["registry", "feeds", "show", "tor"]).with(&socket).directory(server.path());
    let run = run.golden("feed");
    assert!(!run.stdout.contains('\u{1b}'), "{}", run.stdout);
    let show = ["registry", "feeds", "show", "tor", "--socket", "sarkd.sock"];
    sarkctl(show).with(&["--pending"]).directory(server.path()).golden("feed-pending");
    let run = sarkctl(show).with(&["--raw"]).directory(server.path()).run();
    assert_eq!((run.code, run.stdout.as_str()), (0, "\"192.0.2.1\\n\\u001b[2J\""));
    for word in ["accept", "reject"] {
        let decide = ["registry", "feeds", word, "tor", "--yes"];
        let run = sarkctl(decide).with(&socket).directory(server.path()).run();
        assert_eq!(run.code, 0, "{}", run.stderr);
        let other = ["registry", "feeds", word, "tor", "--yes", "--hash", "sha256:ee"];
        let run = sarkctl(other).with(&socket).directory(server.path()).run();
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(run.stderr.contains("another copy waits"), "{}", run.stderr);
    }
}

#[test]
fn a_refresh_says_what_became_of_each_feed() {
    let doubt =
        json!({"code": "default-route", "message": "it holds 0.0.0.0/0", "help": "reject it"});
    let result = |feed: &str, outcome: &str, problems: serde_json::Value| json!({"feed": feed, "outcome": outcome, "added": 2, "removed": 1, "problems": problems});
    let ok = json!({"version": "sha256:ab", "results": [result("a", "updated", json!([]))]});
    let held = json!({"version": "sha256:ab", "results": [
        result("a", "updated", json!([])), result("b", "held", json!([doubt])),
        result("c", "failed", json!([{"code": "tls", "message": "who is it", "help": "look"}]))]});
    let failed = json!({"version": "sha256:ab", "results": [result("c", "failed", json!([]))]});
    for (answer, code) in [(&ok, 0), (&held, 3), (&failed, 1)] {
        let server = Answers::default().on("POST /v1/registry/refresh", 200, answer).serve();
        let refresh = ["registry", "refresh", "--socket", "sarkd.sock"];
        assert_eq!(sarkctl(refresh).directory(server.path()).run().code, code);
    }
    let server = Answers::default().on("POST /v1/registry/refresh", 200, &held).serve();
    sarkctl(["registry", "refresh", "--socket", "sarkd.sock"])
        .directory(server.path())
        .golden("refresh");
}

#[test]
fn versions_are_compared_pinned_and_gone_back_to() {
    let version = |number: u64| {
        json!({"number": number, "version": "sha256:0123456789abcdef0123", "cause": "feed a",
            "at": "2026-11-21T07:00:00Z", "actor": "sarkd", "endpoints": 7})
    };
    let versions = json!({"inUse": 3, "pinned": null, "versions": [version(3), version(2)]});
    let pinned = json!({"pinned": 2, "inUse": version(2)});
    let difference = json!({"from": version(2), "to": version(3), "endpoints": [
        {"id": "tor/relays", "change": "changed", "added": ["192.0.2.1/32"],
         "removed": ["192.0.2.9/32\u{1b}[2J"], "fields": [{"field": "confidence", "from": "80", "to": "90"}]}]});
    let history = json!({"query": "192.0.2.1", "truncated": true, "steps": [
        {"version": version(3), "came": ["tor/relays by 192.0.2.1/32"], "went": []}]});
    let server = Answers::default()
        .on("GET /v1/registry/versions?limit=1000", 200, &versions)
        .on("POST /v1/registry/pin", 200, &pinned)
        .on("GET /v1/registry/difference?from=2&to=live", 200, &difference)
        .on("GET /v1/registry/history?q=192.0.2.1", 200, &history)
        .serve();
    let run = |words: &[&str]| {
        sarkctl(["registry"]).with(words).with(&["--socket", "sarkd.sock"]).directory(server.path())
    };
    run(&["rollback", "--yes"]).golden("rollback");
    assert_eq!(run(&["rollback", "9", "--yes"]).run().code, 2);
    assert_eq!(run(&["pin", "2"]).run().code, 0);
    assert_eq!(run(&["unpin"]).run().code, 0);
    let shown = run(&["diff", "2"]).golden("diff");
    assert!(!shown.stdout.contains('\u{1b}'), "{}", shown.stdout);
    run(&["history", "192.0.2.1"]).golden("history");
}
