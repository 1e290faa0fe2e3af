//! What clients and servers send that mean harm, or do not care.

use sark_detect::{Asked, Limits, Unreadable};

use crate::support::{answer, ask, post, reader};

fn chat(body: &str) -> Result<Asked, Unreadable> {
    ask("api.openai.com", "/v1/chat/completions", body).map(|(_, asked)| asked)
}

fn why(body: &str) -> String {
    chat(body).unwrap_err().to_string()
}

/// Two parsers would read these in two ways.
#[test]
fn keys_that_are_there_twice_or_in_other_letters() {
    for (body, what) in [
        (r#"{"model":"a","model":"b","messages":[]}"#, "`model` is there twice"),
        (r#"{"model":"a","mod\u0065l":"b","messages":[]}"#, "`model` is there twice"),
        (r#"{"model":"a","Model":"b"}"#, "`model` is written in other letters"),
        (r#"{"stream":false,"\u017ftream":true}"#, "`stream` is written in other letters"),
        (r#"{"stream":false,"stream":true}"#, "`stream` is there twice"),
        (r#"{"tools":[],"tools":[]}"#, "`tools` is there twice"),
        (
            r#"{"tools":[{"type":"function","function":{"name":"a","name":"b"}}]}"#,
            "`name` is there twice",
        ),
        (r#"{"tools":[{"name":"a","NAME":"b"}]}"#, "`name` is written in other letters"),
        (
            r#"{"messages":[{"role":"user","content":"a","content":"b"}]}"#,
            "`content` is there twice",
        ),
        (
            r#"{"requests":[{"params":{"model":"a"},"params":{"model":"b"}}]}"#,
            "`params` is there twice",
        ),
        (r#"{"stream":1}"#, "`stream` is neither true nor false"),
        (r#"{"stream":"true"}"#, "`stream` is neither true nor false"),
    ] {
        assert!(why(body).ends_with(what), "{body}: {}", why(body));
    }
    for (body, what) in [
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}"#,
            "`method` is there twice",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"a","params":{},"params":{}}"#,
            "`params` is there twice",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}"#,
            "`name` is there twice",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","Name":"b"}}"#,
            "`name` is written in other letters",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#,
            "a tool is called without its name",
        ),
        (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, "the id is neither a text nor a number"),
        (r#"{"jsonrpc":"2.0"}"#, "there is neither a method nor an id"),
        (
            r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"model":"m"}]"#,
            "some of the batch is none",
        ),
    ] {
        let error = ask("tools.example", "/mcp", body).unwrap_err().to_string();
        assert!(error.ends_with(what), "{body}: {error}");
    }
}

#[test]
fn bodies_that_are_none() {
    for (body, what) in [
        ("", "line 1, column 0: EOF while parsing a value"),
        ("[]", "the body is no JSON object"),
        ("null", "the body is no JSON object"),
        ("\"model\"", "the body is no JSON object"),
        ("{\"model\":\"m\"", "line 1, column 12: EOF while parsing an object"),
        ("{\"model\":\"m\"} {}", "line 1, column 15: trailing characters"),
        ("{'model':'m'}", "line 1, column 2: key must be a string"),
        ("{\"model\":\"m\",}", "line 1, column 14: trailing comma"),
        ("\u{feff}{}", "line 1, column 1: expected value"),
        ("{\"messages\":\"\\ud800\"}", "line 1, column 20: unexpected end of hex escape"),
        ("{\"a\":01}", "line 1, column 7: invalid number"),
        ("{\"model\":NaN}", "line 1, column 10: expected value"),
    ] {
        assert_eq!(why(body), what, "{body}");
    }
    let none = http::HeaderMap::new();
    let mut found = post("api.openai.com", "/v1/chat/completions", &none);
    let mut read = |body: &[u8]| found.read(&none, body, &Limits::default());
    assert_eq!(read(b"{\"model\":\"\xff\"}"), Err(Unreadable::NotText(10)));
    // Also where nobody would look.
    assert_eq!(read(b"{\"x\":\"\xc0\x80\"}"), Err(Unreadable::NotText(6)));
    let utf16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(read(&utf16).is_err());
}

/// Nothing of a prompt is in what is told.
#[test]
fn errors_quote_nothing() {
    for body in [
        r#"{"model":"m","messages":"secret" "secret"}"#,
        r#"{"secret":1,"model":{"secret":"secret"},"model":"secret"}"#,
        r#"{"messages":[{"content":"secret","content":"secret"}]}"#,
        r#"{"requests":"secret","params":"secret","tools":"secret","stream":"secret"}"#,
    ] {
        let error = chat(body).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
    }
}

#[test]
fn deep_long_and_many() {
    let limits = Limits::default();
    let deep = |depth: usize| format!("{{\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    chat(&deep(95)).unwrap();
    assert_eq!(chat(&deep(96)), Err(Unreadable::TooDeep(100)));
    // A megabyte of brackets takes no stack.
    assert!(matches!(chat(&"[".repeat(1 << 20)), Err(Unreadable::TooDeep(_))));
    assert!(matches!(chat(&"{\"messages\":".repeat(1 << 16)), Err(Unreadable::TooDeep(_))));
    let nested = format!("{}\"x\"{}", "{\"content\":[".repeat(40), "]}".repeat(40));
    assert_eq!(chat(&format!("{{\"messages\":[{nested}]}}")).unwrap().prompt_octets, 1);

    let none = http::HeaderMap::new();
    let mut found = post("api.openai.com", "/v1/chat/completions", &none);
    let few = Limits { request: 10, ..limits };
    assert_eq!(found.read(&none, &[b' '; 11], &few), Err(Unreadable::TooLong(10)));

    let tools = |count| format!("{{\"tools\":[{}]}}", vec![r#"{"name":"t"}"#; count].join(","));
    assert_eq!(chat(&tools(limits.tools)).unwrap().tools.len(), limits.tools);
    assert!(why(&tools(limits.tools + 1)).ends_with("there are too many tools"));
    let models: Vec<_> = (0..65).map(|number| format!("\"m{number}\"")).collect();
    let models = format!("{{\"models\":[{}]}}", models.join(","));
    assert!(why(&models).ends_with("there are more than 64 models"));
    let long = format!("{{\"model\":\"{}\"}}", "m".repeat(600));
    assert!(why(&long).contains("longer than 512 octets"));
}

#[test]
fn numbers_that_nobody_can_count() {
    let digits = "9".repeat(100_000);
    let body =
        format!("{{\"model\":\"m\",\"max_tokens\":{digits},\"seed\":{digits},\"x\":1e99999}}");
    // Either is right, as long as it is said.
    match chat(&body) {
        Ok(asked) => assert_eq!(asked.max_output_tokens, Some(u64::MAX)),
        Err(error) => assert!(error.to_string().contains("number out of range"), "{error}"),
    }
    let usage = format!(
        "{{\"choices\":[],\"usage\":{{\"prompt_tokens\":{0},\"completion_tokens\":{0},\"total_tokens\":{0}}}}}",
        u64::MAX
    );
    let body = r#"{"model":"m","messages":[]}"#;
    let huge = answer(
        "api.openai.com",
        "/v1/chat/completions",
        body,
        "application/json",
        usage.as_bytes(),
    );
    assert_eq!(huge.reported.unwrap().input, u64::MAX);
    let negative =
        r#"{"choices":[],"usage":{"prompt_tokens":-5,"completion_tokens":1.5,"total_tokens":"x"}}"#;
    let negative = answer(
        "api.openai.com",
        "/v1/chat/completions",
        body,
        "application/json",
        negative.as_bytes(),
    );
    let reported = negative.reported.unwrap();
    assert_eq!((reported.input, reported.output), (0, 1));
}

/// Names that come back are cut, and not kept without end.
#[test]
fn answers_without_end() {
    let body = r#"{"model":"m","stream":true,"messages":[]}"#;
    let limits = Limits { tools: 10, ..Limits::default() };
    let mut reader =
        reader("api.openai.com", "/v1/chat/completions", body, "text/event-stream", &limits);
    let name = "é".repeat(1000);
    let event = format!(
        "data: {{\"model\":\"{name}\",\"choices\":[{{\"delta\":{{\"tool_calls\":[{{\"function\":{{\"name\":\"{name}\"}}}}]}}}}]}}\n\n"
    );
    for _ in 0..100 {
        reader.push(event.as_bytes());
    }
    let answer = reader.into_answer();
    assert_eq!((answer.tool_calls.len(), answer.events), (10, 100));
    assert!(answer.tool_calls.iter().all(|name| name.len() <= 256));
    assert_eq!(answer.model.unwrap().len(), 256);
}
