//! gRPC: calls of one message are decided on by the model that they name; others are what nobody can read.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use futures::stream;
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use sark_inline_proxy::{Fail, FailPolicy};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::client::tls;
use crate::server::Server;
use crate::world::{Options, World};

const HOST: &str = "generativelanguage.googleapis.com";
const UNARY: &str = "/google.ai.generativelanguage.v1beta.GenerativeService/GenerateContent";
const BIDI: &str = "/google.ai.generativelanguage.v1beta.GenerativeService/Talk";

type Body = BoxBody<Bytes, Infallible>;

async fn world(unreadable: Fail) -> (Server, World, SocketAddr) {
    let server = Server::start(&["h2"]).await;
    let (server_roots, fail) = (vec![server.root.clone()], FailPolicy { unreadable });
    let world = World::new(Options { server_roots, fail, ..Options::default() }).await;
    let address = world.listen(Some(server.address)).await;
    (server, world, address)
}

async fn connect(address: SocketAddr, roots: &str) -> SendRequest<Body> {
    let stream = TcpStream::connect(address).await.unwrap();
    let stream = tls(stream, HOST, roots, &["h2"]).await.unwrap();
    let builder = http2::Builder::new(TokioExecutor::new());
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// A call, and where its messages come from.
fn call(path: &str) -> (Request<Body>, mpsc::Sender<Bytes>) {
    let (messages, said) = mpsc::channel::<Bytes>(4);
    let frames = stream::unfold(said, |mut said| async move {
        let message = said.recv().await?;
        Some((Ok(Frame::data(message)), said))
    });
    let request = Request::post(format!("https://{HOST}{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(StreamBody::new(frames).boxed())
        .unwrap();
    (request, messages)
}

fn message(protobuf: &[u8]) -> Bytes {
    [&[0][..], &(protobuf.len() as u32).to_be_bytes(), protobuf].concat().into()
}

fn status(headers: &HeaderMap) -> (&str, &str) {
    let text = |name| headers.get(name).map_or("", |value| value.to_str().unwrap());
    (text("grpc-status"), text("grpc-message"))
}

async fn heard(body: &mut Incoming) -> Bytes {
    body.frame().await.unwrap().unwrap().into_data().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_talk_at_once_where_the_unread_may_pass() {
    let (server, world, address) = world(Fail::Open).await;
    let mut client = connect(address, &world.root).await;
    let (request, messages) = call(BIDI);
    // The server answers before anything was said, and each message when it was.
    let response = client.send_request(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/grpc");
    let mut body = response.into_body();
    for text in [&b"one"[..], b"two", b"three"] {
        messages.send(message(text)).await.unwrap();
        assert_eq!(heard(&mut body).await, message(text));
    }
    drop(messages);
    let trailers = body.frame().await.unwrap().unwrap().into_trailers().unwrap();
    assert_eq!(status(&trailers), ("0", ""));
    assert_eq!(server.seen()[0].headers["te"], "trailers");
    let decided = world.records("decision.llm", 1).await;
    assert_eq!(decided[0].detail["input"]["inspected"], false);
    assert_eq!(decided[0].detail["input"]["endpoint"], "google/gemini");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_refused_with_a_status() {
    let (server, world, address) = world(Fail::Closed).await;
    let mut client = connect(address, &world.root).await;
    let (request, _messages) = call(BIDI);
    let response: Response<Incoming> = client.send_request(request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(status(response.headers()).0, "3", "{:?}", response.headers());
    // Two messages where one is due.
    let (request, messages) = call(UNARY);
    messages.send(message(b"\x0a\x01m")).await.unwrap();
    messages.send(message(b"\x0a\x01n")).await.unwrap();
    drop(messages);
    let response = client.send_request(request).await.unwrap();
    assert_eq!(status(response.headers()).0, "3");
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_of_a_message_is_decided_on() {
    let (server, world, address) = world(Fail::Closed).await;
    let mut client = connect(address, &world.root).await;
    for (model, expected) in [("models/forbidden", "7"), ("models/gemini-3", "0")] {
        let (request, messages) = call(UNARY);
        let field = [&[0x0a, model.len() as u8], model.as_bytes()].concat();
        messages.send(message(&field)).await.unwrap();
        drop(messages);
        let response = client.send_request(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap();
        let trailers = body.trailers().cloned().unwrap_or(head.headers);
        let (status, said) = status(&trailers);
        assert_eq!(status, expected, "{model}: {said}");
        assert_eq!(said.contains("forbidden is not a model for you"), expected == "7", "{said}");
    }
    assert_eq!(server.seen().len(), 1);
    let decided = world.records("decision.llm", 2).await;
    let input = &decided[0].detail["input"];
    assert_eq!((&input["model"], &input["inspected"]), (&"gemini-3".into(), &false.into()));
}
