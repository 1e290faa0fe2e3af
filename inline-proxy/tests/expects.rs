//! Clients that ask before they send (`Expect: 100-continue`) are told to only if their body is wanted.

use std::net::SocketAddr;

use sark_inline_proxy::Budget;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::client::tls;
use crate::server::Server;
use crate::world::{BUDGET, NAME, Options, World, chat};

async fn world(requests: Option<usize>) -> (Server, World, SocketAddr) {
    let server = Server::start(&["http/1.1"]).await;
    let roots = vec![server.root.clone()];
    let budget = requests.map(|requests| Budget { requests, ..BUDGET });
    let options = Options { server_roots: roots, budget, ..Options::default() };
    let world = World::new(options).await;
    let address = world.listen(Some(server.address)).await;
    (server, world, address)
}

/// Sends a head that waits to be asked for the body.
async fn head(
    address: SocketAddr,
    roots: &str,
    line: &str,
    more: &str,
    length: usize,
) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(address).await.unwrap();
    let mut stream = tls(stream, NAME, roots, &["http/1.1"]).await.unwrap();
    let head = format!(
        "POST {line} HTTP/1.1\r\nHost: {NAME}\r\n{more}\
         Content-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

async fn said(stream: &mut TlsStream<TcpStream>) -> String {
    let mut octets = vec![0; 4096];
    let read = stream.read(&mut octets).await.unwrap();
    String::from_utf8_lossy(&octets[..read]).into_owned()
}

const PATH: &str = "/v1/chat/completions";

#[tokio::test(flavor = "multi_thread")]
async fn who_may_is_asked_once() {
    let (server, world, address) = world(None).await;
    let body = chat("gpt-4o", false);
    let mut stream =
        head(address, &world.root, PATH, "Content-Type: application/json\r\n", body.len()).await;
    assert_eq!(said(&mut stream).await, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).await.unwrap();
    let answer = said(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(server.seen()[0].body, body);
    assert!(!server.seen()[0].headers.contains_key("expect"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_by_its_head_is_never_sent() {
    let (server, world, address) = world(None).await;
    for (line, kind, more, length, status) in [
        // Longer than is read.
        (PATH, "application/json", "", 2 << 20, 400),
        // Decided on by its head alone.
        ("/v1/files", "multipart/form-data; boundary=x", "", 10, 403),
        // Read in two ways.
        (PATH, "application/json", "Content-Type: text/plain\r\n", 7, 400),
    ] {
        let more = format!("Content-Type: {kind}\r\n{more}");
        let mut stream = head(address, &world.root, line, &more, length).await;
        let answer = said(&mut stream).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{line} {more}: {answer}");
    }
    let (busy_server, busy, address) = self::world(Some(0)).await;
    let mut stream = head(address, &busy.root, PATH, "", 100).await;
    let answer = said(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert_eq!((server.seen().len(), busy_server.seen().len()), (0, 0));
}
