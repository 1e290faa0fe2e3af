//! A `sarkd` that is absent, forbidden, silent or strange, and what the doctor says of one that
//! answers.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;

use crate::support::sarkctl;
use crate::support::server::Answers;
use sark_api::ReconcileView;
use serde_json::{Value, json};

const STATUS: &str = "GET /v1/status";
const DOCTOR: [&str; 3] = ["doctor", "--socket", "sarkd.sock"];

#[test]
fn an_absent_daemon() {
    let directory = tempfile::tempdir().unwrap();
    let list = ["flowspec", "list", "--socket", "sarkd.sock"];
    sarkctl(list).directory(directory.path()).golden("daemon-absent");
    sarkctl(DOCTOR).directory(directory.path()).golden("doctor-absent");
    sarkctl(["version", "--socket", "sarkd.sock"]).directory(directory.path()).golden("version");
}

#[test]
fn a_socket_that_was_left_behind() {
    let directory = tempfile::tempdir().unwrap();
    drop(UnixListener::bind(directory.path().join("sarkd.sock")).unwrap());
    let list = ["flowspec", "list", "--socket", "sarkd.sock"];
    let run = sarkctl(list).directory(directory.path()).run();
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("nobody listens there"), "{}", run.stderr);
}

#[test]
fn a_silent_daemon() {
    let directory = tempfile::tempdir().unwrap();
    let _silent = UnixListener::bind(directory.path().join("sarkd.sock")).unwrap();
    let list = ["flowspec", "list", "--timeout", "200ms", "--socket", "sarkd.sock"];
    sarkctl(list).directory(directory.path()).golden("daemon-silent");
}

#[test]
fn somebody_else_listens() {
    let server = Answers::default().on("GET /v1/flowspec/rules", 200, &json!({"hello": 1})).serve();
    let list = ["flowspec", "list", "--socket", "sarkd.sock"];
    sarkctl(list).directory(server.path()).golden("daemon-foreign");
    let server = Answers::default().serve();
    sarkctl(list).directory(server.path()).golden("daemon-foreign-error");
}

#[test]
fn not_permitted() {
    let server = Answers::default().serve();
    let socket = server.path().join("sarkd.sock");
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o0)).unwrap();
    let run = sarkctl(DOCTOR).directory(server.path()).run();
    assert_eq!(run.code, 1);
    // Root may do anything, and then the stand-in answers with something strange.
    let expected = ["not permitted to talk to sarkd", "cannot read what"];
    assert!(expected.iter().any(|text| run.stdout.contains(text)), "{}", run.stdout);
}

fn status(speaker: bool, peer: &str, converged: bool) -> Value {
    let version = env!("CARGO_PKG_VERSION");
    let reconcile = ReconcileView {
        converged,
        failures: if converged { 0 } else { 2 },
        desired: 3,
        in_place: if converged { 3 } else { 1 },
        foreign: 1,
        error: (!converged).then(|| "cannot reach the BGP speaker".to_owned()),
        ..ReconcileView::default()
    };
    json!({
        "version": version, "pid": 42, "startedAt": "2000-01-01T00:00:00Z", "asn": 64512, "instance": 1,
        "profile": "frr", "registryVersion": "sha256:0123456789abcdef", "endpoints": 100,
        "revision": {
            "number": 4, "at": "2026-11-21T07:00:00Z", "actor": "uid:0(root)", "cause": "apply",
            "policyVersion": "sha256:aa", "registryVersion": "sha256:bb",
            "policies": {"inspect-llm": "2026-11-21T07:00:00Z"}, "announce": 3, "withdraw": 0, "keep": 0,
        },
        "speaker": {
            "mode": "supervised", "api": "unix:///var/lib/sark/gobgpd.sock", "reachable": speaker,
            "program": "gobgp v3", "error": if speaker { Value::Null } else { json!("connection refused") },
        },
        "peers": [
            {"name": "edge1", "address": "192.0.2.1", "asn": 65001, "state": "established",
             "profile": "frr", "flaps": 0, "advertised": {"ipv4": 3, "ipv6": 1}},
            {"name": "edge2", "address": "192.0.2.2", "asn": 65002, "state": peer,
             "profile": "frr", "flaps": 2, "advertised": {"ipv4": 0, "ipv6": 0}},
        ],
        "reconcile": reconcile,
        "problems": if speaker { json!([]) } else { json!([
            {"code": "speaker-unreachable", "message": "told above"},
            {"code": "set-refused", "message": "the stored policy set is refused since the registry changed",
             "help": "`sarkctl flowspec plan` shows why"},
        ]) },
    })
}

/// One endpoint, last seen in 2001: always too old.
fn endpoints() -> Value {
    json!({"version": "sha256:01", "endpoints": [{
        "id": "example/api", "provider": "example", "title": "Example", "kind": "api", "role": "ingress",
        "sharedness": "dedicated", "confidence": 90, "verified": true, "state": "active", "names": [],
        "prefixes": [], "ports": [], "expiresAt": null, "priceRef": null,
        "sources": [{"source": "its owner", "firstSeen": "2001-01-01T00:00:00Z", "lastSeen": "2001-01-01T00:00:00Z"}],
    }]})
}

/// Ages change with the clock.
fn without_ages(text: &str) -> String {
    let line = |line: &str| {
        for before in ["started ", "newest fact ", "version     12, "] {
            if let Some((start, _)) = line.split_once(before) {
                return format!("{start}{before}AGE");
            }
        }
        line.to_owned()
    };
    text.lines().map(|text| line(text) + "\n").collect()
}

#[test]
fn all_is_well() {
    let versions = json!({"inUse": 12, "pinned": null, "versions": [{"number": 12, "at": "2026-11-21T07:00:00Z",
        "version": "sha256:01", "cause": "start", "actor": "sarkd", "endpoints": 100}]});
    let server = Answers::default()
        .on(STATUS, 200, &status(true, "established", true))
        .on("GET /v1/registry/versions?limit=1000", 200, &versions)
        .on("GET /v1/registry/feeds", 200, &json!({"enabled": false, "feeds": []}))
        .on("GET /v1/registry/names", 200, &json!({"enabled": false, "names": []}))
        .on(
            "GET /v1/alerts/sinks",
            200,
            &json!({"cursor": 1, "sinks": [{"sink": "soc", "kind": "slack",
            "problem": null, "pending": 0, "delivered": 12, "dead": 0, "oldestPending": null,
            "lastDelivered": "2026-11-21T07:00:00Z"}]}),
        )
        .serve();
    let run = sarkctl(DOCTOR).directory(server.path()).run();
    crate::support::compare("doctor-well", &without_ages(&run.stdout));
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}

#[test]
fn nothing_is_well() {
    let server = Answers::default()
        .on(STATUS, 200, &status(false, "active", false))
        .on("GET /v1/registry/endpoints", 200, &endpoints())
        .serve();
    let run = sarkctl(DOCTOR).columns(90).directory(server.path()).run();
    crate::support::compare("doctor-ill", &without_ages(&run.stdout));
    assert_eq!(run.code, 1);
    let run = sarkctl(DOCTOR).with(&["-o", "json"]).directory(server.path()).run();
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["healthy"], false);
    let failed =
        report["checks"].as_array().unwrap().iter().filter(|check| check["health"] == "fail");
    assert!(failed.clone().all(|check| check["help"].is_string()));
    let failed: Vec<&str> = failed.map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(failed, ["speaker", "peer edge2", "rules", "set-refused"]);
}
