//! What is refused without a decision is on record, and does not fill the trail.

use std::net::SocketAddr;
use std::time::Duration;

use sark_core::audit::{AuditRecord, Outcome};
use sark_core::storage::AuditStore as _;
use sark_inline_proxy::Budget;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{Client, tls};
use crate::server::Server;
use crate::world::{BUDGET, NAME, Options, World, chat};

const PATH: &str = "/v1/chat/completions";

/// Sends this and waits until the proxy is done with it; the address that it came from.
async fn garbage(address: SocketAddr, octets: &[u8]) -> SocketAddr {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(octets).await.unwrap();
    // Closed, or reset: both are an end.
    let _ = stream.read_to_end(&mut Vec::new()).await;
    stream.local_addr().unwrap()
}

/// Of these, the oldest first.
async fn oldest_first(world: &World, event: &str, many: usize) -> Vec<AuditRecord> {
    let mut records = world.records(event, many).await;
    records.reverse();
    records
}

fn reason(record: &AuditRecord) -> &str {
    record.detail["reason"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_a_few_records_and_a_number() {
    let server = Server::start(&["http/1.1"]).await;
    let world = World::new(Options::default()).await;
    let address = world.listen(Some(server.address)).await;
    // A record of TLS that is longer than one may be.
    let first = garbage(address, b"\x16\x03\x01\xff\xff\x01").await;
    for _ in 0..199 {
        garbage(address, b"\x16\x03\x01\xff\xff\x01").await;
    }
    world.proxy.tell_refusals(None);
    let flows = oldest_first(&world, "proxy.flow", 11).await;
    assert_eq!(flows.len(), 11);
    let flow = flows[0].about.flow.as_ref().unwrap();
    assert_eq!((flow.source, flow.destination), (first, server.address));
    assert_eq!(flows[0].detail["why"], "unreadable");
    assert_eq!(flows[10].detail["more"], 190);
    assert!(flows.iter().all(|flow| flow.outcome == Outcome::Refused && reason(flow) == "denied"));
    // Its next interval has begun, and another client's never ended.
    garbage(address, b"\x16\x03\x01\xff\xff\x01").await;
    assert_eq!(world.records("proxy.flow", 12).await.len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_reason_is_on_record() {
    let server = Server::start(&["http/1.1"]).await;
    let roots = vec![server.root.clone()];
    let world = World::new(Options { server_roots: roots, ..Options::default() }).await;
    let address = world.listen(Some(server.address)).await;
    for (head, wanted) in [
        // hyper reads it, and two servers would read two things.
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "http"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "head"),
        ("GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", "http"),
    ] {
        let stream = TcpStream::connect(address).await.unwrap();
        let mut stream = tls(stream, NAME, &world.root, &["http/1.1"]).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        let read = stream.read(&mut answer).await.unwrap();
        assert!(answer[..read].starts_with(b"HTTP/1.1 400"), "{wanted}");
    }
    let mut client = Client::connect(address, NAME, &world.root, &["http/1.1"]).await;
    let (head, _) = client.post(NAME, PATH, r#"{"model":"a","model":"b"}"#).await;
    assert_eq!(head.status(), 400);
    // Who does not believe our certificate says so.
    let stream = TcpStream::connect(address).await.unwrap();
    tls(stream, NAME, &server.root, &["http/1.1"]).await.unwrap_err();
    let refused = world.records("proxy.refused", 5).await;
    let mut reasons: Vec<_> = refused.iter().map(reason).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["body", "handshake", "head", "http", "http"], "{refused:#?}");
    for record in &refused {
        let flow = record.about.flow.as_ref().unwrap();
        assert_eq!(flow.destination, server.address);
        assert!(record.detail["ja4"].as_str().unwrap().starts_with("t13d"), "{record:?}");
        assert_eq!(record.about.user.as_deref(), Some("alice"));
        let has_id = ["body", "head"].contains(&reason(record));
        assert_eq!(record.about.request.is_some(), has_id, "{record:?}");
    }
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_work_is_on_record_once_for_many() {
    let server = Server::start(&["http/1.1"]).await;
    let roots = vec![server.root.clone()];
    let budget = Some(Budget { requests: 0, ..BUDGET });
    let options = Options { budget, server_roots: roots, ..Options::default() };
    let world = World::new(options).await;
    let address = world.listen(Some(server.address)).await;
    let mut client = Client::connect(address, NAME, &world.root, &["http/1.1"]).await;
    for _ in 0..50 {
        assert_eq!(client.post(NAME, PATH, &chat("gpt-4o", false)).await.0.status(), 503);
    }
    world.proxy.tell_refusals(None);
    let refused = oldest_first(&world, "proxy.refused", 11).await;
    assert!(refused.iter().all(|record| reason(record) == "overload"), "{refused:#?}");
    assert_eq!((refused.len(), &refused[10].detail["more"]), (11, &40.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_on_record() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let world = World::new(Options::default()).await;
    let address = world.listen(Some(nobody)).await;
    let mut client = Client::connect(address, NAME, &world.root, &["http/1.1"]).await;
    assert_eq!(client.post(NAME, PATH, &chat("gpt-4o", false)).await.0.status(), 502);
    // And one whose connection would have been spliced.
    let stream = TcpStream::connect(address).await.unwrap();
    tls(stream, "site.example", &world.root, &["http/1.1"]).await.unwrap_err();
    let records = oldest_first(&world, "proxy.unreachable", 2).await;
    for record in &records {
        assert_eq!(record.outcome, Outcome::Failed);
        assert_eq!(record.detail["target"], nobody.to_string());
        assert!(record.detail["why"].as_str().unwrap().contains("cannot connect"), "{record:?}");
        assert!(record.detail["ja4"].as_str().unwrap().starts_with("t13d"), "{record:?}");
    }
    assert!(records[0].about.request.is_some());
    let decided = world.store.records(100).await.unwrap();
    assert!(decided.iter().any(|record| record.event == "decision.llm"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_nothing_more_is_not_refused() {
    let server = Server::start(&["http/1.1"]).await;
    let roots = vec![server.root.clone()];
    let world = World::new(Options { server_roots: roots, ..Options::default() }).await;
    let address = world.listen(Some(server.address)).await;
    // One that is idle, then one that does not come to the end of its next head, and one whose head reads
    // two ways: their records come in this order.
    let after = [
        &b""[..],
        b"GET / HTTP/1.1\r\nHost: api.op",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    ];
    for after in after {
        let stream = TcpStream::connect(address).await.unwrap();
        let mut stream = tls(stream, NAME, &world.root, &["http/1.1"]).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: api.openai.com\r\n\r\n").await.unwrap();
        let mut answer = [0; 8];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1");
        let rest = async {
            stream.write_all(after).await.unwrap();
            stream.read_to_end(&mut Vec::new()).await
        };
        // Whoever is let go may see it as an error.
        let _ = tokio::time::timeout(Duration::from_secs(20), rest).await.expect("it is let go");
    }
    let refused = oldest_first(&world, "proxy.refused", 2).await;
    assert_eq!(refused.iter().map(reason).collect::<Vec<_>>(), ["http", "head"], "{refused:#?}");
}
