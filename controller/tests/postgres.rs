//! `sarkd` on PostgreSQL: the same as on SQLite, and what a server can do wrong.

use crate::client::{body_of, get, post};
use crate::daemon::Place;
use crate::world::many;
use sark_core::storage::{AuditStore, RevisionStore};
use sark_flowspec::Speaker;
use sark_registry::storage::VersionStore;
use sark_store::Store;
use sark_store::test_util::{TestDatabase, TestServer};

/// A supervised gobgpd, no router, and this database.
fn config(server: &TestServer, database: &TestDatabase<'_>) -> String {
    format!(
        "bgp: {{ asn: 64512, routerId: 127.0.0.1, listenPort: 0 }}
store: {{ postgres: {{ host: {}, port: {}, database: {}, user: postgres }} }}",
        server.directory().join("socket").display(),
        server.port(),
        database.name()
    )
}

#[tokio::test]
async fn what_was_applied_is_there_after_a_restart() {
    let server = TestServer::shared();
    let database = server.database();
    let mut place = Place::new(&config(server, &database));
    place.start().await;
    let (status, answer) = post(&place.socket(), "/v1/flowspec/apply", body_of(&many(5))).await;
    assert_eq!((status, &answer["convergence"]["converged"]), (200, &true.into()), "{answer}");
    let (_, versions) = get(&place.socket(), "/v1/registry/versions").await;
    place.kill();

    let store = Store::connect(&database.settings()).await.unwrap();
    assert_eq!(store.newest().await.unwrap(), Some(1));
    assert_eq!(store.newest_version().await.unwrap().unwrap().number, 1);
    assert!(store.records(100).await.unwrap().iter().any(|r| r.event == "flowspec.apply"));
    store.close().await;

    place.start().await;
    let wanted = |s: &serde_json::Value| {
        s["reconcile"]["converged"] == true && s["reconcile"]["inPlace"] == 5
    };
    let status = place.status_is("it has its rules again", wanted).await;
    assert_eq!(status["store"]["engine"], "postgres");
    assert_eq!(status["store"]["reachable"], true);
    assert_eq!(status["revision"]["number"], 1);
    assert_eq!(get(&place.socket(), "/v1/registry/versions").await.1, versions);
    assert!(!place.root().join("state/sark.db").exists());
    assert!(place.terminate().await.success());
}

#[tokio::test]
async fn a_server_that_goes_away_takes_nothing_with_it() {
    let server = TestServer::own(&["fsync=off"]);
    let database = server.database();
    let mut place = Place::new(&config(&server, &database));
    place.start().await;
    post(&place.socket(), "/v1/flowspec/apply", body_of(&many(3))).await;
    server.stop();
    let status = place.status_is("it says so", |s| s["store"]["reachable"] == false).await;
    assert!(status["problems"].to_string().contains("store-unavailable"), "{status}");
    assert_eq!(get(&place.socket(), "/readyz").await.0, 503);
    let (status, answer) = post(&place.socket(), "/v1/flowspec/apply", body_of(&many(4))).await;
    assert_eq!(status, 503, "{answer}");
    assert_eq!(place.gobgp().table().await.unwrap().len(), 3, "rules in place stay");

    server.start();
    place.status_is("it answers again", |s| s["store"]["reachable"] == true).await;
    place
        .until("it applies again", async || {
            let body = body_of(&many(4));
            let (status, _) = post(&place.socket(), "/v1/flowspec/apply", body).await;
            (status == 200).then_some(())
        })
        .await;
    place.status_is("it converges", |s| s["reconcile"]["inPlace"] == 4).await;
    assert!(place.terminate().await.success());
}

#[tokio::test]
async fn a_password_is_nowhere_to_be_read() {
    let server = TestServer::shared();
    let database = server.database();
    let mut place = Place::new("");
    let url = format!(
        "postgres:///{}?host={}&port={}&user=postgres&password=hunter2",
        database.name(),
        server.directory().join("socket").display(),
        server.port()
    );
    std::fs::write(place.root().join("url"), &url).unwrap();
    let config = |file: &str| {
        format!(
            "bgp: {{ asn: 64512, routerId: 127.0.0.1, listenPort: 0 }}
store: {{ postgres: {{ url: \"file:{}\" }} }}",
            place.root().join(file).display()
        )
    };
    let (good, bad, missing) = (config("url"), config("bad"), config("missing"));
    place.configure(&good);
    place.start().await;
    let status = place.status_is("it answers", |s| s["store"]["reachable"] == true).await;
    assert!(place.terminate().await.success());
    assert!(!format!("{status}{}", place.log()).contains("hunter2"));

    std::fs::write(place.root().join("bad"), url.replace(database.name(), "no_such")).unwrap();
    for (config, said) in [(bad, "no_such"), (missing, "cannot read store.postgres.url")] {
        place.configure(&config);
        let output = place.command().output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains(said) && !text.contains("hunter2"), "{text}");
    }
}
