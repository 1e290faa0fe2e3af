//! Sessions with models over WebSocket: what is asked in them is decided on, what is answered is read.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use sark_core::audit::Outcome;
use sark_detect::framing::websocket::{Decoder, Kind, Message, Side, write};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::client::Client;
use crate::models::WORDS;
use crate::realtime::{Stream, next};
use crate::server::Server;
use crate::world::{NAME, Options, World};

/// As a client sends it: masked.
pub fn masked(kind: Kind, payload: &[u8]) -> Vec<u8> {
    let mut frame = write(kind, payload);
    let head = frame.len() - payload.len();
    frame[1] |= 0x80;
    let mask = [1, 2, 3, 4];
    let octets = frame.split_off(head);
    frame.extend(mask);
    frame.extend(octets.iter().zip(mask.iter().cycle()).map(|(octet, mask)| octet ^ mask));
    frame
}

pub struct Session {
    pub stream: Stream,
    decoder: Decoder,
    waiting: Vec<Message>,
}

impl Session {
    pub async fn open(client: &mut Client, path: &str) -> Result<Self, u16> {
        let request = Request::get(path)
            .header("host", NAME)
            .header("connection", "Upgrade")
            .header("upgrade", "WebSocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("sec-websocket-extensions", "permessage-deflate; client_max_window_bits")
            .body(Full::<Bytes>::default())
            .unwrap();
        let response = client.send(request).await;
        if response.status() != 101 {
            return Err(response.status().as_u16());
        }
        assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let stream = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
        Ok(Self { stream, decoder: Decoder::new(Side::Server, 1 << 20), waiting: Vec::new() })
    }

    pub async fn say(&mut self, message: &Value) {
        let frame = masked(Kind::Text, message.to_string().as_bytes());
        // In two pieces: what is not whole waits.
        let (first, second) = frame.split_at(frame.len() / 2);
        self.stream.write_all(first).await.unwrap();
        self.stream.flush().await.unwrap();
        self.stream.write_all(second).await.unwrap();
    }

    async fn hear(&mut self) -> (Kind, Vec<u8>) {
        if self.waiting.is_empty() {
            self.waiting = next(&mut self.stream, &mut self.decoder).await;
        }
        let message = self.waiting.remove(0);
        (message.kind, message.payload.unwrap())
    }

    /// Texts of an answer, until it is over.
    pub async fn answer(&mut self) -> (String, Value) {
        let mut text = String::new();
        loop {
            let (kind, payload) = self.hear().await;
            assert_eq!(kind, Kind::Text);
            let event: Value = serde_json::from_slice(&payload).unwrap();
            text += event["delta"].as_str().unwrap_or_default();
            if event["type"] == "response.done" || event["type"] == "error" {
                return (text, event);
            }
        }
    }

    /// Code and reason of the close that comes now.
    pub async fn closed(&mut self) -> (u16, String) {
        let (kind, payload) = self.hear().await;
        assert_eq!(kind, Kind::Close);
        let code = u16::from_be_bytes([payload[0], payload[1]]);
        (code, String::from_utf8(payload[2..].to_vec()).unwrap())
    }
}

async fn world() -> (Server, World, std::net::SocketAddr) {
    let server = Server::start(&["http/1.1"]).await;
    let roots = vec![server.root.clone()];
    let world = World::new(Options { server_roots: roots, ..Options::default() }).await;
    let address = world.listen(Some(server.address)).await;
    (server, world, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_answer_is_read_and_each_question_decided_on() {
    let (server, world, address) = world().await;
    let mut client = Client::connect(address, NAME, &world.root, &["http/1.1"]).await;
    let mut session = Session::open(&mut client, "/v1/responses").await.unwrap();
    assert!(!server.seen()[0].headers.contains_key("sec-websocket-extensions"));
    for model in ["gpt-5", "gpt-5-mini"] {
        session.say(&json!({ "type": "response.create", "model": model, "input": "x" })).await;
        let (text, last) = session.answer().await;
        assert_eq!((text, &last["type"]), (WORDS.concat(), &json!("response.done")));
    }
    session.stream.write_all(&masked(Kind::Close, &1000_u16.to_be_bytes())).await.unwrap();
    assert_eq!(session.closed().await.0, 1000);
    let ended = world.records("proxy.session", 1).await;
    let detail = &ended[0].detail;
    assert_eq!((&detail["ended"], &detail["answers"]), (&json!("closed"), &json!(2)), "{detail}");
    assert_eq!(detail["toServer"]["messages"], 2);
    assert_eq!(detail["toClient"]["messages"], 12);
    let answered = world.records("proxy.answer", 2).await;
    for (record, model) in answered.iter().zip(["gpt-5-mini", "gpt-5"]) {
        assert_eq!(record.detail["usage"], json!({ "input": 12, "output": 4 }));
        assert_eq!(
            (&record.detail["model"], &record.detail["whole"]),
            (&json!(model), &json!(true))
        );
    }
    let decided = world.records("decision.llm", 3).await;
    let models: Vec<&Value> = decided.iter().map(|it| &it.detail["input"]["model"]).collect();
    assert_eq!(models, [&json!("gpt-5-mini"), &json!("gpt-5"), &Value::Null]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_asked_ends_it_in_the_providers_words() {
    let (server, world, address) = world().await;
    let mut client = Client::connect(address, NAME, &world.root, &["http/1.1"]).await;
    assert_eq!(Session::open(&mut client, "/v1/realtime?model=forbidden").await.err(), Some(403));
    assert_eq!(server.seen().len(), 0);
    for (message, code, said) in [
        (
            json!({ "type": "response.create", "model": "forbidden" }),
            "sark_denied",
            "not a model for you",
        ),
        (
            json!({ "type": "response.create", "model": "m", "Model": "forbidden" }),
            "sark_unreadable",
            "other letters",
        ),
    ] {
        let mut client = Client::connect(address, NAME, &world.root, &["http/1.1"]).await;
        let mut session = Session::open(&mut client, "/v1/responses").await.unwrap();
        session.say(&message).await;
        let (text, last) = session.answer().await;
        assert_eq!((text.as_str(), &last["error"]["code"]), ("", &json!(code)), "{last}");
        assert!(last["error"]["message"].as_str().unwrap().contains(said), "{last}");
        let (code, why) = session.closed().await;
        assert!(code == 1008 && why.contains(said), "{code} {why}");
    }
    let ended = world.records("proxy.session", 2).await;
    assert!(ended.iter().all(|it| it.outcome == Outcome::Refused), "{ended:#?}");
    assert!(ended.iter().all(|it| it.detail["toServer"]["octets"] == 0), "nothing went on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_may_not_be_called_ends_it_too() {
    let (_server, world, address) = world().await;
    let mut client = Client::connect(address, NAME, &world.root, &["http/1.1"]).await;
    let mut session = Session::open(&mut client, "/v1/responses").await.unwrap();
    let tools = json!([{ "type": "function", "name": "rm" }]);
    session.say(&json!({ "type": "response.create", "model": "m", "tools": tools })).await;
    let (text, last) = session.answer().await;
    assert_eq!((text, &last["error"]["code"]), (WORDS.concat(), &json!("sark_denied")));
    assert_eq!(session.closed().await.0, 1008);
    let answered = world.records("proxy.answer", 1).await;
    assert_eq!(answered[0].detail["stopped"]["rule"], "models/tool");
}
