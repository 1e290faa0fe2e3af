//! What is told of calls that passed a proxy, and of rules that routers have counted.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use sark_controller::Storage;
use sark_core::audit::{AuditRecord, Correlation, Evidence, Flow, Outcome};
use sark_core::identity::Role;
use sark_core::storage::{AuditStore as _, MemoryStore};
use sark_flowspec::speaker::fake::FakeSpeaker;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::secured::{Secured, Shown};
use crate::world::{Outside, TestClock, World, drop_to, files};

const RECORDS: &str = "/api/v1/trail/records";
const HOUR: i64 = 3600;

struct Told {
    secured: Secured,
    edge: Shown,
    viewer: Shown,
    position: u64,
}

impl Told {
    async fn new() -> Self {
        Self::of(Secured::new().await).await
    }

    async fn of(secured: Secured) -> Self {
        secured.world.api.registrar.begin(None).await.unwrap();
        let edge = Shown::token(&secured.token("edge-1", &[], &["proxy"], HOUR).await);
        let viewer = Shown::token(&secured.token("noc", &[Role::Viewer], &[], HOUR).await);
        Self { secured, edge, viewer, position: 0 }
    }

    async fn hand_in(&mut self, records: &[AuditRecord]) {
        self.position += records.len() as u64;
        let mut text = json!({ "mark": "spool:a", "position": self.position }).to_string();
        for record in records {
            text = format!("{text}\n{}", serde_json::to_string(record).unwrap());
        }
        let (status, said) = self.secured.say(Method::POST, RECORDS, text, &self.edge).await;
        assert_eq!(status, 200, "{said}");
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.secured.say(Method::GET, path, "", &self.viewer).await
    }

    async fn explain(&self, request: &str) -> (u16, Value) {
        self.get(&format!("/api/v1/explain/{request}")).await
    }
}

/// A decision and its answer.
fn call(request: &str, entrance: &str, at: Timestamp, registry: &str) -> [AuditRecord; 2] {
    let about = Correlation {
        request: Some(request.to_owned()),
        flow: Some(Flow {
            protocol: 6,
            source: ([10, 200, 3, 4], 51_000).into(),
            destination: ([203, 0, 113, 5], 443).into(),
        }),
        user: Some("alice".into()),
        ..Correlation::default()
    };
    let evidence = Evidence {
        registry_version: Some(registry.to_owned()),
        rules: vec!["models/seen".into()],
        ..Evidence::default()
    };
    let detail = json!({
        "input": { "id": request, "operation": "chat", "provider": "openai", "model": "gpt-4o",
                   "user": "alice", "server_name": "api.openai.com" },
        "decision": { "allow": true, "action": "audit", "reason": "on record",
                      "policy_id": "models", "rule_id": "seen", "severity": "info",
                      "obligations": [], "matched": [] },
        "proxy": { "entrance": entrance, "target": "203.0.113.5:443" },
    });
    let decided = AuditRecord::new(at, "proxy:edge-1", "decision.llm", Outcome::Ok, detail);
    let detail = json!({
        "status": 200, "usage": { "input": 12, "output": 4 }, "costMicrousd": 70,
        "whole": true, "milliseconds": 812,
    });
    let answered = AuditRecord::new(at, "proxy:edge-1", "proxy.answer", Outcome::Ok, detail);
    [decided.about(about.clone()).on(evidence), answered.about(about)]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_joined_with_the_rule_of_the_revision_of_then() {
    let mut told = Told::new().await;
    let address = "203.0.113.5".parse().unwrap();
    let before = told.secured.world.api.observatory.snapshot().version().to_string();
    told.secured.world.apply(&files(&[drop_to("first", address)])).await.unwrap();
    let revision = |answer: &Value| answer["revisions"][0]["at"].as_str().unwrap().to_owned();
    let (_, revisions) = told.get("/v1/flowspec/revisions").await;
    let first: Timestamp = revision(&revisions).parse().unwrap();
    told.secured.world.apply(&files(&[drop_to("second", address)])).await.unwrap();
    let (_, revisions) = told.get("/v1/flowspec/revisions").await;
    let second: Timestamp = revision(&revisions).parse().unwrap();
    let unknown = "sha256:00000000";
    let mut records = Vec::new();
    records.extend(call("aaaa-1", "transparent", first, &before));
    records.extend(call("aaaa-2", "transparent", second, unknown));
    records.extend(call("aaaa-20", "explicit", second, &before));
    let earlier = first - SignedDuration::from_secs(1);
    records.extend(call("bbbb", "transparent", earlier, &before));
    told.hand_in(&records).await;

    for (request, number, policy) in [("aaaa-1", 1, "first"), ("aaaa-2", 2, "second")] {
        let (status, story) = told.explain(request).await;
        assert_eq!((status, &story["request"]), (200, &json!(request)), "{story}");
        let steering = &story["steering"];
        assert_eq!(steering["revision"], number, "{story}");
        let rule = &steering["rules"][0];
        assert_eq!((&rule["policy"], &rule["file"]), (&json!(policy), &json!("0.yaml")));
        assert!(rule["line"].as_u64().unwrap() > 0 && rule["match"].is_string(), "{rule}");
        // It is the rule that is listed.
        let community = rule["largeCommunity"].as_str().unwrap();
        if number == 2 {
            let id = community.rsplit(':').next().unwrap();
            let (status, listed) = told.get(&format!("/v1/flowspec/rules/{id}")).await;
            assert_eq!((status, &listed["nlri"]), (200, &rule["nlri"]), "{listed}");
        }
        assert_eq!(story["answers"][0]["costMicrousd"], 70);
        assert_eq!(story["records"].as_array().unwrap().len(), 2);
        // The registry that is not known is told, and nothing else.
        let notes = story["notes"].as_array().unwrap();
        assert_eq!(notes.len(), usize::from(number == 2), "{notes:?}");
    }
    let (_, explicit) = told.explain("aaaa-20").await;
    assert_eq!(explicit["steering"], Value::Null);
    assert!(explicit["notes"][0].as_str().unwrap().contains("explicit entrance"), "{explicit}");
    assert_eq!(explicit["destination"]["registered"][0]["endpoint"], "openai/api", "{explicit}");
    let (_, old) = told.explain("bbbb").await;
    assert!(old["notes"][0].as_str().unwrap().contains("no revision"), "{old}");

    // A beginning is enough where it is that of one; an id is its own beginning.
    assert_eq!(told.explain("aaaa-1").await.0, 200);
    assert_eq!(told.explain("bbb").await.0, 400);
    let (status, several) = told.explain("aaaa").await;
    assert_eq!(status, 409);
    let message = several["error"]["message"].as_str().unwrap();
    assert!(message.contains("aaaa-1, aaaa-2, aaaa-20"), "{message}");
    let (status, none) = told.explain("cccc").await;
    assert_eq!(status, 404);
    assert!(none["error"]["help"].as_str().unwrap().contains("audit search"), "{none}");
    told.secured.end().await;
}

/// A pool of two, which are asked at this address.
fn with_a_pool(check: SocketAddr, store: &Arc<MemoryStore>) -> Outside {
    let text = format!(
        "bgp: {{ asn: 64512, routerId: 192.0.2.1 }}
peers: [{{ name: edge1, address: 192.0.2.11, asn: 64601, profile: frr }}]
pools:
  - name: inspection
    proxies:
      - {{ name: a, nextHop4: 192.0.2.200, check: '{check}' }}
      - {{ name: b, nextHop4: 192.0.2.201, check: '{check}' }}
    health: {{ check: tcp }}
"
    );
    let config = sark_api::config::load("test.yaml", &text, [], &[]).unwrap();
    Outside { config, ..Outside::new(Arc::clone(store)) }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rule_is_that_of_the_proxies_that_were_up() {
    // The kernel takes the connections.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (store, clock) = (Arc::new(MemoryStore::default()), Arc::new(TestClock::new()));
    let outside = with_a_pool(listener.local_addr().unwrap(), &store);
    let storage = Arc::clone(&store) as Arc<dyn Storage>;
    let world = World::assembled(FakeSpeaker::new(), Arc::clone(&store), storage, clock, outside);
    let stop = CancellationToken::new();
    let askers: Vec<_> =
        world.api.pools.askers().into_iter().map(|it| tokio::spawn(it.run(stop.clone()))).collect();
    let mut told = Told::of(Secured::of(world).await).await;
    let policy = drop_to("inspect", "203.0.113.5".parse().unwrap())
        .replace("action: drop", "action: { redirect: { to: inspection } }");
    told.secured.world.apply(&files(&[policy])).await.unwrap();
    let (_, revisions) = told.get("/v1/flowspec/revisions").await;
    let begun: Timestamp = revisions["revisions"][0]["at"].as_str().unwrap().parse().unwrap();
    let registry = told.secured.world.api.observatory.snapshot().version().to_string();
    let second = |n| begun + SignedDuration::from_secs(n);
    let mut records = Vec::new();
    for (request, at) in [("before", 1), ("during", 3), ("after", 5)] {
        records.extend(call(request, "transparent", second(at), &registry));
    }
    told.hand_in(&records).await;
    let led = |story: &Value| {
        let actions = story["steering"]["rules"][0]["actions"].to_string();
        let (a, b) = (actions.contains("192.0.2.200"), actions.contains("192.0.2.201"));
        assert!(a != b, "{story}");
        if a { "a" } else { "b" }
    };
    let (_, whole) = told.explain("before").await;
    let (own, other) = if led(&whole) == "a" { ("a", "b") } else { ("b", "a") };
    assert_eq!(whole["notes"], json!([]), "{whole}");
    for (state, at) in [("down", 2), ("up", 4)] {
        let detail = json!({ "pool": "inspection", "proxy": own, "state": state });
        let record = AuditRecord::new(second(at), "sarkd", "pool.state", Outcome::Ok, detail);
        store.append(&record).await.unwrap();
    }
    for (request, proxy) in [("before", own), ("during", other), ("after", own)] {
        let (_, story) = told.explain(request).await;
        assert_eq!(led(&story), proxy, "{request}: {story}");
        let notes = match request {
            "during" => json!([format!("proxies that were down then: inspection/{own}")]),
            _ => json!([]),
        };
        assert_eq!(story["notes"], notes, "{request}");
    }
    stop.cancel();
    for asker in askers {
        asker.await.unwrap();
    }
    told.secured.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_and_proxies_are_seen_as_they_hand_in_records() {
    let mut told = Told::new().await;
    let now = told.secured.world.api.observatory.snapshot().version().to_string();
    let (_, heard) = told.get("/api/v1/proxy/status").await;
    let at: Timestamp = heard["at"].as_str().unwrap().parse().unwrap();
    let mut records = Vec::new();
    for number in 0..5 {
        records.extend(call(&format!("r-{number}"), "transparent", at, &now));
    }
    records.extend(call("old", "transparent", at - SignedDuration::from_mins(6), &now));
    told.hand_in(&records).await;
    let (status, top) = told.get("/api/v1/proxy/top?by=client&window=60").await;
    assert_eq!((status, &top["total"]["requests"]), (200, &json!(5)), "{top}");
    let row = &top["rows"][0];
    assert_eq!((&row["name"], &row["inputTokens"]), (&json!("alice"), &json!(60)));
    assert_eq!((&row["costMicrousd"], &row["p99Milliseconds"]), (&json!(350), &json!(812)));
    for wrong in ["?by=x", "?window=0", "?window=301", "?limit=0", "?x=1"] {
        assert_eq!(told.get(&format!("/api/v1/proxy/top{wrong}")).await.0, 400, "{wrong}");
    }
    let (_, heard) = told.get("/api/v1/proxy/status").await;
    let proxy = &heard["proxies"][0];
    assert_eq!((&proxy["proxy"], &proxy["records"]), (&json!("proxy:edge-1"), &json!(12)));
    assert_eq!(proxy["snapshot"], Value::Null, "it has none");
    let version = format!("sha256:{}", "1".repeat(64));
    let snapshot = &format!("/api/v1/proxy/snapshot?have={version}");
    assert_eq!(told.secured.say(Method::GET, snapshot, "", &told.edge).await.0, 200);
    let (_, heard) = told.get("/api/v1/proxy/status").await;
    assert_eq!(heard["proxies"][0]["snapshot"], version.as_str(), "{heard}");
    assert_ne!(heard["snapshot"], version.as_str());
    told.secured.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_have_what_enforcers_counted() {
    let told = Told::new().await;
    let address = "203.0.113.5".parse().unwrap();
    told.secured.world.apply(&files(&[drop_to("first", address)])).await.unwrap();
    told.secured.world.ours_are(1).await;
    let rules = "/v1/flowspec/rules";
    let (_, listed) = told.get(rules).await;
    assert_eq!(listed["rules"][0]["counters"], Value::Null);
    let nlri = listed["rules"][0]["nlri"].as_str().unwrap();
    let counted = |packets: u64| {
        json!({ "rules": [
            { "afi": "ipv4", "nlri": nlri, "packets": packets, "bytes": packets * 60 },
        ] })
        .to_string()
    };
    let enforcer =
        async |name: &str| Shown::token(&told.secured.token(name, &[], &["enforcer"], HOUR).await);
    let (one, two) = (enforcer("router-1").await, enforcer("router-2").await);
    let tell = async |name: &str, body: String, by: &Shown| {
        let path = format!("/api/v1/enforcers/{name}/counters");
        told.secured.say(Method::POST, &path, body, by).await
    };
    assert_eq!(tell("router-1", counted(7), &one).await, (200, json!({ "rules": 1 })));
    assert_eq!(tell("router-2", counted(5), &two).await.0, 200);
    assert_eq!(tell("router-1", counted(8), &one).await.0, 200);
    // For itself alone; and what is no rule is told by its place.
    assert_eq!(tell("router-2", counted(9), &one).await.0, 422);
    assert_eq!(tell("No-Name", counted(9), &one).await.0, 400);
    // So does who may do other things besides.
    for (name, roles, scopes) in [
        ("router-3", &[][..], &["enforcer", "decide"][..]),
        ("router-4", &[Role::Operator], &["enforcer", "flowspec"]),
    ] {
        let more = Shown::token(&told.secured.token(name, roles, scopes, HOUR).await);
        assert_eq!(tell("router-1", counted(1000), &more).await.0, 422, "{name}");
        assert_eq!(tell(name, json!({ "rules": [] }).to_string(), &more).await.0, 200, "{name}");
    }
    let (status, wrong) = tell("router-1", counted(1).replace(nlri, "0g"), &one).await;
    assert_eq!(status, 400);
    assert!(wrong["error"]["message"].as_str().unwrap().contains("rule 1"), "{wrong}");
    assert_eq!(tell("router-1", counted(1), &told.viewer).await.0, 403);
    let (_, listed) = told.get(rules).await;
    let counters = &listed["rules"][0]["counters"];
    assert_eq!((&counters["packets"], &counters["bytes"]), (&json!(13), &json!(780)), "{listed}");
    assert_eq!(counters["enforcers"][0]["enforcer"], "router-1");
    assert_eq!(listed["enforcers"].as_array().unwrap().len(), 4);
    told.secured.end().await;
}
