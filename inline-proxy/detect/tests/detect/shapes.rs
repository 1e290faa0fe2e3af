//! What the body says where host and path do not.

use crate::support::{ask, ask_with, headers, post};
use http::{HeaderMap, Method};
use sark_core::request::Operation;
use sark_detect::{By, Dialect, Head, recognise};

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
