//! Two `sarkd` on one PostgreSQL, each with a gobgpd of its own: one moves the routers.

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::client::{self, body_of, get, post};
use crate::daemon::Place;
use crate::world::many;
use sark_core::storage::{AuditStore, RevisionStore};
use sark_flowspec::Speaker;
use sark_store::Store;
use sark_store::test_util::{TestDatabase, TestServer};

async fn place(server: &TestServer, database: &TestDatabase<'_>, name: &str) -> Place {
    let mut place = Place::new(&format!(
        "bgp: {{ asn: 64512, routerId: 127.0.0.1, listenPort: 0 }}
store:
  postgres:
    {{ host: {}, port: {}, database: {}, user: postgres, name: {name}, lease: 10s }}",
        server.directory().join("socket").display(),
        server.port(),
        database.name()
    ));
    place.start().await;
    place
}

fn role(wanted: &'static str) -> impl Fn(&Value) -> bool {
    move |status| status["store"]["role"] == wanted
}

async fn rules(place: &Place) -> usize {
    place.gobgp().table().await.map_or(0, |table| table.len())
}

#[tokio::test]
async fn who_follows_takes_over_from_a_leader_that_is_killed() {
    let server = TestServer::shared();
    let database = server.database();
    let mut a = place(server, &database, "a").await;
    let status = a.status_is("it leads", role("leader")).await;
    assert_eq!((&status["store"]["leader"], &status["store"]["fence"]), (&json!("a"), &json!(1)));
    let mut b = place(server, &database, "b").await;
    let status = b.status_is("it follows", role("follower")).await;
    assert_eq!(status["store"]["leader"], "a");
    assert_eq!(status["problems"], json!([]), "a follower's idle speaker is no problem");
    let (status, answer) = post(&a.socket(), "/v1/flowspec/apply", body_of(&many(5))).await;
    assert_eq!((status, &answer["convergence"]["converged"]), (200, &true.into()), "{answer}");

    // Who follows answers questions and makes no change.
    let (status, answer) = post(&b.socket(), "/v1/flowspec/apply", body_of(&many(6))).await;
    assert_eq!((status, &answer["error"]["code"]), (421, &json!("not-leading")), "{answer}");
    assert!(answer["error"]["message"].to_string().contains("a leads"), "{answer}");
    assert_eq!(get(&b.socket(), "/readyz").await.0, 200);
    let (_, revisions) = get(&b.socket(), "/v1/flowspec/revisions").await;
    assert_eq!(revisions, get(&a.socket(), "/v1/flowspec/revisions").await.1);
    let registry = get(&a.socket(), "/v1/status").await.1["registryVersion"].clone();
    b.status_is("it has the leader's registry", |s| s["registryVersion"] == registry).await;
    assert_eq!(b.gobgpd(), None, "a follower has no gobgpd");

    a.kill();
    let taken = b.status_is("it leads", |status| {
        role("leader")(status) && status["reconcile"]["inPlace"] == 5
    });
    let status = taken.await;
    assert_eq!(status["store"]["fence"], 2);
    assert_eq!((rules(&a).await, rules(&b).await), (5, 5), "nothing is withdrawn");
    let (status, answer) = post(&b.socket(), "/v1/flowspec/apply", body_of(&many(6))).await;
    assert_eq!((status, &answer["revision"]), (200, &2.into()), "{answer}");

    // It comes back, and follows.
    a.start().await;
    let status = a.status_is("it follows", role("follower")).await;
    assert_eq!(status["store"]["leader"], "b");
    // A leader that says that it ends is followed at once.
    assert!(b.terminate().await.success());
    a.status_is("it leads", |s| role("leader")(s) && s["reconcile"]["inPlace"] == 6).await;
    assert!(a.terminate().await.success());

    let store = Store::connect(&database.settings()).await.unwrap();
    let records = store.records(1000).await.unwrap();
    let leaders = records.iter().filter(|record| record.event == "store.leader");
    let leaders: Vec<_> = leaders
        .map(|r| (r.detail["leader"].clone(), r.detail["lost"].clone(), r.notice.is_some()))
        .collect();
    let wanted = [
        (json!("a"), json!(null), false),
        (json!("b"), json!("a"), true),
        (json!("a"), json!(null), false),
    ];
    assert_eq!(leaders, wanted);
}

#[tokio::test]
async fn a_leader_that_was_halted_wakes_up_and_changes_nothing() {
    let server = TestServer::shared();
    let database = server.database();
    let mut a = place(server, &database, "a").await;
    a.status_is("it leads", role("leader")).await;
    post(&a.socket(), "/v1/flowspec/apply", body_of(&many(5))).await;
    let mut b = place(server, &database, "b").await;
    b.status_is("it follows", role("follower")).await;

    a.signal(Signal::SIGSTOP);
    b.status_is("it leads", |s| role("leader")(s) && s["reconcile"]["inPlace"] == 5).await;
    let (status, answer) = post(&b.socket(), "/v1/flowspec/apply", body_of(&many(3))).await;
    assert_eq!((status, &answer["revision"]), (200, &2.into()), "{answer}");

    // What waits for it when it wakes up is the first that it does.
    let socket = a.socket();
    let waiting: Vec<_> = (7..11)
        .map(|number| {
            let (socket, body) = (socket.clone(), body_of(&many(number)).to_string());
            tokio::spawn(async move {
                let post = hyper::Method::POST;
                client::request(&socket, post, "/v1/flowspec/apply", body).await
            })
        })
        .collect();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    a.signal(Signal::SIGCONT);
    for answer in waiting {
        // Cut off by the end of its term, or refused.
        if let Ok((status, answer)) = answer.await.unwrap() {
            assert!(matches!(status, 421 | 503), "{status} {answer}");
        }
    }
    let status = a.status_is("it follows", role("follower")).await;
    assert_eq!(
        (&status["store"]["leader"], &status["revision"]["number"]),
        (&json!("b"), &json!(2))
    );
    assert_eq!((rules(&a).await, rules(&b).await), (5, 3), "it moved nothing");
    let store = Store::connect(&database.settings()).await.unwrap();
    assert_eq!(store.newest().await.unwrap(), Some(2));
    assert!(b.terminate().await.success());
    assert!(a.terminate().await.success());
}
