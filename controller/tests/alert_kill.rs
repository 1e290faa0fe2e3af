//! `sarkd` killed while a receiver has an alert and has not said so yet.

use std::time::Duration;

use crate::client::get;
use crate::daemon::Place;
use crate::receiver::{Receiver, Says};
use crate::world::SOON;

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Without a gobgpd, which is what the alert is about.
const NOBODY: &str =
    "bgp: { asn: 64512, routerId: 127.0.0.1, gobgpd: { mode: external, api: '127.0.0.1:9' } }";

#[tokio::test]
async fn killed_between_delivery_and_its_record() {
    let receiver = Receiver::new(Says::Nothing).await;
    let mut place = Place::new(NOBODY);
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
    place.start().await;
    receiver.until(1).await;
    place.kill();
    receiver.set(Says::ok());
    place.start().await;
    receiver.until(2).await;
    let told = async || {
        loop {
            let (_, answer) = get(&place.socket(), "/v1/alerts/deliveries?state=delivered").await;
            let deliveries = answer["deliveries"].as_array().unwrap().clone();
            if !deliveries.is_empty() {
                return deliveries;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let delivered = tokio::time::timeout(SOON, told()).await.unwrap();
    assert_eq!(delivered[0]["key"], "health.speaker-unreachable");
    let requests = receiver.requests();
    let ids: Vec<_> = requests.iter().map(|request| request.header("webhook-id")).collect();
    assert_eq!(ids[0], ids[1]);
    assert_eq!(ids[0], delivered[0]["id"].as_str());
    assert_eq!(requests[0].body, requests[1].body);
    // What is open before the kill is known after it: nothing is told anew.
    let (_, answer) = get(&place.socket(), "/v1/alerts").await;
    assert_eq!(answer["alerts"].as_array().unwrap().len(), 1, "{answer}");
    assert_eq!(requests.len(), 2);
    assert!(!place.log().contains(KEY));
    assert!(place.terminate().await.success());
}
