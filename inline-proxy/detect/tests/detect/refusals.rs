//! Golden: what is said instead of an answer, in each family's words.

use bytes::Bytes;
use http::Response;
use sark_detect::framing::eventstream;
use sark_detect::{Asked, Family, Form, Kind, Limits, Recognised, Refusal};

use crate::support::{ask, aws_event, post, reader};

fn refusal(kind: Kind) -> Refusal {
    Refusal {
        kind,
        message: "The model gpt-5 is not allowed here.".to_owned(),
        request_id: "req-7f3a".to_owned(),
        rule: Some("deny-models/gpt".to_owned()),
    }
}

/// Status, headers but those of every answer, body.
fn shown(response: &Response<Bytes>) -> String {
    let mut text = format!("{}\n", response.status().as_u16());
    let mut headers: Vec<_> = response.headers().iter().collect();
    headers.sort_by_key(|(name, _)| name.as_str());
    for (name, value) in headers {
        text.push_str(&format!("{name}: {}\n", value.to_str().unwrap()));
    }
    text.push_str(std::str::from_utf8(response.body()).unwrap());
    text
}

const HOSTS: [(&str, &str, &str); 10] = [
    ("openai", "api.openai.com", "/v1/chat/completions"),
    ("azure", "c.openai.azure.com", "/openai/deployments/d/chat/completions"),
    ("groq", "api.groq.com", "/openai/v1/responses"),
    ("anthropic", "api.anthropic.com", "/v1/messages"),
    ("gemini", "generativelanguage.googleapis.com", "/v1beta/models/g:generateContent"),
    ("bedrock", "bedrock-runtime.us-east-1.amazonaws.com", "/model/m/converse-stream"),
    ("mistral", "api.mistral.ai", "/v1/chat/completions"),
    ("cohere", "api.cohere.com", "/v2/chat"),
    ("ollama", "gpu:11434", "/api/chat"),
    ("unknown", "example.com", "/"),
];

#[test]
fn denied_in_each_family() {
    let mut text = String::new();
    for (name, host, path) in HOSTS {
        let found = post(host, path, &http::HeaderMap::new());
        let response = refusal(Kind::Denied).response(&found, None);
        text.push_str(&format!("== {name}\n{}\n\n", shown(&response)));
    }
    insta::assert_snapshot!("denied", text);
}

#[test]
fn every_kind_in_three_families() {
    let mut text = String::new();
    for kind in [
        Kind::Unreadable,
        Kind::TooLarge,
        Kind::RateLimited { retry_after: 7 },
        Kind::Spent,
        Kind::Upstream,
        Kind::Overloaded { retry_after: 2 },
    ] {
        for family in
            [Family::OpenAi, Family::Anthropic, Family::Gemini, Family::Bedrock, Family::Unknown]
        {
            let response = refusal(kind).of_family(family);
            text.push_str(&format!("== {kind:?} {family:?}\n{}\n\n", shown(&response)));
        }
    }
    insta::assert_snapshot!("kinds", text);
}

#[test]
fn mcp_in_each_case() {
    let mut text = String::new();
    let call = r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"rm"}}"#;
    let modern = r#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"rm","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
    let read = r#"{"jsonrpc":"2.0","id":6,"method":"resources/read","params":{"uri":"file:///x"}}"#;
    let note = r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#;
    let batch = format!("[{call},{note},{read}]");
    for (name, kind, body) in [
        ("a tool", Kind::Denied, call),
        ("a tool, 2026-07-28", Kind::Denied, modern),
        ("a resource", Kind::Denied, read),
        ("a notification", Kind::Denied, note),
        ("a batch", Kind::Denied, &batch),
        ("no upstream", Kind::Upstream, call),
        ("headers that differ", Kind::Mirror, call),
        ("too large", Kind::TooLarge, call),
    ] {
        let (found, asked) = ask("tools.example", "/mcp", body).unwrap();
        let response = refusal(kind).response(&found, Some(&asked));
        text.push_str(&format!("== {name}\n{}\n\n", shown(&response)));
    }
    insta::assert_snapshot!("mcp", text);
}

fn ended(route: (&str, &str, &str, &str), before: &[u8], form: Form) -> Bytes {
    let (host, path, body, kind) = route;
    let (found, _): (Recognised, Asked) = ask(host, path, body).unwrap();
    let mut reader = reader(host, path, body, kind, &Limits { event: 200, ..Limits::default() });
    let sent = reader.push(before).sendable;
    refusal(Kind::Denied).in_stream(&found, &reader, form, sent)
}

const SSE: &str = "text/event-stream";
const CHAT: &str = r#"{"model":"m","stream":true,"messages":[]}"#;
const GEMINI: &str = "generativelanguage.googleapis.com";
const BEDROCK: &str = "bedrock-runtime.us-east-1.amazonaws.com";

#[test]
fn in_the_middle_of_a_stream() {
    let chunk = "data: {\"id\":\"c1\",\"model\":\"gpt-5\",\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n";
    let event = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":41,\"delta\":\"x\"}\n\n";
    let begun = concat!(
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"c\",\"usage\":{\"input_tokens\":1,\"output_tokens\":3}}}\n\n",
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"text\"}}\n\n",
    );
    let closed = [
        begun,
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":2}\n\n",
    ]
    .concat();
    let piece = r#"{"candidates":[{"content":{"parts":[{"text":"x"}]}}],"modelVersion":"g-3"}"#;
    let long = format!("data: {}", "x".repeat(300));
    let mut text = String::new();
    for (name, route, before) in [
        ("chat", ("api.openai.com", "/v1/chat/completions", CHAT, SSE), chunk),
        (
            "chat, within an event that is too long",
            ("api.openai.com", "/v1/chat/completions", CHAT, SSE),
            &*long,
        ),
        ("completions", ("api.openai.com", "/v1/completions", CHAT, SSE), ""),
        ("responses", ("api.openai.com", "/v1/responses", CHAT, SSE), event),
        ("messages", ("api.anthropic.com", "/v1/messages", CHAT, SSE), begun),
        ("messages, no open block", ("api.anthropic.com", "/v1/messages", CHAT, SSE), &*closed),
        ("messages, not begun", ("api.anthropic.com", "/v1/messages", CHAT, SSE), ""),
        ("gemini", (GEMINI, "/v1beta/models/g:streamGenerateContent?alt=sse", "{}", SSE), ""),
        (
            "gemini, array",
            (GEMINI, "/v1beta/models/g:streamGenerateContent", "{}", "application/json"),
            &*format!("[{piece}"),
        ),
        (
            "gemini, array not begun",
            (GEMINI, "/v1beta/models/g:streamGenerateContent", "{}", "application/json"),
            "",
        ),
        ("cohere", ("api.cohere.com", "/v2/chat", CHAT, SSE), ""),
        (
            "ollama",
            ("gpu:11434", "/api/chat", CHAT, "application/x-ndjson"),
            "{\"model\":\"llama3\",\"message\":{\"content\":\"x\"}}\n",
        ),
        (
            "mcp",
            (
                "tools.example",
                "/mcp",
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t"}}"#,
                SSE,
            ),
            "",
        ),
        ("one document", ("api.openai.com", "/v1/chat/completions", CHAT, "application/json"), "{"),
    ] {
        for form in [Form::Hard, Form::Soft] {
            let octets = ended(route, before.as_bytes(), form);
            let octets = std::str::from_utf8(&octets).unwrap().to_owned();
            text.push_str(&format!("== {name}, {form:?}\n{octets}\n"));
        }
    }
    insta::assert_snapshot!("in_stream", text);
}

#[test]
fn in_the_middle_of_an_aws_stream() {
    let route = (BEDROCK, "/model/m/converse-stream", "{}", "application/vnd.amazon.eventstream");
    let before = [
        aws_event("messageStart", r#"{"role":"assistant"}"#),
        aws_event("contentBlockDelta", r#"{"contentBlockIndex":3,"delta":{"text":"x"}}"#),
    ]
    .concat();
    let messages = |form| {
        let mut decoder = eventstream::Decoder::new(4096);
        let mut seen = Vec::new();
        decoder.push(&ended(route, &before, form), |message| {
            let message = message.unwrap();
            let payload = std::str::from_utf8(message.payload).unwrap();
            seen.push(format!("{} {} {payload}", message.message_type, message.kind));
        });
        assert!(!decoder.is_open());
        seen
    };
    let said = r#"{"message":"The model gpt-5 is not allowed here. (request req-7f3a, rule deny-models/gpt)"}"#;
    assert_eq!(messages(Form::Hard), [format!("exception validationException {said}")]);
    assert_eq!(
        messages(Form::Soft),
        [
            r#"event contentBlockStop {"contentBlockIndex":3}"#,
            r#"event messageStop {"stopReason":"guardrail_intervened"}"#,
        ]
    );
}

/// Ids come from us, messages from policies: still nothing of them breaks a line or a header.
#[test]
fn nothing_gets_out_of_its_place() {
    let refusal = Refusal {
        kind: Kind::Denied,
        message: format!("a\r\n\r\ndata: x\u{0}{}", "é".repeat(400)),
        request_id: "r\r\nset-cookie: x=1".to_owned(),
        rule: Some("größe\n".to_owned()),
    };
    let response = refusal.of_family(Family::OpenAi);
    assert_eq!(response.headers()["x-sark-request-id"], "rset-cookie:x=1");
    assert_eq!(response.headers()["x-sark-rule"], "gre");
    let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
    let message = body["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("a    data: x ") && message.len() < 600);
    assert!(!message.contains(char::is_control));
    let (found, _) = ask("api.openai.com", "/v1/chat/completions", CHAT).unwrap();
    let reader = reader("api.openai.com", "/v1/chat/completions", CHAT, SSE, &Limits::default());
    let octets = refusal.in_stream(&found, &reader, Form::Hard, 0);
    let lines = std::str::from_utf8(&octets).unwrap().lines().count();
    assert_eq!(lines, 2);
}

/// What cannot be read is refused in the words of whom it was for.
#[test]
fn from_what_cannot_be_read_to_its_refusal() {
    for (host, path, body, kind) in [
        ("api.openai.com", "/v1/chat/completions", "{", Kind::Unreadable),
        (
            "api.openai.com",
            "/v1/chat/completions",
            r#"{"model":"a","model":"b"}"#,
            Kind::Unreadable,
        ),
        ("tools.example", "/mcp", r#"{"jsonrpc":"2.0"}"#, Kind::Unreadable),
    ] {
        assert_eq!(Kind::from(&ask(host, path, body).unwrap_err()), kind, "{body}");
    }
    assert_eq!(Kind::from(&sark_detect::Unreadable::TooLong(1)), Kind::TooLarge);
    assert_eq!(Kind::from(&sark_detect::Unreadable::Mirror("mcp-name")), Kind::Mirror);
}
