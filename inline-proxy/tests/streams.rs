//! What is streamed stays so: events come one by one, and a WebSocket is one.

use std::time::Instant;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::client::Client;
use crate::models::WORDS;
use crate::server::{PAUSE, Server};
use crate::world::{NAME, Options, World, chat};

async fn through(protocols: &[&str]) -> (Server, World, Client) {
    let server = Server::start(&["h2", "http/1.1"]).await;
    let roots = vec![server.root.clone()];
    let world = World::new(Options { server_roots: roots, ..Options::default() }).await;
    let address = world.listen(Some(server.address)).await;
    let client = Client::connect(address, NAME, &world.root, protocols).await;
    (server, world, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_when_they_are_sent() {
    for protocols in [&["h2"][..], &["http/1.1"]] {
        let (_server, world, mut client) = through(protocols).await;
        let request = client.request("POST", NAME, "/v1/chat/completions", &chat("gpt-4o", true));
        let mut body = client.send(request).await.into_body();
        let (mut events, mut last, mut apart) = (Vec::new(), Instant::now(), 0);
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.unwrap().into_data() else { continue };
            if last.elapsed() > PAUSE / 2 {
                apart += 1;
            }
            last = Instant::now();
            events.push(String::from_utf8(data.to_vec()).unwrap());
        }
        assert!(events.concat().ends_with("data: [DONE]\n\n"), "{events:?}");
        assert!(apart >= WORDS.len(), "each by itself: {apart} of {events:?}");
        let answered = world.records("proxy.answer", 1).await;
        assert_eq!(answered[0].detail["whole"], true, "{:?}", answered[0].detail);
        assert_eq!(answered[0].detail["outputOctets"], WORDS.concat().len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_is_on_record() {
    let (_server, world, mut client) = through(&["http/1.1"]).await;
    let request = client.request("POST", NAME, "/v1/chat/completions", &chat("gpt-4o", true));
    let mut body = client.send(request).await.into_body();
    body.frame().await.unwrap().unwrap();
    drop((body, client));
    let answered = world.records("proxy.answer", 1).await;
    assert_eq!(answered[0].detail["whole"], false);
    assert!(answered[0].detail["outputOctets"].as_u64().unwrap() < 21);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_answer_passes() {
    for protocols in [&["h2"][..], &["http/1.1"]] {
        let (_server, _world, mut client) = through(protocols).await;
        let request = client.request("GET", NAME, "/big", "");
        let body = client.send(request).await.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body.len(), 256 << 16);
        assert!(body.iter().all(|octet| *octet == 7));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_is_the_servers() {
    let (_server, _world, mut client) = through(&["http/1.1"]).await;
    let request = Request::get("/v1/talk")
        .header("host", NAME)
        .header("connection", "keep-alive, Upgrade")
        .header("upgrade", "websocket")
        .body(Full::<Bytes>::default())
        .unwrap();
    let response = client.send(request).await;
    assert_eq!(response.status(), 101);
    assert_eq!(response.headers()["upgrade"], "websocket");
    assert_eq!(response.headers()["sec-websocket-protocol"], "echo");
    let mut stream = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    for text in ["one", "two"] {
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut heard = [0; 3];
        stream.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, text.as_bytes());
    }
}
