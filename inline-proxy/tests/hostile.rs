//! Clients that want two readers to read two things, that are slow, or that are many.

use std::time::{Duration, Instant};

use http::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{Client, tls};
use crate::server::Server;
use crate::world::{NAME, Options, World, chat};

async fn world() -> (Server, World, std::net::SocketAddr) {
    let server = Server::start(&["h2", "http/1.1"]).await;
    let roots = vec![server.root.clone()];
    let world = World::new(Options { server_roots: roots, ..Options::default() }).await;
    let address = world.listen(Some(server.address)).await;
    (server, world, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_reads_two_ways_goes_nowhere() {
    let (server, world, address) = world().await;
    for head in [
        "POST / HTTP/1.1\r\nHost: api.openai.com\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "POST / HTTP/1.1\r\nHost: api.openai.com\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: api.openai.com\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: api.openai.com\r\nContent-Length : 5\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: api.openai.com\r\n Content-Length: 5\r\n\r\nhello",
        "GET / HTTP/1.1\r\nHost: api.openai.com\r\nHost: other.example\r\n\r\n",
        "GET /\x01 HTTP/1.1\r\nHost: api.openai.com\r\n\r\n",
    ] {
        let stream = TcpStream::connect(address).await.unwrap();
        let mut stream = tls(stream, NAME, &world.root, &["http/1.1"]).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        let read = stream.read(&mut answer).await.unwrap_or(0);
        let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
        assert!(answer.starts_with("HTTP/1.1 400"), "{head:?}: {answer}");
    }
    assert_eq!(server.seen().len(), 0);
}

/// RFC 9112 §6.3: with both the length goes, and so does the connection after it.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_lengths_one_goes_on() {
    let (server, world, address) = world().await;
    let stream = TcpStream::connect(address).await.unwrap();
    let mut stream = tls(stream, NAME, &world.root, &["http/1.1"]).await.unwrap();
    let head = "POST /first HTTP/1.1\r\nHost: api.openai.com\r\nContent-Length: 60\r\n\
                Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n\
                GET /second HTTP/1.1\r\nHost: api.openai.com\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.contains("connection: close"), "{answer}");
    let seen = server.seen();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!((seen[0].line.as_str(), &seen[0].body[..]), ("POST /first", &b"{}"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hello_and_the_request_name_one_host() {
    let (server, world, address) = world().await;
    for protocols in [&["h2"][..], &["http/1.1"]] {
        let mut client = Client::connect(address, NAME, &world.root, protocols).await;
        for host in ["api.anthropic.com", "site.example"] {
            let (head, _) = client.post(host, "/v1/messages", &chat("gpt-4o", false)).await;
            assert_eq!(head.status(), StatusCode::MISDIRECTED_REQUEST);
        }
    }
    assert_eq!(server.seen().len(), 0);
    let fronted = world.records("proxy.fronted", 4).await;
    assert_eq!(fronted[0].detail["name"], NAME);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_parsers_disagree_on_is_refused() {
    let (server, world, address) = world().await;
    let mut client = Client::connect(address, NAME, &world.root, &["h2"]).await;
    for body in [
        r#"{"model":"gpt-4o","model":"forbidden","messages":[]}"#,
        r#"{"model":"gpt-4o","messages":["#,
        "{\"model\":\"gpt-4o\",\"mod\\u0065l\":\"forbidden\"}",
    ] {
        let (head, answer) = client.post(NAME, "/v1/chat/completions", body).await;
        assert_eq!(head.status(), 400, "{body}: {answer}");
    }
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_slow_is_let_go_and_others_are_served() {
    let (_server, world, address) = world().await;
    let mut slow = Vec::new();
    for _ in 0..50 {
        // Half a hello, and half a request.
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc").await.unwrap();
        slow.push(stream);
    }
    let stream = TcpStream::connect(address).await.unwrap();
    let mut half = tls(stream, NAME, &world.root, &["http/1.1"]).await.unwrap();
    half.write_all(b"POST /v1/chat/completions HTTP/1.1\r\nHost: api.op").await.unwrap();
    let began = Instant::now();
    let mut client = Client::connect(address, NAME, &world.root, &["h2"]).await;
    let (head, _) = client.post(NAME, "/v1/chat/completions", &chat("gpt-4o", false)).await;
    assert_eq!(head.status(), 200);
    assert!(began.elapsed() < Duration::from_secs(1), "others wait");
    for mut stream in slow {
        // Closed, after a second.
        let mut rest = Vec::new();
        let within = Duration::from_secs(20);
        let closed = tokio::time::timeout(within, stream.read_to_end(&mut rest)).await;
        closed.expect("it was let go").ok();
    }
    let mut rest = Vec::new();
    let within = Duration::from_secs(20);
    let closed = tokio::time::timeout(within, half.read_to_end(&mut rest)).await;
    closed.expect("it was let go").ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_client_has_so_many_connections() {
    let server = Server::start(&["http/1.1"]).await;
    let world = World::new(Options {
        each: Some(2),
        server_roots: vec![server.root.clone()],
        ..Options::default()
    })
    .await;
    let address = world.listen(Some(server.address)).await;
    let first = Client::connect(address, NAME, &world.root, &["http/1.1"]).await;
    let _second = Client::connect(address, NAME, &world.root, &["http/1.1"]).await;
    let stream = TcpStream::connect(address).await.unwrap();
    assert!(tls(stream, NAME, &world.root, &["http/1.1"]).await.is_err());
    drop(first);
    for _ in 0..100 {
        let stream = TcpStream::connect(address).await.unwrap();
        if tls(stream, NAME, &world.root, &["http/1.1"]).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the place was not given back");
}
