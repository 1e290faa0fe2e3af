//! Servers that say what a stream took only if they are asked are asked, and clients see nothing of it.

use http_body_util::BodyExt as _;
use sark_inline_proxy::{Answers, Usage};
use serde_json::{Value, json};

use crate::client::Client;
use crate::server::Server;
use crate::world::{NAME, Options, World, chat};

const PATH: &str = "/v1/chat/completions";

async fn world(usage: Usage) -> (Server, World, Client) {
    let server = Server::start(&["h2", "http/1.1"]).await;
    let answers = Answers { usage, ..Answers::default() };
    let roots = vec![server.root.clone()];
    let world = World::new(Options { server_roots: roots, answers, ..Options::default() }).await;
    let address = world.listen(Some(server.address)).await;
    let client = Client::connect(address, NAME, &world.root, &["http/1.1"]).await;
    (server, world, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_asked_for_and_left_out() {
    let (server, world, mut client) = world(Usage::Ask).await;
    let (_left_server, left, mut plain) = self::world(Usage::Leave).await;
    let (head, body) = client.post(NAME, PATH, &chat("gpt-4o", true)).await;
    let (_, as_it_was) = plain.post(NAME, PATH, &chat("gpt-4o", true)).await;
    assert_eq!(body, as_it_was);
    assert!(!head.headers().contains_key("content-length"));
    let seen = server.seen();
    let sent: Value = serde_json::from_slice(&seen[0].body).unwrap();
    assert_eq!(sent["stream_options"], json!({ "include_usage": true }));
    assert_eq!(seen[0].headers["content-length"], seen[0].body.len().to_string());
    let answered = world.records("proxy.answer", 1).await;
    assert_eq!(answered[0].detail["usage"], json!({ "input": 12, "output": 4 }));
    assert_eq!(answered[0].detail["whole"], true);
    assert_eq!(left.records("proxy.answer", 1).await[0].detail["usage"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_gets_it() {
    let (server, world, mut client) = world(Usage::Ask).await;
    let asks = chat("gpt-4o", true)
        .replace("\"stream\":true", "\"stream\":true,\"stream_options\":{\"include_usage\":true}");
    let (_, body) = client.post(NAME, PATH, &asks).await;
    assert!(body.contains("\"prompt_tokens\":12"), "{body}");
    assert_eq!(server.seen()[0].body, asks);
    let answered = world.records("proxy.answer", 1).await;
    assert_eq!(answered[0].detail["usage"], json!({ "input": 12, "output": 4 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_signed_stays_and_so_does_one_for_a_server_that_does_not_know() {
    let (server, world, mut client) = world(Usage::Ask).await;
    let mut request = client.request("POST", NAME, PATH, &chat("gpt-4o", true));
    request.headers_mut().insert("content-digest", "sha-256=:x:".parse().unwrap());
    let answer = client.send(request).await;
    assert_eq!(answer.status(), 200);
    answer.into_body().collect().await.unwrap();
    assert_eq!(server.seen()[0].body, chat("gpt-4o", true));

    let (head, body) = client.post(NAME, PATH, &chat("old", true)).await;
    assert_eq!(head.status(), 200, "{body}");
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[2].body, chat("old", true));
    assert_eq!(world.records("proxy.answer", 2).await.len(), 2);
}
