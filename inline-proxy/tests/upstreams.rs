//! Connections to servers: bounded, shared where they may be, and nobody else's where they may not.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sark_inline_proxy::Courses;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{Client, tls};
use crate::server::{Manner, Server};
use crate::world::{NAME, Options, World, chat};

const FILES: &str = "files.example";
const PATH: &str = "/v1/chat/completions";

async fn world(servers: &[&Server], idle: Option<usize>) -> World {
    let server_roots = servers.iter().map(|server| server.root.clone()).collect();
    World::new(Options { server_roots, idle, ..Options::default() }).await
}

async fn asks(address: SocketAddr, world: &World, protocols: &[&str]) -> u16 {
    let mut client = Client::connect(address, NAME, &world.root, protocols).await;
    client.post(NAME, PATH, &chat("gpt-4o", false)).await.0.status().as_u16()
}

/// Once answers are read their connections are idle.
async fn rests(world: &World, many: usize) {
    for _ in 0..200 {
        if world.proxy.upstreams.idle() == many {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} and not {many} connections are idle", world.proxy.upstreams.idle());
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_are_bounded_over_all_servers() {
    for protocols in [&["http/1.1"][..], &["h2"]] {
        let mut servers = Vec::new();
        for _ in 0..3 {
            servers.push(Server::start(protocols).await);
        }
        let world = world(&servers.iter().collect::<Vec<_>>(), Some(2)).await;
        let mut addresses = Vec::new();
        for server in &servers {
            addresses.push(world.listen(Some(server.address)).await);
        }
        for (done, address) in addresses.iter().enumerate() {
            assert_eq!(asks(*address, &world, protocols).await, 200);
            rests(&world, (done + 1).min(2)).await;
        }
        // The first one's was unused for longest: it is closed, and the others' are used again.
        for (server, made) in [(2, 1), (1, 1), (0, 2)] {
            assert_eq!(asks(addresses[server], &world, protocols).await, 200);
            rests(&world, 2).await;
            assert_eq!(servers[server].connections(), made, "{protocols:?}, server {server}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_one_connection_is_full_there_is_another() {
    let manner = Manner { streams: Some(4), ..Manner::default() };
    let server = Server::with("127.0.0.1:0", &["h2"], manner).await;
    let world = world(&[&server], None).await;
    let address = world.listen(Some(server.address)).await;
    let Client::H2(client) = Client::connect(address, NAME, &world.root, &["h2"]).await else {
        panic!("it speaks HTTP/2");
    };
    let asking = (0..12).map(|_| {
        let mut client = client.clone();
        tokio::spawn(async move {
            let request = Request::post(format!("https://{NAME}{PATH}"))
                .header("content-type", "application/json")
                .body(Full::new(Bytes::from(chat("gpt-4o", true))))
                .unwrap();
            let answer = client.send_request(request).await.unwrap();
            assert_eq!(answer.status(), 200);
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            assert!(body.ends_with(b"data: [DONE]\n\n"));
        })
    });
    for asked in asking.collect::<Vec<_>>() {
        asked.await.unwrap();
    }
    assert_eq!(server.seen().len(), 12);
    assert_eq!(server.connections(), 3);
    rests(&world, 3).await;
}

/// RFC 9113 §6.8: streams beyond the last one that a GOAWAY names were not looked at.
#[tokio::test(flavor = "multi_thread")]
async fn no_request_is_lost_when_a_server_says_goodbye() {
    let manner = Manner { leaves_after: Some(3), ..Manner::default() };
    let server = Server::with("127.0.0.1:0", &["h2"], manner).await;
    let world = world(&[&server], None).await;
    let address = world.listen(Some(server.address)).await;
    let Client::H2(client) = Client::connect(address, NAME, &world.root, &["h2"]).await else {
        panic!("it speaks HTTP/2");
    };
    for _ in 0..5 {
        let asking = (0..8).map(|_| {
            let mut client = client.clone();
            tokio::spawn(async move {
                let request = Request::post(format!("https://{NAME}{PATH}"))
                    .header("content-type", "application/json")
                    .body(Full::new(Bytes::from(chat("gpt-4o", false))))
                    .unwrap();
                client.send_request(request).await.unwrap().status().as_u16()
            })
        });
        for asked in asking.collect::<Vec<_>>() {
            let status = asked.await.unwrap();
            if status != 200 {
                panic!("{status}: {:#?}", world.records("proxy.unreachable", 1).await);
            }
        }
    }
    // Of a head that met the goodbye on its way the body never comes.
    let whole = server.seen().iter().filter(|seen| !seen.body.is_empty()).count();
    assert_eq!(whole, 40, "each once");
    assert!(server.connections() > 1, "it never said goodbye");
}

/// Connections are authenticated, and not requests, as NTLM does it. Answers say which one they are on.
async fn authenticating() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::<AtomicUsize>::default();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let number = count.fetch_add(1, Ordering::Relaxed);
            let is_known = Arc::new(AtomicBool::new(false));
            let service = service_fn(move |request: Request<Incoming>| {
                if request.headers().get("authorization").is_some_and(|it| it == "NTLM secret") {
                    is_known.store(true, Ordering::Relaxed);
                }
                let known = is_known.load(Ordering::Relaxed);
                async move {
                    let mut answer = Response::new(Full::new(Bytes::from(number.to_string())));
                    if !known {
                        *answer.status_mut() = http::StatusCode::UNAUTHORIZED;
                        let scheme = "NTLM".parse().unwrap();
                        answer.headers_mut().insert("www-authenticate", scheme);
                    }
                    Ok::<_, Infallible>(answer)
                }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

/// Plain HTTP on a connection of its own; status and body.
struct Plain(hyper::client::conn::http1::SendRequest<Full<Bytes>>);

impl Plain {
    async fn connect(address: SocketAddr) -> Self {
        let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let (sender, connection) =
            hyper::client::conn::http1::handshake::<_, Full<Bytes>>(stream).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    async fn get(&mut self, authorization: Option<&str>) -> (u16, String) {
        let mut request = Request::get("/").header("host", "site.example");
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        self.0.ready().await.unwrap();
        let answer = self.0.send_request(request.body(Full::default()).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authenticated_connection_is_one_clients() {
    let server = authenticating().await;
    let world = World::new(Options::default()).await;
    let address = world.listen(Some(server)).await;
    let mut alice = Plain::connect(address).await;
    let (status, number) = alice.get(None).await;
    assert_eq!(status, 401);
    assert_eq!(alice.get(Some("NTLM secret")).await, (200, number.clone()), "on the same one");
    assert_eq!(alice.get(None).await, (200, number.clone()), "which stays hers");
    let mut bob = Plain::connect(address).await;
    let (status, others) = bob.get(None).await;
    assert_eq!(status, 401, "he is nobody yet");
    assert_ne!(others, number);
    drop(alice);
    // Nor is it anybody's when she is gone.
    for _ in 0..5 {
        let mut next = Plain::connect(address).await;
        let (status, others) = next.get(None).await;
        assert_eq!(status, 401);
        assert_ne!(others, number);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_on_which_nothing_is_said_ends() {
    let server = Server::start(&["http/1.1"]).await;
    let quiet = Some(Duration::from_millis(500));
    let server_roots = vec![server.root.clone()];
    let world = World::new(Options { server_roots, quiet, ..Options::default() }).await;
    let address = world.listen(Some(server.address)).await;
    let mut client = Client::connect(address, NAME, &world.root, &["http/1.1"]).await;
    let request = Request::get("/socket")
        .header("host", NAME)
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .body(Full::<Bytes>::default())
        .unwrap();
    let response = client.send(request).await;
    assert_eq!(response.status(), 101);
    let mut stream = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    // Longer than that, as long as something is said.
    for _ in 0..10 {
        stream.write_all(b"tick").await.unwrap();
        stream.read_exact(&mut [0; 4]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut rest = Vec::new();
    let within = Duration::from_secs(20);
    let ended = tokio::time::timeout(within, stream.read_to_end(&mut rest)).await;
    ended.expect("it ended").ok();
    assert!(rest.is_empty());
}

/// A body may take longer than its answer may, as long as it comes; not one of which next to nothing comes.
#[tokio::test(flavor = "multi_thread")]
async fn the_time_for_an_answer_begins_when_the_body_has_gone() {
    let server = Server::start(&["http/1.1"]).await;
    let within = Some(Duration::from_millis(800));
    let server_roots = vec![server.root.clone()];
    let courses = Courses { inspect: vec![FILES.parse().unwrap()], ..Courses::default() };
    let options = Options { server_roots, answer_within: within, courses, ..Options::default() };
    let world = World::new(options).await;
    let address = world.listen(Some(server.address)).await;
    for (octets, says) in [(1024, "HTTP/1.1 200"), (1, "HTTP/1.1 50")] {
        let stream = TcpStream::connect(address).await.unwrap();
        let mut stream = tls(stream, FILES, &world.root, &["http/1.1"]).await.unwrap();
        let head = format!(
            "POST /gigabyte HTTP/1.1\r\nhost: {FILES}\r\ncontent-type: application/octet-stream\r\n\
             transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let chunk = format!("{octets:x}\r\n{}\r\n", "x".repeat(octets));
        for _ in 0..8 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            // Who was answered already is not listened to.
            let _ = stream.write_all(chunk.as_bytes()).await;
        }
        let _ = stream.write_all(b"0\r\n\r\n").await;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(says), "{answer}");
        assert_eq!(answer.contains("\"octets\":8192"), octets > 1, "{answer}");
    }
}
