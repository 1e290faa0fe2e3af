//! MCP servers over HTTP: what is called is decided on, and so is what a server asks of its client.

use http::Response;
use sark_core::audit::Outcome;
use sark_inline_proxy::{Acts, Answers, Courses};
use serde_json::{Value, json};

use crate::client::Client;
use crate::server::Server;
use crate::world::{Options, World};

const HOST: &str = "tools.example";

async fn world(answers: Answers) -> (Server, World, Client) {
    let server = Server::start(&["h2"]).await;
    let inspect = vec![HOST.parse().unwrap()];
    let courses = Courses { inspect, ..Courses::default() };
    let roots = vec![server.root.clone()];
    let options = Options { courses, answers, server_roots: roots, ..Options::default() };
    let world = World::new(options).await;
    let address = world.listen(Some(server.address)).await;
    let client = Client::connect(address, HOST, &world.root, &["h2"]).await;
    (server, world, client)
}

/// What the client hears, of a tool that is called.
async fn call(client: &mut Client, tool: &str, streams: bool) -> String {
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": tool, "arguments": {} } });
    let mut request = client.request("POST", HOST, "/mcp", &call.to_string());
    let accept = if streams { "text/event-stream" } else { "application/json" };
    request.headers_mut().insert("accept", accept.parse().unwrap());
    heard(client.send(request).await).await
}

async fn heard(response: Response<hyper::body::Incoming>) -> String {
    assert_eq!(response.status(), 200);
    let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap();
    String::from_utf8(body.to_bytes().to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_may_not_be_called_is_a_result_that_says_so() {
    let (server, world, mut client) = world(Answers::default()).await;
    for streams in [true, false] {
        let heard = call(&mut client, "ls", streams).await;
        assert!(heard.contains("done") && heard.contains("progress") == streams, "{heard}");
        let refused: Value = serde_json::from_str(&call(&mut client, "rm", streams).await).unwrap();
        assert_eq!((&refused["id"], &refused["result"]["isError"]), (&json!(1), &json!(true)));
        assert!(refused.to_string().contains("rm is no tool for you"), "{refused}");
    }
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    // What is packed cannot be ended with words.
    assert!(seen.iter().all(|it| it.headers["accept-encoding"] == "identity"), "{seen:?}");
    let decided = world.records("decision.mcp", 4).await;
    assert_eq!(decided[0].detail["input"]["call"]["server"], "https://tools.example/mcp");
    let answered = world.records("proxy.answer", 2).await;
    assert!(answered.iter().all(|it| it.detail["whole"] == true), "{answered:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_asks_of_its_client_is_decided_on() {
    let (_server, world, mut client) = world(Answers::default()).await;
    // In a stream, the client hears the answer to what it asked; in one piece too.
    for (tool, streams) in [("ask", true), ("input", false), ("input", true)] {
        let heard = call(&mut client, tool, streams).await;
        assert_eq!(heard.contains("progress"), streams, "{heard}");
        assert!(heard.contains("servers do not ask models here"), "{tool}: {heard}");
        assert!(heard.contains("isError") && !heard.contains("createMessage"), "{heard}");
    }
    // And what it says beside answers.
    let mut request = client.request("GET", HOST, "/mcp", "");
    for (name, value) in [("accept", "text/event-stream"), ("mcp-session-id", "s")] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let heard = heard(client.send(request).await).await;
    assert!(heard.contains("ping") && heard.contains("servers do not ask models"), "{heard}");
    let answered = world.records("proxy.answer", 4).await;
    assert!(answered.iter().all(|it| it.outcome == Outcome::Refused), "{answered:#?}");
    assert_eq!(answered[0].detail["serverRequests"], json!(["ping", "sampling/createMessage"]));

    let leave = Answers { server_requests: Acts::Leave, ..Answers::default() };
    let (_server, _world, mut client) = self::world(leave).await;
    let heard = call(&mut client, "ask", true).await;
    assert!(heard.contains("createMessage") && heard.contains("done"), "{heard}");
}
