//! Whatever comes over a WebSocket, or as a call of gRPC, is read or refused; how it was cut does not show.
#![no_main]

use http::{HeaderMap, HeaderValue, Method};
use libfuzzer_sys::fuzz_target;
use sark_detect::framing::websocket::{Decoder, Message, Side, Wrong};
use sark_detect::{Head, Limits, recognise};

fuzz_target!(|input: (bool, u8, &[u8])| {
    let (is_client, portion, octets) = input;
    let side = if is_client { Side::Client } else { Side::Server };
    let whole = read(side, octets, octets.len());
    let cut = read(side, octets, usize::from(portion));
    assert_eq!(whole.1, cut.1);
    if whole.1.is_none() {
        assert_eq!(whole.0, cut.0);
    }
    let mut headers = HeaderMap::new();
    let head = |method, path, headers: &HeaderMap| {
        recognise(&Head { scheme: "https", method, host: "api.openai.com", path, headers })
    };
    let session = head(&Method::GET, "/v1/responses", &headers);
    for message in whole.0 {
        if let Ok(payload) = message.payload {
            let _ = session.read_message(&payload, &Limits::default());
        }
    }
    headers.insert("content-type", HeaderValue::from_static("application/grpc"));
    let path = "/google.ai.generativelanguage.v1.GenerativeService/GenerateContent";
    let _ = head(&Method::POST, path, &headers).read(&headers, octets, &Limits::default());
});

fn read(side: Side, octets: &[u8], portion: usize) -> (Vec<Message>, Option<Wrong>) {
    let mut decoder = Decoder::new(side, 64);
    let mut messages = Vec::new();
    for portion in octets.chunks(portion.max(1)) {
        match decoder.push(portion) {
            Ok(more) => messages.extend(more),
            Err(wrong) => return (messages, Some(wrong)),
        }
    }
    (messages, None)
}
