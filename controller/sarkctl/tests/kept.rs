//! Exports, entries and names: what is asked of `sarkd`, and what becomes of its answers.

use crate::support::server::{Answers, Server};
use crate::support::{Sarkctl, sarkctl};
use sark_api::{ErrorBody, ErrorCode};
use serde_json::{Value, json};

const AT: &str = "2026-11-21T07:00:00Z";

fn registry(server: &Server, words: &[&str]) -> Sarkctl {
    sarkctl(["registry"]).with(words).with(&["--socket", "sarkd.sock"]).directory(server.path())
}

const EXPORT: &str = "GET /v1/registry/export?form=hosts&provider=a&provider=b&kind=api&role=ingress&verified=true&shared=true&at=7";

#[test]
fn an_export_is_passed_on_with_its_notes() {
    let server = Answers::default()
        .document(EXPORT, &["2 names left out: x", "none"], "0.0.0.0 a.example\n", 0)
        .serve();
    let words = "export --form hosts --provider a --provider b --kind api --role ingress \
                 --verified --shared --at 7";
    let words: Vec<&str> = words.split_whitespace().collect();
    let run = registry(&server, &words).run();
    assert_eq!((run.code, run.stdout.as_str()), (0, "0.0.0.0 a.example\n"), "{}", run.stderr);
    assert_eq!(run.stderr, "note: 2 names left out: x\nnote: none\n");
    // Into a file, in place of what was there.
    let server = server.file("list", "old");
    let run = registry(&server, &words).with(&["-O", "list"]).run();
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{}", run.stderr);
    assert_eq!(std::fs::read_to_string(server.path().join("list")).unwrap(), "0.0.0.0 a.example\n");
    assert_eq!(server.requests().len(), 2);
}

/// Half a list looks like a list.
#[test]
fn an_export_that_breaks_off_leaves_the_file_as_it_was() {
    let question = "GET /v1/registry/export?form=json";
    let unknown = ErrorBody::new(ErrorCode::NotFound, "the registry knows no provider \"opnai\"")
        .with_help("did you mean \"openai\"?");
    let server = Answers::default()
        .document(question, &[], "{\"endpoints\": [", 100_000)
        .on("GET /v1/registry/export?form=json&provider=opnai", 404, &unknown)
        .serve()
        .file("list", "old");
    let run = registry(&server, &["export", "--form", "json", "-O", "list"]).run();
    assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{}", run.stderr);
    let run = registry(&server, &["export", "--form", "json"]).run();
    assert_eq!(run.code, 1, "{}", run.stderr);
    let unknown = ["export", "--form", "json", "--provider", "opnai", "-O", "list"];
    registry(&server, &unknown).golden("export-unknown");
    assert_eq!(std::fs::read_to_string(server.path().join("list")).unwrap(), "old");
    let left = std::fs::read_dir(server.path()).unwrap().count();
    assert_eq!(left, 2, "the socket and the list");
    let nowhere = ["export", "--form", "json", "-O", "no/such/list"];
    registry(&server, &nowhere).golden("export-nowhere");
}

#[test]
fn exports_of_files() {
    let export = |words: &[&str]| {
        let offline = ["--offline", "--registry", "overlay.yaml", "--provider", "example"];
        sarkctl(["registry", "export"]).with(&offline).with(words)
    };
    let now = ["--now", "2026-11-24T00:00:00Z"];
    export(&["--form", "suricata"]).with(&now).golden("export-suricata");
    export(&["--form", "hosts"]).with(&now).golden("export-hosts");
    for form in ["json", "csv", "nftables", "rpz", "zeek", "stix"] {
        let run = export(&["--form", form]).run();
        assert!(run.code == 0 && run.stdout.contains("192.0.2.0/28") != (form == "rpz"), "{form}");
    }
    let run = export(&["--form", "csv", "--kind", "chat"]).run();
    assert!(run.stdout.lines().skip(1).all(|line| line.starts_with("example/console,")));
    assert_eq!(export(&["--form", "csv", "--at", "7"]).run().code, 2);
    assert_eq!(sarkctl(["registry", "export", "--form", "csv"]).with(&now).run().code, 2);
    export(&["--form", "yara"]).golden("export-no-form");
    export(&["--form", "csv", "--provider", "exmaple"]).golden("export-no-provider");
}

fn changed(endpoints: Value, pinned: Option<u64>) -> Value {
    json!({"entries": ["lab-vpn"], "version": "sha256:fedcba98765432100123",
        "before": "sha256:0123456789abcdef0123", "endpoints": endpoints, "pinned": pinned,
        "notes": [{"file": "entry lab-vpn", "line": 0, "column": 0, "message": "tor/relays is no endpoint\u{1b}[2J", "help": null, "excerpt": null}]})
}

fn endpoints() -> Value {
    json!([{"id": "lab/vpn", "change": "added", "added": ["192.0.2.1/32\u{1b}[2J"], "removed": [], "fields": []},
        {"id": "openai/api", "change": "changed", "added": [], "removed": ["a.example"],
         "fields": [{"field": "confidence", "from": "80", "to": "90"},
            {"field": "layers", "from": "a".repeat(60), "to": "b".repeat(60)}]}])
}

#[test]
fn an_entry_is_put_after_what_it_changes_was_shown() {
    let server = Answers::default()
        .on("POST /v1/registry/entries", 200, &changed(endpoints(), Some(7)))
        .serve()
        .file("vpn.yaml", "kind: EndpointOverlay\n");
    let run = registry(&server, &["entries", "put", "-f", "vpn.yaml", "--yes"]).golden("entry-put");
    assert!(!run.stdout.contains('\u{1b}'), "{}", run.stdout);
    let sent: Vec<Value> =
        server.requests().iter().map(|(_, body)| serde_json::from_str(body).unwrap()).collect();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0]["dryRun"], true);
    let put = json!({"text": "kind: EndpointOverlay\n", "file": "vpn.yaml", "dryRun": false,
        "expect": "sha256:0123456789abcdef0123"});
    assert_eq!(sent[1], put, "what was shown is what is put");
    let dry = ["entries", "put", "-f", "vpn.yaml", "--dry-run", "-o", "json"];
    let run = registry(&server, &dry).run();
    let shown: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(shown["endpoints"][0]["id"], "lab/vpn");
    let dry = ["entries", "put", "-f", "vpn.yaml", "--dry-run", "-v"];
    assert!(registry(&server, &dry).run().stdout.contains("aaa → bbb"));
    assert_eq!(server.requests().len(), 4);
    // With mistakes in it, or a registry that is another by now.
    let mistake = json!({"error": {"code": "bad-input", "message": "the entries have 1 mistake",
        "diagnostics": [{"file": "vpn.yaml", "line": 1, "column": 1, "message": "no metadata", "text": "kind: X"}]}});
    let server = Answers::default()
        .on("POST /v1/registry/entries", 400, &mistake)
        .serve()
        .file("vpn.yaml", "kind: X\n");
    let run = registry(&server, &["entries", "put", "-f", "vpn.yaml"]).run();
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("vpn.yaml:1"), "{}", run.stderr);
}

#[test]
fn an_entry_is_deleted_after_what_it_changes_was_shown() {
    let conflict = ErrorBody::new(ErrorCode::Conflict, "the registry is another by now");
    let server = Answers::default()
        .on("DELETE /v1/registry/entries/lab-vpn?dryRun=true", 200, &changed(json!([]), None))
        .on(
            "DELETE /v1/registry/entries/lab-vpn?expect=sha256%3A0123456789abcdef0123",
            200,
            &changed(json!([]), None),
        )
        .on("DELETE /v1/registry/entries/b?dryRun=true", 409, &conflict)
        .serve();
    registry(&server, &["entries", "delete", "lab-vpn", "-y"]).golden("entry-delete");
    assert_eq!(registry(&server, &["entries", "delete", "lab-vpn", "--dry-run"]).run().code, 0);
    assert_eq!(server.requests().len(), 3);
    assert_eq!(registry(&server, &["entries", "delete", "b", "-y"]).run().code, 1);
}

#[test]
fn entries_are_listed_and_shown() {
    let entry = |name: &str, expires: &str| {
        json!({"name": name, "owner": "netsec", "expires": expires, "at": AT,
            "actor": "uid:0(root)", "text": "kind: EndpointOverlay\n# \u{1b}[2J\n\tx\n"})
    };
    let entries = json!({"entries": [entry("lab-vpn", "2999-01-01T00:00:00Z"), entry("old", "2001-01-01T00:00:00Z")]});
    let server = Answers::default().on("GET /v1/registry/entries", 200, &entries).serve();
    registry(&server, &["entries", "list"]).golden("entries");
    let run = registry(&server, &["entries", "show", "old"]).run();
    assert_eq!(run.stdout, "kind: EndpointOverlay\n# \u{fffd}[2J\n\tx\n");
    let run = registry(&server, &["entries", "show", "old", "-o", "json"]).run();
    assert_eq!(serde_json::from_str::<Value>(&run.stdout).unwrap()["owner"], "netsec");
    registry(&server, &["entries", "show", "lab-vpm"]).golden("entry-unknown");
}

#[test]
fn names_say_where_they_lead_and_why() {
    let later = "2026-11-21T08:00:00Z";
    let address = |address: &str, state: &str, more: Value| {
        let mut view = json!({"address": address, "state": state, "sharedness": "cdn",
            "since": AT, "lastSeen": AT, "until": later, "firstSeen": AT});
        view.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        view
    };
    let names = json!({"enabled": true, "names": [
        {"name": "api.models.example", "endpoints": ["models/api"], "answeredAt": AT, "nextAt": later,
         "staleSince": null, "dnssec": "insecure", "chain": ["front.cdn.example", "a\u{1b}[2J.cdn.example"],
         "addresses": [
            address("192.0.2.1", "active", json!({"vantage": "client", "flowUntil": later})),
            address("2001:db8::1", "draining", json!({"vantage": {"poller": "site"}})),
            address("192.0.2.2", "candidate", json!({"since": null, "vantage": {"poller": "public"}, "pollers": ["public"]})),
         ],
         "refused": [{"address": "10.0.0.1", "what": "private", "vantage": {"poller": "site"}, "at": AT}]},
        {"name": "empty.models.example", "endpoints": [], "answeredAt": AT, "nextAt": later,
         "staleSince": null, "addresses": [], "dnssec": "secure"},
        {"name": "stale.models.example", "endpoints": ["models/api"], "answeredAt": AT, "nextAt": later,
         "staleSince": AT, "failures": 9, "addresses": [address("192.0.2.3", "active", json!({}))]},
        {"name": "new.models.example", "endpoints": ["models/api"], "answeredAt": null, "nextAt": later,
         "staleSince": null, "addresses": []},
    ]});
    let server = Answers::default().on("GET /v1/registry/names", 200, &names).serve();
    registry(&server, &["names"]).golden("names");
    let run = registry(&server, &["names", "API.models.example."]).golden("name");
    assert!(!run.stdout.contains('\u{1b}'), "{}", run.stdout);
    let run = registry(&server, &["names", "stale.models.example", "-o", "yaml"]).run();
    assert!(
        run.stdout.contains("failures: 9") && !run.stdout.contains("api.models"),
        "{}",
        run.stdout
    );
    registry(&server, &["names", "api.modles.example"]).golden("name-unknown");
    let off = json!({"enabled": false, "names": []});
    let server = Answers::default().on("GET /v1/registry/names", 200, &off).serve();
    let run = registry(&server, &["names"]).run();
    assert!(run.stdout.contains("registry.resolve.enabled"), "{}", run.stdout);
    assert_eq!(registry(&server, &["names", "a.example"]).run().code, 2);
}
