//! What bodies ask for, as each provider's clients write them.

use sark_core::Request;
use sark_core::request::Operation;
use sark_detect::{Asked, Tool, ToolKind, Unreadable, UsageAsked};

use crate::support::{ask, ask_with, headers};

fn asked(host: &str, path: &str, body: &str) -> Asked {
    ask(host, path, body).unwrap().1
}

fn function(name: &str) -> Tool {
    Tool { name: name.to_owned(), kind: ToolKind::Function }
}

fn hosted(name: &str) -> Tool {
    Tool { name: name.to_owned(), kind: ToolKind::Hosted }
}

fn server(name: &str, url: &str, asks: bool) -> Tool {
    let url = Some(url.to_owned());
    Tool { name: name.to_owned(), kind: ToolKind::McpServer { url, asks } }
}

#[test]
fn openai_chat() {
    let body = r#"{
        "model": "gpt-5", "stream": true, "max_completion_tokens": 500,
        "messages": [
            {"role": "system", "content": "12345"},
            {"role": "user", "content": [
                {"type": "text", "text": "123"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                {"type": "file", "file": {"file_id": "f"}},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
            ]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
            ]},
            {"role": "tool", "tool_call_id": "c", "content": "sun"}
        ],
        "tools": [
            {"type": "function", "function": {"name": "weather", "parameters": {"type": "object",
                "properties": {"model": {"model": 1}, "MODEL": {}}}}},
            {"type": "custom", "custom": {"name": "sh"}}
        ],
        "web_search_options": {}
    }"#;
    let asked = asked("api.openai.com", "/v1/chat/completions", body);
    assert_eq!(
        asked,
        Asked {
            operation: Operation::Chat,
            model: Some("gpt-5".to_owned()),
            stream: true,
            tools: vec![function("weather"), function("sh"), hosted("web_search")],
            tool_results: 1,
            // The texts, and `"{}"` as it is written.
            prompt_octets: 5 + 3 + 4 + 3,
            max_output_tokens: Some(500),
            images: 1,
            files: 2,
            usage: UsageAsked::Missing,
            body_octets: body.len() as u64,
            ..Asked::default()
        }
    );
    let mut request = Request { id: "r1".to_owned(), ..Request::default() };
    asked.describe(&mut request);
    assert_eq!(request.tools, ["sh", "weather", "web_search"]);
    assert!(request.stream && request.inspected && request.body_bytes == body.len() as u64);
    assert_eq!((request.operation, request.model.as_deref()), (Operation::Chat, Some("gpt-5")));
}

#[test]
fn openai_responses() {
    let body = r#"{
        "model": "gpt-5.1", "instructions": "be good", "max_output_tokens": 99, "stream": true,
        "previous_response_id": "resp_1",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "hello"},
                {"type": "input_image", "image_url": "https://x/y.png"}]},
            {"type": "reasoning", "summary": [], "encrypted_content": "AAAA"},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{\"a\":1}"},
            {"type": "function_call_output", "call_id": "c", "output": "done"}
        ],
        "tools": [
            {"type": "function", "name": "f", "parameters": {}},
            {"type": "web_search"},
            {"type": "mcp", "server_label": "crm", "server_url": "https://crm.example/mcp",
                "require_approval": "never"},
            {"type": "mcp", "server_label": "wiki", "server_url": "https://wiki.example/mcp",
                "require_approval": "always"},
            {"type": "mcp", "server_label": "mail", "connector_id": "connector_gmail",
                "require_approval": {"never": {"tool_names": ["read"]}}},
            {"type": "local_shell"}
        ]
    }"#;
    let asked = asked("api.openai.com", "/v1/responses", body);
    assert_eq!(
        asked.tools,
        [
            function("f"),
            hosted("web_search"),
            server("crm", "https://crm.example/mcp", false),
            server("wiki", "https://wiki.example/mcp", true),
            server("mail", "connector_gmail", false),
            function("local_shell"),
        ]
    );
    assert_eq!((asked.images, asked.tool_results, asked.max_output_tokens), (1, 1, Some(99)));
    assert!(asked.continues && asked.stream);
    assert_eq!(asked.usage, UsageAsked::Always);
    // Texts, and the arguments as they are written.
    assert_eq!(asked.prompt_octets, 7 + 5 + 11 + 4);
}

#[test]
fn anthropic_messages() {
    let body = r#"{
        "model": "claude-opus-4-5", "max_tokens": 1024, "stream": true,
        "system": [{"type": "text", "text": "sys", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hmm", "signature": "AAAA"},
                {"type": "tool_use", "id": "t", "name": "Bash", "input": {"c": 1}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t", "content": [
                    {"type": "text", "text": "out"},
                    {"type": "image", "source": {"type": "base64", "data": "AAAA"}}]},
                {"type": "document", "source": {"type": "base64", "data": "AAAA"}}]}
        ],
        "tools": [
            {"name": "Bash", "description": "d", "input_schema": {"type": "object"}},
            {"type": "bash_20250124", "name": "bash"},
            {"type": "web_search_20250305", "name": "web_search"},
            {"type": "custom", "name": "mine", "input_schema": {}}
        ],
        "mcp_servers": [{"type": "url", "url": "https://mcp.example/sse", "name": "crm"}]
    }"#;
    let asked = asked("api.anthropic.com", "/v1/messages", body);
    assert_eq!(
        asked.tools,
        [
            function("Bash"),
            function("bash"),
            hosted("web_search"),
            function("mine"),
            server("crm", "https://mcp.example/sse", false),
        ]
    );
    assert_eq!((asked.images, asked.files, asked.tool_results), (1, 1, 1));
    assert_eq!(asked.prompt_octets, 3 + 2 + 3 + 8 + 3);
    assert_eq!((asked.max_output_tokens, asked.usage), (Some(1024), UsageAsked::Always));

    let batch = r#"{"requests": [
        {"custom_id": "1", "params": {"model": "claude-a", "messages": [{"role":"user","content":"1234"}]}},
        {"custom_id": "2", "params": {"model": "claude-b", "messages": [], "tools": [{"name": "t"}]}},
        {"custom_id": "3", "params": {"model": "claude-a", "messages": []}}]}"#;
    let asked = self::asked("api.anthropic.com", "/v1/messages/batches", batch);
    assert_eq!((asked.model.as_deref(), asked.operation), (Some("claude-a"), Operation::Batch));
    assert_eq!(
        (asked.other_models.as_slice(), asked.prompt_octets),
        (&["claude-b".to_owned()][..], 4)
    );
    assert_eq!(asked.tools, [function("t")]);
}

#[test]
fn gemini_and_vertex() {
    let body = r#"{
        "systemInstruction": {"parts": [{"text": "sys"}]},
        "contents": [
            {"role": "user", "parts": [{"text": "hello"},
                {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
                {"fileData": {"mimeType": "application/pdf", "fileUri": "gs://x"}}]},
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
            {"role": "function", "parts": [{"functionResponse": {"name": "f", "response": {}}}]}
        ],
        "tools": [{"functionDeclarations": [{"name": "f"}, {"name": "g"}]}, {"googleSearch": {}}],
        "generationConfig": {"maxOutputTokens": 64}
    }"#;
    let path = "/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse";
    let asked = asked("generativelanguage.googleapis.com", path, body);
    assert_eq!(asked.model.as_deref(), Some("gemini-3-pro"));
    assert_eq!(asked.tools, [function("f"), function("g"), hosted("googleSearch")]);
    assert_eq!((asked.images, asked.files, asked.tool_results), (1, 1, 1));
    assert_eq!((asked.stream, asked.max_output_tokens), (true, Some(64)));
    let (call, response) = (r#"{"name": "f", "args": {}}"#, r#"{"name": "f", "response": {}}"#);
    assert_eq!(asked.prompt_octets, (3 + 5 + call.len() + response.len()) as u64);
    // The URL names the model; a body that names another is another to be decided on.
    let path = "/v1beta/models/a:generateContent";
    let body = r#"{"model":"models/a","contents":[]}"#;
    let asked = self::asked("generativelanguage.googleapis.com", path, body);
    assert_eq!((asked.model.as_deref(), asked.other_models.len()), (Some("a"), 0));
    let body = r#"{"model":"models/b","contents":[]}"#;
    let asked = self::asked("generativelanguage.googleapis.com", path, body);
    assert_eq!(
        (asked.model.as_deref(), &*asked.other_models),
        (Some("a"), &["models/b".to_owned()][..])
    );
}

#[test]
fn bedrock() {
    let host = "bedrock-runtime.us-east-1.amazonaws.com";
    let body = r#"{
        "system": [{"text": "sys"}],
        "messages": [
            {"role": "user", "content": [{"text": "hi"},
                {"image": {"format": "png", "source": {"bytes": "AAAA"}}},
                {"document": {"format": "pdf", "name": "d", "source": {"bytes": "AAAA"}}}]},
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t", "name": "f", "input": {}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "t", "content": [{"text": "ok"}, {"json": {"a": 1}}]}}]}
        ],
        "inferenceConfig": {"maxTokens": 10},
        "toolConfig": {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {}}}},
            {"systemTool": {"name": "nova_grounding"}}]}
    }"#;
    let asked = asked(host, "/model/amazon.nova-pro-v1%3A0/converse-stream", body);
    assert_eq!(asked.model.as_deref(), Some("amazon.nova-pro-v1:0"));
    assert_eq!(asked.tools, [function("f"), hosted("nova_grounding")]);
    assert_eq!((asked.images, asked.files, asked.tool_results), (1, 1, 1));
    assert_eq!((asked.stream, asked.max_output_tokens), (true, Some(10)));
    assert_eq!(asked.prompt_octets, 3 + 2 + 2 + 2 + 8);

    let claude = r#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":5,
        "messages":[{"role":"user","content":"abc"}],"tools":[{"name":"t","input_schema":{}}]}"#;
    let asked = self::asked(host, "/model/us.anthropic.claude-opus-4-5-v1:0/invoke", claude);
    assert_eq!((asked.prompt_octets, asked.stream), (3, false));
    assert_eq!(asked.tools, [function("t")]);
}

#[test]
fn the_others() {
    let chat = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"abc"}]}"#;
    for (host, path, usage) in [
        ("api.mistral.ai", "/v1/chat/completions", UsageAsked::Always),
        ("api.groq.com", "/openai/v1/chat/completions", UsageAsked::Missing),
        ("openrouter.ai", "/api/v1/chat/completions", UsageAsked::Missing),
        ("api.cohere.com", "/v2/chat", UsageAsked::Always),
        ("vllm:8000", "/v1/chat/completions", UsageAsked::Missing),
    ] {
        let asked = asked(host, path, chat);
        assert_eq!((asked.usage, asked.stream, asked.prompt_octets), (usage, true, 3), "{host}");
    }
    let with =
        r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[]}"#;
    assert_eq!(asked("vllm:8000", "/v1/chat/completions", with).usage, UsageAsked::Asked);

    // What OpenRouter may ask instead.
    let models = r#"{"model":"a/x","models":["a/x","b/y","c/z"],"messages":[]}"#;
    let fallbacks = asked("openrouter.ai", "/api/v1/chat/completions", models);
    assert_eq!(fallbacks.other_models, ["b/y", "c/z"]);

    let ollama = r#"{"model":"llama3","messages":[{"role":"user","content":"hi","images":["AA","BB"]},
        {"role":"tool","tool_name":"f","content":"ok"}],"options":{"num_predict":-1}}"#;
    let ollama = asked("gpu:11434", "/api/chat", ollama);
    assert!(ollama.stream, "absent means true");
    assert_eq!((ollama.images, ollama.tool_results, ollama.max_output_tokens), (2, 1, None));
    let off = asked("gpu:11434", "/api/generate", r#"{"model":"m","prompt":"hi","stream":false}"#);
    assert!(!off.stream && off.prompt_octets == 2);

    let embed =
        asked("api.openai.com", "/v1/embeddings", r#"{"model":"e","input":["ab","cde",[1,2]]}"#);
    assert_eq!((embed.prompt_octets, embed.operation), (5, Operation::Embedding));
    let rerank =
        asked("api.cohere.com", "/v2/rerank", r#"{"model":"r","query":"ab","documents":["c"]}"#);
    assert_eq!(rerank.prompt_octets, 3);
}

#[test]
fn numbers_however_they_are_written() {
    for (written, read) in [
        ("100", Some(100)),
        ("100.0", Some(100)),
        ("\"100\"", Some(100)),
        ("null", None),
        ("-1", None),
        ("1e30", Some(u64::MAX)),
        ("99999999999999999999999", Some(u64::MAX)),
        ("{}", None),
        ("[1]", None),
        ("true", None),
    ] {
        let body = format!(r#"{{"model":"m","messages":[],"max_tokens":{written}}}"#);
        let asked = asked("api.openai.com", "/v1/chat/completions", &body);
        assert_eq!(asked.max_output_tokens, read, "{written}");
    }
}

#[test]
fn mcp_messages() {
    let call = r#"{"jsonrpc":"2.0","id":"a-1","method":"tools/call","params":{"name":"delete_all",
        "arguments":{"name":"x","model":"y"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
    let (found, asked) = ask("Tools.example", "/mcp?x=1", call).unwrap();
    let [message] = &asked.messages[..] else { panic!("{asked:?}") };
    assert_eq!((asked.operation, message.id.as_deref()), (Operation::ToolCall, Some("\"a-1\"")));
    let called = found.call(message).unwrap();
    assert_eq!((&*called.server, &*called.name), ("https://tools.example/mcp", "delete_all"));
    assert!(found.is_modern(message) && message.is_request());

    for (body, operation, name, is_request) in [
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, Operation::ToolList, None, true),
        (
            r#"{"jsonrpc":"2.0","id":2,"method":"resources/read","params":{"uri":"file:///etc/passwd"}}"#,
            Operation::ResourceRead,
            Some("file:///etc/passwd"),
            true,
        ),
        (
            r#"{"jsonrpc":"2.0","id":3,"method":"prompts/get","params":{"name":"p"}}"#,
            Operation::PromptGet,
            Some("p"),
            true,
        ),
        (
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            Operation::Other,
            None,
            false,
        ),
        (r#"{"jsonrpc":"2.0","id":4,"result":{}}"#, Operation::Other, None, false),
    ] {
        let (found, asked) = ask("tools.example", "/mcp", body).unwrap();
        let [message] = &asked.messages[..] else { panic!("{asked:?}") };
        assert_eq!((asked.operation, message.name.as_deref()), (operation, name), "{body}");
        assert_eq!((message.is_request(), found.is_modern(message)), (is_request, false), "{body}");
    }
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"t"}}]"#;
    let (_, asked) = ask("tools.example", "/mcp", batch).unwrap();
    assert_eq!((asked.messages.len(), asked.operation), (2, Operation::ToolCall));
}

#[test]
fn headers_of_mcp_have_to_say_what_the_body_says() {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"größe"}}"#;
    for (method, name, agrees) in [
        ("tools/call", "=?base64?Z3LDtsOfZQ==?=", true),
        ("tools/call", "other", false),
        ("tools/list", "=?base64?Z3LDtsOfZQ==?=", false),
        ("tools/call", "=?base64?!?=", false),
    ] {
        let headers = headers(&[("mcp-method", method), ("mcp-name", name)]);
        let read = ask_with("tools.example", "/mcp", &headers, body);
        match read {
            Ok(_) => assert!(agrees, "{method} {name}"),
            Err(Unreadable::Mirror(_)) => assert!(!agrees, "{method} {name}"),
            Err(other) => panic!("{other}"),
        }
    }
}
