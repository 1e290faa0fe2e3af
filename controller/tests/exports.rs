//! The registry in the forms of other tools, over a socket.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper::{Method, Response, body::Bytes};
use sark_controller::api::{listen, serve};
use sark_controller::registrar::{Beginning, How, PinnedTo};
use sark_core::storage::MemoryStore;
use sark_export::Form;
use sark_flowspec::speaker::fake::FakeSpeaker;
use sark_registry::Learned;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::client::{post, raw, request};
use crate::world::{Outside, TestClock, World, actor};

const ENTRY: &str = "apiVersion: sark/v1
kind: EndpointOverlay
metadata: { name: lab, owner: netsec, expires: 2027-01-01 }
sources:
  lab: { document: our plan, firstSeen: 2026-11-01, lastSeen: 2026-11-21 }
providers:
  - provider: lab
    title: Lab
    services:
      - { service: vpn, kind: vpn, sharedness: dedicated, sources: [lab], prefixes: [192.0.2.0/28] }
      - { service: front, kind: api, sharedness: cdn, sources: [lab], prefixes: [198.51.100.0/24] }
";

struct Served {
    world: World,
    socket: PathBuf,
    stop: CancellationToken,
    server: JoinHandle<()>,
    _directory: tempfile::TempDir,
}

impl Served {
    async fn new(beginning: Beginning) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store: Arc<MemoryStore> = Arc::default();
        let outside = Outside { beginning, ..Outside::new(Arc::clone(&store)) };
        let storage = Arc::clone(&store) as _;
        let clock = Arc::new(TestClock::new());
        let world = World::assembled(FakeSpeaker::new(), store, storage, clock, outside);
        world.api.registrar.begin(None).await.unwrap();
        let socket = directory.path().join("sarkd.sock");
        let (listener, guard) = listen(&socket).unwrap();
        let stop = CancellationToken::new();
        let (router, ending) = (world.api.clone().router(), stop.clone());
        let server = tokio::spawn(async move {
            serve(listener, router, ending).await;
            drop(guard);
        });
        Self { world, socket, stop, server, _directory: directory }
    }

    async fn export(&self, query: &str) -> Response<Bytes> {
        let path = format!("/v1/registry/export?{query}");
        raw(&self.socket, Method::GET, &path, "").await.unwrap()
    }

    async fn end(self) {
        self.stop.cancel();
        self.server.await.unwrap();
        self.world.stop().await;
    }
}

fn text(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

#[tokio::test]
async fn every_form_is_served_as_the_crate_makes_it() {
    let served = Served::new(Beginning::default()).await;
    let registry = served.world.api.observatory.snapshot();
    for form in Form::ALL {
        let response =
            served.export(&format!("form={form}&kind=tunnel&kind=vpn&shared=true")).await;
        assert_eq!(response.status(), 200, "{form}: {}", text(&response));
        let headers = response.headers();
        assert_eq!(headers["content-type"], form.media_type());
        assert_eq!(headers["sark-registry-version"], registry.version().as_str());
        // The serial of a zone is the time.
        if *form != Form::Rpz {
            use sark_registry::Kind::{Tunnel, Vpn};
            let selection = sark_export::Selection {
                kinds: vec![Tunnel, Vpn],
                shared: true,
                ..sark_export::Selection::default()
            };
            let now = "2026-11-21T12:00:00Z".parse().unwrap();
            let spared = sark_export::Spared::default();
            let made = sark_export::export(&registry, *form, &selection, &spared, now);
            assert!(text(&response) == made.text, "{form}");
        }
    }
    served.end().await;
}

#[tokio::test]
async fn notes_selections_and_earlier_versions() {
    let served = Served::new(Beginning::default()).await;
    let before = served.world.api.registrar.version("live").await.unwrap();
    let put = served.world.api.registrar.put_entry("e", ENTRY, How::default(), &actor()).await;
    put.unwrap();

    // All but the router id of the configuration.
    let response = served.export("form=nftables&provider=lab").await;
    for (net, is_there) in [("192.0.2.8/29", true), ("192.0.2.0/28", false), ("192.0.2.1/", false)]
    {
        assert_eq!(text(&response).contains(net), is_there, "{net}: {}", text(&response));
    }
    assert!(!text(&response).contains("198.51.100.0/24"), "{}", text(&response));
    let notes: Vec<_> = response.headers().get_all("sark-note").iter().collect();
    let spared = "1 address left out: never to be touched, whole or in part";
    assert_eq!(notes, ["1 address left out: other sites live there", spared]);
    let response = served.export("form=nftables&provider=lab&shared=true").await;
    assert!(text(&response).contains("198.51.100.0/24"), "{}", text(&response));
    let notes: Vec<_> = response.headers().get_all("sark-note").iter().collect();
    assert_eq!(notes, [spared]);

    // As it was, by number and by hash; the provider was not there yet.
    for at in [before.number.to_string(), before.hash.short().to_owned()] {
        let response = served.export(&format!("form=json&at={at}")).await;
        assert_eq!(response.headers()["sark-registry-version"], before.hash.as_str());
        assert!(!text(&response).contains("192.0.2.0/28"));
        let response = served.export(&format!("form=json&provider=lab&at={at}")).await;
        assert_eq!(response.status(), 404, "{}", text(&response));
    }
    for (query, status) in [
        ("", 400),
        ("form=yara", 400),
        ("form=csv&form=csv", 400),
        ("form=csv&kind=vnp", 400),
        ("form=csv&role=server", 400),
        ("form=csv&verified=yes", 400),
        ("form=csv&what=1", 400),
        ("form=csv&at=999", 404),
        ("form=csv&provider=antropic", 404),
    ] {
        let response = served.export(query).await;
        assert_eq!(response.status(), status, "{query}: {}", text(&response));
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        assert!(body["error"]["message"].is_string(), "{body}");
    }
    served.end().await;
}

/// A version of before an emergency, asked for or pinned, blocks nothing that is never touched now.
#[tokio::test]
async fn an_earlier_version_spares_what_is_never_touched_now() {
    let served = Served::new(Beginning::default()).await;
    let registrar = &served.world.api.registrar;
    let put = async |text: &str| {
        registrar.put_entry("e", text, How::default(), &actor()).await.unwrap();
    };
    put(ENTRY).await;
    let before = registrar.version("live").await.unwrap();
    registrar.pin(PinnedTo::Version(before.number), &actor()).await.unwrap();
    put("apiVersion: sark/v1
kind: EndpointOverlay
metadata: { name: emergency, owner: netsec, expires: 2027-01-01 }
neverTouch:
  - { prefix: 192.0.2.8/29, reason: payroll, owner: finance }
  - { name: team7.openai.azure.com, reason: ours, owner: netsec }
")
    .await;
    let in_use = served.world.api.observatory.snapshot();
    assert_eq!(in_use.version(), &before.hash, "pinned");
    assert_eq!(in_use.never_touch().len(), 2, "and the compiler spares them at once");
    for at in [String::new(), format!("&at={}", before.number)] {
        for form in [Form::Nftables, Form::Zeek, Form::Suricata, Form::Stix] {
            let response = served.export(&format!("form={form}&provider=lab{at}")).await;
            assert_eq!(response.headers()["sark-registry-version"], before.hash.as_str());
            assert!(text(&response).contains("192.0.2.4/30"), "{form}: {}", text(&response));
            for net in ["192.0.2.8", "192.0.2.0/28"] {
                assert!(!text(&response).contains(net), "{form}: {}", text(&response));
            }
        }
        let response = served.export(&format!("form=rpz{at}")).await;
        let spared = "\nteam7.openai.azure.com CNAME rpz-passthru.\n";
        assert!(text(&response).contains(spared), "{}", text(&response));
    }
    served.end().await;
}

/// Enough to take a while.
fn many() -> BTreeMap<Arc<str>, Vec<Learned>> {
    let learned = (0..60_000u32).map(|n| Learned {
        address: std::net::Ipv4Addr::from(0x0b00_0000 + n).into(),
        name: "api.mistral.ai".to_owned(),
        state: sark_registry::State::Active,
        sharedness: sark_registry::Sharedness::Cdn,
        since: "2026-11-21T07:00:00Z".parse().unwrap(),
    });
    [("mistral/api".into(), learned.collect())].into()
}

/// What a request may be is not what an answer may be.
#[tokio::test]
async fn an_export_may_be_longer_than_a_request() {
    let served = Served::new(Beginning::default()).await;
    served.world.api.registrar.learn(many(), "a test").await.unwrap();
    let response = served.export("form=stix&provider=mistral&shared=true").await;
    assert!(response.body().len() > sark_api::routes::MAX_BODY, "{}", response.body().len());
    let bundle: Value = serde_json::from_slice(response.body()).unwrap();
    assert!(bundle["objects"].as_array().unwrap().len() > 60_000);
    served.end().await;
}

#[tokio::test]
async fn entries_are_looked_at_before_they_are_put() {
    let served = Served::new(Beginning::default()).await;
    let entries = "/v1/registry/entries";
    let put = |more: Value| {
        let mut body = json!({ "file": "lab.yaml", "text": ENTRY });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let (status, shown) = post(&served.socket, entries, put(json!({ "dryRun": true }))).await;
    assert_eq!(status, 200, "{shown}");
    let ids = |body: &Value| -> Vec<String> {
        let all = body["endpoints"].as_array().unwrap().iter();
        all.map(|e| format!("{} {}", e["change"].as_str().unwrap(), e["id"].as_str().unwrap()))
            .collect()
    };
    assert_eq!(ids(&shown), ["added lab/front", "added lab/vpn"]);
    let stale = put(json!({ "expect": "sha256:00" }));
    let (status, body) = post(&served.socket, entries, stale).await;
    assert_eq!((status, body["error"]["code"].as_str()), (409, Some("conflict")), "{body}");
    let expected = put(json!({ "expect": shown["before"] }));
    let (status, done) = post(&served.socket, entries, expected).await;
    assert_eq!((status, &done["version"]), (200, &shown["version"]), "{done}");

    let delete = |query: &str| {
        let path = format!("/v1/registry/entries/lab{query}");
        let socket = served.socket.clone();
        async move { request(&socket, Method::DELETE, &path, "").await.unwrap() }
    };
    let (status, shown) = delete("?dryRun=true").await;
    assert_eq!(
        (status, ids(&shown)),
        (200, vec!["removed lab/front".into(), "removed lab/vpn".into()])
    );
    assert_eq!(delete("?dryRun=maybe").await.0, 400);
    assert_eq!(delete("?expect=sha256:00").await.0, 409);
    let expect = format!("?expect={}", shown["before"].as_str().unwrap());
    assert_eq!(delete(&expect).await.0, 200);
    assert_eq!(delete("").await.0, 404);
    served.end().await;
}

/// Its client goes away while somebody else changes the registry: an entry is put whole, or deleted.
#[tokio::test]
async fn a_change_of_entries_ends_although_its_client_went_away() {
    let served = Served::new(Beginning::default()).await;
    let api = served.world.api.clone();
    let put = json!({ "file": "lab.yaml", "text": ENTRY }).to_string();
    let steps = [
        (Method::POST, "/v1/registry/entries", put, true),
        (Method::DELETE, "/v1/registry/entries/lab", String::new(), false),
    ];
    for (method, path, body, is_there) in steps {
        let mut busy = Box::pin(api.registrar.learn(many(), "a test"));
        assert!(futures::poll!(&mut busy).is_pending(), "it has its turn");
        let socket = served.socket.clone();
        let client = tokio::spawn(async move { request(&socket, method, path, body).await.ok() });
        let begun = async {
            while api.work.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), begun).await.unwrap();
        client.abort();
        assert!(client.await.unwrap_err().is_cancelled());
        busy.await.unwrap();
        api.work.close();
        api.work.wait().await;
        api.work.reopen();
        assert_eq!(api.registrar.entries().await.unwrap().len(), usize::from(is_there));
        assert_eq!(api.observatory.snapshot().by_id("lab/vpn").is_some(), is_there);
    }
    served.end().await;
}
