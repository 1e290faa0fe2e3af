//! Decision sets in sarkd: what is asked of it, what becomes of its answers, and recorded decisions
//! made again.

use crate::support::sarkctl;
use crate::support::server::{Answers, Server};
use serde_json::{Value, json};

const AT: &str = "2026-11-28T12:00:00Z";
const OLD: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
const NEW: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

fn set(version: &str, name: &str) -> Value {
    json!({"version": version, "name": name, "origin": "/etc/sark/decisions", "policies": 12,
        "at": AT, "actor": "sarkd"})
}

fn now() -> Value {
    let counts =
        |decided: u64, denied: u64| json!({"decided": decided, "denied": denied, "failed": 0});
    json!({
        "rollout": {"number": 7, "at": AT, "actor": "uid:1000(noc)", "cause": "activate\u{1b}[2J",
            "active": OLD, "candidate": {"version": NEW, "stage": "canary", "percent": 10}},
        "active": set(OLD, "shipped"),
        "candidate": {"set": set(NEW, "stricter"), "stage": "canary", "percent": 10,
            "counted": {"candidate": counts(120, 9), "active": counts(1080, 54), "differ": 0}},
        "problems": [{"code": "decisions-source", "message": "decisions.source cannot be had",
            "help": "what was in use stays"}],
    })
}

fn answer() -> Value {
    let mut answer = json!({"changed": true});
    let after = json!({
        "rollout": {"number": 8, "at": AT, "actor": "uid:0(root)", "cause": "activate",
            "active": NEW},
        "active": set(NEW, "stricter"),
    });
    answer.as_object_mut().unwrap().extend(after.as_object().unwrap().clone());
    answer
}

/// What the trail has of a request for this model by this user.
fn decision(sequence: u64, user: &str, model: &str, action: &str) -> Value {
    let decision = json!({"allow": action != "deny", "action": action, "reason": "because",
        "policy_id": "default", "rule_id": "llm", "severity": "info"});
    json!({"sequence": sequence, "at": AT, "actor": "token:gateway", "event": "decision.llm",
        "outcome": "ok", "detail": {"decision": decision, "input":
            {"id": format!("q-{sequence}"), "operation": "chat", "user": user, "model": model}}})
}

fn scene() -> Server {
    let mut second = set(NEW, "stricter");
    second["revision"] = json!("r7");
    second["signedBy"] = json!("soc-2026");
    let sets = json!({"sets": [second, set(OLD, "shipped")], "rollouts": []});
    let lost = json!({"sequence": 4, "at": AT, "actor": "token:gateway", "event": "decision.llm",
        "outcome": "ok", "detail": {"leftOutBecauseOfItsOctets": 2_000_000}});
    let records = json!({"records": [
        decision(9, "ada", "gpt-4o", "audit"),
        decision(8, "eve", "no-such-model", "audit"),
        lost,
    ]});
    let none = json!({"records": []});
    let trail = "GET /v1/audit/records?event=decision.llm&limit=1000";
    let server = Answers::default()
        .on("GET /v1/decisions/rollout", 200, &now())
        .on("GET /v1/decisions/sets", 200, &sets)
        .on("POST /v1/decisions/rollout", 200, &answer())
        .on("POST /v1/decisions/rollback", 200, &answer())
        .on(
            "POST /v1/decisions/refresh",
            200,
            &json!({"changed": false, "active": set(OLD, "shipped")}),
        )
        .on(trail, 200, &records)
        .on("GET /v1/audit/records?event=decision.llm&before=4&limit=997", 200, &none)
        .serve();
    with_set(server)
}

/// The set `small` beside its socket, in `set/`.
fn with_set(server: Server) -> Server {
    for name in ["set.yaml", "data.yaml", "llm/hours.rego", "llm/models.rego"] {
        let to = server.path().join("set").join(name);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(format!("tests/data/decisions/{name}"), to).unwrap();
    }
    server
}

#[test]
fn what_is_in_use_and_what_becomes_of_it() {
    let server = scene();
    for (name, words) in [
        ("rollout-sets", &["policy", "sets"][..]),
        ("rollout-activate", &["policy", "activate", "set", "--canary", "10", "--yes"]),
        ("rollout-version", &["policy", "activate", "2222", "--shadow", "--yes"]),
        ("rollout-neither", &["policy", "activate", "no/such", "--yes"]),
        ("rollout-back", &["policy", "rollback", "--yes"]),
        ("rollout-refresh", &["policy", "refresh"]),
    ] {
        let run = sarkctl(["--socket", "sarkd.sock"]).with(words);
        let run = run.directory(server.path()).golden(name);
        assert!(!run.stdout.contains('\u{1b}'), "{}", run.stdout);
    }
    let sent: Vec<Value> = server
        .requests()
        .into_iter()
        .filter(|(question, _)| question.starts_with("POST /v1/decisions/ro"))
        .map(|(_, body)| serde_json::from_str(&body).unwrap())
        .collect();
    let [files, version, back] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!((&files["stage"], &files["percent"]), (&json!("canary"), &json!(10)));
    let names: Vec<_> = files["files"].as_array().unwrap().iter().map(|f| &f["name"]).collect();
    assert!(names.contains(&&json!("set.yaml")), "{names:?}");
    // What was seen is what is changed.
    assert_eq!(version, &json!({"version": "2222", "stage": "shadow", "expect": 7}));
    assert_eq!(back, &json!({"expect": 7}));
}

#[test]
fn sarkd_is_asked() {
    let decision = json!({"allow": false, "action": "deny", "severity": "medium",
        "reason": "o9 is no model of ours\u{1b}[2J", "policy_id": "llm-models", "rule_id": "unknown"});
    let answer = json!({"decision": decision, "policyVersion": OLD, "registryVersion": NEW,
        "canary": false});
    let server = Answers::default().on("POST /v1/decisions", 200, &answer).serve();
    let question = r#"{"id": "q-1", "operation": "chat", "user": "ada", "model": "o9"}"#;
    std::fs::write(server.path().join("q.json"), question).unwrap();
    let ask = ["policy", "ask", "-i", "q.json"];
    for (name, words) in [
        ("rollout-ask", &["--durable"][..]),
        ("rollout-ask-json", &["-o", "json"]),
        ("rollout-ask-line", &["--line", "tunnel"]),
    ] {
        let run = sarkctl(["--socket", "sarkd.sock"]).with(&ask).with(words);
        let run = run.directory(server.path()).golden(name);
        assert!(!run.stdout.contains('\u{1b}'), "{}", run.stdout);
    }
    let sent: Vec<Value> =
        server.requests().iter().map(|(_, body)| serde_json::from_str(body).unwrap()).collect();
    let [durable, plain] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!((&durable["durable"], &plain["durable"]), (&json!(true), &json!(false)));
    assert_eq!((&plain["line"], &plain["input"]["model"]), (&json!("llm"), &json!("o9")));
}

#[test]
fn what_a_shadow_could_not_answer_is_shown() {
    let mut now = now();
    now["candidate"]["stage"] = json!("shadow");
    now["candidate"]["counted"]["differ"] = json!(7);
    now["candidate"]["counted"]["leftOut"] = json!(12);
    let sets = json!({"sets": [], "rollouts": []});
    let server = Answers::default()
        .on("GET /v1/decisions/rollout", 200, &now)
        .on("GET /v1/decisions/sets", 200, &sets)
        .serve();
    sarkctl(["--socket", "sarkd.sock"])
        .with(&["policy", "sets"])
        .directory(server.path())
        .golden("rollout-shadow");
}

/// A decision whose action stays, and nothing else of it.
fn redacted() -> Value {
    let obligations = json!([{"type": "redact", "findings": ["*"]},
        {"type": "keep", "fields": ["prompt"]}, {"type": "notify", "route": "soc"}]);
    let matched = json!([{"action": "redact", "severity": "high", "policy_id": "secrets",
        "rule_id": "found", "reason": "a key was found\u{1b}[2J", "obligations": obligations}]);
    let decision = json!({"allow": true, "action": "redact", "reason": "a key was found\u{1b}[2J",
        "policy_id": "secrets", "rule_id": "found", "severity": "high",
        "obligations": obligations, "matched": matched});
    json!({"sequence": 7, "at": AT, "actor": "token:gateway", "event": "decision.llm",
        "outcome": "ok", "detail": {"decision": decision, "input":
            {"id": "q-7", "operation": "chat", "user": "ada", "model": "gpt-4o"}}})
}

/// The set `small`, and a policy that redacts less.
#[test]
fn what_is_lost_beside_the_action_is_shown() {
    let none = json!({"records": []});
    let server = Answers::default()
        .on(
            "GET /v1/audit/records?event=decision.llm&limit=1000",
            200,
            &json!({"records": [redacted()]}),
        )
        .on("GET /v1/audit/records?event=decision.llm&before=7&limit=999", 200, &none)
        .serve();
    let server = with_set(server);
    std::fs::write(
        server.path().join("set/llm/secrets.rego"),
        "package sark.llm.secrets\n\ndecisions contains {\"action\": \"redact\", \
         \"rule_id\": \"found\", \"reason\": \"an address was found\", \"obligations\": \
         [{\"type\": \"redact\", \"findings\": [\"email\"]}]} if input.user == \"ada\"\n",
    )
    .unwrap();
    let words = ["policy", "diff", "set", "--line", "llm", "--limit", "1000"];
    for (name, more) in [
        ("rollout-diff-obligations", &["--detailed-exitcode"][..]),
        ("rollout-diff-json", &["-o", "json"]),
    ] {
        let run = sarkctl(["--socket", "sarkd.sock"]).with(&words).with(more);
        let run = run.directory(server.path()).golden(name);
        assert!(!run.stdout.contains('\u{1b}'), "{}", run.stdout);
    }
}

#[test]
fn recorded_decisions_are_made_again() {
    let server = scene();
    let words = ["policy", "diff", "set", "--line", "llm", "--limit", "1000"];
    sarkctl(["--socket", "sarkd.sock"])
        .with(&words)
        .with(&["--detailed-exitcode"])
        .directory(server.path())
        .golden("rollout-diff");
}
