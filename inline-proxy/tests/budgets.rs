//! One client takes its share, and nothing of the others'.

use std::net::SocketAddr;
use std::time::Duration;

use sark_inline_proxy::Budget;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::client::TlsStream;

use crate::client::{Client, tls};
use crate::server::Server;
use crate::world::{BUDGET, NAME, Options, World, chat};

const PATH: &str = "/v1/chat/completions";
const GREEDY: &str = "127.0.0.2";
const OTHER: &str = "127.0.0.3";

async fn world(budget: Budget) -> (Server, World, SocketAddr) {
    world_with(Options { budget: Some(budget), ..Options::default() }).await
}

async fn world_with(options: Options) -> (Server, World, SocketAddr) {
    let server = Server::start(&["http/1.1"]).await;
    let roots = vec![server.root.clone()];
    let world = World::new(Options { server_roots: roots, ..options }).await;
    let address = world.listen(Some(server.address)).await;
    (server, world, address)
}

/// A request of the greedy client of which so many octets are said to come, and so many do.
async fn begun(
    address: SocketAddr,
    world: &World,
    said: usize,
    sent: usize,
) -> TlsStream<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{GREEDY}:0").parse().unwrap()).unwrap();
    let stream = socket.connect(address).await.unwrap();
    let mut stream = tls(stream, NAME, &world.root, &["http/1.1"]).await.unwrap();
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: {NAME}\r\nContent-Type: application/json\r\n\
         Content-Length: {said}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b' '; sent]).await.unwrap();
    stream
}

async fn status(stream: &mut TlsStream<TcpStream>) -> String {
    let mut answer = vec![0; 4096];
    let read = stream.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..read]).lines().next().unwrap_or_default().to_owned()
}

async fn asks(client: &str, address: SocketAddr, world: &World) -> u16 {
    let mut client = Client::from(client, address, NAME, &world.root, &["http/1.1"]).await;
    client.post(NAME, PATH, &chat("gpt-4o", false)).await.0.status().as_u16()
}

/// Until what was begun has come that far, the next one is as good as any.
async fn becomes(wanted: u16, client: &str, address: SocketAddr, world: &World) {
    for _ in 0..200 {
        if asks(client, address, world).await == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{client} never got {wanted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_one_client_leave_room_for_anothers() {
    let (_server, world, address) = world(Budget { requests: 8, requests_each: 4, ..BUDGET }).await;
    let mut begins = Vec::new();
    for _ in 0..4 {
        begins.push(begun(address, &world, 1000, 10).await);
    }
    becomes(503, GREEDY, address, &world).await;
    for _ in 0..10 {
        assert_eq!(asks(OTHER, address, &world).await, 200);
    }
    assert_eq!(asks(GREEDY, address, &world).await, 503);
    drop(begins);
    becomes(200, GREEDY, address, &world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_nobody_reads_have_their_time() {
    let budget = Some(Budget { requests: 2, requests_each: 2, ..BUDGET });
    let quiet = Some(Duration::from_secs(2));
    let (_server, world, address) =
        world_with(Options { budget, quiet, ..Options::default() }).await;
    let mut unread = Vec::new();
    for _ in 0..2 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{GREEDY}:0").parse().unwrap()).unwrap();
        let stream = socket.connect(address).await.unwrap();
        let mut stream = tls(stream, NAME, &world.root, &["http/1.1"]).await.unwrap();
        let head = format!("GET /gigabyte HTTP/1.1\r\nHost: {NAME}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        assert_eq!(status(&mut stream).await, "HTTP/1.1 200 OK");
        unread.push(stream);
    }
    assert_eq!(asks(OTHER, address, &world).await, 503);
    becomes(200, OTHER, address, &world).await;
    becomes(200, GREEDY, address, &world).await;
    // Who reads now finds that it is not whole.
    let mut octets = 0;
    let (mut stream, mut buffer) = (unread.swap_remove(0), vec![0; 1 << 16]);
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        octets += read;
    }
    assert!(octets < 1 << 30, "{octets}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_one_client_leave_room_for_anothers() {
    let room = 600 << 10;
    let (_server, world, address) =
        world(Budget { bodies: room * 2, bodies_each: room, ..BUDGET }).await;
    let first = begun(address, &world, 900 << 10, 400 << 10).await;
    let mut second = begun(address, &world, 900 << 10, 0).await;
    // Whichever of the two comes first, both do not fit.
    second.write_all(&vec![b' '; 300 << 10]).await.unwrap();
    let mut first = first;
    let refused = tokio::select! {
        status = status(&mut first) => status,
        status = status(&mut second) => status,
    };
    assert_eq!(refused, "HTTP/1.1 503 Service Unavailable");
    for _ in 0..10 {
        assert_eq!(asks(OTHER, address, &world).await, 200);
    }
    drop((first, second));
    becomes(200, GREEDY, address, &world).await;
    let text = world.proxy.metrics.text();
    assert!(text.contains("sark_proxy_shed_total 1\n"), "{text}");
}
