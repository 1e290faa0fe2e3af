//! Hosts and paths of each provider.

use http::{HeaderMap, Method};
use sark_core::request::Operation;
use sark_detect::{By, Dialect, Family, Head, recognise};

use crate::support::{ask, ask_with, headers, post};

#[test]
fn each_provider_by_host_and_path() {
    use Dialect as D;
    use Family as F;
    use Operation as O;
    let bedrock = "bedrock-runtime.eu-west-1.amazonaws.com";
    let vertex = "europe-west4-aiplatform.googleapis.com";
    let gemini = "generativelanguage.googleapis.com";
    for (host, path, provider, dialect, family, operation, model, stream) in [
        ("api.openai.com", "/v1/chat/completions", "openai", D::Chat, F::OpenAi, O::Chat, "", None),
        (
            "api.openai.com",
            "/v1/completions",
            "openai",
            D::Completions,
            F::OpenAi,
            O::Completion,
            "",
            None,
        ),
        (
            "api.openai.com",
            "/v1/embeddings",
            "openai",
            D::Embeddings,
            F::OpenAi,
            O::Embedding,
            "",
            None,
        ),
        ("api.openai.com", "/v1/responses", "openai", D::Responses, F::OpenAi, O::Chat, "", None),
        ("api.openai.com", "/v1/responses/", "openai", D::Responses, F::OpenAi, O::Chat, "", None),
        (
            "api.openai.com",
            "//v1//responses/compact",
            "openai",
            D::Responses,
            F::OpenAi,
            O::Chat,
            "",
            None,
        ),
        (
            "api.openai.com",
            "/v1/images/generations",
            "openai",
            D::Other,
            F::OpenAi,
            O::Image,
            "",
            None,
        ),
        ("api.openai.com", "/v1/audio/speech", "openai", D::Other, F::OpenAi, O::Audio, "", None),
        ("api.openai.com", "/v1/models", "openai", D::Other, F::OpenAi, O::Models, "", None),
        ("api.openai.com", "/v1/batches", "openai", D::Other, F::OpenAi, O::Batch, "", None),
        ("api.openai.com", "/v1/files", "openai", D::Other, F::OpenAi, O::File, "", None),
        ("api.openai.com", "/v1/threads", "openai", D::Other, F::OpenAi, O::Other, "", None),
        (
            "api.openai.com",
            "/v1/realtime?model=gpt-realtime",
            "openai",
            D::Other,
            F::OpenAi,
            O::Chat,
            "gpt-realtime",
            None,
        ),
        (
            "contoso.openai.azure.com",
            "/openai/deployments/prod-gpt5/chat/completions?api-version=2025-04-01",
            "azure",
            D::Chat,
            F::OpenAi,
            O::Chat,
            "prod-gpt5",
            None,
        ),
        (
            "contoso.openai.azure.com",
            "/openai/v1/responses",
            "azure",
            D::Responses,
            F::OpenAi,
            O::Chat,
            "",
            None,
        ),
        (
            "contoso.services.ai.azure.com",
            "/anthropic/v1/messages",
            "azure",
            D::Messages,
            F::Anthropic,
            O::Chat,
            "",
            None,
        ),
        (
            "api.anthropic.com",
            "/v1/messages?beta=true",
            "anthropic",
            D::Messages,
            F::Anthropic,
            O::Chat,
            "",
            None,
        ),
        (
            "api.anthropic.com",
            "/v1/messages/count_tokens",
            "anthropic",
            D::Messages,
            F::Anthropic,
            O::Other,
            "",
            None,
        ),
        (
            "api.anthropic.com",
            "/v1/messages/batches",
            "anthropic",
            D::Messages,
            F::Anthropic,
            O::Batch,
            "",
            None,
        ),
        (
            "api.anthropic.com",
            "/v1/skills",
            "anthropic",
            D::Other,
            F::Anthropic,
            O::Other,
            "",
            None,
        ),
        (
            gemini,
            "/v1beta/models/gemini-3-pro:generateContent",
            "google",
            D::GenerateContent,
            F::Gemini,
            O::Chat,
            "gemini-3-pro",
            Some(false),
        ),
        (
            gemini,
            "/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse",
            "google",
            D::GenerateContent,
            F::Gemini,
            O::Chat,
            "gemini-3-pro",
            Some(true),
        ),
        (
            gemini,
            "/v1beta/models/gemini-3-pro%3AstreamGenerateContent",
            "google",
            D::GenerateContent,
            F::Gemini,
            O::Chat,
            "gemini-3-pro",
            Some(true),
        ),
        (
            gemini,
            "/v1beta/models/gemini-3-pro:countTokens",
            "google",
            D::GenerateContent,
            F::Gemini,
            O::Other,
            "gemini-3-pro",
            Some(false),
        ),
        (
            gemini,
            "/v1beta/models/e:embedContent",
            "google",
            D::GenerateContent,
            F::Gemini,
            O::Embedding,
            "e",
            Some(false),
        ),
        (
            gemini,
            "/v1beta/openai/chat/completions",
            "google",
            D::Chat,
            F::OpenAi,
            O::Chat,
            "",
            None,
        ),
        (
            vertex,
            "/v1/projects/p/locations/l/publishers/google/models/gemini-3-pro:streamGenerateContent",
            "google",
            D::GenerateContent,
            F::Gemini,
            O::Chat,
            "gemini-3-pro",
            Some(true),
        ),
        (
            vertex,
            "/v1/projects/p/locations/l/publishers/anthropic/models/claude-opus-4-5@20251101:streamRawPredict",
            "google",
            D::Messages,
            F::Anthropic,
            O::Chat,
            "claude-opus-4-5@20251101",
            Some(true),
        ),
        (
            vertex,
            "/v1/projects/p/locations/l/publishers/anthropic/models/claude-opus-4-5@20251101:rawPredict",
            "google",
            D::Messages,
            F::Anthropic,
            O::Chat,
            "claude-opus-4-5@20251101",
            None,
        ),
        (
            bedrock,
            "/model/anthropic.claude-opus-4-5-20251101-v1%3A0/converse",
            "aws",
            D::Converse,
            F::Bedrock,
            O::Chat,
            "anthropic.claude-opus-4-5-20251101-v1:0",
            Some(false),
        ),
        (
            bedrock,
            "/model/eu.amazon.nova-pro-v1:0/converse-stream",
            "aws",
            D::Converse,
            F::Bedrock,
            O::Chat,
            "eu.amazon.nova-pro-v1:0",
            Some(true),
        ),
        (
            bedrock,
            "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Ainference-profile%2Feu.anthropic.claude-sonnet-4-5-v1%3A0/invoke",
            "aws",
            D::Invoke,
            F::Bedrock,
            O::Chat,
            "eu.anthropic.claude-sonnet-4-5-v1:0",
            Some(false),
        ),
        (
            bedrock,
            "/model/arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc/invoke-with-response-stream",
            "aws",
            D::Invoke,
            F::Bedrock,
            O::Chat,
            "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc",
            Some(true),
        ),
        (
            "api.mistral.ai",
            "/v1/chat/completions",
            "mistral",
            D::Chat,
            F::Mistral,
            O::Chat,
            "",
            None,
        ),
        (
            "codestral.mistral.ai",
            "/v1/fim/completions",
            "mistral",
            D::Chat,
            F::Mistral,
            O::Completion,
            "",
            None,
        ),
        (
            "api.groq.com",
            "/openai/v1/chat/completions",
            "groq",
            D::Chat,
            F::OpenAi,
            O::Chat,
            "",
            None,
        ),
        (
            "api.groq.com",
            "/openai/v1/responses",
            "groq",
            D::Responses,
            F::OpenAi,
            O::Chat,
            "",
            None,
        ),
        ("api.cohere.com", "/v2/chat", "cohere", D::Cohere, F::Cohere, O::Chat, "", None),
        ("api.cohere.com", "/v2/embed", "cohere", D::Cohere, F::Cohere, O::Embedding, "", None),
        ("api.cohere.com", "/v2/rerank", "cohere", D::Cohere, F::Cohere, O::Other, "", None),
        (
            "openrouter.ai",
            "/api/v1/chat/completions",
            "openrouter",
            D::Chat,
            F::OpenAi,
            O::Chat,
            "",
            None,
        ),
        (
            "api.deepseek.com",
            "/chat/completions",
            "deepseek",
            D::Chat,
            F::OpenAi,
            O::Chat,
            "",
            None,
        ),
        (
            "api.deepseek.com",
            "/anthropic/v1/messages",
            "deepseek",
            D::Messages,
            F::Anthropic,
            O::Chat,
            "",
            None,
        ),
        ("ollama.com", "/api/chat", "ollama", D::Ollama, F::Ollama, O::Chat, "", None),
        // Self-hosted, and behind gateways.
        ("gpu-1:11434", "/api/generate", "", D::Ollama, F::Ollama, O::Completion, "", None),
        ("gpu-1:11434", "/v1/messages", "", D::Messages, F::Anthropic, O::Chat, "", None),
        ("vllm.internal:8000", "/v1/chat/completions", "", D::Chat, F::OpenAi, O::Chat, "", None),
        (
            "gw.example",
            "/team-a/openai/V1/Chat%2FCompletions",
            "",
            D::Chat,
            F::OpenAi,
            O::Chat,
            "",
            None,
        ),
        ("gw.example", "/anthropic/v1/messages", "", D::Messages, F::Anthropic, O::Chat, "", None),
        (
            "gw.example",
            "/bedrock/model/amazon.nova-lite-v1:0/converse",
            "",
            D::Converse,
            F::Bedrock,
            O::Chat,
            "amazon.nova-lite-v1:0",
            Some(false),
        ),
    ] {
        let found = post(host, path, &HeaderMap::new());
        let seen = (found.provider.unwrap_or(""), found.dialect, found.family, found.operation);
        assert_eq!(seen, (provider, dialect, family, operation), "{host}{path}");
        assert_eq!((found.model.as_deref().unwrap_or(""), found.stream), (model, stream), "{path}");
        let by = if provider.is_empty() { By::Path } else { By::Host };
        assert_eq!(found.by, by, "{host}{path}");
    }
}

#[test]
fn what_is_no_models_api() {
    for (host, path) in [
        ("example.com", "/"),
        ("example.com", "/files"),
        ("example.com", "/v2/chat"),
        ("example.com", "/api/messages"),
        ("example.com", "/models"),
        ("example.com", "/model/car/drive"),
        ("example.com", "/a:b"),
        ("example.com", "/v1/xchat/completions.html"),
    ] {
        let found = post(host, path, &HeaderMap::new());
        assert_eq!((found.by, found.dialect), (By::Nothing, Dialect::Other), "{host}{path}");
        assert_eq!(found.family, Family::Unknown);
    }
}

#[test]
fn self_hosted_servers_by_the_shape_of_the_body() {
    let anthropic = headers(&[("anthropic-version", "2023-06-01")]);
    let none = HeaderMap::new();
    for (headers, body, dialect, operation) in [
        (&none, r#"{"model":"m","messages":[]}"#, Dialect::Chat, Operation::Chat),
        (
            &anthropic,
            r#"{"model":"m","max_tokens":9,"messages":[]}"#,
            Dialect::Messages,
            Operation::Chat,
        ),
        (
            &none,
            r#"{"contents":[{"parts":[{"text":"hi"}]}]}"#,
            Dialect::GenerateContent,
            Operation::Chat,
        ),
        (&none, r#"{"model":"m","input":"hi"}"#, Dialect::Responses, Operation::Chat),
        (&none, r#"{"model":"m","prompt":"hi"}"#, Dialect::Completions, Operation::Completion),
        (&none, r#"{"messages":[],"inferenceConfig":{}}"#, Dialect::Converse, Operation::Chat),
        (
            &none,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
            Dialect::Mcp,
            Operation::ToolList,
        ),
        (&none, r#"{"messages":["hi"],"user":"a"}"#, Dialect::Other, Operation::Other),
        (&none, r"{}", Dialect::Other, Operation::Other),
    ] {
        let (found, asked) = ask_with("10.0.0.9:8000", "/generate", headers, body).unwrap();
        assert_eq!((found.dialect, asked.operation), (dialect, operation), "{body}");
        let by = if dialect == Dialect::Other { By::Nothing } else { By::Shape };
        assert_eq!(found.by, by, "{body}");
    }
}

/// A header that says MCP does not hide a call of a model.
#[test]
fn the_body_decides_not_the_header() {
    let mcp = headers(&[("mcp-protocol-version", "2025-11-25")]);
    let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
    let (found, asked) = ask_with("tools.example", "/mcp", &mcp, body).unwrap();
    assert_eq!((found.dialect, asked.model.as_deref()), (Dialect::Chat, Some("m")));
    let (found, _) = ask_with("api.openai.com", "/v1/chat/completions", &mcp, body).unwrap();
    assert_eq!((found.dialect, found.by), (Dialect::Chat, By::Host));
    // Nor does JSON-RPC on a path that is a model's.
    let rpc = r#"{"jsonrpc":"2.0","id":1,"method":"x","model":"m","messages":[]}"#;
    let (found, asked) = ask("api.openai.com", "/v1/chat/completions", rpc).unwrap();
    assert_eq!((found.dialect, asked.model.as_deref()), (Dialect::Chat, Some("m")));
}

#[test]
fn which_bodies_are_worth_reading() {
    let json = headers(&[("content-type", "application/json; charset=utf-8")]);
    let form = headers(&[("content-type", "multipart/form-data; boundary=x")]);
    let octets = headers(&[("content-type", "application/octet-stream")]);
    for (host, path, headers, wants) in [
        ("example.com", "/", &json, true),
        ("example.com", "/", &HeaderMap::new(), true),
        ("example.com", "/", &octets, false),
        ("api.openai.com", "/v1/chat/completions", &octets, true),
        ("api.openai.com", "/v1/audio/transcriptions", &form, false),
    ] {
        assert_eq!(post(host, path, headers).wants_body(headers), wants, "{host}{path}");
    }
    let head = Head {
        scheme: "https",
        method: &Method::GET,
        host: "api.openai.com",
        path: "/v1/models",
        headers: &json,
    };
    assert!(!recognise(&head).wants_body(&json));
}

#[test]
fn listening_to_an_mcp_server() {
    let accept = headers(&[("accept", "text/event-stream")]);
    let get = |path| {
        let method = &Method::GET;
        recognise(&Head { scheme: "http", method, host: "Tools:3000", path, headers: &accept })
    };
    assert_eq!((get("/sse").dialect, get("/sse").by), (Dialect::Mcp, By::Header));
    assert_eq!(get("/sse?x=1").server, "http://tools:3000/sse");
    assert_eq!(get("/news").dialect, Dialect::Other);
}

/// What was filled in does not stand in the way of reading again.
#[test]
fn reading_twice_is_reading_once() {
    let none = HeaderMap::new();
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
        r#"{"model":"m","prompt":"hi"}"#,
        r#"{"model":"m","messages":[]}"#,
        "{}",
    ] {
        let (mut found, asked) = ask("unknown.example", "/", body).unwrap();
        let before = found.clone();
        let again = found.read(&none, body.as_bytes(), &sark_detect::Limits::default());
        assert_eq!((again.unwrap(), found), (asked, before), "{body}");
    }
}
