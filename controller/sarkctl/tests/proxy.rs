//! Inline proxies: what `sarkd` knows of them, and the authority in its directory.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::support::server::Answers;
use crate::support::{Run, sarkctl};

#[test]
fn top_and_status() {
    let row = |name: &str, requests: u64, denied: u64, cost: u64, unpriced: u64| {
        json!({
            "name": name, "requests": requests, "denied": denied, "failed": 0, "inputTokens": 812,
            "outputTokens": 40, "costMicrousd": cost, "unpriced": unpriced,
            "p50Milliseconds": 300, "p99Milliseconds": null,
        })
    };
    let call = |id: &str, denied: bool, status: Value| {
        json!({
            "request": id, "at": "2026-11-29T12:00:00Z", "proxy": "proxy:edge-1", "client": "alice",
            "agent": null, "provider": "openai", "model": "gpt-4o", "operation": "chat",
            "denied": denied, "status": status, "milliseconds": 300,
        })
    };
    let top = json!({
        "at": "2026-11-29T12:00:05Z", "since": "2026-11-29T11:55:05Z", "by": "model",
        "total": row("all", 9, 1, 2430, 2), "rows": [
            row("openai/gpt-4o", 6, 1, 2000, 0), row("openai/o1", 2, 0, 430, 1), row("openai/-", 1, 0, 0, 1),
        ],
        "others": 3, "last": [
            call("01a2272d260089abcdef0123456789ab", true, Value::Null),
            call("01a2272d260089abcdef0123456789ac", false, json!(200)),
            call("01a2272d260089abcdef0123456789ad", false, json!(529)),
            call("01a2272d260089abcdef0123456789ae", false, Value::Null),
        ],
    });
    let proxy = |name: &str, heard: &str, snapshot: Value, waiting: Value| {
        json!({
            "proxy": name, "heardAt": heard, "program": "sark-proxy/0.1.0", "snapshot": snapshot,
            "askedAt": heard, "handedInAt": null, "records": 7, "waiting": waiting,
        })
    };
    let status = json!({
        "at": "2026-11-29T12:00:05Z", "snapshot": "sha256:0123456789abcdef", "proxies": [
            proxy("proxy:edge-1", "2026-11-29T12:00:00Z", json!("sha256:0123456789abcdef"), json!(0)),
            proxy("proxy:edge-2", "2026-11-29T11:00:00Z", json!("sha256:fedcba9876543210"), json!(812)),
            proxy("proxy:edge-3", "2026-11-29T12:00:00Z", Value::Null, Value::Null),
        ],
    });
    let none = json!({ "at": "2026-11-29T12:00:05Z", "snapshot": "sha256:01", "proxies": [] });
    let server = Answers::default()
        .on("GET /api/v1/proxy/top?by=model&window=300&limit=20", 200, &top)
        .on("GET /api/v1/proxy/status", 200, &status)
        .serve();
    let run = |words: &[&str]| {
        sarkctl(["proxy"]).with(words).with(&["--socket", "sarkd.sock"]).directory(server.path())
    };
    // No terminal: once.
    run(&["top"]).golden("proxy-top");
    let shown = run(&["top", "--once", "-o", "json"]).run();
    assert_eq!(serde_json::from_str::<Value>(&shown.stdout).unwrap(), top);
    run(&["status"]).golden("proxy-status");
    let empty = Answers::default().on("GET /api/v1/proxy/status", 200, &none).serve();
    let status = ["proxy", "status", "--socket", "sarkd.sock"];
    let said = sarkctl(status).directory(empty.path()).run();
    assert_eq!((said.code, said.stdout.as_str()), (0, "no proxy was heard since sarkd began\n"));
}

#[test]
fn an_authority_is_made_shown_rotated_and_retired() {
    let directory = tempfile::tempdir().unwrap();
    let ca = |words: &[&str]| -> Run {
        // Also the directory above is made.
        let run = sarkctl(["proxy", "ca"]).with(words).with(&["--directory", "state/ca"]);
        run.directory(directory.path()).run()
    };
    let well = |words: &[&str]| {
        let run = ca(words);
        assert_eq!(run.code, 0, "{words:?}: {}", run.stderr);
        run
    };
    let missing = ca(&["activate"]);
    assert_eq!(missing.code, 1, "{}", missing.stderr);
    let said = well(&["create", "--name", "Lab Root", "--days", "30"]).stderr;
    assert!(said.contains("clients have to trust state/ca/trusted.pem"), "{said}");
    assert_eq!(ca(&["create"]).code, 1, "one that is there is not replaced");
    let made = directory.path().join("state/ca");
    let files = || made.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let holds_key = |path: &std::path::PathBuf| {
        path.is_file() && std::fs::read_to_string(path).unwrap().contains("PRIVATE KEY")
    };
    let keys: Vec<_> = files().filter(holds_key).collect();
    assert!(!keys.is_empty());
    for key in keys {
        let mode = std::fs::metadata(&key).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} is nobody else's", key.display());
    }

    let report =
        || -> Value { serde_json::from_str(&well(&["show", "-o", "json"]).stdout).unwrap() };
    let first = report();
    assert_eq!(first["trusted"].as_array().unwrap().len(), 1);
    let table = well(&["show"]).stdout;
    assert!(
        table.contains("Lab Root") && table.contains("look"),
        "it ends within a month: {table}"
    );
    let old = first["trusted"][0]["fingerprint"].as_str().unwrap();

    well(&["rotate", "--name", "Next Root"]);
    assert_eq!(report()["trusted"].as_array().unwrap().len(), 2, "both are trusted");
    well(&["activate"]);
    well(&["retire", old]);
    let last = report();
    assert!(last["trusted"][0]["subject"].as_str().unwrap().contains("Next Root"), "{last}");
    let wrong = ca(&["retire", "x"]);
    assert_eq!(wrong.code, 2, "{}", wrong.stderr);

    // What programs are told: our root beside the system's.
    let system = directory.path().join("system.pem");
    std::fs::copy(made.join("trusted.pem"), &system).unwrap();
    let env = well(&["env", "sh", "--system", "system.pem"]).stdout;
    assert!(env.contains("SSL_CERT_FILE") && env.contains("combined.pem"), "{env}");
    assert_eq!(ca(&["env", "tcsh"]).code, 2);
}
