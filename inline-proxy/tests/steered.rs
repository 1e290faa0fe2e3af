//! The transparent entrance with a real kernel: a client's namespace, a router with the proxy, a server's
//! namespace. Takes root; nothing is left of it.

use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use sark_core::audit::Outcome;
use sark_inline_proxy::entrance::transparent::Steering;
use tokio::net::{TcpStream, UdpSocket};

use crate::client::{Client, tls};
use crate::row::{Row, net};
use crate::server::Server;
use crate::world::{NAME, Options, World, chat};

#[test]
fn packets_for_a_server_are_decided_on() {
    let row = Row::new("steered");
    let (to_server, told) = tokio::sync::oneshot::channel::<()>();
    let (roots, root) = mpsc::sync_channel(1);
    let serving = row.spawn("server", async move {
        let server = Server::at("[::]:443", &["h2", "http/1.1"]).await;
        roots.send(server.root.clone()).unwrap();
        let _ = told.await;
        server.seen()
    });
    let server_root = root.recv().unwrap();
    for steering in [Steering::Tproxy, Steering::Redirect] {
        let (ready, is_ready) = mpsc::sync_channel(1);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let trusted = server_root.clone();
        let net = net(steering);
        let proxying = row.spawn("router", async move {
            let options = Options { server_roots: vec![trusted], ..Options::default() };
            let world = World::new(options).await;
            world.steered("0.0.0.0:15001", steering).await;
            world.steered("[::]:15001", steering).await;
            // Twice is once.
            net.up().unwrap();
            net.up().unwrap();
            ready.send(world.root.clone()).unwrap();
            let _ = stopped.await;
            net.down().unwrap();
            net.down().unwrap();
            let decided = world.records("decision.llm", 4).await;
            let flows = world.records("proxy.flow", 2).await;
            (decided, flows)
        });
        let proxy_root = is_ready.recv().unwrap();
        let other_root = server_root.clone();
        row.run("client", async move {
            for server in ["10.77.2.2", "2001:db8:77:2::2"] {
                let stream = TcpStream::connect((server, 443)).await.unwrap();
                let stream = tls(stream, NAME, &proxy_root, &["h2", "http/1.1"]).await.unwrap();
                let mut client = Client::on(stream).await;
                let path = "/v1/chat/completions";
                let (head, body) = client.post(NAME, path, &chat("gpt-4o", false)).await;
                assert_eq!(head.status(), 200, "{steering:?} {server}: {body}");
                let (head, _) = client.post(NAME, path, &chat("forbidden", false)).await;
                assert_eq!(head.status(), 403);
                // Another site at the same address.
                let stream = TcpStream::connect((server, 443)).await.unwrap();
                let stream = tls(stream, "site.example", &other_root, &["h2"]).await.unwrap();
                let (head, _) = Client::on(stream).await.post("site.example", "/", "x").await;
                assert_eq!(head.status(), 200);
                // A client of QUIC is told at once.
                let any = if server.contains(':') { "[::]:0" } else { "0.0.0.0:0" };
                let socket = UdpSocket::bind(any).await.unwrap();
                socket.connect((server, 443)).await.unwrap();
                let began = Instant::now();
                socket.send(b"\xc0\0\0\0\x01").await.unwrap();
                let mut octets = [0; 9];
                let heard = tokio::time::timeout(Duration::from_secs(2), socket.recv(&mut octets));
                let refused = heard.await.expect("an answer").unwrap_err();
                assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
                assert!(began.elapsed() < Duration::from_secs(1));
            }
        });
        stop.send(()).unwrap();
        let (decided, flows) = proxying.join().unwrap();
        for server in ["10.77.2.2:443", "[2001:db8:77:2::2]:443"] {
            let server = server.parse().unwrap();
            let of_server = |outcome| {
                let mut found = decided.iter().filter(|record| record.outcome == outcome);
                found.any(|record| record.about.flow.unwrap().destination == server)
            };
            assert!(of_server(Outcome::Ok) && of_server(Outcome::Refused), "{steering:?} {server}");
            assert!(flows.iter().any(|record| record.about.flow.unwrap().destination == server));
        }
        // Nothing is in the way any more.
        let own_root = server_root.clone();
        row.run("client", async move {
            let stream = TcpStream::connect(("10.77.2.2", 443)).await.unwrap();
            tls(stream, NAME, &own_root, &["h2"]).await.unwrap();
        });
        let left = Command::new("ip")
            .args(["netns", "exec", &row.name("router"), "sh", "-c"])
            .arg("nft list ruleset; ip rule; ip -6 rule; ip route show table 15001 2>/dev/null")
            .output()
            .unwrap();
        let left = String::from_utf8_lossy(&left.stdout).into_owned();
        assert!(!left.contains("sark_proxy") && !left.contains("15001"), "{left}");
    }
    drop(to_server);
    // Two calls and two to the other site, each way of steering, each family.
    assert_eq!(serving.join().unwrap().len(), 8);
}
