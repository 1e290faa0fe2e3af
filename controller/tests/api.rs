//! The API over a real socket, on a real database and a speaker in memory.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::client::{body_of, get, post, raw, request};
use crate::world::{TestClock, World, drop_to, files, foreign, many};
use hyper::Method;
use sark_api::{ApplyResponse, PlanResponse, RulesResponse, StatusResponse};
use sark_controller::api::{ListenError, Users, listen, serve};
use sark_core::identity::{Rights, Role};
use sark_core::storage::{AuditStore, PolicyFile, RevisionStore};
use sark_flowspec::speaker::fake::{FakeSpeaker, Fault};
use sark_flowspec::{PeerState, PeerStatus};
use sark_store::Store;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A served world.
struct Served {
    world: World,
    store: Store,
    socket: PathBuf,
    stop: CancellationToken,
    server: tokio::task::JoinHandle<()>,
    _directory: TempDir,
}

impl Served {
    async fn new() -> Self {
        Self::with(|api| api, u32::MAX).await
    }

    async fn with(
        change: impl FnOnce(sark_controller::api::Api) -> sark_controller::api::Api,
        pages: u32,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("sark.db");
        let store = Store::open_bounded(&database, pages).await.unwrap();
        let clock = Arc::new(TestClock::new());
        let world = World::over(FakeSpeaker::new(), Arc::default(), Arc::new(store.clone()), clock);
        let socket = directory.path().join("run/sarkd.sock");
        let (listener, guard) = listen(&socket).unwrap();
        let stop = CancellationToken::new();
        let router = change(world.api.clone()).router();
        let ending = stop.clone();
        let server = tokio::spawn(async move {
            serve(listener, router, ending).await;
            drop(guard);
        });
        Self { world, store, socket, stop, server, _directory: directory }
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        get(&self.socket, path).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        post(&self.socket, path, body).await
    }

    async fn end(self) {
        self.stop.cancel();
        self.server.await.unwrap();
        self.world.stop().await;
        assert!(!self.socket.exists(), "the socket file is removed");
    }
}

fn a() -> Vec<PolicyFile> {
    files(&[drop_to("a", "203.0.113.1".parse().unwrap())])
}

fn code(body: &Value) -> &str {
    body["error"]["code"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn from_a_plan_to_a_withdrawal() {
    let served = Served::new().await;
    let (status, body) = served.post("/v1/flowspec/plan", body_of(&a())).await;
    assert_eq!(status, 200, "{body}");
    let plan: PlanResponse = serde_json::from_value(body).unwrap();
    assert_eq!((plan.revision, plan.plan.summary.announce), (None, 1));
    assert!(served.world.ours().is_empty(), "a plan changes nothing");

    let mut body = body_of(&a());
    body["expect"] = json!("none");
    let (status, body) = served.post("/v1/flowspec/apply", body).await;
    assert_eq!(status, 200, "{body}");
    let applied: ApplyResponse = serde_json::from_value(body).unwrap();
    assert!(applied.changed && applied.convergence.converged, "{:?}", applied.convergence);
    assert_eq!(served.world.ours().len(), 1);

    served.world.speaker.insert(foreign("dst 198.51.100.1/32", true));
    let (_, body) = served.get("/v1/flowspec/rules").await;
    let rules: RulesResponse = serde_json::from_value(body.clone()).unwrap();
    let states: Vec<_> = body["rules"].as_array().unwrap().iter().map(|r| &r["state"]).collect();
    assert_eq!(states, ["in-place", "foreign"]);
    let ours = &rules.rules[0];
    assert_eq!(ours.policy.as_deref(), Some("a"));
    let number = ours.large_community.as_deref().unwrap().rsplit(':').next().unwrap();
    let hex = format!("{:08x}", number.parse::<u32>().unwrap());
    for id in [number, &hex, &format!("0x{hex}"), &ours.nlri] {
        let (status, body) = served.get(&format!("/v1/flowspec/rules/{id}")).await;
        assert_eq!((status, body["nlri"].as_str()), (200, Some(ours.nlri.as_str())), "{id}");
    }
    assert_eq!(served.get("/v1/flowspec/rules/nothing").await.0, 404);

    let (_, body) = served.get("/v1/policies").await;
    assert_eq!(body["policies"][0]["rules"], 1);
    let (_, body) = served.get("/v1/flowspec/revisions").await;
    assert_eq!(body["revisions"][0]["files"], Value::Null);
    let (_, body) = served.get("/v1/flowspec/revisions/1").await;
    assert_eq!(body["files"][0]["name"], "0.yaml");
    assert_eq!(served.get("/v1/flowspec/revisions/2").await.0, 404);

    let (status, body) = served.post("/v1/flowspec/withdraw", json!({ "policies": ["a"] })).await;
    assert_eq!((status, body["revision"].as_u64()), (200, Some(2)), "{body}");
    assert!(served.world.ours().is_empty());
    let actor = &served.store.records(1).await.unwrap()[0].actor;
    let uid = nix::unistd::geteuid();
    assert!(actor.starts_with(&format!("uid:{uid}")), "{actor}");
    served.end().await;
}

#[tokio::test]
async fn each_refusal_has_its_status_and_code() {
    let served = Served::new().await;
    let bad = files(&[drop_to("bad", "192.0.2.1".parse().unwrap())]);
    let (status, body) = served.post("/v1/flowspec/apply", body_of(&bad)).await;
    assert_eq!((status, code(&body)), (422, "refused"), "{body}");
    assert_eq!(body["error"]["plan"]["refused"][0]["policy"], "bad");
    assert_eq!(served.store.newest().await.unwrap(), None);

    let misspelt = files(&[drop_to("a", "203.0.113.1".parse().unwrap()).replace("ports", "prots")]);
    let (status, body) = served.post("/v1/flowspec/plan", body_of(&misspelt)).await;
    assert_eq!((status, code(&body)), (400, "bad-input"), "{body}");
    let diagnostic = &body["error"]["diagnostics"][0];
    assert_eq!(
        (diagnostic["file"].as_str(), diagnostic["line"].as_u64()),
        (Some("0.yaml"), Some(8))
    );
    assert!(diagnostic["help"].as_str().unwrap().contains("ports"), "{diagnostic}");
    assert!(diagnostic["excerpt"].as_str().unwrap().contains("prots"));

    let mut expecting = body_of(&a());
    expecting["expect"] = json!("sha256:0");
    for (method, path, body, expected) in [
        (Method::POST, "/v1/flowspec/apply", expecting.to_string(), (409, "conflict")),
        (Method::POST, "/v1/flowspec/apply", body_of(&[]).to_string(), (400, "bad-input")),
        (Method::POST, "/v1/flowspec/apply", "{".to_owned(), (400, "bad-input")),
        (Method::POST, "/v1/flowspec/apply", r#"{"file":[]}"#.to_owned(), (400, "bad-input")),
        (Method::POST, "/v1/flowspec/withdraw", "{}".to_owned(), (400, "bad-input")),
        (Method::POST, "/v1/flowspec/withdraw", r#"{"policies":["x"]}"#.into(), (404, "not-found")),
        (
            Method::POST,
            "/v1/flowspec/withdraw",
            r#"{"policies":["x"],"all":true}"#.into(),
            (400, "bad-input"),
        ),
        (Method::GET, "/v1/flowspec/apply", String::new(), (405, "method-not-allowed")),
        (Method::GET, "/v2", String::new(), (404, "not-found")),
        (Method::GET, "/v1/flowspec/revisions?limit=0", String::new(), (400, "bad-input")),
        (Method::GET, "/v1/flowspec/revisions?limt=1", String::new(), (400, "bad-input")),
        (Method::GET, "/v1/flowspec/revisions/x", String::new(), (400, "bad-input")),
        (Method::GET, "/v1/registry/lookup", String::new(), (400, "bad-input")),
        (Method::GET, "/v1/registry/lookup?q=", String::new(), (400, "bad-input")),
    ] {
        let (status, answer) =
            request(&served.socket, method.clone(), path, body.clone()).await.unwrap();
        assert_eq!((status, code(&answer)), expected, "{method} {path} {body}: {answer}");
        assert!(answer["error"]["message"].as_str().is_some_and(|m| !m.is_empty()));
    }
    assert!(served.world.ours().is_empty());
    served.end().await;
}

#[tokio::test]
async fn the_registry_answers() {
    let served = Served::new().await;
    let (_, body) = served.get("/v1/registry/endpoints?provider=anthropic&kind=api").await;
    let ids: Vec<_> = body["endpoints"].as_array().unwrap().iter().map(|e| &e["id"]).collect();
    assert!(ids.contains(&&json!("anthropic/api")), "{ids:?}");
    let all = body["endpoints"].as_array().unwrap();
    assert!(all.iter().all(|e| e["provider"] == "anthropic" && e["kind"] == "api"));
    let (_, every) = served.get("/v1/registry/endpoints").await;
    assert!(every["endpoints"].as_array().unwrap().len() > all.len());
    let (_, body) =
        served.get("/v1/registry/lookup?q=api.openai.com&q=160.79.104.10&q=203.0.113.7").await;
    let results = body["results"].as_array().unwrap();
    assert_eq!(results[0]["hits"][0]["endpoint"]["provider"], "openai");
    assert_eq!((&results[1]["kind"], &results[2]["hits"]), (&json!("address"), &json!([])));
    served.end().await;
}

#[tokio::test]
async fn questions_by_the_line_are_answered_in_their_order() {
    let served = Served::new().await;
    let ask = async |body: Vec<u8>| {
        let response = raw(&served.socket, Method::POST, LINES, body).await?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(response.into_parts())
    };
    const LINES: &str = "/v1/registry/lookup-lines";
    // More answers than are made at once; a line that is none does not lose its place.
    let line = |number: usize| match number % 4 {
        0 => "160.79.104.10".to_owned(),
        1 => format!("  no{number}.example\r"),
        2 => format!("word{number}"),
        _ => String::new(),
    };
    let count = 20_000;
    let questions: Vec<String> = (0..count).map(line).collect();
    let (head, octets) = ask(questions.join("\n").into_bytes()).await.unwrap();
    assert_eq!(head.status.as_u16(), 200);
    assert_eq!(head.headers["content-type"], "application/x-ndjson");
    let (_, all) = served.get("/v1/registry/endpoints").await;
    assert_eq!(head.headers["sark-registry-version"], *all["version"].as_str().unwrap());
    let text = std::str::from_utf8(&octets).unwrap();
    let answers: Vec<sark_api::BriefAnswer<'_>> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // The last question is empty and without an end of line: it is no line.
    assert_eq!(answers.len(), count - 1);
    for (number, answer) in answers.iter().enumerate() {
        assert_eq!(answer.query, questions[number].trim());
        assert_eq!(answer.endpoint.as_deref(), (number % 4 == 0).then_some("anthropic/api"));
        assert_eq!(answer.problem.is_some(), number % 4 > 1, "{answer:?}");
    }
    let (head, octets) = ask(Vec::new()).await.unwrap();
    assert_eq!((head.status.as_u16(), octets.len()), (200, 0));
    let (head, _) = ask(vec![b'a', 0xff]).await.unwrap();
    assert_eq!(head.status.as_u16(), 400);
    if let Ok((head, _)) = ask(vec![b'\n'; 5 << 20]).await {
        assert_eq!(head.status.as_u16(), 413);
    }
    served.end().await;
}

#[tokio::test]
async fn a_user_without_the_right_is_refused() {
    let nobody = |mut api: sark_controller::api::Api| {
        let other = (u32::MAX - 1, Rights::of([Role::Admin]));
        api.users = Arc::new(Users::only([other]));
        api
    };
    let served = Served::with(nobody, u32::MAX).await;
    for path in ["/v1/status", "/metrics", "/nothing"] {
        let (status, body) = served.get(path).await;
        assert_eq!((status, code(&body)), (403, "forbidden"), "{path}");
    }
    let mode = std::fs::metadata(&served.socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    served.end().await;
}

#[tokio::test]
async fn a_hostile_body_is_refused_without_being_read() {
    let served = Served::new().await;
    let huge = vec![b' '; 100 << 20];
    // The server answers and closes while the client still writes: either end may see it first.
    if let Ok((status, body)) =
        request(&served.socket, Method::POST, "/v1/flowspec/apply", huge).await
    {
        assert_eq!((status, code(&body)), (413, "too-large"));
    }
    // Without a length the limit holds as well.
    let (status, body) = chunked(&served.socket, 5 << 20).await;
    assert_eq!((status, code(&body)), (413, "too-large"));
    // Deep JSON, and YAML that grows.
    let deep = format!(r#"{{"files":{}"#, "[".repeat(100_000));
    assert_eq!(
        request(&served.socket, Method::POST, "/v1/flowspec/plan", deep).await.unwrap().0,
        400
    );
    let bomb = (1..9).fold("a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, n| {
        let item = format!("*a{}", n - 1);
        format!("{text}a{n}: &a{n} [{}]\n", [item.as_str(); 9].join(","))
    });
    let (status, body) = served.post("/v1/flowspec/plan", body_of(&files(&[bomb]))).await;
    assert_eq!((status, code(&body)), (400, "bad-input"), "{body}");
    assert_eq!(served.get("/healthz").await.0, 200);
    served.end().await;
}

async fn chunked(socket: &Path, octets: usize) -> (u16, Value) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let stream = tokio::net::UnixStream::connect(socket).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let send = async move {
        let head =
            "POST /v1/flowspec/plan HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
        writer.write_all(head.as_bytes()).await.unwrap();
        let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
        for _ in 0..octets.div_ceil(0x10000) {
            // The server may have closed it already.
            if writer.write_all(chunk.as_bytes()).await.is_err() {
                break;
            }
        }
        writer
    };
    let receive = async {
        let mut answer = vec![0; 4096];
        let length = reader.read(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer[..length]).into_owned()
    };
    let (_writer, answer) = tokio::join!(send, receive);
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap())
}

#[tokio::test]
async fn a_full_disk_refuses_the_change_and_keeps_the_rules() {
    let served = Served::with(|api| api, 80).await;
    let (status, body) = served.post("/v1/flowspec/apply", body_of(&a())).await;
    assert_eq!(status, 200, "{body}");
    let mut large = many(20);
    large[0].text.push_str(&format!("# {}\n", "x".repeat(600_000)));
    let (status, body) = served.post("/v1/flowspec/apply", body_of(&large)).await;
    assert_eq!((status, code(&body)), (503, "unavailable"), "{body}");
    assert_eq!(served.world.ours().len(), 1, "nothing was announced");
    assert_eq!(served.store.newest().await.unwrap(), Some(1));
    let (status, body) = served.post("/v1/flowspec/apply", body_of(&a())).await;
    assert_eq!((status, &body["changed"]), (200, &json!(false)), "{body}");
    served.end().await;
}

#[tokio::test]
async fn without_a_speaker_it_is_degraded_and_not_dead() {
    let served = Served::new().await;
    let peer = |state| PeerStatus {
        address: "192.0.2.11".parse().unwrap(),
        asn: 64601,
        state,
        flaps: 3,
        advertised: (0, 0),
    };
    served.world.speaker.set_peer(peer(PeerState::Active));
    let (_, body) = served.get("/v1/status").await;
    let status: StatusResponse = serde_json::from_value(body).unwrap();
    assert_eq!((status.peers[0].state.as_str(), status.peers[0].flaps), ("active", 3));
    assert!(status.problems.iter().any(|p| p.code == "peer-down"));
    served.world.speaker.set_peer(peer(PeerState::Established));
    let (_, body) = served.get("/v1/status").await;
    assert_eq!(body["problems"], json!([]));
    assert_eq!(served.get("/readyz").await.0, 200);

    served.world.speaker.set_fault(Some(Fault::Pending));
    let begun = std::time::Instant::now();
    let (status, body) = served.get("/v1/status").await;
    assert_eq!((status, &body["speaker"]["reachable"]), (200, &json!(false)));
    assert_eq!(body["peers"][0]["state"], "unknown");
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(served.get("/readyz").await.0, 503);
    assert_eq!(served.get("/healthz").await.0, 200);
    let (status, body) = served.get("/v1/flowspec/rules").await;
    assert_eq!((status, &body["observed"]), (200, &json!(false)));
    served.world.speaker.set_fault(None);
    served.end().await;
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_stop_its_change() {
    let served = Served::new().await;
    served.world.speaker.set_fault(Some(Fault::Unreachable));
    let body = body_of(&a());
    let impatient = served.post("/v1/flowspec/apply", body);
    let _ = tokio::time::timeout(Duration::from_millis(300), impatient).await;
    served.world.speaker.set_fault(None);
    served.world.ours_are(1).await;
    served.end().await;
}

#[tokio::test]
async fn a_socket_that_is_taken_or_left_over() {
    let served = Served::new().await;
    let error = listen(&served.socket).unwrap_err();
    assert!(matches!(error, ListenError::Taken(_)), "{error}");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.sock");
    // As a process leaves it that was killed.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    drop(listen(&path).unwrap());
    assert!(!path.exists());
    std::fs::write(&path, "precious").unwrap();
    let error = listen(&path).unwrap_err();
    assert!(matches!(error, ListenError::NotASocket(_)), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    served.end().await;
}

#[tokio::test]
async fn metrics_name_what_happened() {
    let served = Served::new().await;
    served.post("/v1/flowspec/apply", body_of(&a())).await;
    served.get("/metrics").await;
    let text = served.world.api.metrics.text();
    for line in [
        "sark_changes_total{event=\"flowspec.apply\",outcome=\"ok\"} 1",
        "sark_rules{state=\"in-place\"} 1",
        "sark_revision 1",
        "sark_speaker_up 1",
        "sark_peer_up{peer=\"edge1\"} 0",
        "sark_api_requests_total{route=\"/v1/flowspec/apply\",status=\"200\"} 1",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    served.end().await;
}
