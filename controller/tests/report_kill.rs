//! `sarkd` killed at random points while sensors report, decisions are made and alerts are sent.
//! Whatever the point: each report that was acknowledged is in the trail once and its alert is told, so
//! is each decision whose answer waited for its record, each alert by one idempotency key and one body,
//! and the chain is whole.
//!
//! `SARK_TRAIL_ROUNDS` sets the number of kills (10 by default), `SARK_SOAK_FIRST` the first seed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::Method;
use sark_core::storage::{AuditStore as _, CheckpointStore as _};
use sark_store::Store;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::client::{get, request};
use crate::daemon::Place;
use crate::receiver::{Receiver, Says};

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const REPORTERS: u64 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_point_of_deciding_and_telling() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
    };
    let (rounds, first) = (number("SARK_TRAIL_ROUNDS", 10), number("SARK_SOAK_FIRST", 1));
    let receiver = Receiver::new(Says::ok()).await;
    let mut place = Place::new("");
    std::fs::write(place.root().join("key"), KEY).unwrap();
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/decision");
    let (url, key) = (receiver.url("/hook"), place.root().join("key"));
    place.configure(&format!(
        "bgp: {{ asn: 64512, routerId: 127.0.0.1,
  gobgpd: {{ mode: external, api: '127.0.0.1:9' }} }}
decisions: {{ source: {{ directory: '{}' }} }}
sensors: {{ perMinute: 6000 }}
audit: {{ checkpoints: {{ records: 200, interval: 1s }} }}
alerts:
  sinks:
  - {{ name: hook, privateAddresses: [127.0.0.0/8], perMinute: 6000,
      webhook: {{ url: '{url}', keys: ['file:{}'] }} }}",
        policies.display(),
        key.display(),
    ));
    let next = Arc::new(AtomicU64::new(0));
    let (mut acknowledged, mut decided) = (BTreeSet::new(), BTreeSet::new());
    for round in 0..rounds {
        place.start().await;
        let mut load = JoinSet::new();
        for worker in 0..REPORTERS + 2 {
            load.spawn(ask(place.socket(), Arc::clone(&next), worker));
        }
        let pause = Duration::from_millis(900).mul_f64(super::kill::random(first + round));
        tokio::time::sleep(Duration::from_millis(100) + pause).await;
        place.kill();
        for (reports, decisions) in load.join_all().await {
            acknowledged.extend(reports);
            decided.extend(decisions);
        }
    }
    place.start().await;
    let socket = place.socket();
    place
        .until("everything is told", async || {
            let told = told(&receiver);
            let is_told = |prefix: &str, id: &u64| told.contains_key(&format!("{prefix}{id}"));
            let reports = acknowledged.iter().all(|id| is_told(SITE, id));
            let tunnels = decided.iter().filter(|id| is_tunnel(**id));
            (reports && tunnels.into_iter().all(|id| is_told(USER, id))).then_some(())
        })
        .await;
    place
        .until("nothing waits", async || {
            let (_, answer) = get(&socket, "/v1/alerts/deliveries?state=pending").await;
            answer["deliveries"].as_array().unwrap().is_empty().then_some(())
        })
        .await;
    let (_, dead) = get(&socket, "/v1/alerts/deliveries?state=dead").await;
    assert_eq!(dead["deliveries"], json!([]));
    for (of, keys) in told(&receiver) {
        assert_eq!(keys.len(), 1, "{of} was told by several keys: {keys:?}");
    }
    assert!(place.terminate().await.success());
    let store = Store::open(&place.root().join("state/sark.db")).await.unwrap();
    let mut recorded: BTreeMap<u64, u64> = BTreeMap::new();
    let mut read = 0;
    loop {
        let page = store.records_after(read, 10_000).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        read = *last;
        for (_, record) in page {
            let id = match record.event.as_str() {
                "sensor.report" => &record.detail["report"]["id"],
                "decision.llm" | "decision.tunnel" => &record.detail["input"]["id"],
                _ => continue,
            };
            *recorded.entry(id.as_str().unwrap()[2..].parse().unwrap()).or_default() += 1;
        }
    }
    let all = acknowledged.union(&decided);
    let lost: Vec<_> = all.filter(|id| !recorded.contains_key(id)).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let twice: Vec<_> = recorded.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "recorded twice: {twice:?}");
    let kept = store.checkpoints_after(0, 1_000_000).await.unwrap().len();
    let verified = sark_audit::verify(&store, Vec::new(), &mut |_| ()).await;
    let verified = verified.unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(verified.head.sequence, read);
    store.close().await;
    eprintln!(
        "{rounds} kills: {read} records, chain whole, {kept} checkpoints; {} reports acknowledged, \
         and {} decisions, all recorded once and told by one key each in {} requests",
        acknowledged.len(),
        decided.len(),
        receiver.requests().len(),
    );
    assert!(!acknowledged.is_empty());
    for is_wanted in [true, false] {
        assert!(decided.iter().any(|id| is_tunnel(*id) == is_wanted));
    }
}

/// Reports, or asks for decisions, until nobody answers. The reports and the decisions that were
/// acknowledged.
async fn ask(socket: PathBuf, next: Arc<AtomicU64>, worker: u64) -> (Vec<u64>, Vec<u64>) {
    let (mut reports, mut decisions) = (Vec::new(), Vec::new());
    loop {
        let id = next.fetch_add(1, Ordering::Relaxed);
        let (path, body) = if worker < REPORTERS {
            let report = json!({
                "id": format!("r-{id}"), "sensor": format!("cat-{worker}"), "event": "carrier",
                "site": format!("{SITE}{id}"), "confidence": 0.9,
                "facts": { "payload": true, "payload_bytes": 204_800 },
            });
            ("/api/v1/sensors/rfc1149/reports", report)
        } else {
            let asked = if is_tunnel(id) {
                let (id, user) = (format!("q-{id}"), format!("{USER}{id}"));
                let input = json!({ "id": id, "service": "ngrok", "kind": "tunnel",
                    "confidence": 0.4, "user": user });
                json!({ "line": "tunnel", "input": input, "durable": true })
            } else {
                let input = json!({ "id": format!("q-{id}"), "operation": "chat", "user": "ada" });
                json!({ "line": "llm", "input": input, "durable": true })
            };
            ("/v1/decisions", asked)
        };
        let answer = request(&socket, Method::POST, path, body.to_string()).await;
        let Ok((status, answer)) = answer else { return (reports, decisions) };
        if status == 503 {
            // Before the set is in use.
            continue;
        }
        assert_eq!(status, 200, "{answer}");
        if worker < REPORTERS {
            assert_eq!(answer["action"], "alert", "{answer}");
            reports.push(id);
        } else {
            let action = answer["decision"]["action"].as_str().unwrap();
            assert_eq!(action == "alert", is_tunnel(id), "{answer}");
            decisions.push(id);
        }
        if worker < REPORTERS || is_tunnel(id) {
            // No more than the sink takes.
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }
}

/// Of each alert that a decision brings, its user; of each that a report brings, its site.
const USER: &str = "u";
const SITE: &str = "s";

fn is_tunnel(id: u64) -> bool {
    id.is_multiple_of(10)
}

/// Idempotency keys and bodies by which each alert was told, by the site or the user.
fn told(receiver: &Receiver) -> BTreeMap<String, BTreeSet<(String, Vec<u8>)>> {
    let mut told: BTreeMap<String, BTreeSet<(String, Vec<u8>)>> = BTreeMap::new();
    for request in receiver.requests() {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let key = body["data"]["alert"]["key"].as_str().unwrap();
        if !key.starts_with("sensor:rfc1149:carrier:") && !key.starts_with("decision.tunnel:") {
            continue;
        }
        let of = key.rsplit(':').next().unwrap().to_owned();
        let id = request.header("webhook-id").unwrap().to_owned();
        told.entry(of).or_default().insert((id, request.body));
    }
    told
}
