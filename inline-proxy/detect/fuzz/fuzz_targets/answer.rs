//! Answers of each dialect in each framing: whole, octet by octet and in portions they say the same. The
//! first two octets choose the route and the portions.
#![no_main]

use http::{HeaderMap, HeaderValue, Method};
use libfuzzer_sys::fuzz_target;
use sark_detect::{Answer, AnswerReader, Form, Head, Kind, Limits, Refusal, recognise};

const ROUTES: [(&str, &str); 9] = [
    ("api.openai.com", "/v1/chat/completions"),
    ("api.openai.com", "/v1/responses"),
    ("api.anthropic.com", "/v1/messages"),
    ("generativelanguage.googleapis.com", "/v1beta/models/g:streamGenerateContent"),
    ("bedrock-runtime.a.amazonaws.com", "/model/m/converse-stream"),
    ("bedrock-runtime.a.amazonaws.com", "/model/amazon.x/invoke-with-response-stream"),
    ("api.cohere.com", "/v2/chat"),
    ("gpu:11434", "/api/chat"),
    ("tools.example", "/mcp"),
];

const KINDS: [&str; 4] = [
    "text/event-stream",
    "application/json",
    "application/x-ndjson",
    "application/vnd.amazon.eventstream",
];

fuzz_target!(|input: &[u8]| {
    let Some((&[route, portion], octets)) = input.split_first_chunk() else { return };
    let route = usize::from(route);
    let (host, path) = ROUTES[route % ROUTES.len()];
    let kind = KINDS[route / ROUTES.len() % KINDS.len()];
    let whole = read(host, path, kind, octets, octets.len());
    assert_eq!(read(host, path, kind, octets, 1), whole);
    assert_eq!(read(host, path, kind, octets, usize::from(portion) + 2), whole);
    assert!(whole.unread <= whole.events + 1);
    assert!(whole.tool_calls.len() <= 8 && whole.tool_calls.iter().all(|name| name.len() <= 256));
    let _ = whole.usage();
});

fn read(host: &str, path: &str, kind: &'static str, octets: &[u8], portion: usize) -> Answer {
    let mut headers = HeaderMap::new();
    let head = Head { scheme: "https", method: &Method::POST, host, path, headers: &headers };
    let mut found = recognise(&head);
    let body: &[u8] = match host {
        "tools.example" => br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t"}}"#,
        _ => br#"{"model":"m","stream":true,"messages":[]}"#,
    };
    let limits = Limits { event: 512, answer: 2048, tools: 8, ..Limits::default() };
    let asked = found.read(&headers, body, &limits).expect("it is one");
    headers.insert("content-type", HeaderValue::from_static(kind));
    let mut reader = AnswerReader::new(&found, &asked, &headers, &limits);
    let refusal = Refusal {
        kind: Kind::Denied,
        message: "no".to_owned(),
        request_id: "r".to_owned(),
        rule: None,
    };
    for portion in octets.chunks(portion.max(1)) {
        reader.push(portion);
    }
    for form in [Form::Hard, Form::Soft] {
        assert!(refusal.in_stream(&found, &reader, form, 0).len() < 4096);
    }
    assert_eq!(reader.finish().sendable, octets.len() as u64);
    reader.into_answer()
}
