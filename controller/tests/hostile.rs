//! Feeds that do their worst. The real fetcher asks a server under the test's control, in the tasks
//! that ask feeds in `sarkd`. Whatever the server does, the rules and the registry are those of
//! before; the feed says what is wrong; metric and audit record are there; and when the server is
//! good again, so is the feed.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use sark_api::{FeedState, FeedView};
use sark_controller::registrar::Beginning;
use sark_core::audit::AuditRecord;
use sark_core::storage::{AuditStore as _, MemoryStore};
use sark_feeds::Fetcher;
use sark_flowspec::speaker::fake::FakeSpeaker;
use sark_registry::feed;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::feed_certificate::certified;
use crate::feed_server::{Says, Server, Speaks, head, ok, with_headers};
use crate::world::{Outside, SOON, TestClock, World, actor, files, test_config};

const FEED: &str = "apiVersion: sark/v1
kind: EndpointFeed
metadata: { name: relays, owner: netsec }
spec:
  title: Relays of a test
  schedule: \"* * * * * *\"
  outputs:
    - { endpoint: relay-co/relays, title: Relay Co, kind: vpn, role: relay, sharedness: dedicated, confidence: 95, verified: true, ports: [udp/51820] }
  limits: { leastEntries: 2, mostEntries: 1000, mostOctets: 1MiB, change: { percent: 25, entries: 2 }, privateRanges: true }
";

const POLICY: &str = "apiVersion: sark/v1
kind: FlowSpecPolicy
metadata: { name: no-relays, owner: netsec }
spec:
  from: [10.0.0.0/8]
  to: { providers: [relay-co] }
  action: drop
";

/// What becomes of a feed, with its code.
#[derive(Debug, Clone, Copy)]
enum Becomes {
    Failing(&'static str),
    Held(&'static str),
}
use Becomes::{Failing, Held};

/// A controller with one feed in use and rules made of it, and the feed's server.
struct Scene {
    world: World,
    store: Arc<MemoryStore>,
    server: Server,
    path: &'static str,
    good: Says,
    speaks: Speaks,
    rules: Vec<String>,
    version: u64,
    /// Not only at its schedule, a second apart, but also when something happened.
    is_asked: bool,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Scene {
    /// `lines` say where the feed is and how it is read.
    async fn new(
        server: Server,
        speaks: Speaks,
        path: &'static str,
        lines: &str,
        good: Says,
    ) -> Self {
        server.set(path, good.clone());
        let text = format!("{FEED}{lines}");
        let feeds = feed::parse("relays.yaml", &text).unwrap();
        let store: Arc<MemoryStore> = Arc::default();
        let mut config = test_config();
        config.registry.feeds.enabled = true;
        let outside = Outside {
            config,
            source: Arc::new(Fetcher::new(Arc::new(|_| Err("there are no secrets".into())))),
            beginning: Beginning {
                feeds: feeds.into_iter().map(Arc::new).collect(),
                ..Beginning::default()
            },
            ..Outside::new(Arc::clone(&store))
        };
        let (memory, clock) = (Arc::clone(&store), Arc::new(TestClock::new()));
        let world =
            World::assembled(FakeSpeaker::new(), memory, Arc::clone(&store) as _, clock, outside);
        world.api.registrar.begin(None).await.unwrap();
        let stop = CancellationToken::new();
        let task = Arc::clone(&world.api.feeds).run("relays".to_owned(), 0, stop.clone());
        let task = tokio::spawn(task);
        let (rules, version) = (Vec::new(), 0);
        let is_asked = true;
        let mut scene =
            Self { world, store, server, path, good, speaks, rules, version, is_asked, stop, task };
        scene.until("the first copy", |view| view.state == FeedState::Current).await;
        scene.world.apply(&files(&[POLICY.to_owned()])).await.unwrap();
        scene.world.settled().await;
        (scene.rules, scene.version) = (scene.world.ours(), scene.newest().await);
        assert!(scene.rules.iter().any(|rule| rule.contains("198.51.100.")), "{:?}", scene.rules);
        scene
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
        self.world.stop().await;
    }

    /// Over plain HTTP on loopback.
    async fn plain(lines: &str, path: &'static str, good: Says) -> Self {
        let server = Server::new([]).await;
        let lines = lines.replace("SERVER", &server.at.to_string());
        Self::new(server, Speaks::Http, path, &lines, good).await
    }

    async fn newest(&self) -> u64 {
        self.world.api.registrar.versions(1).await.unwrap()[0].number
    }

    async fn until(&self, what: &str, wanted: impl Fn(&FeedView) -> bool) -> FeedView {
        let there = async {
            loop {
                let view = self.world.api.feeds.view("relays").await.unwrap();
                if wanted(&view) {
                    return view;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        match tokio::time::timeout(SOON, there).await {
            Ok(view) => view,
            Err(_) => {
                let view = self.world.api.feeds.view("relays").await.unwrap();
                panic!("{what}: in vain, {view:?}")
            }
        }
    }

    /// A counter of the feed.
    fn count(&self, becomes: Becomes) -> u64 {
        let (metric, code) = match becomes {
            Failing(code) => ("feed_failures", code),
            Held(code) => ("feed_held", code),
        };
        let start = format!("sark_{metric}_total{{feed=\"relays\",code=\"{code}\"}} ");
        let text = self.world.api.metrics.text();
        let line = text.lines().find_map(|line| line.strip_prefix(&start));
        line.map_or(0, |count| count.parse().unwrap())
    }

    async fn records(&self, becomes: Becomes) -> Vec<AuditRecord> {
        let records = self.store.records(10_000).await.unwrap();
        let is_it = |record: &AuditRecord| match becomes {
            Failing(code) => {
                record.event == "registry.feed.failed" && record.detail["code"] == code
            }
            Held(code) => {
                let doubts = record.detail["doubts"].as_array().cloned().unwrap_or_default();
                record.event == "registry.feed.held" && doubts.contains(&code.into())
            }
        };
        records.into_iter().filter(is_it).collect()
    }

    async fn ask(&self) {
        if self.is_asked {
            self.world.api.feeds.refresh("relays", &actor()).await.unwrap();
        }
    }

    /// The server does something; this must become of it, and nothing else.
    async fn suffers(&self, what: &str, act: impl FnOnce(&Server), becomes: Becomes) {
        let (counted, recorded) = (self.count(becomes), self.records(becomes).await.len());
        act(&self.server);
        self.ask().await;
        let is_so = |view: &FeedView| match becomes {
            Failing(code) => view.problem.as_ref().is_some_and(|problem| problem.code == code),
            Held(code) => {
                let doubts = view.pending.iter().flat_map(|pending| &pending.doubts);
                doubts.into_iter().any(|doubt| doubt.code == code)
            }
        };
        let what = format!("{what}, {becomes:?}");
        let view = self.until(&what, |view| is_so(view) && self.count(becomes) > counted).await;
        let problems = match becomes {
            Failing(_) => Vec::from_iter(view.problem),
            Held(_) => view.pending.unwrap().doubts,
        };
        for problem in &problems {
            eprintln!("{what}: {}; {}", problem.message, problem.help);
            assert!(!problem.message.is_empty() && !problem.help.is_empty(), "{what}");
        }
        self.world.settled().await;
        assert_eq!(self.world.ours(), self.rules, "{what}");
        assert_eq!(self.newest().await, self.version, "{what}");
        assert_eq!(self.records(becomes).await.len(), recorded + 1, "{what}: once on record");
        self.mend().await;
    }

    async fn mend(&self) {
        self.server.set(self.path, self.good.clone());
        self.server.speak(self.speaks.clone());
        self.ask().await;
        self.until("it is good again", |view| {
            view.state == FeedState::Current && view.problem.is_none() && view.failures == 0
        })
        .await;
        assert_eq!(self.newest().await, self.version);
    }
}

fn hosts(network: &str, hosts: impl IntoIterator<Item = u16>) -> String {
    hosts.into_iter().map(|host| format!("{network}.{host}\n")).collect()
}

/// What is in use before anything happens.
fn good() -> String {
    hosts("198.51.100", 1..=20)
}

fn gzip(octets: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(octets).unwrap();
    encoder.finish().unwrap()
}

fn raw(text: &str) -> Says {
    Says::Raw(text.as_bytes().to_vec())
}

const LIST: &str = "  urls: [\"http://SERVER/list\"]
  format: text
  transport: { private: true, timeout: 2s }
";

/// How a server can answer.
#[tokio::test]
async fn answers() {
    let scene = Scene::plain(LIST, "/list", ok(good().as_bytes())).await;
    let bomb = gzip(&vec![0; 64 << 20]);
    let cases = [
        (
            "a body cut short",
            raw("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n198.51.100.1\n"),
            "truncated",
        ),
        (
            "chunks cut short",
            raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\n198.51.100.1\n\r\n"),
            "truncated",
        ),
        ("an octet now and then", Says::Drip, "too-slow"),
        ("10 GB", Says::Endless, "too-large"),
        (
            "10 GB, announced",
            raw("HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n"),
            "too-large",
        ),
        ("a gzip bomb", with_headers(&bomb, "Content-Encoding: gzip\r\n"), "too-large"),
        ("a gzip bomb as a file", ok(&bomb), "too-large"),
        ("no gzip", with_headers(good().as_bytes(), "Content-Encoding: gzip\r\n"), "decompress"),
        ("half a gzip", ok(&gzip(good().as_bytes())[..20]), "decompress"),
        ("304 to no question, without a body", head("304 Not Modified"), "nothing-yet"),
        ("403", head("403 Forbidden"), "status"),
        ("503", head("503 Service Unavailable"), "status"),
        ("round and round", head("302 Found\r\nLocation: /list"), "redirect"),
        ("to a file", head("302 Found\r\nLocation: file:///etc/passwd"), "redirect"),
        ("to another scheme", head("302 Found\r\nLocation: ftp://lists.example.com/"), "redirect"),
        ("nowhere", head("302 Found"), "redirect"),
        ("another protocol", raw("SSH-2.0-OpenSSH_9.2\r\n"), "unreachable"),
        ("nothing", raw(""), "unreachable"),
        ("an empty list", ok(b""), "unreadable"),
        ("a page for people", ok(b"<!doctype html><title>Sorry</title>"), "unreadable"),
        ("a picture", ok(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01"), "unreadable"),
    ];
    for (what, says, code) in cases {
        scene.suffers(what, |server| server.set("/list", says), Failing(code)).await;
    }
    scene.end().await;
}

/// What a list can say.
#[tokio::test]
async fn poison() {
    let scene = Scene::plain(LIST, "/list", ok(good().as_bytes())).await;
    let with = |line: &str| format!("{}{line}\n", good());
    let cases = [
        ("digits altered", hosts("198.51.107", 1..=20), "altered"),
        ("another list", hosts("203.0.113", 101..=120), "another-list"),
        ("a default route", with("0.0.0.0/0"), "default-route"),
        ("half of everything", with("128.0.0.0/1"), "too-wide"),
        ("a wide prefix", with("203.0.0.0/12"), "too-wide"),
        ("loopback", with("127.0.0.1"), "special-range"),
        ("multicast", with("224.0.0.1"), "special-range"),
        ("ourselves", with("192.0.2.1"), "protected"),
        ("next to nothing", hosts("198.51.100", 1..=1), "too-few"),
        ("half of it", hosts("198.51.100", 1..=10), "change-share"),
        ("twice as much", hosts("198.51.100", 1..=40), "change-share"),
    ];
    for (what, list, code) in cases {
        scene.suffers(what, |server| server.set("/list", ok(list.as_bytes())), Held(code)).await;
    }
    scene.end().await;
}

const DOCUMENT: &str = "  urls: [\"http://SERVER/list\"]
  format: prefixes
  transport: { private: true, timeout: 2s }
";

/// A document with something of another type where prefixes should be.
#[tokio::test]
async fn types() {
    let prefixes: Vec<_> = (1..=20)
        .map(|n| serde_json::json!({ "ipv4Prefix": format!("198.51.100.{n}/32") }))
        .collect();
    let good = serde_json::json!({ "prefixes": prefixes }).to_string();
    let scene = Scene::plain(DOCUMENT, "/list", ok(good.as_bytes())).await;
    let deep = "[".repeat(200_000);
    let many = format!("{{\"prefixes\":[{}7]}}", "7,".repeat(5_000));
    let cases = [
        ("a string", r#"{"prefixes":"198.51.100.1/32"}"#),
        ("numbers", r#"{"prefixes":[1,2,3]}"#),
        ("objects of numbers", r#"{"prefixes":[{"ipv4Prefix":7},{"ipv4Prefix":null}]}"#),
        ("rubbish in strings", r#"{"prefixes":[{"ipv4Prefix":"x"},{"ipv4Prefix":"1.2.3"}]}"#),
        ("nothing", "null"),
        ("an empty list", "[]"),
        ("an empty document", "{}"),
        ("a number", "1e999"),
        ("no end", r#"{"prefixes":["#),
        ("deep in brackets", &deep),
        ("thousands of numbers", &many),
    ];
    for (what, says) in cases {
        let set = |server: &Server| server.set("/list", ok(says.as_bytes()));
        scene.suffers(what, set, Failing("unreadable")).await;
    }
    let nothing = |server: &Server| server.set("/list", ok(br#"{"prefixes":[]}"#));
    scene.suffers("no prefixes", nothing, Held("empty")).await;
    scene.end().await;
}

const COLLECTION: &str =
    "  taxii: { root: \"http://SERVER/api/\", collection: 00000000-0000-4000-8000-000000000000 }
  format: stix
  transport: { private: true, timeout: 30s }
";

/// Pages that lead nowhere, in a circle, or on and on.
#[tokio::test]
async fn pages() {
    const PATH: &str = "/api/collections/00000000-0000-4000-8000-000000000000/objects/";
    let indicator = |n: u32| {
        serde_json::json!({
            "type": "indicator", "spec_version": "2.1",
            "id": format!("indicator--00000000-0000-4000-8000-{n:012}"),
            "created": "2026-11-01T00:00:00.000Z", "modified": "2026-11-01T00:00:00.000Z",
            "pattern": format!("[ipv4-addr:value = '198.51.100.{n}']"), "pattern_type": "stix",
            "valid_from": "2026-11-01T00:00:00Z",
        })
    };
    let objects: Vec<_> = (1..=20).map(indicator).collect();
    let good = serde_json::json!({ "more": false, "objects": objects }).to_string();
    let scene = Scene::plain(COLLECTION, PATH, ok(good.as_bytes())).await;
    for (what, says, code) in [
        ("pages without end", Says::Pages(1), "endless"),
        ("pages that are much together", Says::Pages(300 << 10), "too-large"),
        ("more, and not where", ok(br#"{"more":true}"#), "truncated"),
        ("no envelope", ok(b"<html>"), "truncated"),
        ("objects of another type", ok(br#"{"objects":7}"#), "unreadable"),
    ] {
        scene.suffers(what, |server| server.set(PATH, says), Failing(code)).await;
    }
    let circle = |server: &Server| {
        for path in [PATH.to_owned(), format!("{PATH}?next=2")] {
            server.set(&path, ok(br#"{"more":true,"next":"2"}"#));
        }
    };
    scene.suffers("a circle", circle, Failing("endless")).await;
    scene.end().await;
}

/// A public server, which a proxy leads to here: itself it must not be on loopback.
#[tokio::test]
async fn tls_and_redirects_inside() {
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("ca.pem");
    let (tls, pem) = certified("lists.example.com", false);
    std::fs::write(&ca, pem).unwrap();
    let speaks = Speaks::Proxy(tls);
    let server = Server::over([], speaks.clone()).await;
    let lines = format!(
        "  urls: [\"https://lists.example.com/list\"]
  format: text
  transport: {{ proxy: \"{}\", caFile: {}, timeout: 5s }}
",
        server.url("").trim_end_matches('/'),
        ca.display(),
    );
    let scene = Scene::new(server, speaks, "/list", &lines, ok(good().as_bytes())).await;
    for to in ["127.0.0.1:9", "[::1]:9", "169.254.169.254/latest", "10.0.0.1"] {
        let says = head(&format!("302 Found\r\nLocation: https://{to}/"));
        let what = format!("sent to {to}");
        scene.suffers(&what, |server| server.set("/list", says), Failing("private-address")).await;
    }
    let plain = head("302 Found\r\nLocation: http://lists.example.com/list");
    scene.suffers("to plain http", |server| server.set("/list", plain), Failing("redirect")).await;
    for (what, name, is_over) in [
        ("another authority", "lists.example.com", false),
        ("another name", "www.example.com", false),
        ("a certificate that is over", "lists.example.com", true),
    ] {
        let speaks = Speaks::Proxy(certified(name, is_over).0);
        scene.suffers(what, |server| server.speak(speaks), Failing("tls")).await;
    }
    let no_proxy = |server: &Server| server.speak(Speaks::Http);
    scene.suffers("a proxy that is none", no_proxy, Failing("unreachable")).await;
    scene.end().await;
}

/// A list that is one thing and another in turn, asked at its schedule alone: the copy in use stays,
/// and when the publisher goes back on it, nothing is left to decide.
#[tokio::test]
async fn to_and_fro() {
    let mut scene = Scene::plain(LIST, "/list", ok(good().as_bytes())).await;
    scene.is_asked = false;
    let other = hosts("203.0.113", 101..=120);
    for _ in 0..3 {
        let says = ok(other.as_bytes());
        scene.suffers("to", |server| server.set("/list", says), Held("another-list")).await;
    }
    scene.end().await;
}
