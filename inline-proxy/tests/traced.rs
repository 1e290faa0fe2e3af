//! Requests as traces: what a collector is sent, read by OpenTelemetry's own package.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use sark_core::secret::Secret;
use sark_detect::framing::websocket::Kind;
use sark_traces::test_util::{Collector, decoded};
use sark_traces::{Pace, Sample, Service, TraceMetrics, TracesConfig};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::client::Client;
use crate::server::Server;
use crate::sessions::{Session, masked};
use crate::world::{NAME, Options, World, chat};

const PATH: &str = "/v1/chat/completions";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

pub struct Traced {
    server: Server,
    pub world: World,
    address: SocketAddr,
    metrics: Arc<TraceMetrics>,
    stop: CancellationToken,
    exporting: JoinHandle<()>,
}

impl Traced {
    async fn new(collector: &str, sample: f64, protocols: &[&str]) -> Self {
        Self::with(collector, sample, protocols, Options::default()).await
    }

    pub async fn with(collector: &str, sample: f64, protocols: &[&str], options: Options) -> Self {
        let config = TracesConfig {
            otlp: collector.to_owned(),
            sample: Sample::new(sample).unwrap(),
            of_clients_per_second: 50,
            headers: [].into(),
            ca_file: None,
        };
        let pace = Pace {
            every: Duration::from_millis(20),
            backoff: Duration::from_millis(20),
            ..Pace::default()
        };
        let (metrics, stop) = (Arc::<TraceMetrics>::default(), CancellationToken::new());
        let service = Service { name: "sark-proxy", version: "1", instance: "test" };
        let secrets = |_: &_| Ok(Secret::new(String::new()));
        let (tracer, exporter) = config.build(service, &secrets, pace, &metrics).unwrap();
        let exporting = tokio::spawn(exporter.run(stop.clone()));
        let server = Server::start(protocols).await;
        let roots = vec![server.root.clone()];
        let world = World::new(Options { tracer, server_roots: roots, ..options }).await;
        let address = world.listen(Some(server.address)).await;
        Self { server, world, address, metrics, stop, exporting }
    }

    pub async fn client(&self, protocol: &str) -> Client {
        Client::connect(self.address, NAME, &self.world.root, &[protocol]).await
    }

    /// Nothing more is asked: what waits is sent.
    pub async fn end(self) -> Arc<TraceMetrics> {
        self.stop.cancel();
        self.exporting.await.unwrap();
        self.metrics
    }
}

fn named<'a>(spans: &'a [Value], name: &str) -> &'a Value {
    let mut found = spans.iter().filter(|span| span["name"] == name);
    let one = found.next().unwrap_or_else(|| panic!("no {name}: {spans:#?}"));
    assert!(found.next().is_none(), "{name} twice: {spans:#?}");
    one
}

fn time(span: &Value, what: &str) -> u64 {
    span[what].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_streamed_call_goes_on_from_its_clients_trace_and_is_told_in_spans() {
    for protocol in ["http/1.1", "h2"] {
        let collector = Collector::start(&[]).await.unwrap();
        let traced = Traced::new(&collector.url(), 0.0, &["h2", "http/1.1"]).await;
        let mut client = traced.client(protocol).await;
        let asked = chat("gpt-4o", true).replace("How many", "s3cret-prompt How many");
        let mut request = client.request("POST", NAME, &format!("{PATH}?key=s3cret-query"), &asked);
        let sent = format!("00-{TRACE}-{SPAN}-01");
        for (name, value) in [
            ("traceparent", sent.as_str()),
            ("tracestate", "vendor=s3cret-state"),
            ("authorization", "Bearer s3cret-key"),
            ("cookie", "s3cret-cookie"),
            ("user-agent", "s3cret-agent"),
        ] {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let answer = client.send(request).await;
        assert_eq!(answer.status(), 200);
        let answer = answer.into_body().collect().await.unwrap().to_bytes();
        let spans = collector.spans(6).await.unwrap();

        // Of it nothing is changed for the server, and nothing is added to what it gets.
        let seen = traced.server.seen();
        assert_eq!(seen[0].headers["traceparent"], sent);
        assert_eq!(seen[0].headers["tracestate"], "vendor=s3cret-state");
        for name in seen[0].headers.keys() {
            assert!(!name.as_str().contains("sark") && name != "baggage", "{name}");
        }

        let root = named(&spans, "chat gpt-4o");
        assert_eq!(spans.len(), 6, "{spans:#?}");
        let records = traced.world.records("proxy.answer", 1).await;
        let request = records[0].about.request.clone().unwrap();
        for (key, value) in [
            ("sark.request.id", Value::from(request)),
            ("http.request.method", "POST".into()),
            ("http.response.status_code", 200.into()),
            ("url.scheme", "https".into()),
            ("network.protocol.version", if protocol == "h2" { "2" } else { "1.1" }.into()),
            ("server.address", NAME.into()),
            ("client.address", "127.0.0.1".into()),
            ("gen_ai.operation.name", "chat".into()),
            ("gen_ai.provider.name", "openai".into()),
            ("gen_ai.request.model", "gpt-4o".into()),
            ("gen_ai.response.model", "gpt-4o".into()),
            ("gen_ai.usage.input_tokens", 12.into()),
            ("gen_ai.usage.output_tokens", 4.into()),
            ("sark.decision.action", "audit".into()),
            ("sark.rule", "models/seen".into()),
        ] {
            assert_eq!(root["attributes"][key], value, "{key}: {root:#?}");
        }
        assert_eq!((&root["trace"], &root["parent"]), (&TRACE.into(), &SPAN.into()));
        assert_eq!(
            (&root["kind"], &root["status"]),
            (&"SPAN_KIND_SERVER".into(), &"STATUS_CODE_UNSET".into())
        );

        let exchange = named(&spans, "POST");
        assert_eq!(exchange["kind"], "SPAN_KIND_CLIENT");
        assert_eq!(exchange["attributes"]["http.response.status_code"], 200);
        assert_eq!(exchange["attributes"]["server.address"], NAME);
        assert_eq!(exchange["attributes"]["server.port"], traced.server.address.port());
        assert_eq!(named(&spans, "connect")["parent"], exchange["id"]);
        let parts = ["read body", "decide", "POST", "answer"].map(|name| named(&spans, name));
        for part in parts {
            assert_eq!(
                (&part["parent"], &part["trace"]),
                (&root["id"], &TRACE.into()),
                "{part:#?}"
            );
            assert!(time(root, "start") <= time(part, "start"), "{spans:#?}");
            assert!(time(root, "end") >= time(part, "end"), "{spans:#?}");
        }
        // One after the other, and the answer until its last event.
        for pair in parts.windows(2) {
            assert!(time(pair[0], "end") <= time(pair[1], "start"), "{spans:#?}");
        }
        let decide = named(&spans, "decide");
        assert_eq!(decide["attributes"]["sark.rule"], "models/seen");

        // Nor is anything that was said in it on its way to the collector.
        let words = String::from_utf8(answer.to_vec()).unwrap();
        assert!(words.contains("words "), "{words}");
        for received in collector.received() {
            let octets = String::from_utf8_lossy(&received.body);
            for secret in ["s3cret", "How many", "words ", PATH, "127.0.0.2", "alice"] {
                assert!(!octets.contains(secret), "{secret}: {octets}");
            }
        }
        assert_eq!(traced.end().await.dropped("full"), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_denied_unreadable_or_fails_is_kept_and_the_rest_as_often_as_it_is_to_be() {
    let collector = Collector::start(&[]).await.unwrap();
    let traced = Traced::new(&collector.url(), 0.0, &["http/1.1"]).await;
    let mut client = traced.client("http/1.1").await;
    let (head, _) = client.post(NAME, PATH, &chat("gpt-4o", false)).await;
    assert_eq!(head.status(), 200);
    let (head, _) = client.post(NAME, PATH, &chat("forbidden", false)).await;
    assert_eq!(head.status(), 403);
    let denied = head.headers()["x-sark-request-id"].to_str().unwrap().to_owned();
    let (head, _) = client.post(NAME, PATH, "{\"model\":\"gpt-4o\",\"MODEL\":\"x\"}").await;
    assert_eq!(head.status(), 400);
    // A tool that may not be called: the answer is denied when it is there.
    let calls = chat("gpt-4o", true).replace(
        "\"stream\":true",
        "\"stream\":true,\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"rm\",\"parameters\":{}}}]",
    );
    let (head, body) = client.post(NAME, PATH, &calls).await;
    assert_eq!(head.status(), 200);
    assert!(body.contains("rm is no tool for you"), "{body}");
    // A server that breaks off.
    let (_, body) = client.post(NAME, PATH, &chat("broken", true)).await;
    assert!(body.contains("broke off"), "{body}");
    drop(client);
    let records = traced.world.records("proxy.answer", 3).await;
    assert_eq!(records.len(), 3);
    traced.world.proxy.tasks.close();
    traced.world.proxy.tasks.wait().await;
    traced.end().await;
    let spans = decoded(&collector.received()).unwrap();

    let roots: Vec<&Value> =
        spans.iter().filter(|span| span["kind"] == "SPAN_KIND_SERVER").collect();
    assert_eq!(roots.len(), 4, "the one that was allowed and answered is not kept: {spans:#?}");
    let [denied_root, unreadable, stopped, broken] = roots[..] else { unreachable!() };
    let said = |span: &Value, key: &str| span["attributes"][key].clone();
    assert_eq!(denied_root["name"], "chat forbidden");
    assert_eq!(said(denied_root, "sark.request.id"), denied.as_str());
    assert_eq!(said(denied_root, "sark.decision.action"), "deny");
    assert_eq!(said(denied_root, "sark.rule"), "models/forbidden");
    assert_eq!(said(denied_root, "sark.refusal"), "sark_denied");
    assert_eq!(said(denied_root, "http.response.status_code"), 403);
    assert_eq!(
        (&denied_root["status"], &denied_root["parent"]),
        (&"STATUS_CODE_UNSET".into(), &"".into())
    );
    assert!(denied_root["trace"] != unreadable["trace"]);
    let of_denied: Vec<_> =
        spans.iter().filter(|span| span["trace"] == denied_root["trace"]).collect();
    let names: Vec<_> = of_denied.iter().map(|span| span["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["read body", "decide", "answer", "chat forbidden"], "no server was asked");
    assert_eq!(said(unreadable, "sark.refusal"), "sark_unreadable");
    assert_eq!(said(unreadable, "sark.rule"), Value::Null);
    assert_eq!(said(stopped, "sark.rule"), "models/tool");
    assert_eq!(said(stopped, "sark.refusal"), "sark_denied");
    assert_eq!(said(stopped, "http.response.status_code"), 200);
    assert_eq!(broken["status"], "STATUS_CODE_ERROR");
    assert_eq!(said(broken, "error.type"), "sark_upstream");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_are_kept_where_all_are_to_be_and_a_client_that_does_not_keep_its_own_is_heeded() {
    let collector = Collector::start(&[]).await.unwrap();
    let traced = Traced::new(&collector.url(), 1.0, &["http/1.1"]).await;
    let mut client = traced.client("http/1.1").await;
    for flags in ["00", "01"] {
        let mut request = client.request("POST", NAME, PATH, &chat("gpt-4o", false));
        let parent = format!("00-{TRACE}-{SPAN}-{flags}");
        request.headers_mut().insert("traceparent", parent.parse().unwrap());
        client.send(request).await.into_body().collect().await.unwrap();
    }
    // Two of them are none, and what nobody decides on is traced as well.
    let mut request = client.request("GET", NAME, "/big", "");
    for flags in ["00", "01"] {
        let parent = format!("00-{TRACE}-{SPAN}-{flags}");
        request.headers_mut().append("traceparent", parent.parse().unwrap());
    }
    client.send(request).await.into_body().collect().await.unwrap();
    let spans = collector.spans(6 + 4).await.unwrap();
    drop(client);
    traced.end().await;
    let roots: Vec<&Value> =
        spans.iter().filter(|span| span["kind"] == "SPAN_KIND_SERVER").collect();
    let [of_client, own] = roots[..] else { panic!("{roots:#?}") };
    assert_eq!((&of_client["trace"], &of_client["parent"]), (&TRACE.into(), &SPAN.into()));
    assert_ne!(own["trace"], TRACE);
    assert_eq!(own["parent"], "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_is_a_span_until_it_is_over() {
    // One that is closed, and kept with all others; one that is refused, and kept for that.
    for (sample, model, ended) in [(1.0, "gpt-5", "closed"), (0.0, "forbidden", "sark_denied")] {
        let collector = Collector::start(&[]).await.unwrap();
        let traced = Traced::new(&collector.url(), sample, &["http/1.1"]).await;
        let mut client = traced.client("http/1.1").await;
        let mut session = Session::open(&mut client, "/v1/responses").await.unwrap();
        session.say(&json!({ "type": "response.create", "model": model, "input": "x" })).await;
        session.answer().await;
        if ended == "closed" {
            session.stream.write_all(&masked(Kind::Close, &1000_u16.to_be_bytes())).await.unwrap();
        }
        session.closed().await;
        let record = traced.world.records("proxy.session", 1).await.remove(0);
        let spans = collector.spans(6).await.unwrap();
        assert_eq!(spans.len(), 6, "of what is said in it there is none: {spans:#?}");
        let session = named(&spans, "session");
        let root = spans.iter().find(|span| span["kind"] == "SPAN_KIND_SERVER").unwrap();
        assert_eq!(session["parent"], root["id"]);
        assert_eq!(session["attributes"], json!({ "sark.session.ended": ended }));
        assert_eq!(session["status"], "STATUS_CODE_UNSET");
        assert_eq!(record.detail["ended"], ended);
        let said = |key: &str| root["attributes"][key].clone();
        assert_eq!(said("http.response.status_code"), 101);
        let refusal = if ended == "closed" { Value::Null } else { "sark_denied".into() };
        assert_eq!((said("sark.refusal"), &root["status"]), (refusal, &"STATUS_CODE_UNSET".into()));
        let exchange = spans.iter().find(|span| span["kind"] == "SPAN_KIND_CLIENT").unwrap();
        assert!(time(exchange, "end") <= time(session, "start"), "{spans:#?}");
        assert!(time(session, "end") <= time(root, "end"), "{spans:#?}");
        let lasted = (time(session, "end") - time(session, "start")) / 1_000_000;
        assert!(lasted >= record.detail["milliseconds"].as_u64().unwrap(), "{spans:#?}");
        traced.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_takes_nothing_from_requests() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    // From now on nobody listens there.
    drop(nobody);
    let traced = Traced::new(&url, 1.0, &["h2", "http/1.1"]).await;
    let mut client = traced.client("h2").await;
    for _ in 0..20 {
        let (head, body) = client.post(NAME, PATH, &chat("gpt-4o", false)).await;
        assert_eq!(head.status(), 200, "{body}");
    }
    // Each of them is counted, when its answer has been let go.
    for _ in 0..600 {
        if traced.metrics.dropped("away") == 20 * 6 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    drop(client);
    let metrics = traced.end().await;
    assert_eq!((metrics.dropped("away"), metrics.exported()), (20 * 6, 0));
}
