//! `sarkd` with policies that mean harm: their line falls to its `onError`, everything else goes on as if
//! they were not there, and what could not be stopped is refused before it is in use.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use hyper::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::client::{get, post, request};
use crate::daemon::Place;
use crate::decision_sets::{DECIDE, NOBODY, ROLLOUT, active, named, write};

/// What each hostile policy does.
const COMPREHENSION: &str =
    "count({[x, y] | some x in numbers.range(1, 90000); some y in numbers.range(1, 90000)}) > 0";
const PATTERN: &str = "regex.match(\"((a{1000}){1000}){10}\", \"a\")";

/// The line `tunnel` has a policy that means well; `llm` is closed on errors, `edr` open. `more` are
/// other policies.
fn set(name: &str, more: &[(&str, String)]) -> Vec<(String, String)> {
    let settings = format!(
        "apiVersion: sark/v1\nkind: DecisionSet\nmetadata: {{ name: {name} }}\nspec:\n  defaults: {{ \
         llm: {{ action: audit }}, mcp: {{ action: audit }}, edr: {{ action: audit }}, \
         tunnel: {{ action: audit }}, sensor: {{ action: audit }} }}\n  \
         onError: {{ llm: deny, mcp: deny, edr: allow, tunnel: deny, sensor: deny }}\n"
    );
    let good = "package sark.tunnel.good\n\ndecisions contains {\"action\": \"block\", \
                \"rule_id\": \"b\", \"reason\": \"no\"} if input.service == \"tor\"\n";
    let all = [("set.yaml", settings), ("tunnel/good.rego", good.to_owned())];
    let all = all.into_iter().chain(more.iter().cloned());
    all.map(|(path, text)| (path.to_owned(), text)).collect()
}

/// A policy of this line that does `harm` on every question.
fn harmful(line: &str, name: &str, harm: &str) -> String {
    format!(
        "package sark.{line}.{name}\n\ndecisions contains {{\"action\": \"alert\", \"rule_id\": \"x\"}} \
         if {{\n\tinput.id != \"\"\n\t{harm}\n}}\n"
    )
}

fn hostile() -> Vec<(String, String)> {
    set(
        "hostile",
        &[
            ("llm/endless.rego", harmful("llm", "endless", COMPREHENSION)),
            ("llm/pattern.rego", harmful("llm", "pattern", PATTERN)),
            ("edr/endless.rego", harmful("edr", "endless", COMPREHENSION)),
            ("edr/pattern.rego", harmful("edr", "pattern", PATTERN)),
        ],
    )
}

async fn decided(socket: &Path, line: &str, input: Value) -> Value {
    let (status, answer) = post(socket, DECIDE, json!({ "line": line, "input": input })).await;
    assert_eq!(status, 200, "{answer}");
    answer["decision"].clone()
}

async fn llm(socket: &Path) -> Value {
    decided(socket, "llm", json!({ "id": "q", "operation": "chat", "user": "ada" })).await
}

async fn edr(socket: &Path) -> Value {
    let activity = json!({
        "id": "a", "kind": "agent_child", "connector": "osquery", "host": { "id": "pc-7" },
        "process": { "name": "curl" }, "confidence": 0.9,
    });
    decided(socket, "edr", activity).await
}

async fn tunnel(socket: &Path, service: &str) -> Value {
    let sighting = json!({ "id": "t", "service": service, "kind": "tunnel", "confidence": 0.9 });
    decided(socket, "tunnel", sighting).await
}

/// What the hostile set comes to: closed on one line, open on the other, and an error on both.
async fn is_harmed(socket: &Path) {
    let closed = llm(socket).await;
    assert_eq!((&closed["action"], &closed["policy_id"]), (&json!("deny"), &json!("engine")));
    assert_eq!(closed["matched"].as_array().unwrap().len(), 2, "of each policy: {closed}");
    let open = edr(socket).await;
    assert_eq!((&open["action"], &open["allow"]), (&json!("allow"), &json!(true)), "{open}");
    assert_eq!(open["policy_id"], "engine", "{open}");
}

async fn is_well(socket: &Path) {
    for decision in [llm(socket).await, edr(socket).await] {
        assert_eq!(
            (&decision["action"], &decision["policy_id"]),
            (&json!("audit"), &json!("default"))
        );
    }
}

/// What has nothing to do with the harm.
async fn goes_on(socket: &Path) {
    let (status, _) = request(socket, Method::GET, "/healthz", "").await.unwrap();
    assert_eq!(status, 200);
    let (status, shown) = get(socket, "/v1/status").await;
    assert_eq!(status, 200, "{shown}");
    let blocked = tunnel(socket, "tor").await;
    assert_eq!((&blocked["action"], &blocked["policy_id"]), (&json!("block"), &json!("good")));
    assert_eq!(tunnel(socket, "vpn").await["policy_id"], "default");
}

/// What came of questions on harmed lines.
#[derive(Default)]
struct Asked {
    stop: AtomicBool,
    harmed: AtomicU64,
    well: AtomicU64,
}

/// Asks on the harmed lines until it is to stop: each answer is of the one set or of the other.
async fn ask(socket: PathBuf, asked: Arc<Asked>) {
    while !asked.stop.load(Ordering::Acquire) {
        for (decision, on_error) in [(llm(&socket).await, "deny"), (edr(&socket).await, "allow")] {
            let (action, count) = match decision["policy_id"].as_str() {
                Some("engine") => (on_error, &asked.harmed),
                Some("default") => ("audit", &asked.well),
                _ => panic!("{decision}"),
            };
            assert_eq!(decision["action"], action, "{decision}");
            count.fetch_add(1, Ordering::AcqRel);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_policy_harms_its_line_and_nothing_else() {
    let mut place = Place::new(&format!("{NOBODY}\ndecisions: {{ patience: 10s }}"));
    place.start().await;
    let socket = place.socket();
    let put = async |files: &[(String, String)]| {
        post(&socket, ROLLOUT, json!({ "files": named(files) })).await
    };
    assert_eq!(put(&set("good", &[])).await.0, 200);
    is_well(&socket).await;
    let (status, answer) = put(&hostile()).await;
    assert_eq!(status, 200, "{answer}");
    is_harmed(&socket).await;

    // While the hostile policies are asked without a pause, on as many threads as there are and more.
    let asked: Arc<Asked> = Arc::default();
    let mut load = JoinSet::new();
    for _ in 0..4 {
        load.spawn(ask(socket.clone(), Arc::clone(&asked)));
    }
    // Both go on: neither is there only because the other has ended.
    for _ in 0..3 {
        let before = asked.harmed.load(Ordering::Acquire);
        goes_on(&socket).await;
        let more = async || (asked.harmed.load(Ordering::Acquire) > before + 1).then_some(());
        place.until("harm goes on", more).await;
    }
    assert_eq!(asked.well.load(Ordering::Acquire), 0);

    // Back to what was before, in the midst of it.
    let (status, answer) = post(&socket, "/v1/decisions/rollback", json!({})).await;
    assert_eq!((status, &answer["active"]["name"]), (200, &json!("good")), "{answer}");
    let well = async || (asked.well.load(Ordering::Acquire) > 10).then_some(());
    place.until("all is well", well).await;
    asked.stop.store(true, Ordering::Release);
    load.join_all().await;
    is_well(&socket).await;
    goes_on(&socket).await;
    assert!(place.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_stopped_is_refused() {
    let mut place = Place::new("");
    let source = place.root().join("set");
    write(&source, &set("good", &[]));
    place.configure(&format!(
        "{NOBODY}\ndecisions: {{ source: {{ directory: '{}' }} }}",
        source.display()
    ));
    place.start().await;
    let socket = place.socket();
    assert_eq!(active(&socket).await, "good");
    let recursion = "package sark.llm.deep\n\ndecisions contains {\"action\": \"alert\", \
                     \"rule_id\": \"x\"} if f(1) > 0\n\nf(x) := g(x)\n\ng(x) := f(x)\n";
    let range = harmful("llm", "deep", "numbers.range(1, 9000000000000) != []");
    let nested =
        harmful("llm", "deep", &format!("x := {}1{}", "[".repeat(10_000), "]".repeat(10_000)));
    for (harm, says) in [
        (recursion.to_owned(), "depends on itself"),
        (range, "has no end that is known"),
        (nested, "brackets in brackets"),
    ] {
        let files = named(&set("hostile", &[("llm/deep.rego", harm)]));
        let (status, refused) = post(&socket, ROLLOUT, json!({ "files": files })).await;
        assert_eq!(status, 400, "{refused}");
        let mistakes = refused["error"]["diagnostics"].to_string();
        assert!(mistakes.contains(says) && mistakes.contains("llm/deep.rego"), "{mistakes}");
        assert_eq!(active(&socket).await, "good");
    }
    // Data of 100 MB, from where more than a request's body may come.
    let data = format!("{{\"a\": \"{}\"}}", "x".repeat(100_000_000));
    std::fs::write(source.join("data.json"), data).unwrap();
    let (status, refused) = post(&socket, "/v1/decisions/refresh", json!({})).await;
    assert_eq!(status, 503, "{refused}");
    let why = refused["error"]["message"].as_str().unwrap();
    assert!(why.contains("data.json") && why.contains("octets"), "{why}");
    let (_, now) = get(&socket, ROLLOUT).await;
    assert_eq!(now["problems"][0]["code"], "decisions-source", "{now}");
    assert_eq!(now["active"]["name"], "good");
    is_well(&socket).await;
    goes_on(&socket).await;
    // The source is well again, and nobody needs to be told twice.
    std::fs::remove_file(source.join("data.json")).unwrap();
    let (status, answer) = post(&socket, "/v1/decisions/refresh", json!({})).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(get(&socket, ROLLOUT).await.1["problems"], Value::Null);
    assert!(place.terminate().await.success());
}
