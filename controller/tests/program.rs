//! `sarkd` as a program: its configuration, its end, and gobgpd in every bad way. Needs gobgpd;
//! `cargo xtask setup` installs it.

use std::time::{Duration, Instant};

use crate::client::{body_of, get, post};
use crate::daemon::{Place, moment};
use crate::world::{drop_to, files, many};
use nix::sys::signal::{Signal, kill};
use sark_core::audit::Outcome;
use sark_core::storage::AuditStore as _;
use sark_flowspec::Speaker;
use sark_store::Store;
use serde_json::json;

const SUPERVISED: &str = "bgp: { asn: 64512, routerId: 127.0.0.1, listenPort: 0 }
peers: [{ name: nobody, address: 127.0.0.2, asn: 64601, profile: frr, port: 17909 }]";
const NOBODY: &str =
    "bgp: { asn: 64512, routerId: 127.0.0.1, gobgpd: { mode: external, api: '127.0.0.1:9' } }";

#[tokio::test]
async fn check_says_what_is_wrong_and_starts_nothing() {
    let place = Place::new(SUPERVISED);
    let check = |place: &Place| place.command().arg("--check").output().unwrap();
    let output = check(&place);
    assert!(output.status.success(), "{output:?}");
    assert!(!place.root().join("state").exists());
    for (wrong, line, part) in [
        (SUPERVISED.replace("routerId", "routrId"), ":4:", "routerId"),
        (SUPERVISED.replace("profile: frr", "profile: frrr"), "", "did you mean frr?"),
        (format!("{SUPERVISED}\nregistry: {{ overlays: [nowhere.yaml] }}"), "", "nowhere.yaml"),
        (format!("{SUPERVISED}\nlog: {{ filter: 'a=b=c' }}"), "", "log"),
        (String::new(), "", "bgp"),
    ] {
        place.configure(&wrong);
        let output = check(&place);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{wrong}: {said}");
        assert!(said.contains(part) && said.contains(line), "{wrong}: {said}");
    }
    // The command line and the environment are checked as the file is.
    place.configure(SUPERVISED);
    let output = place.command().args(["--check", "--set", "log.formt=json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let output = place.command().arg("--check").env("SARK_BGP__ASN", "0").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[tokio::test]
async fn two_do_not_share_a_directory_or_a_socket() {
    let mut first = Place::new(NOBODY);
    first.start().await;
    let second = first.command().output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains("in use by another sarkd"), "{said}");

    let other = Place::new(NOBODY);
    let socket = format!("api.socket={}", first.socket().display());
    let output = other.command().args(["--set", &socket]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("another sarkd answers there"), "{said}");
    assert_eq!(get(&first.socket(), "/healthz").await.0, 200, "the first is not disturbed");

    // A socket that a killed one left is replaced.
    first.kill();
    assert!(first.socket().exists());
    first.start().await;
    assert!(first.terminate().await.success());
    assert!(!first.socket().exists());
}

#[tokio::test]
async fn gobgpd_absent() {
    let mut place = Place::new(NOBODY);
    place.start().await;
    let body = body_of(&files(&[drop_to("a", "203.0.113.1".parse().unwrap())]));
    let (status, answer) = post(&place.socket(), "/v1/flowspec/apply", body).await;
    assert_eq!((status, &answer["convergence"]["converged"]), (200, &json!(false)), "{answer}");
    let status = place.status_is("rounds fail", |s| s["reconcile"]["failures"] != 0).await;
    let problems = status["problems"].to_string();
    assert!(problems.contains("speaker-unreachable"), "{problems}");
    assert_eq!(get(&place.socket(), "/readyz").await.0, 503);
    assert!(place.terminate().await.success());
}

#[tokio::test]
async fn gobgpd_that_cannot_be_started() {
    let wrong =
        SUPERVISED.replace("listenPort: 0", "listenPort: 0, gobgpd: { program: no-such-gobgpd }");
    let mut place = Place::new(&wrong);
    place.start().await;
    let status = place.status_is("rounds fail", |s| s["reconcile"]["failures"] != 0).await;
    assert!(status["reconcile"]["error"].to_string().contains("no-such-gobgpd"), "{status}");
    assert!(place.terminate().await.success());
}

#[tokio::test]
async fn gobgpd_hanging() {
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = deaf.local_addr().unwrap();
    let mut place = Place::new(&NOBODY.replace("127.0.0.1:9", &address.to_string()));
    place.start().await;
    let begun = Instant::now();
    let status = place.status_is("it answers", |s| s["speaker"]["reachable"] == false).await;
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(status["problems"].to_string().contains("speaker-unreachable"), "{status}");
    let begun = Instant::now();
    assert!(place.terminate().await.success());
    assert!(begun.elapsed() < Duration::from_secs(21), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn gobgpd_killed_is_started_and_filled_again() {
    let mut place = Place::new(SUPERVISED);
    place.start().await;
    let (status, answer) = post(&place.socket(), "/v1/flowspec/apply", body_of(&many(50))).await;
    assert_eq!((status, &answer["convergence"]["converged"]), (200, &json!(true)), "{answer}");
    let status = place.status_is("the peer is there", |s| s["peers"][0]["state"] != "absent").await;
    assert!(status["problems"].to_string().contains("peer-down"), "{status}");

    let before = place.gobgpd().expect("it runs");
    kill(before, Signal::SIGKILL).unwrap();
    place.until("another gobgpd runs", async || place.gobgpd().filter(|pid| *pid != before)).await;
    let gobgp = place.gobgp();
    place
        .until("it has the rules", async || {
            gobgp.table().await.is_ok_and(|table| table.len() == 50).then_some(())
        })
        .await;
    assert!(place.terminate().await.success());
}

#[tokio::test]
async fn gobgpd_outlives_us_and_is_adopted_or_ends_with_us_as_configured() {
    let mut place = Place::new(SUPERVISED);
    place.start().await;
    post(&place.socket(), "/v1/flowspec/apply", body_of(&many(3))).await;
    let pid = place.gobgpd().expect("it runs");
    assert!(place.terminate().await.success());
    assert_eq!(place.gobgpd(), Some(pid));
    assert_eq!(place.gobgp().table().await.unwrap().len(), 3);

    let withdraw =
        SUPERVISED.replace("listenPort: 0", "listenPort: 0, gobgpd: { onStop: withdraw }");
    place.configure(&withdraw);
    place.start().await;
    place.status_is("it converges", |s| s["reconcile"]["converged"] == true).await;
    assert_eq!(place.gobgpd(), Some(pid), "the same gobgpd");
    assert!(place.terminate().await.success());
    assert_eq!(place.gobgpd(), None);
}

#[tokio::test]
async fn overlays_are_read_again_on_hangup() {
    let mut place = Place::new(&format!("{NOBODY}\nregistry: {{ overlays: [lab.yaml] }}"));
    let overlay = |prefix: &str| {
        format!(
            "apiVersion: sark/v1
kind: EndpointOverlay
metadata: {{ name: lab }}
sources:
  lab: {{ document: our address plan, firstSeen: 2026-11-01, lastSeen: 2026-11-21 }}
extensions:
  - {{ extends: openai/api, prefixes: [{prefix}], sharedness: dedicated, sources: [lab] }}
"
        )
    };
    let path = place.root().join("lab.yaml");
    std::fs::write(&path, overlay("192.0.2.0/28")).unwrap();
    place.start().await;
    let socket = place.socket();
    let known = async |address: &str| {
        let (_, body) = get(&socket, &format!("/v1/registry/lookup?q={address}")).await;
        body["results"][0]["hits"].as_array().is_some_and(|hits| !hits.is_empty())
    };
    assert!(known("192.0.2.1").await);
    std::fs::write(&path, overlay("198.51.100.0/28")).unwrap();
    place.signal(Signal::SIGHUP);
    place.until("the overlay is used", async || known("198.51.100.1").await.then_some(())).await;
    // A broken overlay changes nothing.
    std::fs::write(&path, "nonsense").unwrap();
    place.signal(Signal::SIGHUP);
    place
        .until("it says so", async || {
            place.log().contains("the registry stays as it was").then_some(())
        })
        .await;
    assert!(known("198.51.100.1").await);
    moment().await;
    let plan = post(
        &socket,
        "/v1/flowspec/plan",
        json!({ "files": files(&[drop_to("lab", [198, 51, 100, 1].into())]) }),
    )
    .await;
    assert_eq!(plan.0, 200, "{}", plan.1);
    assert!(place.terminate().await.success());

    // All that was asked of it is in the trail, with who asked.
    let store = Store::open(&place.root().join("state/sark.db")).await.unwrap();
    let records: Vec<_> = store.records_after(0, 1000).await.unwrap();
    let of = |event: &str| {
        let found = records.iter().map(|(_, record)| record).filter(|one| one.event == event);
        found.collect::<Vec<_>>()
    };
    let us = format!("uid:{}", nix::unistd::geteuid());
    let reloads: Vec<_> = of("config.reload").iter().map(|record| record.outcome).collect();
    assert_eq!(reloads, [Outcome::Ok, Outcome::Failed]);
    let (logins, plans, looks) = (of("api.login"), of("flowspec.plan"), of("api.looked"));
    assert_eq!((logins.len(), plans.len(), looks.is_empty()), (1, 1, false), "{records:?}");
    for record in logins.into_iter().chain(plans).chain(looks.clone()) {
        assert!(record.actor.starts_with(&us), "{record:?}");
    }
    let looked: u64 =
        looks.iter().filter_map(|one| one.detail["routes"]["/v1/registry/lookup"].as_u64()).sum();
    assert!(looked >= 4, "{looks:?}");
    store.close().await;
}
