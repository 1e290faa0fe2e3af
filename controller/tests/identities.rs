//! Who may do what, over real TLS on loopback.

use hyper::Method;
use sark_controller::api::openapi;
use sark_core::audit::Outcome;
use sark_core::identity::{Presented, Role};
use sark_core::storage::AuditStore;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client;
use crate::daemon::Place;
use crate::secured::{Authority, Secured, Shown};
use crate::world::SOON;

const WHOAMI: &str = "/v1/auth/whoami";
const HOUR: i64 = 3600;

/// Every route, as the description has it: method, path with names filled in, what it needs.
fn routes() -> Vec<(Method, String, String)> {
    let mut found = Vec::new();
    let description = openapi();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let mut filled = path.replace("{kind}", "generic");
            while let Some((before, rest)) = filled.clone().split_once('{') {
                filled = format!("{before}x{}", rest.split_once('}').unwrap().1);
            }
            found.push((method, filled, operation["x-sark-needs"].as_str().unwrap().to_owned()));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn each_route_for_each_role() {
    let secured = Secured::new().await;
    // Written here by hand: what each need lets in.
    let lets_in = |needs: &str| -> &[&str] {
        match needs {
            "nothing" => &[
                "nobody", "viewer", "operator", "approver", "admin", "sensor", "other", "gateway",
                "proxy", "enforcer",
            ],
            "identity" => &[
                "viewer", "operator", "approver", "admin", "sensor", "other", "gateway", "proxy",
                "enforcer",
            ],
            "viewer" => &["viewer", "operator", "approver", "admin"],
            "operator" => &["operator", "admin"],
            "approver" => &["approver", "admin"],
            "admin" => &["admin"],
            "report" => &["operator", "admin", "sensor"],
            "decide" => &["operator", "admin", "gateway"],
            "proxy" => &["admin", "proxy"],
            "enforcer" => &["operator", "admin", "enforcer"],
            other => panic!("{other}"),
        }
    };
    let mut people = vec![("nobody", Shown::default())];
    for role in Role::ALL {
        let text = secured.token(role.as_str(), &[role], &[], HOUR).await;
        people.push((role.as_str(), Shown::token(&text)));
    }
    let scopes = [
        ("sensor", "sensors:generic"),
        ("other", "sensors:rfc1149"),
        ("gateway", "decide"),
        ("proxy", "proxy"),
        ("enforcer", "enforcer"),
    ];
    for (name, scope) in scopes {
        let text = secured.token(name, &[], &[scope], HOUR).await;
        people.push((name, Shown::token(&text)));
    }
    let all = routes();
    assert!(all.len() > 50, "{}", all.len());
    for (method, path, needs) in all {
        for (who, shown) in &people {
            // Nothing comes of a body that is no JSON.
            let (status, body) = secured.say(method.clone(), &path, "{", shown).await;
            let expected = lets_in(&needs).contains(who);
            let refused = if *who == "nobody" { 401 } else { 403 };
            assert_eq!(
                status != refused,
                expected,
                "{who}: {method} {path} needs {needs}: {status} {body}"
            );
        }
    }
    // A path, or a method, that is not in the table.
    for (method, path) in [(Method::GET, "/v2"), (Method::PATCH, "/v1/status")] {
        assert_eq!(secured.say(method, path, "", &people[0].1).await.0, 401);
    }
    assert_eq!(secured.say(Method::GET, "/v2", "", &people[1].1).await.0, 404);
    assert_eq!(secured.say(Method::PATCH, "/v1/status", "", &people[1].1).await.0, 405);
    secured.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_narrows() {
    let secured = Secured::new().await;
    let text = secured.token("narrow", &[Role::Operator], &["registry"], HOUR).await;
    let shown = Shown::token(&text);
    let (status, me) = secured.say(Method::GET, WHOAMI, "", &shown).await;
    assert_eq!(
        (status, &me["name"], &me["scopes"]),
        (200, &json!("token:narrow"), &json!(["registry"]))
    );
    assert_eq!(secured.say(Method::GET, "/v1/registry/endpoints", "", &shown).await.0, 200);
    let (status, body) = secured.say(Method::GET, "/v1/flowspec/rules", "", &shown).await;
    assert_eq!(status, 403);
    assert!(body["error"]["message"].as_str().unwrap().contains("for registry only"), "{body}");
    let can = |path: &str| {
        let routes = me["routes"].as_array().unwrap();
        routes.iter().find(|route| route["path"] == path).unwrap()["allowed"] == true
    };
    assert!(can("/v1/registry/pin") && !can("/v1/flowspec/apply") && can("/v1/status"));
    secured.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_do_not_hold() {
    let secured = Secured::new().await;
    let good = secured.token("good", &[Role::Admin], &[], HOUR).await;
    let short = secured.token("short", &[Role::Viewer], &[], 1).await;
    let (made, _) = Presented::make(&[9; 40]);
    // One that is well formed and not known; one with the id of another.
    let other = made.reveal().to_owned();
    for wrong in ["", "x", "sark_x", &other, &good[..70]] {
        let response = secured.ask(Method::GET, WHOAMI, "", &Shown::token(wrong)).await.unwrap();
        assert_eq!(response.status(), 401, "{wrong}");
        assert!(response.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(body["error"]["code"], "unauthenticated");
        assert!(!body.to_string().contains("sark_x"), "what was shown is not repeated");
    }
    let shown = Shown::token(&good);
    assert_eq!(secured.say(Method::GET, WHOAMI, "", &shown).await.0, 200);

    // It expires by itself.
    let ended = async {
        loop {
            let (status, body) = secured.say(Method::GET, WHOAMI, "", &Shown::token(&short)).await;
            match status {
                200 => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
                401 => break body,
                other => panic!("{other}: {body}"),
            }
        }
    };
    let body = tokio::time::timeout(SOON, ended).await.unwrap();
    assert_eq!(body["error"]["message"], "the token short has expired");

    // Made, shown once, used, revoked; all over the API.
    let request = json!({ "name": "ci", "roles": ["operator"], "seconds": 60 }).to_string();
    let (status, made) =
        secured.say(Method::POST, "/v1/auth/tokens", request.clone(), &shown).await;
    assert_eq!(status, 200, "{made}");
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert_eq!(secured.say(Method::POST, "/v1/auth/tokens", request, &shown).await.0, 409);
    let ci = Shown::token(&secret);
    assert_eq!(secured.say(Method::GET, WHOAMI, "", &ci).await.1["name"], "token:ci");
    let (_, listed) = secured.say(Method::GET, "/v1/auth/tokens", "", &shown).await;
    assert!(!listed.to_string().contains(&secret[18..]), "{listed}");
    let (_, one) = secured.say(Method::GET, "/v1/auth/tokens/ci", "", &shown).await;
    assert_eq!((&one["state"], &one["lastUsedFrom"]), (&json!("active"), &json!("127.0.0.1")));
    let (status, _) = secured.say(Method::DELETE, "/v1/auth/tokens/ci", "", &shown).await;
    assert_eq!(status, 200);
    let (status, body) = secured.say(Method::GET, WHOAMI, "", &ci).await;
    assert_eq!((status, &body["error"]["message"]), (401, &json!("the token ci was revoked")));

    let records = secured.world.store.records(1000).await.unwrap();
    let events: Vec<&str> = records.iter().map(|record| record.event.as_str()).collect();
    assert!(events.contains(&"auth.token.create") && events.contains(&"auth.token.revoke"));
    let logins = records.iter().filter(|record| record.event == "api.login");
    let mut logins: Vec<_> = logins.map(|record| record.actor.as_str()).collect();
    logins.sort_unstable();
    assert_eq!(logins.iter().filter(|name| **name == "token:ci").count(), 1, "{logins:?}");
    let trail = serde_json::to_string(&records).unwrap();
    for text in [&good, &secret, &short, &other] {
        assert!(!trail.contains(&text[18..]), "a token is in the trail");
    }
    secured.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_is_slowed_down_and_does_not_fill_the_trail() {
    let secured = Secured::new().await;
    let mut seen = Vec::new();
    for octet in 0..40 {
        let (made, _) = Presented::make(&[octet; 40]);
        let shown = Shown::token(made.reveal());
        let response = secured.ask(Method::GET, WHOAMI, "", &shown).await.unwrap();
        seen.push(response.status().as_u16());
        if response.status() == 429 {
            let wait: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
            assert!((1..=120).contains(&wait), "{wait}");
        }
    }
    assert_eq!(seen[..10], [401; 10]);
    assert!(seen[12..].contains(&429), "{seen:?}");
    let records = secured.world.store.records(1000).await.unwrap();
    let refused = records.iter().filter(|record| record.event == "api.refused");
    let refused: Vec<_> = refused.collect();
    assert!((1..=20).contains(&refused.len()), "{}", refused.len());
    assert!(refused.iter().all(|r| r.outcome == Outcome::Refused && r.actor == "127.0.0.1"));
    let text = secured.world.api.observatory.metrics_text().await;
    assert!(text.contains(r#"sark_api_refused_total{why="too-many"}"#), "{text}");
    secured.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_of_clients() {
    let secured = Secured::new().await;
    let shown = |names: &[&str], common: &str| Shown {
        pair: Some(secured.clients.sign(names, common)),
        ..Shown::default()
    };
    let (status, me) =
        secured.say(Method::GET, WHOAMI, "", &shown(&["noc.example.net"], "x")).await;
    assert_eq!(
        (status, &me["name"], &me["known"]),
        (200, &json!("cert:noc"), &json!("certificate"))
    );
    let (_, me) = secured.say(Method::GET, WHOAMI, "", &shown(&["x.example.net"], "robot")).await;
    assert_eq!(me["name"], "cert:robot");
    // Believed, and nobody: the name in the other place does not count.
    let (status, body) =
        secured.say(Method::GET, WHOAMI, "", &shown(&["robot"], "noc.example.net")).await;
    assert_eq!(status, 403, "{body}");
    // Of another authority: the handshake, or what follows it, fails.
    let pair = Some(Authority::new().sign(&["noc.example.net"], "noc"));
    let stranger = Shown { pair, ..Shown::default() };
    assert!(secured.ask(Method::GET, WHOAMI, "", &stranger).await.is_err());
    // A token says who asks, whatever the certificate.
    let token = Some(secured.token("ci", &[Role::Viewer], &[], HOUR).await);
    let both = Shown { token, ..shown(&["noc.example.net"], "x") };
    assert_eq!(secured.say(Method::GET, WHOAMI, "", &both).await.1["name"], "token:ci");
    secured.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_replaced_while_it_is_served() {
    let secured = Secured::new().await;
    let shown = async || {
        let stream = secured.connect(None).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    };
    let first = shown().await;
    assert!(!secured.tls.is_stale());
    secured.replace();
    assert!(secured.tls.is_stale());
    assert_eq!(shown().await, first, "not before it is read again");
    secured.tls.reload().unwrap();
    let second = shown().await;
    assert_ne!(second, first);
    std::fs::write(secured.directory.path().join("server.pem"), "no").unwrap();
    secured.tls.reload().unwrap_err();
    assert_eq!(shown().await, second, "what cannot be read changes nothing");
    secured.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_take_their_time_or_send_too_much() {
    let secured = Secured::new().await;
    // Plain HTTP, and nothing at all.
    for text in ["GET / HTTP/1.1\r\nhost: x\r\n\r\n", ""] {
        let mut stream = tokio::net::TcpStream::connect(secured.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let closed = async {
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
            rest
        };
        let rest = tokio::time::timeout(SOON, closed).await.expect("it is closed");
        assert!(!rest.starts_with(b"HTTP"), "{rest:?}");
    }
    // A head that never ends.
    let mut slow = secured.connect(None).await.unwrap();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: ").await.unwrap();
    let mut rest = Vec::new();
    let closed = slow.read_to_end(&mut rest);
    let _ = tokio::time::timeout(SOON, closed).await.expect("it is closed");
    // Heads that are too long, or of too many fields.
    let long = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: {}\r\n\r\n", "a".repeat(200_000));
    let many = (0..200).fold("GET /healthz HTTP/1.1\r\nhost: x\r\n".to_owned(), |text, n| {
        format!("{text}x-{n}: y\r\n")
    });
    for text in [long, format!("{many}\r\n")] {
        let mut stream = secured.connect(None).await.unwrap();
        // The server may close while we still write.
        let _ = stream.write_all(text.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await.unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    // More connections than one client may have; the others are served.
    let mut held = Vec::new();
    for _ in 0..40 {
        held.push(tokio::net::TcpStream::connect(secured.address).await.unwrap());
    }
    drop(held);
    let there = async {
        while secured.ask(Method::GET, "/healthz", "", &Shown::default()).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(SOON, there).await.expect("it serves again");
    secured.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn approvals_by_another_and_once() {
    let secured = Secured::new().await;
    let both = [Role::Operator, Role::Approver];
    let asks = Shown::token(&secured.token("asks", &both, &[], HOUR).await);
    let decides = Shown::token(&secured.token("decides", &[Role::Approver], &[], HOUR).await);
    let subject = sark_core::ContentHash::of(b"a plan");
    let request = json!({ "kind": "flowspec.plan", "subject": subject, "title": "SEC-142" });
    let (status, made) =
        secured.say(Method::POST, "/v1/approvals", request.to_string(), &asks).await;
    assert_eq!((status, &made["state"]), (200, &json!("pending")), "{made}");
    let path = |what: &str| format!("/v1/approvals/{}/{what}", made["id"].as_str().unwrap());
    let (status, body) = secured.say(Method::POST, &path("approve"), "{}", &asks).await;
    assert_eq!(status, 403, "never one's own: {body}");
    let approvals = &secured.world.api.approvals;
    approvals.redeem("flowspec.plan", &subject, "token:asks").await.unwrap_err();
    let (status, body) = secured.say(Method::POST, &path("approve"), "{}", &decides).await;
    assert_eq!((status, &body["decidedBy"]), (200, &json!("token:decides")), "{body}");
    assert_eq!(secured.say(Method::POST, &path("reject"), "{}", &decides).await.0, 409);
    let other = sark_core::ContentHash::of(b"another plan");
    approvals.redeem("flowspec.plan", &other, "token:asks").await.unwrap_err();
    let used = approvals.redeem("flowspec.plan", &subject, "token:asks").await.unwrap();
    assert_eq!(used.id, made["id"].as_str().unwrap());
    approvals.redeem("flowspec.plan", &subject, "token:asks").await.unwrap_err();
    let records = secured.world.store.records(100).await.unwrap();
    let told: Vec<_> = records
        .iter()
        .filter(|record| record.event.starts_with("approval."))
        .map(|record| (record.event.as_str(), record.outcome, record.notice.is_some()))
        .rev()
        .collect();
    assert_eq!(
        told,
        [
            ("approval.request", Outcome::Ok, true),
            ("approval.approve", Outcome::Refused, false),
            ("approval.approve", Outcome::Ok, true),
            ("approval.use", Outcome::Ok, false),
        ]
    );
    secured.end().await;
}

#[tokio::test]
async fn a_token_is_neither_in_the_log_nor_in_the_database() {
    let mut place = Place::new(
        "bgp: { asn: 64512, routerId: 127.0.0.1, gobgpd: { mode: external, api: '127.0.0.1:9' } }",
    );
    place.start().await;
    let request = json!({ "name": "ci", "roles": ["operator"] });
    let (status, made) = client::post(&place.socket(), "/v1/auth/tokens", request).await;
    assert_eq!(status, 200, "{made}");
    let secret = made["secret"].as_str().unwrap().to_owned();
    let (_, me) = client::bearer(&place.socket(), WHOAMI, &secret).await;
    assert_eq!(me["name"], "token:ci", "a token says who asks on the socket too");
    assert_eq!(client::bearer(&place.socket(), "/v1/auth/tokens", &secret).await.0, 403);
    let last = if secret.ends_with('x') { "y" } else { "x" };
    let wrong = format!("{}{last}", &secret[..secret.len() - 1]);
    assert_eq!(client::bearer(&place.socket(), WHOAMI, &wrong).await.0, 401);
    assert!(place.terminate().await.success());
    let part = &secret[18..];
    assert!(!place.log().contains(part), "{}", place.log());
    for entry in std::fs::read_dir(place.root().join("state")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let octets = std::fs::read(&path).unwrap();
            let there = octets.windows(part.len()).any(|window| window == part.as_bytes());
            assert!(!there, "it is in {}", path.display());
        }
    }
}

#[test]
fn the_description_is_the_one_that_is_checked_in() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/openapi.json");
    let now = format!("{}\n", serde_json::to_string_pretty(&openapi()).unwrap());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &now).unwrap();
    }
    let then = std::fs::read_to_string(path).unwrap_or_default();
    assert!(then == now, "docs/reference/openapi.json is old: run this with UPDATE_GOLDEN=1");
}
