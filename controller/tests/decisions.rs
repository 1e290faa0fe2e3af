//! Decision sets in sarkd: put to use, recorded, watched, taken back; and where they are from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get as on_get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use nix::sys::signal::Signal;
use sark_api::Wanted;
use sark_controller::decisions::{Asked, Decisions, Material};
use sark_controller::trail::{Keep, TrailSettings, WhenFull, trail};
use sark_core::SystemClock;
use sark_core::audit::{AuditRecord, Outcome};
use sark_core::decision::Action;
use sark_core::storage::{
    Candidate, DecisionStore as _, MemoryStore, PolicyFile, Rollout, Stage, StoredSet,
};
use sark_decider::directory;
use sark_flowspec::speaker::fake::FakeSpeaker;
use sark_policy::decision::{Input, Line, SetFile};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::client::{get, post};
use crate::daemon::Place;
use crate::world::World;

/// Without a gobgpd: nothing here moves routers.
const NOBODY: &str =
    "bgp: { asn: 64512, routerId: 127.0.0.1, gobgpd: { mode: external, api: '127.0.0.1:9' } }";
const DECIDE: &str = "/v1/decisions";
const ROLLOUT: &str = "/v1/decisions/rollout";

fn shipped() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/decision");
    let files = directory::read(&path).unwrap().into_iter();
    files.map(|file| json!({ "name": file.path, "text": text(file.octets) })).collect()
}

fn text(octets: Vec<u8>) -> String {
    String::from_utf8(octets).unwrap()
}

/// A set with one policy, which says `action` of users that begin with `who`.
fn small(name: &str, action: &str, who: &str) -> Vec<(String, String)> {
    let lines = |value: &str| Line::ALL.map(|line| format!("    {line}: {value}\n")).concat();
    let (defaults, on_error) = (lines("{ action: allow }"), lines("deny"));
    let settings = format!(
        "apiVersion: sark/v1\nkind: DecisionSet\nmetadata: {{ name: {name} }}\nspec:\n  \
         defaults:\n{defaults}  onError:\n{on_error}"
    );
    let policy = format!(
        "package sark.llm.one\n\ndecisions contains {{\"action\": \"{action}\", \
         \"rule_id\": \"r\", \"reason\": \"{name} says so\"}} if startswith(input.user, \"{who}\")\n"
    );
    vec![("set.yaml".to_owned(), settings), ("llm/one.rego".to_owned(), policy)]
}

fn named(files: &[(String, String)]) -> Vec<Value> {
    files.iter().map(|(name, text)| json!({ "name": name, "text": text })).collect()
}

fn write(directory: &Path, files: &[(String, String)]) {
    for (name, text) in files {
        let path = directory.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

/// By Debian's tar.
fn bundle(files: &[(String, String)]) -> Vec<u8> {
    let manifest = "{\"revision\": \"r7\", \"roots\": [\"\"]}";
    let manifest = (".manifest".to_owned(), manifest.to_owned());
    packed(&files.iter().cloned().chain([manifest]).collect::<Vec<_>>())
}

fn packed(files: &[(String, String)]) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), files);
    let mut tar = Command::new("tar");
    let made = tar.arg("-C").arg(directory.path()).args(["-czf", "-", "."]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    made.stdout
}

/// The policies of a set, signed as `opa sign` does it with a secret.
fn signed(files: &[(String, String)], key: &str) -> Vec<u8> {
    let encode = |octets: &[u8]| URL_SAFE_NO_PAD.encode(octets);
    let policies: Vec<_> = files.iter().filter(|(path, _)| path.ends_with(".rego")).collect();
    let entry = |(name, text): &&(String, String)| {
        let hash = sark_core::ContentHash::of(text.as_bytes());
        let hash = hash.as_str().strip_prefix("sha256:").unwrap().to_owned();
        json!({ "name": name, "hash": hash, "algorithm": "SHA-256" })
    };
    let claims = json!({ "files": policies.iter().map(entry).collect::<Vec<_>>() }).to_string();
    let text = format!("{}.{}", encode(br#"{"alg":"HS256"}"#), encode(claims.as_bytes()));
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    let token = format!("{text}.{}", encode(&mac.finalize().into_bytes()));
    let document = (".signatures.json".to_owned(), json!({ "signatures": [token] }).to_string());
    let files: Vec<_> = policies.into_iter().cloned().chain([document]).collect();
    packed(&files)
}

fn asked(user: &str) -> Value {
    let input = json!({ "id": "q-1", "operation": "chat", "user": user });
    json!({ "line": "llm", "input": input })
}

async fn action(socket: &Path, user: &str) -> String {
    let (status, answer) = post(socket, DECIDE, asked(user)).await;
    assert_eq!(status, 200, "{answer}");
    answer["decision"]["action"].as_str().unwrap().to_owned()
}

async fn active(socket: &Path) -> String {
    let (_, now) = get(socket, ROLLOUT).await;
    now["active"]["name"].as_str().unwrap_or("none").to_owned()
}

/// Records of this event, oldest first, when there are so many.
async fn records(place: &Place, event: &str, count: usize) -> Vec<Value> {
    let path = format!("/v1/audit/records?limit=1000&event={event}");
    place
        .until(event, async || {
            let (_, answer) = get(&place.socket(), &path).await;
            let mut found = answer["records"].as_array().unwrap().clone();
            found.reverse();
            (found.len() >= count).then_some(found)
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_decides_and_the_trail_has_why() {
    let mut place = Place::new(NOBODY);
    place.start().await;
    let socket = place.socket();
    let (status, refused) = post(&socket, DECIDE, asked("ada")).await;
    assert_eq!(status, 503, "{refused}");
    assert!(refused["error"]["help"].as_str().unwrap().contains("policy activate"), "{refused}");

    let (status, answer) = post(&socket, ROLLOUT, json!({ "files": shipped(), "expect": 0 })).await;
    assert_eq!((status, &answer["changed"]), (200, &json!(true)), "{answer}");
    assert_eq!(answer["active"]["policies"], 12);
    let version = answer["active"]["version"].clone();
    let (_, again) = post(&socket, ROLLOUT, json!({ "files": shipped(), "expect": 1 })).await;
    assert_eq!(again["changed"], false, "the same again is no rollout");

    // A secret in a prompt is refused, and what was found is all that is told of it.
    let finding =
        json!({ "class": "secret", "kind": "aws_access_key", "count": 1, "confidence": 1 });
    let input = json!({
        "id": "q-2", "operation": "chat", "user": "ada", "host": "pc-7", "provider": "openai",
        "endpoint": "openai/api", "model": "gpt-5", "findings": [finding],
    });
    let request = json!({ "line": "llm", "input": input, "texts": { "prompt": "my own words" } });
    let (status, answer) = post(&socket, DECIDE, request.clone()).await;
    assert_eq!((status, &answer["policyVersion"]), (200, &version), "{answer}");
    assert_eq!(answer["decision"]["policy_id"], "no-secrets", "{answer}");
    let found = records(&place, "decision.llm", 1).await.remove(0).clone();
    assert_eq!(found["evidence"]["policyVersion"], version);
    assert_eq!(found["evidence"]["registryVersion"], answer["registryVersion"]);
    assert_eq!(found["about"], json!({ "request": "q-2", "host": "pc-7", "user": "ada" }));
    assert_eq!(found["detail"]["decision"], answer["decision"]);
    assert_eq!(found["detail"]["input"]["model"], "gpt-5");
    assert!(found["evidence"]["rules"][0].as_str().unwrap().starts_with("no-secrets/"));
    assert!(!found.to_string().contains("my own words"), "{found}");

    // Only to see it: no record.
    let mut dry = request;
    dry["dryRun"] = json!(true);
    let (_, seen) = post(&socket, DECIDE, dry).await;
    assert_eq!(seen["decision"], answer["decision"]);

    // A sensor's report is decided on, and somebody is told.
    let report = json!({
        "id": "c-1", "sensor": "roof-cat-2", "event": "carrier", "site": "roof",
        "confidence": 0.9, "facts": { "payload": true, "payload_bytes": 204_800 },
    });
    let (status, taken) = post(&socket, "/api/v1/sensors/rfc1149/reports", report).await;
    assert_eq!((status, &taken["action"]), (200, &json!("alert")), "{taken}");
    let told = records(&place, "sensor.report", 1).await.remove(0).clone();
    assert_eq!(told["notice"]["key"], "sensor:rfc1149:carrier:roof");
    assert_eq!(told["evidence"]["policyVersion"], version);

    // What is wrong replaces nothing.
    let mut wrong = shipped();
    wrong.push(
        json!({ "name": "llm/bad.rego", "text": "package sark.llm.bad\n\nx := http.send({})\n" }),
    );
    let (status, refused) = post(&socket, ROLLOUT, json!({ "files": wrong })).await;
    assert_eq!(status, 400, "{refused}");
    assert_eq!(refused["error"]["diagnostics"][0]["file"], "llm/bad.rego", "{refused}");
    let (status, refused) =
        post(&socket, ROLLOUT, json!({ "files": shipped(), "expect": 9 })).await;
    assert_eq!(status, 409, "{refused}");
    for bad in [
        json!({ "line": "mcp", "input": { "id": "1", "operation": "chat" } }),
        json!({ "line": "edr", "input": { "id": "1" } }),
        json!({ "line": "llm", "input": { "id": "1", "operation": "chat", "prompt": "x" } }),
    ] {
        assert_eq!(post(&socket, DECIDE, bad).await.0, 400);
    }
    assert_eq!(records(&place, "decision.llm", 1).await.len(), 1);

    // It decides after a crash as before.
    place.kill();
    place.start().await;
    let (_, now) = get(&socket, ROLLOUT).await;
    assert_eq!(now["active"]["version"], version);
    assert_eq!(action(&socket, "ada").await, "audit");
    assert!(place.terminate().await.success());
    assert!(!place.log().contains("my own words"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_is_watched_and_taken_back() {
    let mut place = Place::new(&format!(
        "{NOBODY}\ndecisions: {{ canary: {{ denied: 0.2, failed: 0.1, after: 20 }} }}"
    ));
    place.start().await;
    let socket = place.socket();
    let put = async |files: &[(String, String)], how: Value| {
        let mut body = how;
        body["files"] = json!(named(files));
        post(&socket, ROLLOUT, body).await
    };
    let (old, new) = (small("old", "audit", "u"), small("new", "deny", "u"));
    let (status, refused) = put(&new, json!({ "stage": "shadow" })).await;
    assert_eq!(status, 400, "beside what? {refused}");
    assert_eq!(put(&old, json!({})).await.0, 200);

    let (_, answer) = put(&new, json!({ "stage": "shadow" })).await;
    assert_eq!(answer["candidate"]["stage"], "shadow", "{answer}");
    for _ in 0..3 {
        assert_eq!(action(&socket, "u1").await, "audit");
    }
    let (_, now) = get(&socket, ROLLOUT).await;
    let counted = &now["candidate"]["counted"];
    assert_eq!((&counted["differ"], &counted["candidate"]["denied"]), (&json!(3), &json!(3)));
    let shadowed = records(&place, "decision.llm", 3).await;
    assert_eq!(shadowed[0]["detail"]["candidate"]["action"], "deny");

    // Taken back by hand, and then there is no candidate.
    let (status, answer) = post(&socket, "/v1/decisions/rollback", json!({})).await;
    assert_eq!((status, &answer["candidate"]), (200, &Value::Null), "{answer}");
    assert_eq!(answer["active"]["name"], "old");
    let (status, refused) = post(&socket, "/v1/decisions/rollback", json!({})).await;
    assert_eq!(status, 422, "nothing before: {refused}");

    let (status, refused) = put(&new, json!({ "stage": "canary", "percent": 100 })).await;
    assert_eq!(status, 400, "{refused}");
    let (_, answer) = put(&new, json!({ "stage": "canary", "percent": 50 })).await;
    assert_eq!(answer["candidate"]["percent"], 50, "{answer}");
    let mut denied = 0;
    for n in 0..200 {
        denied += usize::from(action(&socket, &format!("u{n}")).await == "deny");
        if get(&socket, ROLLOUT).await.1["candidate"].is_null() {
            break;
        }
    }
    assert!((20..60).contains(&denied), "{denied}");
    for n in 0..20 {
        assert_eq!(action(&socket, &format!("u{n}")).await, "audit", "it decides no more");
    }
    let back = records(&place, "policy.rollback", 3).await;
    let outcomes: Vec<_> = back.iter().map(|record| &record["outcome"]).collect();
    assert_eq!(outcomes, ["ok", "refused", "ok"], "by hand, with nothing before, by itself");
    let notice = &back[2]["notice"];
    let title = notice["title"].as_str().unwrap();
    assert!(title.contains("it stopped 100.0 %"), "{title}");
    assert!(notice["key"].as_str().unwrap().starts_with("policy.canary:"), "{notice}");

    // Put to use at once, and back to the one before; also after a crash.
    assert_eq!(put(&new, json!({})).await.0, 200);
    assert_eq!(
        (action(&socket, "u1").await.as_str(), active(&socket).await.as_str()),
        ("deny", "new")
    );
    place.kill();
    place.start().await;
    assert_eq!(active(&socket).await, "new");
    let (_, answer) = post(&socket, "/v1/decisions/rollback", json!({})).await;
    assert_eq!(answer["active"]["name"], "old");
    assert_eq!(action(&socket, "u1").await, "audit");
    // By the beginning of its version.
    let (_, sets) = get(&socket, "/v1/decisions/sets").await;
    let of_new = sets["sets"].as_array().unwrap().iter().find(|set| set["name"] == "new").unwrap();
    let short = of_new["version"].as_str().unwrap()[7..19].to_owned();
    assert_eq!(post(&socket, ROLLOUT, json!({ "version": short })).await.0, 200);
    assert_eq!(active(&socket).await, "new");
    assert_eq!(post(&socket, ROLLOUT, json!({ "version": "abcd" })).await.0, 404);
    let (_, set) = get(&socket, &format!("/v1/decisions/sets/{short}")).await;
    assert_eq!(set["files"].as_array().unwrap().len(), 2);
    assert!(place.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_is_read_again_when_told() {
    let mut place = Place::new("");
    let directory = place.root().join("set");
    write(&directory, &small("one", "audit", "u"));
    place.configure(&format!("{NOBODY}\ndecisions: {{ source: {{ directory: set }} }}"));
    let check = place.command().arg("--check").output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    place.start().await;
    let socket = place.socket();
    assert_eq!(active(&socket).await, "one");

    // What is wrong is said, and changes nothing.
    let broken = [("llm/one.rego".to_owned(), "package sark.llm.one\n\nx := \n".to_owned())];
    write(&directory, &broken);
    let check = place.command().arg("--check").output().unwrap();
    let says = String::from_utf8_lossy(&check.stderr);
    assert!(!check.status.success() && says.contains("one.rego"), "{says}");
    place.signal(Signal::SIGHUP);
    let refused = |status: &Value| {
        let problems = status["problems"].as_array().unwrap();
        problems.iter().any(|problem| problem["code"] == "decisions-refused")
    };
    place.status_is("the set is refused", refused).await;
    assert_eq!(
        (active(&socket).await.as_str(), action(&socket, "u").await.as_str()),
        ("one", "audit")
    );

    write(&directory, &small("two", "deny", "u"));
    place.signal(Signal::SIGHUP);
    place.status_is("the set is taken", |status| !refused(status)).await;
    place.until("it is in use", async || (active(&socket).await == "two").then_some(())).await;

    // What a person took back does not come again by itself.
    assert_eq!(post(&socket, "/v1/decisions/rollback", json!({})).await.0, 200);
    assert_eq!(active(&socket).await, "one");
    let (status, answer) = post(&socket, "/v1/decisions/refresh", json!({})).await;
    assert_eq!((status, &answer["changed"]), (200, &json!(false)), "{answer}");
    place.kill();
    place.start().await;
    assert_eq!(active(&socket).await, "one");
    write(&directory, &small("three", "alert", "u"));
    let (_, answer) = post(&socket, "/v1/decisions/refresh", json!({})).await;
    assert_eq!((&answer["changed"], &answer["active"]["name"]), (&json!(true), &json!("three")));
    assert!(place.terminate().await.success());
}

/// A server of one bundle.
#[derive(Clone, Default)]
struct Bundles {
    octets: Arc<Mutex<Vec<u8>>>,
    sent: Arc<AtomicUsize>,
    same: Arc<AtomicUsize>,
}

impl Bundles {
    /// Its address; it ends with the test.
    async fn serve(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/b.tar.gz", on_get(give)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}/b.tar.gz")
    }

    fn set(&self, octets: Vec<u8>) {
        *self.octets.lock().unwrap() = octets;
    }
}

async fn give(State(bundles): State<Bundles>, headers: HeaderMap) -> Response {
    if headers.get(header::AUTHORIZATION).is_none_or(|value| value != "Bearer the-token") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let octets = bundles.octets.lock().unwrap().clone();
    if octets.is_empty() {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let etag = format!("\"{}\"", sark_core::ContentHash::of(&octets).short());
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| *known == *etag) {
        bundles.same.fetch_add(1, Ordering::SeqCst);
        return StatusCode::NOT_MODIFIED.into_response();
    }
    bundles.sent.fetch_add(1, Ordering::SeqCst);
    ([(header::ETAG, etag)], octets).into_response()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_asked_for_and_the_last_good_one_stays() {
    let bundles = Bundles::default();
    let url = bundles.serve().await;
    let mut place = Place::new("");
    std::fs::write(place.root().join("token"), "the-token\n").unwrap();
    let root = place.root().display().to_string();
    place.configure(&format!(
        "{NOBODY}\ndecisions: {{ source: {{ url: '{url}', interval: 5s, private: true, \
         token: 'file:{root}/token' }} }}"
    ));
    bundles.set(bundle(&small("one", "audit", "u")));
    place.start().await;
    let socket = place.socket();
    place.until("it is taken", async || (active(&socket).await == "one").then_some(())).await;
    let (_, now) = get(&socket, ROLLOUT).await;
    assert_eq!((&now["active"]["name"], &now["active"]["revision"]), (&json!("one"), &json!("r7")));
    assert_eq!(now["active"]["origin"], url);
    // By itself, and only what is new.
    place
        .until("asked again", async || (bundles.same.load(Ordering::SeqCst) > 0).then_some(()))
        .await;
    assert_eq!(bundles.sent.load(Ordering::SeqCst), 1);
    bundles.set(bundle(&small("two", "deny", "u")));
    place.until("it is taken", async || (active(&socket).await == "two").then_some(())).await;

    // No bundle, no server: the last good one decides, also after a restart.
    let refresh = async || post(&socket, "/v1/decisions/refresh", json!({})).await;
    bundles.set(b"no gzip".to_vec());
    let (status, refused) = refresh().await;
    assert_eq!(status, 400, "{refused}");
    bundles.set(Vec::new());
    let (status, refused) = refresh().await;
    assert_eq!(status, 503, "{refused}");
    assert!(!refused.to_string().contains("the-token"));
    place.kill();
    place.start().await;
    assert_eq!(
        (active(&socket).await.as_str(), action(&socket, "u").await.as_str()),
        ("two", "deny")
    );
    let fails = |status: &Value| status["problems"].to_string().contains("decisions-source");
    place.status_is("the source is missed", fails).await;
    // It is there again, with what it had.
    bundles.set(bundle(&small("two", "deny", "u")));
    place.status_is("the source is back", |status| !fails(status)).await;
    assert!(place.terminate().await.success());
    assert!(!place.log().contains("the-token"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_signed_is_taken_where_a_key_says_so() {
    let mut place = Place::new("");
    let key = "a secret that has at least thirty-two octets";
    std::fs::write(place.root().join("key"), key).unwrap();
    let root = place.root().display().to_string();
    let files = small("one", "audit", "u");
    std::fs::write(place.root().join("set.yaml"), &files[0].1).unwrap();
    place.configure(&format!(
        "{NOBODY}\ndecisions: {{ keys: [{{ key: 'file:{root}/key' }}], settings: set.yaml }}"
    ));
    place.start().await;
    let socket = place.socket();
    let (status, refused) = post(&socket, ROLLOUT, json!({ "files": named(&files) })).await;
    assert_eq!(status, 422, "{refused}");
    let path = "/v1/decisions/bundle";
    let unsigned = crate::client::request(&socket, hyper::Method::POST, path, bundle(&files)).await;
    let (status, refused) = unsigned.unwrap();
    assert_eq!(status, 400, "{refused}");
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains(".signatures.json"), "{message}");
    assert_eq!(active(&socket).await, "none");
    let refused = records(&place, "policy.activate", 2).await;
    assert!(refused.iter().all(|record| record["outcome"] == "refused"), "{refused:?}");
    let wrong = signed(&files, "another secret of at least thirty-two octets");
    let answer = crate::client::request(&socket, hyper::Method::POST, path, wrong).await.unwrap();
    assert_eq!(answer.0, 400, "{}", answer.1);
    let right =
        crate::client::request(&socket, hyper::Method::POST, path, signed(&files, key)).await;
    let (status, answer) = right.unwrap();
    assert_eq!((status, &answer["active"]["signedBy"]), (200, &json!("HS256")), "{answer}");
    assert_eq!(action(&socket, "u").await, "audit");
    assert!(place.terminate().await.success());
}

fn decisions() -> (World, Arc<Decisions>) {
    let world = World::new();
    let decisions = Arc::clone(&world.api.decisions);
    (world, decisions)
}

fn material(files: &[(String, String)]) -> Material {
    let file = |(path, text): &(String, String)| SetFile {
        path: path.clone(),
        octets: text.clone().into_bytes(),
    };
    Material::Files(files.iter().map(file).collect())
}

async fn activate(decisions: &Decisions, files: &[(String, String)]) {
    let taken = decisions.take(material(files), "api").await.unwrap();
    assert!(decisions.activate(taken, Wanted::Active, None, None, "uid:0(root)").await.unwrap());
}

fn request(user: &str) -> Input {
    let json = format!(r#"{{"id": "r", "operation": "chat", "user": "{user}"}}"#);
    Input::from_json(Line::Llm, &json).unwrap()
}

#[tokio::test]
async fn what_the_trail_does_not_take_is_not_allowed() {
    let (world, decisions) = decisions();
    activate(&decisions, &small("one", "audit", "u")).await;
    let directory: PathBuf = tempfile::tempdir().unwrap().keep();
    let settings = TrailSettings {
        directory: directory.clone(),
        queue: 1,
        most_octets: 1 << 20,
        when_full: WhenFull::Block,
    };
    let clock = Arc::new(SystemClock);
    let metrics = Arc::clone(&world.api.metrics);
    // Nobody writes: the queue has room for one.
    let (trail, _writer, _drain) =
        trail(&settings, Arc::clone(&world.store) as _, clock, metrics).unwrap();
    let ask = async |user: &str| {
        let (by, texts) = ("token:gateway".to_owned(), BTreeMap::new());
        let asked = Asked { input: request(user), by, texts };
        decisions.decide_on(asked, &trail, &Keep::default()).await.unwrap().decision
    };
    assert_eq!(ask("u1").await.action, Action::Audit);
    let closed = ask("u1").await;
    assert_eq!(
        (closed.action, closed.allow, &*closed.rule_id),
        (Action::Deny, false, "unrecorded")
    );
    world.stop().await;
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn another_on_the_same_store_follows() {
    let store: Arc<MemoryStore> = Arc::default();
    let one = World::resume(FakeSpeaker::new(), Arc::clone(&store));
    let two = World::resume(FakeSpeaker::new(), store);
    let (leader, follower) = (&one.api.decisions, &two.api.decisions);
    assert!(follower.decide(request("u1")).await.is_none());
    activate(leader, &small("one", "deny", "u")).await;
    follower.follow().await.unwrap();
    assert_eq!(follower.decide(request("u1")).await.unwrap().decision.action, Action::Deny);
    // What the store does not give leaves in use what is.
    activate(leader, &small("two", "audit", "u")).await;
    one.store.set_broken(true);
    follower.follow().await.unwrap_err();
    assert_eq!(follower.decide(request("u1")).await.unwrap().decision.action, Action::Deny);
    one.store.set_broken(false);
    follower.follow().await.unwrap();
    assert_eq!(follower.decide(request("u1")).await.unwrap().decision.action, Action::Audit);
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_candidate_that_cannot_be_used_takes_nothing_with_it() {
    let (world, decisions) = decisions();
    activate(&decisions, &small("one", "deny", "u")).await;
    // As another version of SARK may have taken it.
    let files = vec![PolicyFile { name: "set.yaml".into(), text: "no set".into() }];
    let bad = StoredSet {
        version: sark_core::ContentHash::of(b"bad"),
        name: "bad".into(),
        origin: "api".into(),
        revision: None,
        signed_by: None,
        policies: 1,
        at: jiff::Timestamp::UNIX_EPOCH,
        actor: "noc".into(),
        files,
    };
    let before = world.store.rollout().await.unwrap().unwrap();
    let candidate = Candidate { version: bad.version.clone(), stage: Stage::Shadow };
    let number = before.number + 1;
    let rollout = Rollout { number, candidate: Some(candidate), ..before };
    let at = jiff::Timestamp::UNIX_EPOCH;
    let record = AuditRecord::new(at, "noc", "policy.activate", Outcome::Ok, json!({}));
    world.store.commit_rollout(Some(&bad), &rollout, &record).await.unwrap();
    let after = World::resume(FakeSpeaker::new(), Arc::clone(&world.store));
    let again = &after.api.decisions;
    again.follow().await.unwrap();
    assert_eq!(again.decide(request("u1")).await.unwrap().decision.action, Action::Deny);
    assert_eq!(again.problems()[0].code, "decisions-unreadable");
    // To go on with the active set alone is one word.
    again.rollback(None, "noc").await.unwrap();
    assert!(again.problems().is_empty(), "{:?}", again.problems());
    world.stop().await;
    after.stop().await;
}
