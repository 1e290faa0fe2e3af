//! The server's half of a session over WebSocket.

use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use sark_detect::framing::websocket::{Decoder, Kind, Message, Side, write};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::models::WORDS;
use crate::server::{Body, Seen, full};

pub type Stream = TokioIo<Upgraded>;

/// A server of sessions: it answers what asks for an answer.
pub fn serve(request: &mut Request<Incoming>, seen: &Mutex<Vec<Seen>>) -> Response<Body> {
    let (key, path) = (request.headers()["sec-websocket-key"].clone(), request.uri().to_string());
    seen.lock().unwrap().push(Seen {
        version: request.version(),
        line: format!("GET {path}"),
        host: request.headers()["host"].to_str().unwrap().to_owned(),
        headers: request.headers().clone(),
        body: Bytes::new(),
        before: Vec::new(),
    });
    let upgrade = hyper::upgrade::on(request);
    tokio::spawn(async move {
        let Ok(stream) = upgrade.await else { return };
        let mut stream = TokioIo::new(stream);
        let mut decoder = Decoder::new(Side::Client, 1 << 20);
        loop {
            for message in next(&mut stream, &mut decoder).await {
                let payload = message.payload.unwrap();
                if message.kind == Kind::Close {
                    stream.write_all(&write(Kind::Close, &payload)).await.unwrap();
                    let _ = stream.shutdown().await;
                    return;
                }
                let asked: Value = serde_json::from_slice(&payload).unwrap();
                for event in said(&asked) {
                    let text = event.to_string();
                    if stream.write_all(&write(Kind::Text, text.as_bytes())).await.is_err() {
                        return;
                    }
                }
            }
        }
    });
    let accept = [key.as_bytes(), b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"].concat();
    let accept = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &accept);
    let accept = STANDARD.encode(accept);
    let mut response = Response::new(full(""));
    *response.status_mut() = http::StatusCode::SWITCHING_PROTOCOLS;
    for (name, value) in
        [("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-accept", &accept)]
    {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

fn said(asked: &Value) -> Vec<Value> {
    if asked["type"] != "response.create" {
        return vec![json!({ "type": "session.updated" })];
    }
    let mut all = vec![json!({ "type": "response.created", "response": { "id": "r1" } })];
    all.extend(WORDS.map(|text| json!({ "type": "response.output_text.delta", "delta": text })));
    if let Some(name) = asked["tools"][0]["name"].as_str() {
        let item = json!({ "type": "function_call", "name": name, "arguments": "" });
        all.push(json!({ "type": "response.output_item.added", "output_index": 1, "item": item }));
    }
    let usage = json!({ "input_tokens": 12, "output_tokens": 4, "total_tokens": 16 });
    let response = json!({ "id": "r1", "status": "completed", "usage": usage });
    all.push(json!({ "type": "response.done", "response": response }));
    all
}

/// What comes next; a close if nothing does.
pub async fn next(stream: &mut Stream, decoder: &mut Decoder) -> Vec<Message> {
    loop {
        let mut octets = vec![0; 4096];
        let read = stream.read(&mut octets).await.unwrap_or(0);
        if read == 0 {
            let end = decoder.at();
            return vec![Message { kind: Kind::Close, payload: Ok(Vec::new()), end }];
        }
        let messages = decoder.push(&octets[..read]).unwrap();
        if !messages.is_empty() {
            return messages;
        }
    }
}
