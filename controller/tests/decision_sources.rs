//! Where decision sets are from: a directory, an address, signed or not.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get as on_get;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::client::{get, post};
use crate::daemon::Place;
use crate::decision_sets::{
    NOBODY, ROLLOUT, action, active, bundle, named, records, signed, small, write,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_is_read_again_when_told() {
    let mut place = Place::new("");
    let directory = place.root().join("set");
    write(&directory, &small("one", "audit", "u"));
    place.configure(&format!("{NOBODY}\ndecisions: {{ source: {{ directory: set }} }}"));
    let check = place.command().arg("--check").output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    place.start().await;
    let socket = place.socket();
    assert_eq!(active(&socket).await, "one");

    // What is wrong is said, and changes nothing.
    let broken = [("llm/one.rego".to_owned(), "package sark.llm.one\n\nx := \n".to_owned())];
    write(&directory, &broken);
    let check = place.command().arg("--check").output().unwrap();
    let says = String::from_utf8_lossy(&check.stderr);
    assert!(!check.status.success() && says.contains("one.rego"), "{says}");
    place.signal(Signal::SIGHUP);
    let refused = |status: &Value| {
        let problems = status["problems"].as_array().unwrap();
        problems.iter().any(|problem| problem["code"] == "decisions-refused")
    };
    place.status_is("the set is refused", refused).await;
    assert_eq!(
        (active(&socket).await.as_str(), action(&socket, "u").await.as_str()),
        ("one", "audit")
    );

    write(&directory, &small("two", "deny", "u"));
    place.signal(Signal::SIGHUP);
    place.status_is("the set is taken", |status| !refused(status)).await;
    place.until("it is in use", async || (active(&socket).await == "two").then_some(())).await;

    // What a person took back does not come again by itself.
    assert_eq!(post(&socket, "/v1/decisions/rollback", json!({})).await.0, 200);
    assert_eq!(active(&socket).await, "one");
    let (status, answer) = post(&socket, "/v1/decisions/refresh", json!({})).await;
    assert_eq!((status, &answer["changed"]), (200, &json!(false)), "{answer}");
    place.kill();
    place.start().await;
    assert_eq!(active(&socket).await, "one");
    write(&directory, &small("three", "alert", "u"));
    let (_, answer) = post(&socket, "/v1/decisions/refresh", json!({})).await;
    assert_eq!((&answer["changed"], &answer["active"]["name"]), (&json!(true), &json!("three")));
    assert!(place.terminate().await.success());
}

/// A server of one bundle.
#[derive(Clone, Default)]
struct Bundles {
    octets: Arc<Mutex<Vec<u8>>>,
    sent: Arc<AtomicUsize>,
    same: Arc<AtomicUsize>,
}

impl Bundles {
    /// Its address; it ends with the test.
    async fn serve(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/b.tar.gz", on_get(give)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}/b.tar.gz")
    }

    fn set(&self, octets: Vec<u8>) {
        *self.octets.lock().unwrap() = octets;
    }
}

async fn give(State(bundles): State<Bundles>, headers: HeaderMap) -> Response {
    if headers.get(header::AUTHORIZATION).is_none_or(|value| value != "Bearer the-token") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let octets = bundles.octets.lock().unwrap().clone();
    if octets.is_empty() {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let etag = format!("\"{}\"", sark_core::ContentHash::of(&octets).short());
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| *known == *etag) {
        bundles.same.fetch_add(1, Ordering::SeqCst);
        return StatusCode::NOT_MODIFIED.into_response();
    }
    bundles.sent.fetch_add(1, Ordering::SeqCst);
    ([(header::ETAG, etag)], octets).into_response()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_asked_for_and_the_last_good_one_stays() {
    let bundles = Bundles::default();
    let url = bundles.serve().await;
    let mut place = Place::new("");
    std::fs::write(place.root().join("token"), "the-token\n").unwrap();
    let root = place.root().display().to_string();
    place.configure(&format!(
        "{NOBODY}\ndecisions: {{ source: {{ url: '{url}', interval: 5s, private: true, \
         token: 'file:{root}/token' }} }}"
    ));
    bundles.set(bundle(&small("one", "audit", "u")));
    place.start().await;
    let socket = place.socket();
    place.until("it is taken", async || (active(&socket).await == "one").then_some(())).await;
    let (_, now) = get(&socket, ROLLOUT).await;
    assert_eq!((&now["active"]["name"], &now["active"]["revision"]), (&json!("one"), &json!("r7")));
    assert_eq!(now["active"]["origin"], url);
    // By itself, and only what is new.
    place
        .until("asked again", async || (bundles.same.load(Ordering::SeqCst) > 0).then_some(()))
        .await;
    assert_eq!(bundles.sent.load(Ordering::SeqCst), 1);
    bundles.set(bundle(&small("two", "deny", "u")));
    place.until("it is taken", async || (active(&socket).await == "two").then_some(())).await;

    // No bundle, no server: the last good one decides, also after a restart.
    let refresh = async || post(&socket, "/v1/decisions/refresh", json!({})).await;
    bundles.set(b"no gzip".to_vec());
    let (status, refused) = refresh().await;
    assert_eq!(status, 400, "{refused}");
    bundles.set(Vec::new());
    let (status, refused) = refresh().await;
    assert_eq!(status, 503, "{refused}");
    assert!(!refused.to_string().contains("the-token"));
    place.kill();
    place.start().await;
    assert_eq!(
        (active(&socket).await.as_str(), action(&socket, "u").await.as_str()),
        ("two", "deny")
    );
    let fails = |status: &Value| status["problems"].to_string().contains("decisions-source");
    place.status_is("the source is missed", fails).await;
    // It is there again, with what it had.
    bundles.set(bundle(&small("two", "deny", "u")));
    place.status_is("the source is back", |status| !fails(status)).await;
    assert!(place.terminate().await.success());
    assert!(!place.log().contains("the-token"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_signed_is_taken_where_a_key_says_so() {
    let mut place = Place::new("");
    let key = "a secret that has at least thirty-two octets";
    std::fs::write(place.root().join("key"), key).unwrap();
    let root = place.root().display().to_string();
    let files = small("one", "audit", "u");
    std::fs::write(place.root().join("set.yaml"), &files[0].1).unwrap();
    place.configure(&format!(
        "{NOBODY}\ndecisions: {{ keys: [{{ key: 'file:{root}/key' }}], settings: set.yaml }}"
    ));
    place.start().await;
    let socket = place.socket();
    let (status, refused) = post(&socket, ROLLOUT, json!({ "files": named(&files) })).await;
    assert_eq!(status, 422, "{refused}");
    let path = "/v1/decisions/bundle";
    let unsigned = crate::client::request(&socket, hyper::Method::POST, path, bundle(&files)).await;
    let (status, refused) = unsigned.unwrap();
    assert_eq!(status, 400, "{refused}");
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains(".signatures.json"), "{message}");
    assert_eq!(active(&socket).await, "none");
    let refused = records(&place, "policy.activate", 2).await;
    assert!(refused.iter().all(|record| record["outcome"] == "refused"), "{refused:?}");
    let wrong = signed(&files, "another secret of at least thirty-two octets");
    let answer = crate::client::request(&socket, hyper::Method::POST, path, wrong).await.unwrap();
    assert_eq!(answer.0, 400, "{}", answer.1);
    let right =
        crate::client::request(&socket, hyper::Method::POST, path, signed(&files, key)).await;
    let (status, answer) = right.unwrap();
    assert_eq!((status, &answer["active"]["signedBy"]), (200, &json!("HS256")), "{answer}");
    assert_eq!(action(&socket, "u").await, "audit");
    assert!(place.terminate().await.success());
}
