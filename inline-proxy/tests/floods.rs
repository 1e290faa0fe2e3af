//! Floods: much that costs a client little. Each is ended, or held up, while others are served; how quickly,
//! and how much memory there is, is printed (`--nocapture`).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use sark_inline_proxy::Budget;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::client::TlsStream;

use crate::client::{Client, tls};
use crate::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM, Raw, SETTINGS,
    frame, get, preface,
};
use crate::server::Server;
use crate::world::{BUDGET, NAME, Options, World, chat, elsewhere};

const PATH: &str = "/v1/chat/completions";
const HOSTILE: &str = "127.0.0.2";
/// RFC 9113 §7.
const ENHANCE_YOUR_CALM: u8 = 0xb;

struct Flood {
    server: Server,
    world: World,
    address: SocketAddr,
}

impl Flood {
    async fn new(budget: Budget) -> Self {
        let server = Server::start(&["h2", "http/1.1"]).await;
        let server_roots = vec![server.root.clone()];
        let options = Options { server_roots, budget: Some(budget), ..Options::default() };
        let world = World::new(options).await;
        let address = world.listen(Some(server.address)).await;
        Self { server, world, address }
    }

    async fn open(&self, protocol: &str) -> TlsStream<TcpStream> {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{HOSTILE}:0").parse().unwrap()).unwrap();
        let stream = socket.connect(self.address).await.unwrap();
        tls(stream, NAME, &self.world.root, &[protocol]).await.unwrap()
    }

    async fn raw(&self, settings: &[(u16, u32)]) -> Raw<TlsStream<TcpStream>> {
        let mut raw = Raw::new(self.open("h2").await);
        assert!(raw.send(&preface(settings)).await);
        raw
    }

    /// While this goes on, somebody else asks; afterwards too. All of it is answered.
    async fn beside<T>(&self, what: &str, attack: impl Future<Output = T>) -> T {
        let before = resident();
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let (address, root) = (self.address, self.world.root.clone());
        let asking = tokio::spawn(async move {
            let mut client = Client::connect(address, NAME, &root, &["h2"]).await;
            let (mut took, mut most, mut last) = (Vec::new(), 0, false);
            while !last {
                last = over.load(Ordering::Relaxed);
                let since = Instant::now();
                let (head, _) = client.post(NAME, PATH, &chat("gpt-4o", false)).await;
                assert_eq!(head.status(), 200);
                took.push(since.elapsed());
                most = most.max(resident());
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            took.sort_unstable();
            (took, most)
        });
        let done = attack.await;
        is_over.store(true, Ordering::Relaxed);
        let (took, most) = asking.await.unwrap();
        let at = |percent: usize| took[(took.len() - 1) * percent / 100];
        println!(
            "{what}: {} requests of another, p50 {:?}, p99 {:?}; {before} MiB before, {most} MiB at most",
            took.len(),
            at(50),
            at(99)
        );
        done
    }
}

/// MiB of this process, which is the proxy, its clients and its server.
pub fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() / 256
}

/// Frames that say why a connection ended: the code of GOAWAY.
fn goodbye(frames: &[(u8, Vec<u8>)]) -> Option<u8> {
    frames.iter().find(|(kind, _)| *kind == GOAWAY).and_then(|(_, payload)| payload.get(7).copied())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_without_end() {
    let flood = Flood::new(BUDGET).await;
    let sent = flood
        .beside("a head without end", async {
            let mut stream = flood.open("http/1.1").await;
            stream.write_all(b"GET / HTTP/1.1\r\nHost: api.openai.com\r\n").await.unwrap();
            let mut sent = 0_usize;
            while stream.write_all(b"X-More: and more, and more, and more\r\n").await.is_ok() {
                sent += 38;
                assert!(sent < 64 << 20, "nobody ends it");
            }
            sent
        })
        .await;
    println!("it was ended after {} KiB", sent >> 10);
    assert_eq!(flood.server.seen().iter().filter(|seen| seen.line == "GET /").count(), 0);
}

/// CVE-2024-27316 and its like: a head in frames without number.
#[tokio::test(flavor = "multi_thread")]
async fn continuations_without_end() {
    let flood = Flood::new(BUDGET).await;
    flood
        .beside("CONTINUATION", async {
            let mut raw = flood.raw(&[]).await;
            assert!(raw.send(&frame(HEADERS, END_STREAM, 1, &get(NAME, "/"))).await);
            // A literal of a name and a value of 100 octets each, in no table.
            let mut field = vec![0x00, 100];
            field.extend([b'x'; 100]);
            field.push(100);
            field.extend([b'y'; 100]);
            let more = frame(CONTINUATION, 0, 1, &field.repeat(40));
            let mut sent = 0;
            while raw.send(&more).await {
                sent += more.len();
                assert!(sent < 256 << 20, "nobody ends it");
            }
            println!("it was ended after {} KiB", sent >> 10);
        })
        .await;
    assert_eq!(flood.server.seen().iter().filter(|seen| seen.line == "GET /").count(), 0);
}

/// CVE-2023-44487: requests that are taken back before they are answered.
#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_taken_back() {
    let flood = Flood::new(BUDGET).await;
    let (frames, ended, sent) = flood
        .beside("rapid reset", async {
            let mut raw = flood.raw(&[]).await;
            let (head, mut sent) = (get(NAME, "/"), 0);
            for portion in 0..2000_u32 {
                let octets: Vec<u8> = (0..50)
                    .flat_map(|n| {
                        let stream = (portion * 50 + n) * 2 + 1;
                        let open = frame(HEADERS, END_HEADERS | END_STREAM, stream, &head);
                        [open, frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
                    })
                    .collect();
                if !raw.send(&octets).await {
                    break;
                }
                sent += 50;
            }
            let (frames, ended) = raw.heard(Duration::from_secs(10)).await;
            (frames, ended, sent)
        })
        .await;
    println!("it was ended after {sent} requests at most");
    assert!(ended && sent < 100_000, "{sent} were taken");
    assert_eq!(goodbye(&frames), Some(ENHANCE_YOUR_CALM), "{frames:?}");
    let reached = flood.server.seen().iter().filter(|seen| seen.line == "GET /").count();
    assert!(reached < 1000, "{reached} reached the server");
    // Who did it is on record.
    let refused = flood.world.records("proxy.refused", 1).await;
    assert_eq!(refused[0].detail["reason"], "http");
    let source = refused[0].about.flow.as_ref().unwrap().source.ip();
    assert_eq!(source, elsewhere(HOSTILE.parse().unwrap()));
}

/// Each is answered; who does not read the answers is read no further (CVE-2019-9512, -9515).
#[tokio::test(flavor = "multi_thread")]
async fn questions_whose_answers_nobody_reads() {
    let flood = Flood::new(BUDGET).await;
    for (what, one) in
        [("PING", frame(PING, 0, 0, &[7; 8])), ("SETTINGS", frame(SETTINGS, 0, 0, &[]))]
    {
        let sent = flood
            .beside(what, async {
                let mut raw = flood.raw(&[]).await;
                let many = one.repeat(1000);
                let mut sent = 0_usize;
                while raw.send(&many).await {
                    sent += many.len();
                    assert!(sent < 512 << 20, "all of it is taken");
                }
                sent
            })
            .await;
        println!("{what}: it was held up after {} KiB", sent >> 10);
    }
}

/// Answers are asked for and not taken: what is read for them is bounded, and so are their requests.
#[tokio::test(flavor = "multi_thread")]
async fn windows_of_nothing() {
    let flood = Flood::new(Budget { requests: 100, requests_each: 20, ..BUDGET }).await;
    flood
        .beside("windows of nothing", async {
            let mut held = Vec::new();
            for _ in 0..4 {
                // SETTINGS_INITIAL_WINDOW_SIZE.
                let mut raw = flood.raw(&[(4, 0)]).await;
                for stream in 0..50 {
                    let head = get(NAME, "/big");
                    let open = frame(HEADERS, END_HEADERS | END_STREAM, stream * 2 + 1, &head);
                    assert!(raw.send(&open).await);
                }
                let (frames, ended) = raw.heard(Duration::from_millis(500)).await;
                assert!(!ended, "it is there");
                assert!(frames.iter().all(|(kind, data)| *kind != DATA || data.is_empty()));
                held.push(raw);
            }
        })
        .await;
    let asked = flood.server.seen().iter().filter(|seen| seen.line == "GET /big").count();
    assert_eq!(asked, 20, "as many as one client may have");
    // They are given back with the connections.
    for _ in 0..200 {
        let mut client =
            Client::from(HOSTILE, flood.address, NAME, &flood.world.root, &["h2"]).await;
        if client.post(NAME, PATH, &chat("gpt-4o", false)).await.0.status() == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("its places were not given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_grow() {
    let flood = Flood::new(BUDGET).await;
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..512 {
        std::io::Write::write_all(&mut packed, &[b' '; 1 << 20]).unwrap();
    }
    let packed = bytes::Bytes::from(packed.finish().unwrap());
    println!("512 MiB in {} KiB", packed.len() >> 10);
    flood
        .beside("bodies that grow", async {
            let mut client =
                Client::from(HOSTILE, flood.address, NAME, &flood.world.root, &["http/1.1"]).await;
            for _ in 0..20 {
                let request = Request::post(PATH)
                    .header("host", NAME)
                    .header("content-type", "application/json")
                    .header("content-encoding", "gzip")
                    .body(Full::new(packed.clone()))
                    .unwrap();
                let answer = client.send(request).await;
                assert_eq!(answer.status(), 400);
                answer.into_body().collect().await.unwrap();
            }
        })
        .await;
}

/// A hello of one octet in each segment is one; one that takes longer than a hello may is none.
#[tokio::test(flavor = "multi_thread")]
async fn hellos_in_single_octets() {
    let flood = Flood::new(BUDGET).await;
    let (near, mut far) = tokio::io::duplex(1 << 16);
    let (root, address) = (flood.world.root.clone(), flood.address);
    tokio::spawn(async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut hello = vec![0; 4096];
        let read = far.read(&mut hello).await.unwrap();
        for octet in &hello[..read] {
            stream.write_all(&[*octet]).await.unwrap();
            tokio::task::yield_now().await;
        }
        let _ = tokio::io::copy_bidirectional(&mut far, &mut stream).await;
    });
    let mut stream = crate::client::tls_on(near, NAME, &root, &["http/1.1"]).await.unwrap();
    let body = chat("forbidden", false);
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: {NAME}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 403");

    flood
        .beside("hellos that take their time", async {
            let mut slow = Vec::new();
            for _ in 0..50 {
                slow.push(tokio::spawn(async move {
                    let mut stream = TcpStream::connect(address).await.unwrap();
                    let hello =
                        [&b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"[..], &[7; 500]].concat();
                    for octet in hello {
                        if stream.write_all(&[octet]).await.is_err() {
                            return true;
                        }
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    // All of it was taken, and then read to the end of the connection.
                    stream.read(&mut [0; 64]).await.is_ok_and(|read| read == 0)
                }));
            }
            for slow in slow {
                assert!(slow.await.unwrap(), "it was let go");
            }
        })
        .await;
}
