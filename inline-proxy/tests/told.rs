//! The PROXY protocol: balancers in front say whose connections they are, and servers behind are told.

use std::net::SocketAddr;
use std::time::Duration;

use sark_inline_proxy::{Entrance, Target, Told};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{Client, tls};
use crate::server::{Manner, Server};
use crate::world::{NAME, Options, World, chat};

const PATH: &str = "/v1/chat/completions";

fn told(destination: SocketAddr) -> Told {
    Told { source: "198.51.100.7:40000".parse().unwrap(), destination }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balancer_says_who_asks_and_whom() {
    let server = Server::start(&["http/1.1"]).await;
    let server_roots = vec![server.root.clone()];
    let world = World::new(Options { server_roots, ..Options::default() }).await;
    // What the balancer's own connection means is nobody.
    let nobody = Target::Address("192.0.2.1:443".parse().unwrap());
    let address = world.listen_told(Entrance::Transparent, nobody).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    for octet in told(server.address).header() {
        stream.write_all(&[octet]).await.unwrap();
    }
    let mut client = Client::on(tls(stream, NAME, &world.root, &["http/1.1"]).await.unwrap()).await;
    let (head, _) = client.post(NAME, PATH, &chat("gpt-4o", false)).await;
    assert_eq!(head.status(), 200);
    let decided = world.records("decision.llm", 1).await;
    let flow = decided[0].about.flow.as_ref().unwrap();
    assert_eq!((flow.source, flow.destination), (told(server.address).source, server.address));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_tell_has_to() {
    let server = Server::start(&["http/1.1"]).await;
    let world = World::new(Options::default()).await;
    let target = Target::Address(server.address);
    let address = world.listen_told(Entrance::Transparent, target).await;
    for first in
        [&b"\x16\x03\x01\x02\0\x01\0\x01\xfc"[..], b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"]
    {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(first).await.unwrap();
        assert_eq!(stream.read_to_end(&mut Vec::new()).await.unwrap_or(0), 0);
    }
    // Half of one.
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&told(server.address).header()[..20]).await.unwrap();
    let within = Duration::from_secs(20);
    let closed = tokio::time::timeout(within, stream.read_to_end(&mut Vec::new())).await;
    closed.expect("it is let go").ok();
    let refused = world.records("proxy.refused", 3).await;
    assert!(refused.iter().all(|record| record.detail["reason"] == "proxy-header"));
    assert_eq!(server.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_to_come_back_here() {
    let own = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = own.local_addr().unwrap();
    let world = World::new(Options {
        own: vec![address],
        also: vec!["127.0.0.0/8".parse().unwrap()],
        ..Options::default()
    })
    .await;
    let nobody = Target::Address("192.0.2.1:443".parse().unwrap());
    let entrance = world.listen_told(Entrance::Transparent, nobody).await;
    let mut stream = TcpStream::connect(entrance).await.unwrap();
    stream.write_all(&told(address).header()).await.unwrap();
    stream.write_all(b"SSH-2.0-x\r\n").await.unwrap();
    stream.read_to_end(&mut Vec::new()).await.ok();
    let refused = world.records("proxy.unreachable", 1).await;
    assert!(refused[0].detail["why"].as_str().unwrap().contains("this proxy itself"));
    // Nor does a client lead it there, where inner addresses may be asked for.
    let entrance = world.listen(None).await;
    let mut stream = TcpStream::connect(entrance).await.unwrap();
    let ask = format!("CONNECT {address} HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 403");
    let came = tokio::time::timeout(Duration::from_millis(50), own.accept()).await;
    assert!(came.is_err(), "a connection was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_are_told_whose_a_connection_is() {
    let manner = Manner { before: 28, ..Manner::default() };
    let server = Server::with("127.0.0.1:0", &["http/1.1"], manner).await;
    let server_roots = vec![server.root.clone()];
    let tell = vec!["127.0.0.0/8".parse().unwrap()];
    let world = World::new(Options { server_roots, tell, ..Options::default() }).await;
    let address = world.listen(Some(server.address)).await;
    let mut clients = Vec::new();
    for name in [NAME, NAME, "site.example"] {
        let stream = TcpStream::connect(address).await.unwrap();
        let source = stream.local_addr().unwrap();
        let root = if name == NAME { &world.root } else { &server.root };
        let stream = tls(stream, name, root, &["http/1.1"]).await.unwrap();
        clients.push((source, name, Client::on(stream).await));
    }
    // Opened connections are two clients', however idle they are; the third is spliced.
    for _ in 0..2 {
        for (source, name, client) in &mut clients {
            let (head, _) = client.post(name, PATH, &chat("gpt-4o", false)).await;
            assert_eq!(head.status(), 200);
            let seen = server.seen();
            let told = Told { source: *source, destination: server.address };
            assert_eq!(seen.last().unwrap().before, told.header(), "{name}");
        }
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_waited_for_has_a_place() {
    let world = World::new(Options::default()).await;
    let nobody = Target::Address("192.0.2.1:443".parse().unwrap());
    let address = world.listen_told(Entrance::Transparent, nobody).await;
    let stream = TcpStream::connect(address).await.unwrap();
    // Before the header is late there is somebody, and afterwards nobody.
    for many in [1, 0] {
        let counted = async {
            while world.proxy.clients.count() != many {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), counted).await.expect("it has a place");
    }
    drop(stream);
}
