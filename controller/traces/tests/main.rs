//! Spans on their way to a collector, which OpenTelemetry's own package reads.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use sark_core::secret::{Secret, SecretRef};
use sark_core::{Clock as _, SystemClock};
use sark_traces::test_util::{Collector, decoded};
use sark_traces::{
    Kind, MOST_SPANS, Pace, Parent, Sample, Service, Trace, TraceMetrics, Tracer, TracesConfig,
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Sends soon, and tries again soon.
const QUICK: Pace = Pace {
    waiting: 1000,
    batch: 100,
    every: Duration::from_millis(20),
    within: Duration::from_secs(20),
    backoff: Duration::from_millis(20),
    last: Duration::from_secs(20),
};

struct Exporting {
    tracer: Tracer,
    metrics: Arc<TraceMetrics>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Exporting {
    fn to(url: &str, sample: f64, pace: Pace) -> Self {
        Self::of(&config(url, sample), pace)
    }

    fn of(config: &TracesConfig, pace: Pace) -> Self {
        let metrics = Arc::<TraceMetrics>::default();
        let secrets = |reference: &SecretRef| match reference {
            SecretRef::File(path) => {
                Ok(Secret::new(std::fs::read_to_string(path).map_err(|e| e.to_string())?))
            }
            _ => Err("no file".to_owned()),
        };
        let service = Service { name: "sark-test", version: "1.2.3", instance: "edge-1" };
        let (tracer, exporter) = config.build(service, &secrets, pace, &metrics).unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(exporter.run(stop.clone()));
        Self { tracer, metrics, stop, task }
    }

    fn begin(&self, parent: Option<&str>) -> Trace {
        let parent = parent.map(|parent| Parent::parse(parent.as_bytes()).unwrap());
        self.tracer.begin("GET", parent, SystemClock.now())
    }

    async fn end(self) -> Arc<TraceMetrics> {
        self.stop.cancel();
        self.task.await.unwrap();
        self.metrics
    }
}

fn config(url: &str, sample: f64) -> TracesConfig {
    TracesConfig {
        otlp: url.to_owned(),
        sample: Sample::new(sample).unwrap(),
        of_clients_per_second: 50,
        headers: [].into(),
        ca_file: None,
    }
}

fn named<'a>(spans: &'a [Value], name: &str) -> &'a Value {
    let mut found = spans.iter().filter(|span| span["name"] == name);
    let one = found.next().unwrap_or_else(|| panic!("no {name}: {spans:#?}"));
    assert!(found.next().is_none(), "{name} twice: {spans:#?}");
    one
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_is_what_it_is_by_the_specifications_own_messages() {
    let collector = Collector::start(&[]).await.unwrap();
    let exporting = Exporting::to(&collector.url(), 1.0, QUICK);
    let trace = exporting.begin(Some(PARENT));
    trace.rename(|| "chat gpt-4o".to_owned());
    trace.about(|span| {
        span.set("http.request.method", "POST").set("http.response.status_code", 200_u16);
        span.set("gen_ai.response.finish_reasons", vec!["stop".to_owned()]);
    });
    let mut exchange = trace.start("POST", Kind::Client);
    drop(exchange.start("connect", Kind::Internal));
    exchange.about(|span| _ = span.failed("closed"));
    drop(trace);
    drop(exchange);
    let spans = collector.spans(3).await.unwrap();
    exporting.end().await;

    let (root, exchange, connect) =
        (named(&spans, "chat gpt-4o"), named(&spans, "POST"), named(&spans, "connect"));
    assert_eq!(spans.len(), 3);
    for span in &spans {
        assert_eq!(span["trace"], "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(
            span["service"],
            json!({ "service.name": "sark-test", "service.version": "1.2.3", "service.instance.id": "edge-1" })
        );
    }
    // It goes on from another program's span; the others from spans of this one.
    assert_eq!((&root["parent"], &root["flags"]), (&json!("b7ad6b7169203331"), &json!(0x301)));
    assert_eq!((&exchange["parent"], &exchange["flags"]), (&root["id"], &json!(0x101)));
    assert_eq!((&connect["parent"], &connect["flags"]), (&exchange["id"], &json!(0x101)));
    let kinds = [root, exchange, connect].map(|span| span["kind"].as_str().unwrap().to_owned());
    assert_eq!(kinds, ["SPAN_KIND_SERVER", "SPAN_KIND_CLIENT", "SPAN_KIND_INTERNAL"]);
    assert_eq!(
        root["attributes"],
        json!({ "http.request.method": "POST", "http.response.status_code": 200,
                "gen_ai.response.finish_reasons": ["stop"] })
    );
    assert_eq!(exchange["status"], "STATUS_CODE_ERROR");
    assert_eq!(exchange["attributes"], json!({ "error.type": "closed" }));
    assert_eq!(root["status"], "STATUS_CODE_UNSET");
    let time = |span: &Value, what: &str| span[what].as_u64().unwrap();
    for (outer, inner) in [(root, exchange), (exchange, connect)] {
        assert!(time(outer, "start") <= time(inner, "start"), "{spans:#?}");
        assert!(time(outer, "end") >= time(inner, "end"), "{spans:#?}");
    }
    let received = &collector.received()[0];
    assert!(received.head.starts_with("POST /v1/traces HTTP/1.1"), "{}", received.head);
    assert!(received.head.contains("content-type: application/x-protobuf"), "{}", received.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_chosen_is_kept_only_if_it_is_worth_seeing() {
    let collector = Collector::start(&[]).await.unwrap();
    let exporting = Exporting::to(&collector.url(), 0.0, QUICK);
    for _ in 0..100 {
        drop(exporting.begin(None));
    }
    let kept = exporting.begin(None);
    kept.rename(|| "kept".to_owned());
    kept.keep();
    drop(kept);
    let failed = exporting.begin(None);
    failed.rename(|| "failed".to_owned());
    failed.failed("late");
    drop(failed);
    // A client's choice is not changed.
    let of_client = exporting.begin(Some(PARENT));
    of_client.rename(|| "of client".to_owned());
    drop(of_client);
    let metrics = exporting.end().await;
    let spans = decoded(&collector.received()).unwrap();
    assert_eq!((spans.len(), metrics.exported()), (3, 3), "{spans:#?}");
    assert_eq!(named(&spans, "failed")["status"], "STATUS_CODE_ERROR");
    assert_eq!(named(&spans, "kept")["flags"], 0x100, "not sampled, and nobody's child");
    named(&spans, "of client");

    let collector = Collector::start(&[]).await.unwrap();
    let exporting = Exporting::to(&collector.url(), 1.0, QUICK);
    for _ in 0..100 {
        drop(exporting.begin(None));
    }
    drop(exporting.begin(Some(&PARENT.replace("-01", "-00"))));
    let metrics = exporting.end().await;
    assert_eq!(metrics.exported(), 100);
    let spans = decoded(&collector.received()).unwrap();
    let mut traces: Vec<_> = spans.iter().map(|span| span["trace"].to_string()).collect();
    traces.sort_unstable();
    traces.dedup();
    assert_eq!(traces.len(), 100, "each is another");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_have_so_many_kept_and_no_more_whatever_they_say() {
    let collector = Collector::start(&[]).await.unwrap();
    // Nothing of a client's choice counts, so that no second that passes gives another one.
    let config = TracesConfig { of_clients_per_second: 0, ..config(&collector.url(), 1.0) };
    let exporting = Exporting::of(&config, QUICK);
    // By its id it would be kept, and the client chose that too.
    let parent = PARENT.replace("80319c-", "ffffff-");
    for _ in 0..1000 {
        drop(exporting.begin(Some(&parent)));
    }
    let failed = exporting.begin(Some(&parent));
    failed.rename(|| "failed".to_owned());
    failed.failed("late");
    drop(failed);
    // Those that are not of such a client are kept as they are to be.
    let own = exporting.begin(None);
    own.rename(|| "own".to_owned());
    drop(own);
    let metrics = exporting.end().await;
    let spans = decoded(&collector.received()).unwrap();
    assert_eq!((spans.len(), metrics.requests_unheeded()), (2, 1001), "{spans:#?}");
    assert_eq!(named(&spans, "failed")["flags"], 0x300, "not sampled, and a child of another's");
    assert_eq!(named(&spans, "own")["flags"], 0x101);
    assert_eq!(metrics.dropped("full"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_help_is_tried_once_more_and_what_does_not_is_counted() {
    let unready = "503 Service Unavailable\r\nretry-after: 0";
    for (says, tries, exported, dropped) in [
        (&["429 Too Many Requests", "200 OK"][..], 2, 1, None),
        (&[unready, "502 Bad Gateway"], 2, 0, Some("away")),
        (&["400 Bad Request"], 1, 0, Some("refused")),
        (&["307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/"], 1, 0, Some("refused")),
    ] {
        let collector = Collector::start(says).await.unwrap();
        let exporting = Exporting::to(&collector.url(), 1.0, QUICK);
        drop(exporting.begin(None));
        while exporting.metrics.exported() == 0
            && ["away", "refused"].iter().all(|why| exporting.metrics.dropped(why) == 0)
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let metrics = exporting.end().await;
        assert_eq!(collector.received().len(), tries, "{says:?}");
        assert_eq!(metrics.exported(), exported, "{says:?}");
        for why in ["away", "refused", "full", "ended"] {
            assert_eq!(metrics.dropped(why), u64::from(dropped == Some(why)), "{says:?}: {why}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector_memory_is_bounded_and_all_is_counted() {
    // A listener that takes connections and says nothing.
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    let pace = Pace { waiting: 8, batch: 4, within: Duration::from_millis(200), ..QUICK };
    let exporting = Exporting::to(&url, 1.0, pace);
    for _ in 0..1000 {
        let trace = exporting.begin(None);
        drop(trace.start("decide", Kind::Internal));
    }
    let metrics = &exporting.metrics;
    // But for those that wait, and the few that were on their way.
    assert!(metrics.dropped("full") >= 1000, "{}", metrics.dropped("full"));
    let metrics = exporting.end().await;
    assert_eq!(metrics.exported(), 0);
    let dropped = ["full", "away", "ended"].map(|why| metrics.dropped(why));
    assert_eq!(dropped.iter().sum::<u64>(), 2000, "{dropped:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_at_the_end_is_sent_and_what_comes_after_it_is_counted() {
    let collector = Collector::start(&[]).await.unwrap();
    let pace = Pace { every: Duration::from_secs(3600), ..QUICK };
    let exporting = Exporting::to(&collector.url(), 1.0, pace);
    for _ in 0..150 {
        drop(exporting.begin(None));
    }
    let late = exporting.begin(None);
    let metrics = exporting.end().await;
    assert_eq!(metrics.exported(), 150);
    assert_eq!(decoded(&collector.received()).unwrap().len(), 150);
    drop(late);
    assert_eq!(metrics.dropped("ended"), 1);
}

/// A collector that has been sent a span and does not answer; 250 more wait.
async fn stuck(pace: Pace) -> (tokio::net::TcpStream, Exporting) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let exporting = Exporting::to(&url, 1.0, pace);
    drop(exporting.begin(None));
    let (stream, _) = listener.accept().await.unwrap();
    stream.readable().await.unwrap();
    for _ in 0..250 {
        drop(exporting.begin(None));
    }
    (stream, exporting)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_its_way_when_the_end_has_no_more_time_is_counted() {
    let pace = Pace { last: Duration::from_millis(20), ..QUICK };
    let (_stream, exporting) = stuck(pace).await;
    let metrics = exporting.end().await;
    assert_eq!((metrics.dropped("ended"), metrics.exported()), (251, 0));

    // However it is ended.
    let (_stream, exporting) = stuck(QUICK).await;
    exporting.task.abort();
    assert!(exporting.task.await.unwrap_err().is_cancelled());
    assert_eq!(exporting.metrics.dropped("ended"), 251);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_does_not_take_spans_at_the_end_is_sent_no_more() {
    let (stream, exporting) = stuck(QUICK).await;
    exporting.stop.cancel();
    stream.writable().await.unwrap();
    stream.try_write(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n").unwrap();
    let metrics = exporting.end().await;
    let dropped = ["away", "ended"].map(|why| metrics.dropped(why));
    assert_eq!((dropped, metrics.exported()), ([1, 250], 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_for_the_collector_alone_and_what_is_long_is_cut() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    std::fs::write(&path, "Bearer s3cret").unwrap();
    let collector = Collector::start(&[]).await.unwrap();
    let reference = SecretRef::parse(&format!("file:{}", path.display()));
    let headers = [("authorization".to_owned(), reference)].into();
    let config = TracesConfig { headers, ..config(&collector.url(), 1.0) };
    assert_eq!(config.check(), Vec::<String>::new());
    assert!(!format!("{config:?}").contains("s3cret"));
    let exporting = Exporting::of(&config, QUICK);
    assert!(!format!("{:?}", exporting.tracer).contains("s3cret"));
    let trace = exporting.begin(None);
    for _ in 0..MOST_SPANS + 5 {
        trace
            .start("decide", Kind::Internal)
            .about(|span| _ = span.set("sark.rule", "x".repeat(5000)));
    }
    drop(trace);
    let spans = collector.spans(MOST_SPANS).await.unwrap();
    exporting.end().await;
    assert_eq!(spans.len(), MOST_SPANS);
    assert_eq!(named(&spans, "GET")["attributes"]["sark.spans.left_out"], 6);
    let received = &collector.received()[0];
    assert!(received.head.contains("authorization: Bearer s3cret"), "{}", received.head);
    assert!(!received.body.windows(6).any(|six| six == b"s3cret"));
    assert!(received.body.len() < MOST_SPANS * 400, "{}", received.body.len());

    std::fs::write(&path, "s3cret\u{1}").unwrap();
    let secrets = |_: &SecretRef| Ok(Secret::new("s3cret\u{1}".to_owned()));
    let service = Service { name: "n", version: "v", instance: "i" };
    let error = config.build(service, &secrets, QUICK, &Arc::default()).unwrap_err();
    assert!(error.to_string().contains("cannot be in a header"), "{error}");
    assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
}

#[test]
fn what_is_off_does_nothing() {
    let trace = Tracer::off().begin("GET", None, SystemClock.now());
    trace.about(|_| panic!("nobody asked"));
    trace.rename(|| panic!("nobody asked"));
    let mut open = trace.start("decide", Kind::Internal);
    open.about(|_| panic!("nobody asked"));
    assert!(!trace.is_on());
}
