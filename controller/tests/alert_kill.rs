//! `sarkd` killed at each point on an alert's way: recorded and not read, delivered and not settled.

use std::time::Duration;

use sark_core::storage::AuditStore as _;
use sark_store::Store;
use serde_json::Value;

use crate::alerts::record;
use crate::client::get;
use crate::daemon::Place;
use crate::receiver::{Receiver, Request, Says};
use crate::world::SOON;

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Without a gobgpd, which is an alert of its own.
const NOBODY: &str =
    "bgp: { asn: 64512, routerId: 127.0.0.1, gobgpd: { mode: external, api: '127.0.0.1:9' } }";

fn place(receiver: &Receiver) -> Place {
    let place = Place::new(NOBODY);
    let key = place.root().join("key");
    std::fs::write(&key, KEY).unwrap();
    let (url, key) = (receiver.url("/hook"), key.display().to_string());
    place.configure(&format!(
        "{NOBODY}
alerts:
  sinks:
  - {{ name: hook, timeout: 60s, privateAddresses: [127.0.0.0/8],
      webhook: {{ url: '{url}', keys: ['file:{key}'] }} }}"
    ));
    place
}

/// Once so many deliveries of this alert are there and delivered, the newest first.
async fn delivered(place: &Place, key: &str, many: usize) -> Vec<Value> {
    let path = format!("/v1/alerts/deliveries?state=delivered&key={key}");
    let there = async || {
        loop {
            let (_, answer) = get(&place.socket(), &path).await;
            let deliveries = answer["deliveries"].as_array().unwrap().clone();
            if deliveries.len() >= many {
                return deliveries;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(SOON, there()).await.unwrap()
}

fn of<'a>(requests: &'a [Request], key: &str) -> Vec<(&'a str, Value)> {
    let one = |request: &'a Request| {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        (body["data"]["alert"]["key"] == key).then(|| (request.header("webhook-id").unwrap(), body))
    };
    requests.iter().filter_map(one).collect()
}

#[tokio::test]
async fn killed_between_delivery_and_its_record() {
    let receiver = Receiver::new(Says::Nothing).await;
    let mut place = place(&receiver);
    place.start().await;
    receiver.until(1).await;
    place.kill();
    receiver.set(Says::ok());
    place.start().await;
    receiver.until(2).await;
    let delivered = delivered(&place, "health.speaker-unreachable", 1).await;
    let requests = receiver.requests();
    let ids: Vec<_> = requests.iter().map(|request| request.header("webhook-id")).collect();
    assert_eq!(ids[0], ids[1]);
    assert_eq!(ids[0], delivered[0]["id"].as_str());
    assert_eq!(requests[0].body, requests[1].body);
    // What is open before the kill is known after it: nothing is told anew. And one cause is one
    // alert: that rounds fail follows.
    let (_, answer) = get(&place.socket(), "/v1/alerts").await;
    assert_eq!(answer["alerts"].as_array().unwrap().len(), 1, "{answer}");
    assert_eq!(requests.len(), 2);
    assert!(!place.log().contains(KEY));
    assert!(place.terminate().await.success());
}

#[tokio::test]
async fn killed_between_the_record_and_its_delivery() {
    let receiver = Receiver::new(Says::Nothing).await;
    let mut place = place(&receiver);
    place.start().await;
    place.kill();
    let database = place.root().join("state/sark.db");
    let happens = async |resolved| {
        let store = Store::open(&database).await.unwrap();
        store.append(&record("feed:a", resolved)).await.unwrap();
        store.close().await;
    };
    // Recorded, and nobody has read it.
    happens(false).await;
    place.start().await;
    receiver.until(1).await;
    place.kill();
    // Again, within the window: what was told before the kill is known, so this is only counted.
    happens(false).await;
    receiver.set(Says::ok());
    place.start().await;
    delivered(&place, "feed:a", 1).await;
    place.kill();
    happens(true).await;
    place.start().await;
    let delivered = delivered(&place, "feed:a", 2).await;
    let requests = receiver.requests();
    let told = of(&requests, "feed:a");
    let kinds: Vec<_> =
        told.iter().map(|(_, body)| body["data"]["alert"]["kind"].as_str()).collect();
    assert_eq!(kinds, [Some("opened"), Some("opened"), Some("resolved")]);
    assert_eq!(told[0], told[1], "the same id and body");
    assert_ne!(told[1].0, told[2].0);
    assert_eq!(told[2].1["data"]["alert"]["count"], 2);
    let ids: Vec<_> = delivered.iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [told[2].0, told[1].0]);
    assert!(place.terminate().await.success());
}
