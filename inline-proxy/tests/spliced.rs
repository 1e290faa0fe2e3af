//! Connections that are none of our business go through as they are.

use sark_inline_proxy::{Course, Courses, PinPolicy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{Client, tls};
use crate::server::Server;
use crate::world::{NAME, Options, World, chat};

const OTHER: &str = "site.example";

#[tokio::test(flavor = "multi_thread")]
async fn an_unrelated_site_keeps_its_own_certificate() {
    let server = Server::start(&["h2", "http/1.1"]).await;
    let world = World::new(Options::default()).await;
    let address = world.listen(Some(server.address)).await;
    // The server's own root is believed, and not the proxy's.
    let mut client = Client::connect(address, OTHER, &server.root, &["h2"]).await;
    let (head, body) = client.post(OTHER, "/", "12345").await;
    assert_eq!((head.status().as_u16(), body.as_str()), (200, r#"{"octets":5}"#));
    drop(client);
    let flows = world.records("proxy.flow", 1).await;
    let detail = &flows[0].detail;
    assert_eq!((&detail["course"], &detail["why"]), (&"splice".into(), &"other".into()));
    assert_eq!(detail["name"], OTHER);
    assert!(
        detail["toServer"].as_u64().unwrap() > 300 && detail["toClient"].as_u64().unwrap() > 500
    );
    assert!(detail["ja4"].as_str().unwrap().starts_with("t13d"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_denied_is_told_by_tls() {
    let server = Server::start(&["http/1.1"]).await;
    let courses = Courses { other: Course::Deny, ..Courses::default() };
    let world = World::new(Options { courses, ..Options::default() }).await;
    let address = world.listen(Some(server.address)).await;
    let stream = TcpStream::connect(address).await.unwrap();
    let refused = tls(stream, OTHER, &server.root, &["http/1.1"]).await.unwrap_err();
    assert!(refused.to_string().contains("AccessDenied"), "{refused}");
    let flows = world.records("proxy.flow", 1).await;
    assert_eq!(flows[0].outcome, sark_core::audit::Outcome::Refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_speaks_first_is_heard() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let meant = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"220 ready\r\n").await.unwrap();
        let mut heard = [0; 6];
        stream.read_exact(&mut heard).await.unwrap();
        stream.write_all(&heard).await.unwrap();
    });
    let world = World::new(Options::default()).await;
    let mut stream = TcpStream::connect(world.listen(Some(meant)).await).await.unwrap();
    let mut greeting = [0; 11];
    stream.read_exact(&mut greeting).await.unwrap();
    assert_eq!(&greeting, b"220 ready\r\n");
    stream.write_all(b"EHLO x").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"EHLO x");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_client_is_found_by_what_it_says() {
    for (policy, passes) in [(PinPolicy::Splice, true), (PinPolicy::Deny, false)] {
        let server = Server::start(&["http/1.1"]).await;
        let world = World::new(Options {
            pins: policy,
            server_roots: vec![server.root.clone()],
            ..Options::default()
        })
        .await;
        let address = world.listen(Some(server.address)).await;
        // Somebody believes the proxy, and this client the server's authority alone.
        Client::from("127.0.0.9", address, NAME, &world.root, &["http/1.1"]).await;
        for _ in 0..2 {
            let stream = TcpStream::connect(address).await.unwrap();
            tls(stream, NAME, &server.root, &["http/1.1"]).await.unwrap_err();
        }
        let pinned = world.records("proxy.pinned", 1).await;
        assert_eq!(pinned.len(), 1);
        assert_eq!(pinned[0].detail["name"], NAME);
        let stream = TcpStream::connect(address).await.unwrap();
        let third = tls(stream, NAME, &server.root, &["http/1.1"]).await;
        assert_eq!(third.is_ok(), passes, "{policy:?}");
        // Who trusts the proxy is inspected all the same; from here that is the same client.
        if !passes {
            let mut client = Client::connect(address, NAME, &world.root, &["http/1.1"]).await;
            let (head, _) =
                client.post(NAME, "/v1/chat/completions", &chat("forbidden", false)).await;
            assert_eq!(head.status(), 403);
        }
    }
}
