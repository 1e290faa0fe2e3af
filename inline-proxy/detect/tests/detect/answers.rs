//! What comes back, as each provider writes it.

use sark_detect::{Answer, Failure, Limits, Passed};
use sark_prices::{Reported, Unit, Usage};

use crate::support::{answer, aws, aws_event, reader};

const CHAT: &str = r#"{"model":"m","stream":true,"messages":[]}"#;
const SSE: &str = "text/event-stream";
const JSON: &str = "application/json";

/// Input, cached, written, output, reasoning; each token once.
fn usage(counts: [u64; 5]) -> Option<Usage> {
    let units = [Unit::Input, Unit::CacheRead, Unit::CacheWrite, Unit::Output, Unit::Reasoning];
    let counts = units.into_iter().zip(counts);
    Some(counts.fold(Usage::default(), |usage, (unit, count)| usage.with(unit, count)))
}

fn of(answer: &Answer) -> Option<Usage> {
    answer.usage().map(Result::unwrap)
}

fn events(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("data: {line}\n\n")).collect()
}

/// As a stream with event types writes them: `type` twice.
fn typed(lines: &[&str]) -> String {
    let kind = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        value["type"].as_str().unwrap().to_owned()
    };
    lines.iter().map(|line| format!("event: {}\ndata: {line}\n\n", kind(line))).collect()
}

#[test]
fn openai_chat_streamed() {
    let stream = events(&[
        r#"{"id":"c1","object":"chat.completion.chunk","model":"gpt-5-2025","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}"#,
        r#"{"id":"c1","model":"gpt-5-2025","choices":[{"index":0,"delta":{"content":"Hé"}}]}"#,
        r#"{"id":"c1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t","type":"function","function":{"name":"weather","arguments":""}}]}}]}"#,
        r#"{"id":"c1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":1}"}}]}}]}"#,
        r#"{"id":"c1","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"u","function":{"name":"weather","arguments":"{}"}}]}}]}"#,
        r#"{"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
        r#"{"id":"c1","choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":50,"total_tokens":1050,"prompt_tokens_details":{"cached_tokens":600,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":20}}}"#,
        "[DONE]",
    ]);
    let answer = answer("api.openai.com", "/v1/chat/completions", CHAT, SSE, stream.as_bytes());
    assert_eq!(answer.model.as_deref(), Some("gpt-5-2025"));
    assert_eq!(of(&answer), usage([400, 600, 0, 30, 20]));
    assert_eq!(answer.tool_calls, ["weather", "weather"]);
    assert_eq!((answer.output_octets, answer.finish.as_deref()), (3 + 7 + 2, Some("tool_calls")));
    assert!(answer.is_complete && answer.is_inspected && answer.failure.is_none());
    assert_eq!((answer.events, answer.unread), (8, 0));
}

#[test]
fn openai_chat_whole_and_its_like() {
    let body = r#"{"model":"m","messages":[]}"#;
    let whole = r#"{"id":"c","model":"gpt-5","choices":[{"index":0,"message":{"role":"assistant","content":"hello","refusal":null,"tool_calls":[{"id":"t","function":{"name":"f","arguments":"{}"}},{"id":"u","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}"#;
    for (host, path) in [
        ("api.openai.com", "/v1/chat/completions"),
        ("c.openai.azure.com", "/openai/deployments/d/chat/completions"),
        ("api.mistral.ai", "/v1/chat/completions"),
        ("openrouter.ai", "/api/v1/chat/completions"),
        ("vllm:8000", "/v1/chat/completions"),
    ] {
        let answer = answer(host, path, body, "application/json; charset=utf-8", whole.as_bytes());
        assert_eq!(of(&answer), usage([10, 0, 0, 5, 0]), "{host}");
        assert_eq!((answer.output_octets, answer.tool_calls.len()), (9, 2));
        assert!(answer.is_complete);
    }
    // Usage in other places: of Groq, in a choice, beside a choice, on every chunk.
    for (chunk, counts) in [
        (
            r#"{"x_groq":{"usage":{"prompt_tokens":3,"completion_tokens":4}},"choices":[]}"#,
            [3, 0, 0, 4, 0],
        ),
        (
            r#"{"choices":[{"delta":{},"usage":{"prompt_tokens":5,"completion_tokens":6,"cached_tokens":2}}]}"#,
            [3, 2, 0, 6, 0],
        ),
        (
            r#"{"choices":[{"delta":{}}],"usage":{"prompt_tokens":5,"completion_tokens":6,"prompt_cache_hit_tokens":4}}"#,
            [1, 4, 0, 6, 0],
        ),
        // Reasoning beside the completion, by the sum.
        (
            r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":6,"total_tokens":18,"completion_tokens_details":{"reasoning_tokens":7}}}"#,
            [5, 0, 0, 6, 7],
        ),
        (
            r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":2,"cache_write_tokens":3}}}"#,
            [4, 2, 3, 1, 0],
        ),
    ] {
        let stream = events(&[
            r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#,
            chunk,
            "[DONE]",
        ]);
        let answer =
            answer("api.groq.com", "/openai/v1/chat/completions", CHAT, SSE, stream.as_bytes());
        assert_eq!(of(&answer), usage(counts), "{chunk}");
    }
    let embedding = r#"{"object":"list","data":[{"embedding":[0.1,1e-400],"index":0}],"model":"e","usage":{"prompt_tokens":8,"total_tokens":8}}"#;
    let answer = answer(
        "api.openai.com",
        "/v1/embeddings",
        r#"{"model":"e","input":"x"}"#,
        JSON,
        embedding.as_bytes(),
    );
    assert_eq!(of(&answer), usage([8, 0, 0, 0, 0]));
}

#[test]
fn openai_responses() {
    let body = r#"{"model":"m","stream":true,"input":"x"}"#;
    let stream = typed(&[
        r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","model":"gpt-5.1","status":"in_progress","output":[],"usage":null}}"#,
        r#"{"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"type":"message","content":[]}}"#,
        r#"{"type":"response.output_text.delta","sequence_number":2,"output_index":0,"delta":"hello"}"#,
        r#"{"type":"response.output_text.done","sequence_number":3,"text":"hello"}"#,
        r#"{"type":"response.output_item.done","sequence_number":4,"output_index":0,"item":{"type":"message","content":[{"type":"output_text","text":"hello"}]}}"#,
        r#"{"type":"response.output_item.added","sequence_number":5,"output_index":1,"item":{"type":"function_call","name":"weather","arguments":""}}"#,
        r#"{"type":"response.function_call_arguments.delta","sequence_number":6,"output_index":1,"delta":"{}"}"#,
        r#"{"type":"response.output_item.done","sequence_number":7,"output_index":1,"item":{"type":"function_call","name":"weather","arguments":"{}"}}"#,
        r#"{"type":"response.output_item.added","sequence_number":8,"output_index":2,"item":{"type":"web_search_call"}}"#,
        r#"{"type":"response.completed","sequence_number":9,"response":{"id":"resp_1","model":"gpt-5.1","status":"completed","output":[{"type":"function_call","name":"weather"}],"usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":40},"output_tokens":30,"output_tokens_details":{"reasoning_tokens":10},"total_tokens":130}}}"#,
    ]);
    let streamed = answer("api.openai.com", "/v1/responses", body, SSE, stream.as_bytes());
    assert_eq!(of(&streamed), usage([60, 40, 0, 20, 10]));
    assert_eq!(streamed.tool_calls, ["weather", "web_search"]);
    assert_eq!((streamed.output_octets, streamed.finish.as_deref()), (7, Some("completed")));
    assert!(streamed.is_complete);

    let whole = r#"{"id":"resp_1","model":"gpt-5.1","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[{"type":"message","content":[{"type":"output_text","text":"hello"}]},{"type":"mcp_call","server_label":"crm","name":"find","arguments":"{}"}],"usage":{"input_tokens":1,"output_tokens":2}}"#;
    let whole = answer(
        "api.openai.com",
        "/v1/responses",
        r#"{"model":"m","input":"x"}"#,
        JSON,
        whole.as_bytes(),
    );
    assert_eq!((whole.tool_calls.as_slice(), whole.output_octets), (&["find".to_owned()][..], 7));
    assert_eq!(whole.finish.as_deref(), Some("max_output_tokens"));

    let error = typed(&[
        r#"{"type":"error","code":"rate_limit_exceeded","message":"secret","param":null,"sequence_number":3}"#,
    ]);
    let failed = answer("api.openai.com", "/v1/responses", body, SSE, error.as_bytes());
    assert_eq!(failed.failure, Some(Failure { kind: "rate_limit_exceeded".to_owned() }));
}

#[test]
fn anthropic_messages() {
    let body = r#"{"model":"m","max_tokens":9,"stream":true,"messages":[]}"#;
    let stream = typed(&[
        r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-4-5","content":[],"stop_reason":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":300,"cache_read_input_tokens":2000,"cache_creation":{"ephemeral_5m_input_tokens":100,"ephemeral_1h_input_tokens":200},"output_tokens":1}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"ping"}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"Bash","input":{}}}"#,
        r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"c\":1}"}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":15}}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"input_tokens":0,"output_tokens":20}}"#,
        r#"{"type":"message_stop"}"#,
    ]);
    let vertex = "/v1/projects/p/locations/l/publishers/anthropic/models/claude@1:streamRawPredict";
    for (host, path) in [
        ("api.anthropic.com", "/v1/messages"),
        ("aiplatform.googleapis.com", vertex),
        ("gpu:11434", "/v1/messages"),
    ] {
        let answer = answer(host, path, body, SSE, stream.as_bytes());
        // Cumulative, not added; the cache is beside the input.
        let expected = usage([10, 2000, 100, 20, 0]).unwrap().with(Unit::CacheWrite1h, 200);
        assert_eq!(of(&answer), Some(expected), "{host}");
        assert_eq!(answer.tool_calls, ["Bash"]);
        assert_eq!((answer.output_octets, answer.finish.as_deref()), (2 + 7, Some("tool_use")));
        assert!(answer.is_complete);
    }
    let whole = r#"{"id":"msg_1","type":"message","model":"claude","content":[{"type":"text","text":"hey"},{"type":"tool_use","id":"t","name":"f","input":{"a":1}}],"stop_reason":"tool_use","usage":{"input_tokens":3,"output_tokens":4}}"#;
    let whole = answer(
        "api.anthropic.com",
        "/v1/messages",
        r#"{"model":"m","messages":[]}"#,
        JSON,
        whole.as_bytes(),
    );
    assert_eq!((of(&whole), whole.output_octets), (usage([3, 0, 0, 4, 0]), 3 + 7));
    let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"secret"}}"#;
    let failed = answer("api.anthropic.com", "/v1/messages", body, SSE, typed(&[error]).as_bytes());
    assert_eq!(failed.failure, Some(Failure { kind: "overloaded_error".to_owned() }));
    let count = answer(
        "api.anthropic.com",
        "/v1/messages/count_tokens",
        body,
        JSON,
        br#"{"input_tokens":9}"#,
    );
    assert_eq!((of(&count), count.unread), (None, 0), "a count is not a cost");
}

#[test]
fn gemini_in_both_framings() {
    let pieces = [
        r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"he"}]},"index":0}],"usageMetadata":{"promptTokenCount":100,"candidatesTokenCount":1,"totalTokenCount":101},"modelVersion":"gemini-3-pro"}"#,
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{}}},{"text":"y\"}]"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":100,"candidatesTokenCount":10,"thoughtsTokenCount":7,"cachedContentTokenCount":60,"toolUsePromptTokenCount":5,"totalTokenCount":122},"modelVersion":"gemini-3-pro"}"#,
    ];
    let array = format!("[{},\r\n{}]", pieces[0], pieces[1]);
    let path = "/v1beta/models/gemini-3-pro:streamGenerateContent";
    let host = "generativelanguage.googleapis.com";
    for (path, kind, stream) in
        [(format!("{path}?alt=sse"), SSE, events(&pieces)), (path.to_owned(), JSON, array)]
    {
        let answer = answer(host, &path, r#"{"contents":[]}"#, kind, stream.as_bytes());
        assert_eq!(of(&answer), usage([45, 60, 0, 10, 7]), "{kind}");
        assert_eq!(answer.model.as_deref(), Some("gemini-3-pro"));
        assert_eq!(
            (answer.tool_calls.as_slice(), answer.output_octets),
            (&["f".to_owned()][..], 2 + 2 + 4)
        );
        assert_eq!((answer.finish.as_deref(), answer.events), (Some("STOP"), 2));
        assert!(answer.is_complete);
    }
    let error = r#"[{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}]"#;
    let failed = answer(host, path, r#"{"contents":[]}"#, JSON, error.as_bytes());
    assert_eq!(failed.failure, Some(Failure { kind: "RESOURCE_EXHAUSTED".to_owned() }));
    let blocked = r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#;
    let blocked = answer(
        host,
        "/v1beta/models/g:generateContent",
        r#"{"contents":[]}"#,
        JSON,
        blocked.as_bytes(),
    );
    assert_eq!(blocked.finish.as_deref(), Some("SAFETY"));
}

const AWS: &str = "application/vnd.amazon.eventstream";

#[test]
fn bedrock_converse_and_invoke() {
    let host = "bedrock-runtime.us-east-1.amazonaws.com";
    let body = r#"{"messages":[]}"#;
    let stream = [
        aws_event("messageStart", r#"{"role":"assistant","p":"abc"}"#),
        aws_event("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"hi"}}"#),
        aws_event("contentBlockStop", r#"{"contentBlockIndex":0}"#),
        aws_event("contentBlockStart", r#"{"contentBlockIndex":1,"start":{"toolUse":{"toolUseId":"t","name":"f"}}}"#),
        aws_event("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"toolUse":{"input":"{}"}}}"#),
        aws_event("contentBlockStop", r#"{"contentBlockIndex":1}"#),
        aws_event("messageStop", r#"{"stopReason":"tool_use"}"#),
        aws_event("metadata", r#"{"usage":{"inputTokens":10,"outputTokens":5,"totalTokens":915,"cacheReadInputTokens":800,"cacheWriteInputTokens":100},"metrics":{"latencyMs":1}}"#),
    ]
    .concat();
    let streamed = answer(host, "/model/m/converse-stream", body, AWS, &stream);
    assert_eq!(of(&streamed), usage([10, 800, 100, 5, 0]));
    assert_eq!(
        (streamed.tool_calls.as_slice(), streamed.output_octets),
        (&["f".to_owned()][..], 4)
    );
    assert_eq!(streamed.finish.as_deref(), Some("tool_use"));
    assert!(streamed.is_complete);

    let whole = r#"{"output":{"message":{"role":"assistant","content":[{"text":"hi"},{"toolUse":{"name":"f","input":{}}}]}},"stopReason":"end_turn","usage":{"inputTokens":1,"outputTokens":2}}"#;
    let whole = answer(host, "/model/m/converse", body, JSON, whole.as_bytes());
    assert_eq!((of(&whole), whole.output_octets), (usage([1, 0, 0, 2, 0]), 4));

    let exception = aws(
        &[(":exception-type", "throttlingException"), (":message-type", "exception")],
        r#"{"message":"m"}"#,
    );
    let failed = answer(host, "/model/m/converse-stream", body, AWS, &exception);
    assert_eq!(failed.failure, Some(Failure { kind: "throttlingException".to_owned() }));

    let chunk = |inner: &str| {
        use base64::Engine as _;
        let octets = base64::engine::general_purpose::STANDARD.encode(inner);
        aws_event("chunk", &format!(r#"{{"bytes":"{octets}"}}"#))
    };
    let claude = [
        chunk(r#"{"type":"message_start","message":{"model":"claude","usage":{"input_tokens":3,"output_tokens":1}}}"#),
        chunk(r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"abc"}}"#),
        chunk(r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}"#),
        chunk(r#"{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":3}}"#),
    ]
    .concat();
    let path = "/model/us.anthropic.claude-opus-4-5-v1%3A0/invoke-with-response-stream";
    let claude = answer(host, path, r#"{"messages":[]}"#, AWS, &claude);
    assert_eq!((of(&claude), claude.output_octets), (usage([3, 0, 0, 9, 0]), 3));
    assert!(claude.is_complete);

    let nova = [
        chunk(r#"{"contentBlockDelta":{"delta":{"text":"abcd"},"contentBlockIndex":0}}"#),
        chunk(r#"{"messageStop":{"stopReason":"end_turn"}}"#),
        chunk(r#"{"metadata":{"usage":{"inputTokens":3,"outputTokens":4,"cacheReadInputTokenCount":0}}}"#),
    ]
    .concat();
    let nova =
        answer(host, "/model/amazon.nova-lite-v1:0/invoke-with-response-stream", body, AWS, &nova);
    assert_eq!((of(&nova), nova.output_octets), (usage([3, 0, 0, 4, 0]), 4));
    assert!(nova.is_complete);
}

#[test]
fn cohere_and_ollama() {
    let stream = typed(&[
        r#"{"type":"message-start","id":"1","delta":{"message":{"role":"assistant","content":[],"tool_plan":"","tool_calls":[]}}}"#,
        r#"{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"hi"}}}}"#,
        r#"{"type":"tool-call-start","index":0,"delta":{"message":{"tool_calls":{"id":"t","type":"function","function":{"name":"f","arguments":""}}}}}"#,
        r#"{"type":"tool-call-delta","index":0,"delta":{"message":{"tool_calls":{"function":{"arguments":"{}"}}}}}"#,
        r#"{"type":"message-end","delta":{"finish_reason":"TOOL_CALL","usage":{"billed_units":{"input_tokens":5,"output_tokens":6},"tokens":{"input_tokens":70,"output_tokens":8},"cached_tokens":2}}}"#,
    ]);
    let cohere = answer("api.cohere.com", "/v2/chat", CHAT, SSE, stream.as_bytes());
    assert_eq!(of(&cohere), usage([3, 2, 0, 6, 0]));
    assert_eq!((cohere.tool_calls.as_slice(), cohere.output_octets), (&["f".to_owned()][..], 4));
    assert!(cohere.is_complete && cohere.finish.as_deref() == Some("TOOL_CALL"));
    let whole = r#"{"id":"1","finish_reason":"COMPLETE","message":{"role":"assistant","content":[{"type":"text","text":"hey"}]},"usage":{"billed_units":{"input_tokens":1,"output_tokens":2}}}"#;
    let whole = answer(
        "api.cohere.com",
        "/v2/chat",
        r#"{"model":"m","messages":[]}"#,
        JSON,
        whole.as_bytes(),
    );
    assert_eq!((of(&whole), whole.output_octets, whole.unread), (usage([1, 0, 0, 2, 0]), 3, 0));
    let error = answer("api.cohere.com", "/v2/chat", CHAT, JSON, br#"{"message":"invalid"}"#);
    assert_eq!(error.unread, 0);

    let lines = concat!(
        r#"{"model":"llama3","message":{"role":"assistant","content":"he"},"done":false}"#,
        "\n",
        r#"{"model":"llama3","message":{"content":"","tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]},"done":false}"#,
        "\n",
        r#"{"model":"llama3","message":{"content":""},"done":true,"done_reason":"stop","prompt_eval_count":26,"eval_count":9}"#,
        "\n",
    );
    for kind in ["application/x-ndjson", "application/json"] {
        let ollama = answer(
            "gpu:11434",
            "/api/chat",
            r#"{"model":"m","messages":[]}"#,
            kind,
            lines.as_bytes(),
        );
        assert_eq!(of(&ollama), usage([26, 0, 0, 9, 0]), "{kind}");
        assert_eq!(
            (ollama.tool_calls.as_slice(), ollama.output_octets),
            (&["f".to_owned()][..], 9)
        );
        assert!(ollama.is_complete);
    }
    let failed = answer(
        "gpu:11434",
        "/api/chat",
        r#"{"model":"m","messages":[]}"#,
        "application/x-ndjson",
        b"{\"error\":\"x\"}\n",
    );
    assert_eq!(failed.failure, Some(Failure { kind: "error".to_owned() }));
}

#[test]
fn mcp_servers() {
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t"}}"#;
    let stream = concat!(
        ": hello\n\n",
        "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{}}\n\n",
        "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"sampling/createMessage\",\"params\":{}}\n\n",
        "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"hey\"}],\"isError\":true,\"resultType\":\"complete\"}}\n\n",
    );
    let answer = answer("tools.example", "/mcp", call, SSE, stream.as_bytes());
    assert_eq!(answer.server_requests, ["sampling/createMessage"]);
    assert_eq!(answer.failure, Some(Failure { kind: "isError".to_owned() }));
    assert_eq!((answer.output_octets, answer.finish.as_deref()), (3, Some("complete")));
    let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"secret"}}"#;
    let error = self::answer("tools.example", "/mcp", call, JSON, error.as_bytes());
    assert_eq!(error.failure, Some(Failure { kind: "-32602".to_owned() }));
}

/// The chunk that came because we asked for it is not for the client.
#[test]
fn what_the_client_did_not_ask_for() {
    let content = "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n";
    let usage =
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\n";
    let stream = [content, usage, "data: [DONE]\n\n"].concat();
    let (start, end) = (content.len() as u64, (content.len() + usage.len()) as u64);
    let push = |body: &str, stream: &str| {
        let mut reader =
            reader("api.openai.com", "/v1/chat/completions", body, SSE, &Limits::default());
        reader.push(stream.as_bytes())
    };
    let all = stream.len() as u64;
    assert_eq!(
        push(CHAT, &stream),
        Passed { sendable: all, unasked: Some(start..end), called: None }
    );
    let asks =
        r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[]}"#;
    assert_eq!(push(asks, &stream), Passed { sendable: all, unasked: None, called: None });
    // With a choice beside it, it is for the client too.
    let both = "data: {\"choices\":[{\"delta\":{}}],\"usage\":{\"prompt_tokens\":1}}\n\n";
    assert_eq!(push(CHAT, both).unasked, None);
}

/// From there on nothing goes before the call is decided on.
#[test]
fn where_a_tool_is_called() {
    let text = "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n";
    let call = "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"t\"}}]}}]}\n\n";
    let more = call.replace("\"name\":\"t\"", "\"arguments\":\"{}\"");
    let path = "/v1/chat/completions";
    let mut reader = reader("api.openai.com", path, CHAT, SSE, &Limits::default());
    let (first, rest) = call.split_at(20);
    let called = |passed: Passed| (passed.sendable, passed.called);
    let begun = text.len() as u64;
    assert_eq!(called(reader.push([text, first].concat().as_bytes())), (begun, None));
    let whole = begun + call.len() as u64;
    assert_eq!(called(reader.push(rest.as_bytes())), (whole, Some(begun)));
    assert_eq!(called(reader.push(more.as_bytes())), (whole + more.len() as u64, None));
    assert_eq!(reader.answer().tool_calls, ["t"]);

    // Elements of an array go with the comma before them.
    let (host, path) =
        ("generativelanguage.googleapis.com", "/v1beta/models/g:streamGenerateContent");
    let mut reader = self::reader(host, path, "{}", JSON, &Limits::default());
    let text = "[{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"}]}}]}";
    let call =
        "\n,{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"t\"}}]}}]}";
    assert_eq!(called(reader.push(b"[")), (0, None));
    assert_eq!(called(reader.push(&text.as_bytes()[1..])), (text.len() as u64, None));
    assert_eq!(called(reader.push(b"\n,")), (text.len() as u64 + 1, None));
    let end = (text.len() + call.len()) as u64;
    let passed = called(reader.push(&call.as_bytes()[2..]));
    assert_eq!(passed, (end, Some(text.len() as u64 + 1)));
}

#[test]
fn what_is_not_read_is_said() {
    let limits = Limits { event: 100, answer: 100, ..Limits::default() };
    let long = format!(
        "data: {{\"choices\":[{{\"delta\":{{\"content\":\"{}\"}}}}]}}\n\n",
        "x".repeat(200)
    );
    let mut sse = reader("api.openai.com", "/v1/chat/completions", CHAT, SSE, &limits);
    assert_eq!(sse.push(long.as_bytes()).sendable, long.len() as u64);
    sse.push(b"data: {oops\n\ndata: [DONE]\n\n");
    sse.finish();
    let answer = sse.into_answer();
    assert_eq!((answer.events, answer.unread, answer.is_complete), (3, 2, true));

    let mut whole = reader("api.openai.com", "/v1/chat/completions", CHAT, JSON, &limits);
    whole.push(&[b' '; 60]);
    assert_eq!(whole.push(&[b' '; 60]).sendable, 120);
    whole.finish();
    assert_eq!((whole.answer().unread, whole.answer().is_complete), (1, false));

    let opaque =
        self::answer("api.openai.com", "/v1/chat/completions", CHAT, "text/html", b"<html>");
    assert!(!opaque.is_inspected);
    let speech = self::answer("api.openai.com", "/v1/audio/speech", "{}", "audio/mpeg", b"ID3");
    assert!(!speech.is_inspected);
    // Parts that are more than the whole: the caller hears of it.
    let odd =
        r#"{"choices":[],"usage":{"prompt_tokens":1,"prompt_tokens_details":{"cached_tokens":5}}}"#;
    let odd = self::answer("api.openai.com", "/v1/chat/completions", CHAT, JSON, odd.as_bytes());
    assert!(odd.usage().unwrap().is_err());
    assert_eq!(odd.reported, Some(Reported { input: 1, cache_read: 5, ..Reported::default() }));
}
