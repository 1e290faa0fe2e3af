//! What is asked and answered: a chat of about a kilobyte, in the shapes of OpenAI's API.

use serde_json::json;

use crate::inside::MODELS;

pub const PATH: &str = "/v1/chat/completions";

/// The body of every request.
pub fn question() -> String {
    let text = "Please read the following notes of the meeting and write a summary of no more than five \
                sentences, in the order in which things were said, without opinions of your own. The \
                notes: we looked at the figures of the last quarter, which were a little better than \
                those of the one before. The new machines were delivered late, and two of the five do \
                not run yet; the supplier has promised to send somebody next week. Nobody wanted to \
                decide on the budget before that. The office in the north moves in spring.";
    json!({
        "model": "gpt-4o-mini",
        "temperature": 0.2,
        "max_tokens": 300,
        "messages": [
            { "role": "system", "content": "You are a careful assistant of a small company." },
            { "role": "user", "content": text },
        ],
        "tools": [{ "type": "function", "function": {
            "name": "save_summary", "description": "Keeps a summary of a meeting",
            "parameters": { "type": "object", "properties": { "text": { "type": "string" } } },
        } }],
    })
    .to_string()
}

/// As long a body, that asks no model.
pub fn document() -> String {
    let line = |n: u32| json!({ "article": format!("A-{n:05}"), "count": n, "price": "12.50", "ready": true });
    json!({ "order": 4711, "customer": "Example", "lines": (0..17).map(line).collect::<Vec<_>>() })
        .to_string()
}

/// The body of every answer.
pub fn answer() -> String {
    json!({
        "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
        "object": "chat.completion",
        "created": 1_741_569_952,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "The figures of the last quarter were slightly better. Two of five new machines \
                            are not running, and the supplier sends somebody next week. The budget waits \
                            for that. The northern office moves in spring.",
                "refusal": null,
                "annotations": [],
            },
            "logprobs": null,
            "finish_reason": "stop",
        }],
        "usage": {
            "prompt_tokens": 187, "completion_tokens": 48, "total_tokens": 235,
            "prompt_tokens_details": { "cached_tokens": 0, "audio_tokens": 0 },
            "completion_tokens_details": { "reasoning_tokens": 0, "audio_tokens": 0 },
        },
        "service_tier": "default",
        "system_fingerprint": "fp_b376dfbbd5",
    })
    .to_string()
}

/// A whole request, as it goes over HTTP/1.1.
pub fn request(close: bool) -> Vec<u8> {
    let body = question();
    let close = if close { "connection: close\r\n" } else { "" };
    format!(
        "POST {PATH} HTTP/1.1\r\nhost: {MODELS}\r\nuser-agent: OpenAI/Python 3.57.0\r\n\
         content-type: application/json\r\naccept: application/json\r\n\
         authorization: Bearer sk-none\r\n{close}content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
