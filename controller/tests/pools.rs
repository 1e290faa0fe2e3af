//! Proxies that come and go before a real `sarkd` and a real gobgpd: how the routers' table follows.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::client::{body_of, get, post, raw};
use crate::daemon::{Place, moment};
use crate::world::files;
use sark_flowspec::{Action, Observed, Speaker};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A program that takes connections, until it is dropped.
struct Proxy {
    at: SocketAddr,
    work: Option<JoinHandle<()>>,
}

impl Proxy {
    async fn new() -> Self {
        let mut proxy = Self { at: "127.0.0.1:0".parse().unwrap(), work: None };
        proxy.start().await;
        proxy
    }

    /// The second time, on the port that it had.
    async fn start(&mut self) {
        let listener = TcpListener::bind(self.at).await.unwrap();
        self.at = listener.local_addr().unwrap();
        self.work = Some(tokio::spawn(async move { while listener.accept().await.is_ok() {} }));
    }

    async fn kill(&mut self) {
        let work = self.work.take().expect("it runs");
        work.abort();
        let _ = work.await;
    }
}

/// One policy for each thing to do, to a prefix of its own.
const FATES: [(&str, &str); 3] = [
    ("withdraw", "dst 203.0.113.0/28"),
    ("drop", "dst 203.0.113.16/28"),
    ("keep", "dst 203.0.113.32/28"),
];

fn policies() -> Value {
    let policy = |(when, to): &(&str, &str)| {
        let to = to.trim_start_matches("dst ");
        format!(
            "apiVersion: sark/v1
kind: FlowSpecPolicy
metadata: {{ name: {when} }}
spec:
  from: [10.20.0.0/16]
  to: {{ prefixes: [{to}] }}
  protocol: tcp
  ports: [443]
  action: {{ redirect: {{ to: inspection }} }}
  whenProxyDown: {when}
"
        )
    };
    body_of(&files(&FATES.iter().map(policy).collect::<Vec<_>>()))
}

fn configuration(a: &Proxy, b: &Proxy) -> String {
    format!(
        "bgp: {{ asn: 64512, routerId: 127.0.0.1, listenPort: 0 }}
peers: [{{ name: nobody, address: 127.0.0.2, asn: 64601, profile: frr, port: 17909 }}]
pools:
  - name: inspection
    proxies:
      - {{ name: a, nextHop4: 192.0.2.200, check: '{}' }}
      - {{ name: b, nextHop4: 192.0.2.201, check: '{}' }}
    health: {{ check: tcp, holdDownSeconds: 2 }}",
        a.at, b.at
    )
}

/// Where the table leads the packets of each policy: `.200`, `.201`, `drop`.
fn leads(table: &[Observed]) -> [BTreeSet<&'static str>; 3] {
    FATES.map(|(_, to)| {
        let of_policy = |rule: &&Observed| {
            rule.nlri.as_ref().is_ok_and(|nlri| nlri.to_string().starts_with(&format!("{to} ")))
        };
        let rules = table.iter().filter(of_policy);
        let actions =
            rules.flat_map(|rule| &rule.communities).filter_map(|community| match Action::decode(
                community,
            )
            .unwrap()?
            {
                Action::RedirectIp { address, .. } => {
                    Some(if address.to_string() == "192.0.2.200" { ".200" } else { ".201" })
                }
                Action::TrafficRateBytes { .. } => Some("drop"),
                other => panic!("{other:?}"),
            });
        actions.collect()
    })
}

/// Waits until the table leads there; how long that took.
async fn led(place: &Place, what: &str, wanted: [&[&'static str]; 3]) -> Duration {
    let (begun, gobgp) = (Instant::now(), place.gobgp());
    let wanted = wanted.map(|all| all.iter().copied().collect::<BTreeSet<_>>());
    place
        .until(what, async || {
            let table = gobgp.table().await.ok()?;
            (leads(&table) == wanted).then_some(())
        })
        .await;
    begun.elapsed()
}

async fn records(place: &Place) -> Vec<Value> {
    let (status, answer) = get(&place.socket(), "/v1/audit/records?event=pool.state").await;
    assert_eq!(status, 200, "{answer}");
    answer["records"].as_array().unwrap().clone()
}

#[tokio::test]
async fn rules_follow_the_proxies() {
    let (mut a, mut b) = (Proxy::new().await, Proxy::new().await);
    let mut place = Place::new(&configuration(&a, &b));
    place.start().await;
    let (status, answer) = post(&place.socket(), "/v1/flowspec/apply", policies()).await;
    assert_eq!(status, 200, "{answer}");
    let both: &[&str] = &[".200", ".201"];
    led(&place, "both have a share", [both; 3]).await;

    a.kill().await;
    let took = led(&place, "only b has flows", [&[".201"]; 3]).await;
    eprintln!("one of two proxies killed: the table of gobgpd was changed after {took:?}");
    let (_, pools) = get(&place.socket(), "/api/v1/pools").await;
    let (pool, asks) = (&pools["pools"][0], &pools["asks"]);
    assert_eq!((pool["state"].as_str(), asks.as_bool()), (Some("degraded"), Some(true)), "{pools}");
    let states = [&pool["proxies"][0], &pool["proxies"][1]].map(|proxy| {
        (proxy["state"].as_str().unwrap().to_owned(), proxy["share"].as_f64().unwrap())
    });
    assert_eq!(states, [("down".to_owned(), 0.0), ("up".to_owned(), 100.0)], "{pools}");

    b.kill().await;
    let took = led(&place, "nobody has flows", [&[], &["drop"], both]).await;
    eprintln!("the other killed too: the table of gobgpd was changed after {took:?}");
    let (_, plan) = post(&place.socket(), "/v1/flowspec/plan", policies()).await;
    let warnings = plan["plan"]["warnings"].to_string();
    assert!(warnings.contains("pool-down") && warnings.contains("whenProxyDown: drop"), "{plan}");
    let (_, rules) = get(&place.socket(), "/v1/flowspec/rules").await;
    assert!(rules["warnings"].to_string().contains("whenProxyDown: withdraw"), "{rules}");
    let status = place.status_is("it says so", |s| s["problems"].to_string().contains("pool-down"));
    assert!(status.await["problems"].to_string().contains("connection refused"));

    // A sarkd that starts anew, while they are down, knows it from the trail, and touches nothing.
    place
        .until("both falls are on record", async || {
            Some(records(&place).await).filter(|records| records.len() == 2)
        })
        .await;
    place.kill();
    place.spawn();
    let gobgp = place.gobgp();
    let is_settled = async || {
        let table = gobgp.table().await.unwrap();
        let expected = [BTreeSet::new(), BTreeSet::from(["drop"]), both.iter().copied().collect()];
        assert_eq!(leads(&table), expected, "the restart moved rules");
        let (status, answer) = get(&place.socket(), "/v1/status").await;
        (status == 200 && answer["reconcile"]["rounds"].as_u64() > Some(1)).then_some(())
    };
    // The socket of the killed one is there until the new one replaces it.
    while tokio::net::UnixStream::connect(place.socket()).await.is_err() {
        moment().await;
    }
    place.until("it has looked", is_settled).await;

    b.start().await;
    let took = led(&place, "b has flows again", [&[".201"]; 3]).await;
    eprintln!("one is back: the table of gobgpd was changed after {took:?} (hold-down 2 s)");
    a.start().await;
    led(&place, "both have a share again", [both; 3]).await;

    let records = place
        .until("all is on record", async || {
            Some(records(&place).await).filter(|records| records.len() == 4)
        })
        .await;
    let told: Vec<String> = records
        .iter()
        .map(|record| {
            let detail = &record["detail"];
            format!("{} {}", detail["proxy"].as_str().unwrap(), detail["state"].as_str().unwrap())
        })
        .collect();
    let count = |what: &str| told.iter().filter(|told| *told == what).count();
    for proxy in ["a", "b"] {
        let down = (count(&format!("{proxy} down")), count(&format!("{proxy} up")));
        assert_eq!(down, (1, 1), "{told:?}");
    }
    let all = Value::Array(records).to_string();
    for part in ["\"packets\":\"unseen\"", "\"packets\":\"dropped\"", "\"packets\":\"kept\""] {
        assert!(all.contains(part), "{all}");
    }
    let metrics = raw(&place.socket(), hyper::Method::GET, "/metrics", "").await.unwrap();
    let metrics = String::from_utf8_lossy(metrics.body()).into_owned();
    assert!(metrics.contains("sark_proxy_up{pool=\"inspection\",proxy=\"a\"} 1"), "{metrics}");
    assert!(place.terminate().await.success());
}

/// A set that could not be carried out when the pool is down is refused while it is up.
#[tokio::test]
async fn what_a_failure_could_not_do_is_refused_before_it() {
    let (a, b) = (Proxy::new().await, Proxy::new().await);
    let mut place = Place::new(&configuration(&a, &b));
    place.start().await;
    let policy = |name: &str, from: &str, when: &str| {
        format!(
            "apiVersion: sark/v1
kind: FlowSpecPolicy
metadata: {{ name: {name} }}
spec:
  from: [{from}]
  to: {{ prefixes: [203.0.113.0/28] }}
  action: {{ redirect: {{ to: inspection }} }}
  whenProxyDown: {when}
"
        )
    };
    let both = [policy("wide", "10.20.0.0/16", "keep"), policy("narrow", "10.20.0.0/24", "drop")];
    let (status, answer) =
        post(&place.socket(), "/v1/flowspec/apply", body_of(&files(&both))).await;
    assert_eq!(status, 422, "{answer}");
    let why = answer.to_string();
    assert!(why.contains("with the pool inspection down, it has priority 100"), "{why}");
    let same = [policy("wide", "10.20.0.0/16", "keep"), policy("narrow", "10.20.0.0/24", "keep")];
    let (status, answer) =
        post(&place.socket(), "/v1/flowspec/apply", body_of(&files(&same))).await;
    assert_eq!(status, 200, "{answer}");
    assert!(place.terminate().await.success());
}
