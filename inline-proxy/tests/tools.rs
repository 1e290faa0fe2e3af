//! What an answer does is decided on before the client sees it: tools that it calls.

use http_body_util::BodyExt as _;
use sark_core::audit::Outcome;
use sark_inline_proxy::{Acts, Answers, Usage};
use serde_json::{Value, json};

use crate::client::Client;
use crate::models::WORDS;
use crate::server::Server;
use crate::world::{NAME, Options, World};

const CHAT: &str = "/v1/chat/completions";

fn offering(tool: &str, stream: bool) -> String {
    let tool = json!({ "name": tool, "function": { "name": tool } });
    let asks = [json!({ "role": "user", "content": "Do it." })];
    json!({ "model": "gpt-4o", "max_tokens": 9, "stream": stream, "tools": [tool], "messages": asks })
        .to_string()
}

async fn world(answers: Answers) -> (Server, World, std::net::SocketAddr) {
    let server = Server::start(&["h2", "http/1.1"]).await;
    let (roots, within) = (vec![server.root.clone()], Some(std::time::Duration::from_millis(700)));
    let options = Options { server_roots: roots, answers, ..Options::default() };
    let world = World::new(Options { answer_within: within, ..options }).await;
    let address = world.listen(Some(server.address)).await;
    (server, world, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_where_it_calls_what_it_may_not() {
    let (_server, world, address) = world(Answers::default()).await;
    for (number, protocols) in [&["h2"][..], &["http/1.1"]].into_iter().enumerate() {
        let mut client = Client::connect(address, NAME, &world.root, protocols).await;
        let (head, body) = client.post(NAME, CHAT, &offering("rm", true)).await;
        assert_eq!(head.status(), 200);
        let events: Vec<&str> = body.split_terminator("\n\n").collect();
        assert_eq!(events.len(), WORDS.len() + 1, "{body}");
        for (event, word) in events.iter().zip(WORDS) {
            assert!(event.contains(word), "what was said before went: {event}");
        }
        let last: Value = serde_json::from_str(events[4].strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(last["error"]["code"], "sark_denied");
        assert!(last["error"]["message"].as_str().unwrap().contains("rm is no tool for you"));
        assert!(!body.contains("tool_calls") && !body.contains("[DONE]"), "{body}");

        let answered = world.records("proxy.answer", 2 * number + 1).await;
        let detail = &answered[0].detail;
        assert_eq!(answered[0].outcome, Outcome::Refused);
        assert_eq!(
            detail["stopped"],
            json!({ "why": "sark_denied", "rule": "models/tool" }),
            "{detail}"
        );
        assert_eq!((&detail["whole"], &detail["toolCalls"]), (&json!(false), &json!(["rm"])));
        // The connection goes on.
        let (head, _) = client.post(NAME, CHAT, &offering("ls", false)).await;
        assert_eq!(head.status(), 200);
        world.records("proxy.answer", 2 * number + 2).await;
    }
    let decided = world.records("decision.llm", 8).await;
    let calls = decided.iter().filter(|it| it.detail["input"]["operation"] == "tool_call");
    let calls: Vec<(&Value, Outcome)> =
        calls.map(|it| (&it.detail["input"]["tools"][0], it.outcome)).collect();
    let (rm, ls) = (json!("rm"), json!("ls"));
    // The newest comes first.
    let pair = [(&ls, Outcome::Ok), (&rm, Outcome::Refused)];
    assert_eq!(calls, [pair, pair].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_called_goes_as_it_came() {
    let (_server, world, address) = world(Answers::default()).await;
    let leave = Answers { usage: Usage::Leave, tool_calls: Acts::Leave, ..Answers::default() };
    let (_other, left, left_address) = self::world(leave).await;
    for path in [CHAT, "/v1/messages"] {
        for stream in [true, false] {
            let mut client = Client::connect(address, NAME, &world.root, &["h2"]).await;
            let (_, body) = client.post(NAME, path, &offering("ls", stream)).await;
            let mut client = Client::connect(left_address, NAME, &left.root, &["h2"]).await;
            let (_, as_it_came) = client.post(NAME, path, &offering("ls", stream)).await;
            assert_eq!(body, as_it_came);
            assert!(body.contains("\"ls\"") && body.contains("path"), "{body}");
        }
    }
    let decided = left.records("decision.llm", 4).await;
    assert!(decided.iter().all(|it| it.detail["input"]["operation"] == "chat"));
    assert_eq!(world.records("decision.llm", 8).await.len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_one_piece_is_refused_as_a_request_is() {
    let (server, world, address) = world(Answers::default()).await;
    for (path, code) in [(CHAT, "sark_denied"), ("/v1/messages", "permission_error")] {
        let mut client = Client::connect(address, NAME, &world.root, &["h2"]).await;
        let (head, body) = client.post(NAME, path, &offering("rm", false)).await;
        assert_eq!(head.status(), 403, "{body}");
        assert!(body.contains(code) && body.contains("rm is no tool for you"), "{body}");
        assert!(!body.contains(WORDS[0]), "{body}");
    }
    assert_eq!(server.seen().len(), 2);
    let answered = world.records("proxy.answer", 2).await;
    assert!(answered.iter().all(|it| it.outcome == Outcome::Refused), "{answered:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_dialect_has_its_own_error() {
    let (_server, world, address) = world(Answers::default()).await;
    let mut client = Client::connect(address, NAME, &world.root, &["h2"]).await;
    let (_, body) = client.post(NAME, "/v1/messages", &offering("rm", true)).await;
    let (said, last) = body.rsplit_once("event: error\n").unwrap();
    assert!(said.contains(WORDS[3]) && !said.contains("tool_use"), "{said}");
    assert!(last.contains("permission_error") && last.contains("rm is no tool"), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_breaks_off_or_falls_silent_is_told_in_the_stream() {
    let (_server, world, address) = world(Answers::default()).await;
    for (model, protocols) in [
        ("broken", &["h2"][..]),
        ("broken", &["http/1.1"]),
        ("silent", &["h2"]),
        ("silent", &["http/1.1"]),
    ] {
        let body = offering("ls", true).replace("gpt-4o", model);
        let mut client = Client::connect(address, NAME, &world.root, protocols).await;
        let request = client.request("POST", NAME, CHAT, &body);
        let answer = client.send(request).await.into_body().collect().await.unwrap().to_bytes();
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.contains(WORDS[1]) && answer.contains("sark_upstream"), "{answer}");
    }
    for record in world.records("proxy.answer", 4).await {
        assert_eq!(record.outcome, Outcome::Failed);
        assert_eq!(record.detail["stopped"]["why"], "sark_upstream");
    }
}
