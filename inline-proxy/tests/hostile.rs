//! Clients that want two readers to read two things, that are slow, or that are many.

use std::time::{Duration, Instant};

use http::StatusCode;
use sark_inline_proxy::Budget;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{Client, tls};
use crate::server::Server;
use crate::world::{BUDGET, NAME, Options, World, chat};

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

const PATH: &str = "/v1/chat/completions";

/// Whoever waits until the proxy gives up waiting is read all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_hello_is_a_hello() {
    let (server, world, address) = world().await;
    let stream = TcpStream::connect(address).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let stream = tls(stream, NAME, &world.root, &["http/1.1"]).await.unwrap();
    let (head, _) = Client::on(stream).await.post(NAME, PATH, &chat("forbidden", false)).await;
    assert_eq!(head.status(), 403);
    assert_eq!(server.seen().len(), 0);
}

/// The name of the hello is the client's word; what it asked for is where octets go.
#[tokio::test(flavor = "multi_thread")]
async fn another_name_in_the_hello_hides_nothing() {
    let world = World::new(Options::default()).await;
    let proxy = world.listen(None).await;
    let mut stream = TcpStream::connect(proxy).await.unwrap();
    // 192.0.2.0/24 is documentation: nobody is asked before the names are compared.
    stream.write_all(b"CONNECT api.openai.com:443 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = vec![0; 1024];
    let read = stream.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    if !answer.starts_with("HTTP/1.1 200") {
        // Where the name cannot be resolved there is no tunnel to hide in.
        assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
        return;
    }
    let refused = tls(stream, "site.example", &world.root, &["http/1.1"]).await.unwrap_err();
    assert!(refused.to_string().contains("AccessDenied"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_header_turns_a_body_into_none() {
    let (server, world, address) = world().await;
    let body = chat("forbidden", false);
    let length = body.len();
    let forbidden = "403";
    let unreadable = "400";
    for (lines, status) in [
        // An upgrade of a POST is none.
        ("Connection: upgrade\r\nUpgrade: x\r\n".to_owned(), forbidden),
        // What the connection takes away was never there.
        ("Connection: content-type\r\nContent-Type: multipart/x\r\n".to_owned(), forbidden),
        ("Connection: content-encoding\r\nContent-Encoding: gzip\r\n".to_owned(), forbidden),
        ("Content-Type: multipart/x\r\n".to_owned(), unreadable),
        ("Content-Type: text/x\r\nContent-Type: application/json\r\n".to_owned(), unreadable),
        ("Content-Encoding: br\r\n".to_owned(), unreadable),
        ("Content-Encoding: gzip\r\n".to_owned(), unreadable),
        ("Content-Encoding: identity, gzip\r\n".to_owned(), unreadable),
    ] {
        let stream = TcpStream::connect(address).await.unwrap();
        let mut stream = tls(stream, NAME, &world.root, &["http/1.1"]).await.unwrap();
        let head = format!(
            "POST {PATH} HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: {length}\r\n{lines}\r\n{body}"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        let read = stream.read(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{lines:?}: {answer}");
    }
    // Longer than is read, and by another method.
    let mut client = Client::connect(address, NAME, &world.root, &["h2"]).await;
    let long = body.replace("forbidden", &format!("forbidden\",\"pad\":\"{}", "x".repeat(2 << 20)));
    let (head, answer) = client.post(NAME, PATH, &long).await;
    assert_eq!(head.status(), 400, "{answer}");
    let request = client.request("PUT", NAME, PATH, &body);
    assert_eq!(client.send(request).await.status(), 400);
    assert_eq!(server.seen().len(), 0);
}

/// The answer of ours arrives although the body was not read.
#[tokio::test(flavor = "multi_thread")]
async fn an_early_answer_is_not_lost() {
    let server = Server::start(&["http/1.1"]).await;
    let roots = vec![server.root.clone()];
    let budget = Some(Budget { requests: 0, ..BUDGET });
    let options = Options { budget, server_roots: roots, ..Options::default() };
    let world = World::new(options).await;
    let address = world.listen(Some(server.address)).await;
    for _ in 0..5 {
        let mut client = Client::connect(address, NAME, &world.root, &["http/1.1"]).await;
        let (head, _) = client.post(NAME, PATH, &"x".repeat(900_000)).await;
        assert_eq!(head.status(), 503);
    }
}
