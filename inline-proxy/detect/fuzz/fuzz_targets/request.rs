//! Bodies of requests, to each dialect and to nobody known: they are read or refused, and what is read
//! hangs together. The first octet chooses the route.
#![no_main]

use http::{HeaderMap, Method};
use libfuzzer_sys::fuzz_target;
use sark_detect::{Dialect, Head, Kind, Limits, Refusal, ask_for_usage, recognise};

const ROUTES: [(&str, &str); 12] = [
    ("unknown.example", "/"),
    ("tools.example", "/mcp"),
    ("api.openai.com", "/v1/chat/completions"),
    ("api.openai.com", "/v1/responses"),
    ("api.openai.com", "/v1/embeddings"),
    ("api.anthropic.com", "/v1/messages"),
    ("api.anthropic.com", "/v1/messages/batches"),
    ("generativelanguage.googleapis.com", "/v1beta/models/g:generateContent"),
    ("bedrock-runtime.a.amazonaws.com", "/model/m/converse"),
    ("api.cohere.com", "/v2/chat"),
    ("gpu:11434", "/api/chat"),
    ("api.openai.com", "/v1/unknown"),
];

fuzz_target!(|input: &[u8]| {
    let Some((&route, body)) = input.split_first() else { return };
    let (host, path) = ROUTES[usize::from(route) % ROUTES.len()];
    let headers = HeaderMap::new();
    let head = Head { scheme: "https", method: &Method::POST, host, path, headers: &headers };
    let limits = Limits { tools: 64, ..Limits::default() };
    let mut found = recognise(&head);
    let Ok(asked) = found.read(&headers, body, &limits) else { return };
    // The same again, now that the dialect is known.
    let mut again = found.clone();
    assert_eq!(again.read(&headers, body, &limits).as_ref(), Ok(&asked));
    assert_eq!(again, found);
    assert!(asked.prompt_octets <= body.len() as u64 * 2);
    assert!(asked.tools.len() <= 64 && asked.other_models.len() < 65);
    assert!(asked.tools.iter().all(|tool| !tool.name.is_empty()));
    assert_eq!(asked.messages.is_empty(), found.dialect != Dialect::Mcp);
    let refusal = Refusal {
        kind: Kind::Denied,
        message: String::from_utf8_lossy(body).into_owned(),
        request_id: "r".to_owned(),
        rule: asked.model.clone(),
    };
    let response = refusal.response(&found, Some(&asked));
    assert!(response.status().as_u16() >= 200 && response.body().len() < 1 << 20);
    // Asking for usage makes another body, in which it is asked for.
    if let Some(body) = ask_for_usage(body) {
        assert_eq!(ask_for_usage(&body), None);
        let mut other = recognise(&head);
        if let Ok(other) = other.read(&headers, &body, &limits) {
            assert_eq!((other.model, other.stream), (asked.model, asked.stream));
        }
    }
});
