//! Requests are decided on, recorded, and sent on or refused in the provider's own words.

use std::sync::Arc;

use bytes::Bytes;
use http::Version;
use sark_core::audit::Outcome;
use sark_core::request::Operation;
use sark_detect::Recognised;
use sark_inline_proxy::{Budget, Fail, Redact};

use crate::client::Client;
use crate::server::Server;
use crate::world::{BUDGET, NAME, Options, World, chat};

const PATH: &str = "/v1/chat/completions";

#[tokio::test(flavor = "multi_thread")]
async fn an_allowed_call_goes_on_with_either_http_on_either_side() {
    for (client_speaks, server_speaks, expected) in [
        (&["h2", "http/1.1"][..], &["h2", "http/1.1"][..], Version::HTTP_2),
        (&["h2", "http/1.1"], &["http/1.1"], Version::HTTP_11),
        (&["http/1.1"], &["h2", "http/1.1"], Version::HTTP_11),
        (&["h2"], &["h2"], Version::HTTP_2),
        (&[], &["h2", "http/1.1"], Version::HTTP_11),
    ] {
        let server = Server::start(server_speaks).await;
        let world =
            World::new(Options { server_roots: vec![server.root.clone()], ..Options::default() })
                .await;
        let address = world.listen(Some(server.address)).await;
        let mut client = Client::connect(address, NAME, &world.root, client_speaks).await;
        for _ in 0..2 {
            let (head, body) = client.post(NAME, PATH, &chat("gpt-4o", false)).await;
            assert_eq!(head.status(), 200, "{body}");
            assert!(body.contains("four words of answer"), "{body}");
        }
        let seen = server.seen();
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0].version, expected, "{client_speaks:?} {server_speaks:?}");
        assert_eq!(
            (seen[0].line.as_str(), seen[0].host.as_str()),
            ("POST /v1/chat/completions", NAME)
        );
        assert_eq!(seen[0].body, chat("gpt-4o", false));
        assert_eq!(seen[0].headers["accept-encoding"], "identity", "it is read on its way");

        let decided = world.records("decision.llm", 2).await;
        let input = &decided[0].detail["input"];
        assert_eq!(input["model"], "gpt-4o");
        assert_eq!(input["user"], "alice");
        assert_eq!(input["endpoint"], "openai/api");
        assert_eq!(input["inspected"], true);
        assert_eq!(decided[0].about.flow.unwrap().destination, server.address);
        assert!(decided[0].detail["proxy"]["ja4"].as_str().unwrap().starts_with('t'));
        assert!(!decided[0].detail.to_string().contains("How many words"), "no prompt in records");

        let answered = world.records("proxy.answer", 2).await;
        assert_eq!(answered[0].outcome, Outcome::Ok);
        assert_eq!(answered[0].detail["usage"], serde_json::json!({ "input": 12, "output": 4 }));
        let request = &decided.last().unwrap().about.request;
        assert!(answered.iter().any(|answer| answer.about.request == *request));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_model_gets_the_providers_own_error_and_nothing_goes_out() {
    let server = Server::start(&["h2", "http/1.1"]).await;
    let roots = vec![server.root.clone()];
    let world = World::new(Options { server_roots: roots, ..Options::default() }).await;
    let address = world.listen(Some(server.address)).await;
    for protocols in [&["h2"][..], &["http/1.1"]] {
        let mut client = Client::connect(address, NAME, &world.root, protocols).await;
        for stream in [false, true] {
            let (head, body) = client.post(NAME, PATH, &chat("forbidden", stream)).await;
            assert_eq!(head.status(), 403);
            assert_eq!(head.headers()["x-should-retry"], "false");
            assert_eq!(head.headers()["x-sark-rule"], "models/forbidden");
            let body: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!(body["error"]["code"], "sark_denied");
            let message = body["error"]["message"].as_str().unwrap();
            assert!(message.contains("forbidden is not a model for you"), "{message}");
        }
        // The connection goes on.
        let (head, _) = client.post(NAME, PATH, &chat("gpt-4o", false)).await;
        assert_eq!(head.status(), 200);
    }
    assert_eq!(server.seen().len(), 2);
    let refused = world.records("decision.llm", 6).await;
    let refused = refused.iter().filter(|record| record.outcome == Outcome::Refused);
    assert_eq!(refused.count(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_set_it_fails_as_configured() {
    for (fail, expected) in [(Fail::Closed, 403), (Fail::Open, 200)] {
        let server = Server::start(&["http/1.1"]).await;
        let world = World::new(Options {
            without_set: Some(fail),
            server_roots: vec![server.root.clone()],
            ..Options::default()
        })
        .await;
        let address = world.listen(Some(server.address)).await;
        let mut client = Client::connect(address, NAME, &world.root, &["http/1.1"]).await;
        let (head, body) = client.post(NAME, PATH, &chat("gpt-4o", false)).await;
        assert_eq!(head.status(), expected, "{body}");
        let decided = world.records("decision.llm", 1).await;
        assert_eq!(decided[0].detail["decision"]["rule_id"], "no-set");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_believed_is_told_in_words() {
    // Nobody trusts its authority.
    let server = Server::start(&["http/1.1"]).await;
    let world = World::new(Options::default()).await;
    let address = world.listen(Some(server.address)).await;
    let mut client = Client::connect(address, NAME, &world.root, &["http/1.1"]).await;
    let (head, body) = client.post(NAME, PATH, &chat("gpt-4o", false)).await;
    assert_eq!(head.status(), 502, "{body}");
    assert!(body.contains("certificate is not valid"), "{body}");
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_work_is_turned_away_at_once() {
    let server = Server::start(&["http/1.1"]).await;
    let world = World::new(Options {
        budget: Some(Budget { requests: 0, ..BUDGET }),
        server_roots: vec![server.root.clone()],
        ..Options::default()
    })
    .await;
    let address = world.listen(Some(server.address)).await;
    let mut client = Client::connect(address, NAME, &world.root, &["http/1.1"]).await;
    let (head, body) = client.post(NAME, PATH, &chat("gpt-4o", false)).await;
    assert_eq!(head.status(), 503, "{body}");
    assert_eq!(head.headers()["retry-after"], "1");
    assert!(body.contains("sark_overloaded"), "{body}");
}

/// Takes out what stands in angle brackets.
#[derive(Debug)]
struct Brackets;

impl Redact for Brackets {
    fn redact(&self, body: &[u8], call: &Recognised, findings: &[&str]) -> Option<Bytes> {
        assert_eq!((call.operation, findings), (Operation::Chat, &["password"][..]));
        let (before, rest) = std::str::from_utf8(body).ok()?.split_once('<')?;
        let (_, after) = rest.split_once('>')?;
        Some(format!("{before}***{after}").into())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_policies_want_taken_out_is_or_the_call_is_denied() {
    let server = Server::start(&["h2", "http/1.1"]).await;
    for redact in [Some(Arc::new(Brackets) as Arc<dyn Redact>), None] {
        let (roots, does) = (vec![server.root.clone()], redact.is_some());
        let options = Options { server_roots: roots, redact, ..Options::default() };
        let world = World::new(options).await;
        let address = world.listen(Some(server.address)).await;
        for protocols in [&["h2"][..], &["http/1.1"]] {
            let mut client = Client::connect(address, NAME, &world.root, protocols).await;
            let whole = chat("gpt-elsewhere", false);
            let (with, without) =
                (whole.replace("How", "<hunter2> How"), whole.replace("How", "*** How"));
            let before = server.seen().len();
            let (head, body) = client.post(NAME, PATH, &with).await;
            assert_eq!(head.status(), if does { 200 } else { 403 }, "{body}");
            let seen = server.seen();
            let sent = seen.get(before).map(|seen| std::str::from_utf8(&seen.body).unwrap());
            assert_eq!(sent, does.then_some(without.as_str()));
            // The hook finds nothing in this one, and says so.
            let (head, body) = client.post(NAME, PATH, &whole).await;
            assert_eq!((head.status().as_u16(), server.seen().len()), (403, seen.len()), "{body}");
        }
    }
}
