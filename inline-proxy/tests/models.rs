//! What models' servers answer, each in its own way: a whole answer, and one in pieces.

use serde_json::{Value, json};

/// Pieces of an answer.
pub const WORDS: [&str; 4] = ["four ", "words ", "of ", "answer"];

/// A streamed answer: its type, and its events.
pub type Events = (&'static str, Vec<String>);

/// The first tool that is offered: it is called after the words.
fn tool(asked: &Value) -> Option<&str> {
    let tool = &asked["tools"][0];
    tool["function"]["name"].as_str().or(tool["name"].as_str())
}

/// The whole answer; by the path of the request.
pub fn whole(path: &str, asked: &Value) -> Value {
    let text = WORDS.concat();
    let model = asked["model"].clone();
    if path.ends_with("/v1/messages") {
        let calls = tool(asked).map(|name| {
            json!({ "type": "tool_use", "id": "t1", "name": name, "input": { "path": "/" } })
        });
        let content: Vec<Value> =
            [json!({ "type": "text", "text": text })].into_iter().chain(calls).collect();
        return json!({
            "id": "m1", "type": "message", "role": "assistant", "model": model,
            "content": content,
            "stop_reason": "end_turn", "stop_sequence": null,
            "usage": { "input_tokens": 12, "output_tokens": 4 },
        });
    }
    if path.ends_with("/v2/chat") {
        return json!({
            "id": "c1", "finish_reason": "COMPLETE",
            "message": { "role": "assistant", "content": [{ "type": "text", "text": text }] },
            "usage": { "tokens": { "input_tokens": 12, "output_tokens": 4 } },
        });
    }
    if path.contains(":generateContent") {
        return gemini(&text, Some("STOP"));
    }
    if path == "/api/chat" {
        return ollama(&model, &text, true);
    }
    let calls = tool(asked).map(|name| {
        json!([{ "id": "t1", "type": "function",
            "function": { "name": name, "arguments": "{\"path\":\"/\"}" } }])
    });
    json!({
        "id": "c1", "object": "chat.completion", "created": 1, "model": model,
        "choices": [{ "index": 0, "finish_reason": "stop",
            "message": { "role": "assistant", "content": text, "tool_calls": calls } }],
        "usage": { "prompt_tokens": 12, "completion_tokens": 4, "total_tokens": 16 },
    })
}

fn ollama(model: &Value, text: &str, done: bool) -> Value {
    let mut answer = json!({
        "model": model, "created_at": "2026-11-29T00:00:00Z", "done": done,
        "message": { "role": "assistant", "content": text },
    });
    if done {
        answer["done_reason"] = "stop".into();
        answer["prompt_eval_count"] = 12.into();
        answer["eval_count"] = 4.into();
    }
    answer
}

fn gemini(text: &str, finish: Option<&str>) -> Value {
    json!({
        "candidates": [{ "index": 0, "finishReason": finish,
            "content": { "role": "model", "parts": [{ "text": text }] } }],
        "usageMetadata": {
            "promptTokenCount": 12, "candidatesTokenCount": 4, "totalTokenCount": 16 },
    })
}

/// The same in pieces.
pub fn events(host: &str, path: &str, asked: &Value) -> Events {
    let sse = "text/event-stream";
    let named = |name: &str, data: Value| format!("event: {name}\ndata: {data}\n\n");
    let plain = |data: Value| format!("data: {data}\n\n");
    if path == "/api/chat" {
        let line = |answer: Value| format!("{answer}\n");
        let mut all = WORDS.map(|text| line(ollama(&asked["model"], text, false))).to_vec();
        all.push(line(ollama(&asked["model"], "", true)));
        return ("application/x-ndjson", all);
    }
    if path.ends_with("/v1/messages") {
        let message = json!({
            "id": "m1", "type": "message", "role": "assistant", "model": asked["model"],
            "content": [], "stop_reason": null, "stop_sequence": null,
            "usage": { "input_tokens": 12, "output_tokens": 1 },
        });
        let mut all = vec![
            named("message_start", json!({ "type": "message_start", "message": message })),
            named(
                "content_block_start",
                json!({ "type": "content_block_start", "index": 0,
                "content_block": { "type": "text", "text": "" } }),
            ),
        ];
        all.extend(WORDS.map(|text| {
            named(
                "content_block_delta",
                json!({ "type": "content_block_delta", "index": 0,
                "delta": { "type": "text_delta", "text": text } }),
            )
        }));
        all.push(named("content_block_stop", json!({ "type": "content_block_stop", "index": 0 })));
        if let Some(name) = tool(asked) {
            let block = json!({ "type": "tool_use", "id": "t1", "name": name, "input": {} });
            all.push(named(
                "content_block_start",
                json!({ "type": "content_block_start", "index": 1, "content_block": block }),
            ));
            let delta = json!({ "type": "input_json_delta", "partial_json": "{\"path\":\"/\"}" });
            all.push(named(
                "content_block_delta",
                json!({ "type": "content_block_delta", "index": 1, "delta": delta }),
            ));
            let stop = json!({ "type": "content_block_stop", "index": 1 });
            all.push(named("content_block_stop", stop));
        }
        all.push(named(
            "message_delta",
            json!({ "type": "message_delta",
            "delta": { "stop_reason": "end_turn", "stop_sequence": null },
            "usage": { "output_tokens": 4 } }),
        ));
        all.push(named("message_stop", json!({ "type": "message_stop" })));
        return (sse, all);
    }
    if path.ends_with("/v2/chat") {
        let mut all = vec![
            named(
                "message-start",
                json!({ "type": "message-start", "id": "c1",
                "delta": { "message": { "role": "assistant" } } }),
            ),
            named(
                "content-start",
                json!({ "type": "content-start", "index": 0,
                "delta": { "message": { "content": { "type": "text", "text": "" } } } }),
            ),
        ];
        all.extend(WORDS.map(|text| {
            named(
                "content-delta",
                json!({ "type": "content-delta", "index": 0,
                "delta": { "message": { "content": { "text": text } } } }),
            )
        }));
        all.push(named("content-end", json!({ "type": "content-end", "index": 0 })));
        all.push(named(
            "message-end",
            json!({ "type": "message-end", "delta": {
            "finish_reason": "COMPLETE",
            "usage": { "tokens": { "input_tokens": 12, "output_tokens": 4 } } } }),
        ));
        return (sse, all);
    }
    if path.contains(":streamGenerateContent") {
        let last = WORDS.len() - 1;
        let chunk =
            |(number, text): (usize, &str)| plain(gemini(text, (number == last).then_some("STOP")));
        return (sse, WORDS.into_iter().enumerate().map(chunk).collect());
    }
    let chunk = |choice: Value, usage: Value| {
        plain(json!({
            "id": "c1", "object": "chat.completion.chunk", "created": 1, "model": asked["model"],
            "choices": [choice], "usage": usage,
        }))
    };
    let mut all: Vec<String> = WORDS
        .map(|text| {
            let delta = json!({ "role": "assistant", "content": text });
            chunk(json!({ "index": 0, "delta": delta, "finish_reason": null }), Value::Null)
        })
        .into();
    if let Some(name) = tool(asked) {
        for (name, arguments) in [(Some(name), "{\"path\""), (None, ":\"/\"}")] {
            let function = json!({ "name": name, "arguments": arguments });
            let call = json!({ "index": 0, "id": "t1", "type": "function", "function": function });
            let delta = json!({ "tool_calls": [call] });
            let choice = json!({ "index": 0, "delta": delta, "finish_reason": null });
            all.push(chunk(choice, Value::Null));
        }
    }
    let usage = json!({ "prompt_tokens": 12, "completion_tokens": 4, "total_tokens": 16 });
    let end = json!({ "index": 0, "delta": { "content": "" }, "finish_reason": "stop" });
    let is_unasked = host.ends_with("mistral.ai");
    all.push(chunk(end, if is_unasked { usage.clone() } else { Value::Null }));
    if !is_unasked && asked["stream_options"]["include_usage"] == true {
        all.push(plain(json!({
            "id": "c1", "object": "chat.completion.chunk", "created": 1, "model": asked["model"],
            "choices": [], "usage": usage,
        })));
    }
    all.push("data: [DONE]\n\n".to_owned());
    (sse, all)
}
