//! Answers that are not whole, in traces: whose doing it was.

use std::net::SocketAddr;
use std::time::Duration;

use sark_traces::test_util::{Collector, decoded};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::traced::Traced;
use crate::world::{NAME, Options, chat};

/// What it says of itself is more than it says.
const HALF: &str = "HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\n\
    content-length: 1000\r\n\r\n{\"error\":";
/// All that its protocol has, and the body goes on.
const DONE: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
    content-length: 1000\r\n\r\n\
    data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

/// A server without TLS that answers by the model it is asked for.
async fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut asked = String::new();
                let mut octets = [0; 4096];
                while !asked.contains("\"model\"") {
                    let read = stream.read(&mut octets).await.unwrap();
                    assert_ne!(read, 0, "{asked}");
                    asked.push_str(&String::from_utf8_lossy(&octets[..read]));
                }
                let is = |model: &str| asked.contains(model);
                let says = if is("patient") {
                    ""
                } else if is("done") {
                    DONE
                } else {
                    HALF
                };
                stream.write_all(says.as_bytes()).await.unwrap();
                if !is("breaks") {
                    // Until nobody listens any more.
                    while stream.read(&mut octets).await.is_ok_and(|read| read > 0) {}
                }
            });
        }
    });
    address
}

/// Asks this model, and leaves when the answer is as far as that.
async fn ask(address: SocketAddr, model: &str, until: Option<&str>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let body = chat(model, true);
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {NAME}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let (mut answer, mut octets) = (String::new(), [0; 4096]);
    while until.is_none_or(|until| !answer.contains(until)) {
        match stream.read(&mut octets).await {
            Ok(read) if read > 0 => answer.push_str(&String::from_utf8_lossy(&octets[..read])),
            _ => return,
        }
    }
}

/// The first span of the trace of each of these models: its status, and what went wrong.
async fn told(collector: &Collector, models: &[&str]) -> Vec<(String, String, Value)> {
    for _ in 0..300 {
        let spans = decoded(&collector.received()).unwrap();
        let roots = spans.iter().filter(|span| span["kind"] == "SPAN_KIND_SERVER");
        let mut roots: Vec<_> = roots
            .map(|span| {
                let said = |key: &str| span["attributes"][key].clone();
                let model = said("gen_ai.request.model").as_str().unwrap().to_owned();
                let status = span["status"].as_str().unwrap().trim_start_matches("STATUS_CODE_");
                (model, status.to_owned(), said("error.type"))
            })
            .collect();
        if models.iter().all(|model| roots.iter().any(|root| root.0 == *model)) {
            roots.sort_by_key(|root| root.0.clone());
            return roots;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("not all of {models:?}: {:#?}", decoded(&collector.received()));
}

fn one(model: &str, status: &str, error: impl Into<Value>) -> (String, String, Value) {
    (model.to_owned(), status.to_owned(), error.into())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_is_told_from_a_server_that_breaks_off() {
    for sample in [1.0, 0.0] {
        let collector = Collector::start(&[]).await.unwrap();
        let traced =
            Traced::with(&collector.url(), sample, &["http/1.1"], Options::default()).await;
        let address = traced.world.listen(Some(server().await)).await;
        let waits = tokio::spawn(ask(address, "patient", Some("never said")));
        ask(address, "leaves", Some("error")).await;
        ask(address, "done", Some("[DONE]")).await;
        traced.world.records("proxy.answer", 2).await;
        traced.world.records("decision.llm", 3).await;
        waits.abort();
        let _ = waits.await;
        ask(address, "breaks", None).await;
        let expected = [
            one("breaks", "ERROR", "broken_off"),
            one("done", "UNSET", Value::Null),
            one("leaves", "ERROR", "client_gone"),
            one("patient", "ERROR", "client_gone"),
        ];
        if sample > 0.0 {
            let found = told(&collector, &["breaks", "done", "leaves", "patient"]).await;
            assert_eq!(found, expected);
        } else {
            // What clients cause is not kept whatever is chosen.
            assert_eq!(told(&collector, &["breaks"]).await, expected[..1]);
        }
        traced.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_falls_silent_broke_off() {
    let collector = Collector::start(&[]).await.unwrap();
    let options = Options { quiet: Some(Duration::from_millis(300)), ..Options::default() };
    let traced = Traced::with(&collector.url(), 0.0, &["http/1.1"], options).await;
    let address = traced.world.listen(Some(server().await)).await;
    ask(address, "silent", None).await;
    assert_eq!(told(&collector, &["silent"]).await, [one("silent", "ERROR", "broken_off")]);
    traced.end().await;
}
