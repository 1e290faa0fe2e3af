//! Layers over one another: what wins, what is left out, and that both can be seen.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use sark_registry::{
    Did, Endpoint, Learned, Sharedness, State,
    assemble::{Assembled, FeedCopy, Layers, assemble},
    feed::{self, Content, Entry, Feed, Label, Parsed, Subject},
    overlay::{Overlay, parse, parse_entries},
    seed,
};

const HEAD: &str = "apiVersion: sark/v1
kind: EndpointOverlay
metadata: { name: lab, owner: netsec, expires: 2027-01-01 }
sources:
  plan: { document: address plan, firstSeen: 2026-11-01, lastSeen: 2026-11-21 }
";

fn now() -> Timestamp {
    "2026-11-24T00:00:00Z".parse().unwrap()
}

fn overlay(body: &str) -> Vec<Overlay> {
    parse_entries("lab.yaml", &format!("{HEAD}{body}")).unwrap()
}

fn feed(outputs: &str) -> Feed {
    let text = format!(
        "apiVersion: sark/v1\nkind: EndpointFeed\nmetadata: {{ name: own, owner: netsec }}\nspec:\n  \
         title: Own\n  urls: [\"https://lists.example.com/a\"]\n  format: text\n  \
         schedule: \"0 0 4 * * *\"\n  outputs: [{outputs}]\n"
    );
    feed::parse("own.yaml", &text).unwrap().remove(0)
}

fn entry(subject: &str, labels: &[(&'static str, &str)]) -> Entry {
    let subject = match subject.parse() {
        Ok(prefix) => Subject::Prefix(prefix),
        Err(_) => Subject::Name(subject.parse().unwrap()),
    };
    let label = |&(key, value): &(&'static str, &str)| Label { key, value: value.into() };
    Entry { subject, labels: labels.iter().map(label).collect(), ports: Vec::new() }
}

fn copy(entries: Vec<Entry>) -> Parsed {
    let content = Content::Entries(entries);
    Parsed { content, published: None, skipped: Vec::new(), skipped_count: 0 }
}

#[derive(Default)]
struct Parts {
    feeds: Vec<(Feed, Parsed)>,
    overlays: Vec<Overlay>,
    entries: Vec<Overlay>,
    learned: Vec<(&'static str, Learned)>,
}

impl Parts {
    fn at(&self, now: Timestamp) -> Assembled {
        let first_seen = "2026-11-01T00:00:00Z".parse().unwrap();
        let changed_at = "2026-11-20T00:00:00Z".parse().unwrap();
        let copies = |(feed, copy)| FeedCopy { feed, copy, first_seen, changed_at };
        let feeds: Vec<_> = self.feeds.iter().map(|(feed, copy)| copies((feed, copy))).collect();
        let mut learned: BTreeMap<Arc<str>, Vec<Learned>> = BTreeMap::new();
        for (id, one) in &self.learned {
            learned.entry((*id).into()).or_default().push(one.clone());
        }
        assemble(&Layers {
            seed: &seed(),
            feeds: &feeds,
            overlays: &self.overlays,
            entries: &self.entries,
            learned: &learned,
            now,
        })
    }

    fn now(&self) -> Assembled {
        self.at(now())
    }
}

fn learned(address: &str, name: &str) -> Learned {
    Learned {
        address: address.parse().unwrap(),
        name: name.into(),
        state: State::Active,
        sharedness: Sharedness::Cdn,
        since: now(),
    }
}

fn words(endpoint: &Endpoint) -> Vec<String> {
    endpoint.layers.iter().map(ToString::to_string).collect()
}

#[test]
fn the_seed_alone_is_the_seed() {
    let assembled = Parts::default().now();
    let seed = sark_registry::Snapshot::build(seed());
    assert_eq!(assembled.snapshot.version(), seed.version());
    assert_eq!((assembled.notes, assembled.next_change), (Vec::new(), None));
}

#[test]
fn a_feed_makes_and_extends_endpoints() {
    let feed = feed(
        "{ endpoint: tor/guards, title: Tor, kind: tor, sharedness: dedicated, verified: true, \
           select: { flag: [Guard] } }, \
         { endpoint: own/rest, title: Rest, kind: vpn, ports: [udp/1] }",
    );
    let entries = vec![
        entry("192.0.2.1/32", &[("flag", "Exit"), ("flag", "Guard")]),
        entry("192.0.2.2/32", &[("flag", "Exit")]),
        entry("*.vpn.example.com", &[]),
    ];
    let parts = Parts { feeds: vec![(feed, copy(entries))], ..Parts::default() };
    let Assembled { snapshot, notes, .. } = parts.now();
    assert_eq!(notes, []);
    let guards = snapshot.by_id("tor/guards").unwrap();
    assert_eq!(guards.prefixes, ["192.0.2.1/32".parse().unwrap()]);
    assert_eq!(words(guards), ["seed", "feed own (netsec) added 1 prefix"]);
    let own = |source: &&sark_registry::Provenance| source.source == "https://lists.example.com/a";
    let source = guards.sources.iter().find(own).unwrap();
    assert_eq!(source.first_seen.to_string(), "2026-11-01T00:00:00Z");
    assert_eq!(source.last_seen.to_string(), "2026-11-20T00:00:00Z");
    let rest = snapshot.by_id("own/rest").unwrap();
    assert_eq!(rest.names.len() + rest.prefixes.len(), 2);
    assert_eq!((rest.sharedness, rest.verified), (Sharedness::Cdn, false));
    assert_eq!(rest.ports, ["udp/1".parse().unwrap()]);
    assert_eq!(words(rest), ["feed own (netsec) defined 1 name, 1 prefix"]);
    for endpoint in snapshot.endpoints() {
        endpoint.check().unwrap();
    }
}

#[test]
fn a_feed_adds_only_what_the_endpoint_says_of_itself() {
    for (output, code) in [
        ("{ endpoint: anthropic/api, title: A, kind: api, verified: true }", "claims-less"),
        ("{ endpoint: anthropic/api, title: A, kind: api, sharedness: dedicated }", "claims-less"),
        (
            "{ endpoint: anthropic/api, title: A, kind: api, role: egress, sharedness: dedicated, \
             verified: true }",
            "other-role",
        ),
        ("{ endpoint: own/a, title: A, kind: api, select: { flag: [x] } }", "not-selected"),
    ] {
        let content = copy(vec![entry("192.0.2.0/24", &[])]);
        let parts = Parts { feeds: vec![(feed(output), content)], ..Parts::default() };
        let Assembled { snapshot, notes, .. } = parts.now();
        assert_eq!(notes.iter().map(|note| note.code).collect::<Vec<_>>(), [code], "{output}");
        let before = sark_registry::Snapshot::build(seed());
        assert_eq!(snapshot.version(), before.version(), "{output}");
    }
}

#[test]
fn later_layers_win_and_each_is_named() {
    let output = "{ endpoint: own/a, title: A, kind: vpn, sharedness: cloud }";
    let file = "apiVersion: sark/v1
kind: EndpointOverlay
metadata: { name: site }
sources: { plan: { document: plan, firstSeen: 2026-11-01, lastSeen: 2026-11-21 } }
extensions: [{ extends: own/a, prefixes: [198.51.100.0/24], confidence: 90, sources: [plan] }]
";
    let parts = Parts {
        feeds: vec![(feed(output), copy(vec![entry("192.0.2.0/24", &[])]))],
        overlays: parse("site.yaml", file).unwrap(),
        entries: overlay(
            "extensions: [{ extends: own/a, sharedness: dedicated, confidence: 95, sources: [plan] }]",
        ),
        ..Parts::default()
    };
    let Assembled { snapshot, next_change, .. } = parts.now();
    let endpoint = snapshot.by_id("own/a").unwrap();
    assert_eq!((endpoint.sharedness, endpoint.confidence), (Sharedness::Dedicated, 95));
    assert_eq!(
        words(endpoint),
        [
            "feed own (netsec) defined 1 prefix",
            "overlay site added 1 prefix",
            "overlay site changed confidence",
            "entry lab (netsec) changed sharedness, confidence",
        ]
    );
    // An entry ends, and what it said with it.
    let end = next_change.unwrap();
    assert_eq!(end.to_string(), "2027-01-01T00:00:00Z");
    let Assembled { snapshot, notes, next_change, .. } = parts.at(end);
    assert_eq!(snapshot.by_id("own/a").unwrap().sharedness, Sharedness::Cloud);
    assert_eq!(
        (notes[0].code, notes[0].layer.as_str(), next_change),
        ("expired", "entry lab", None)
    );
}

#[test]
fn a_definition_replaces_whole_and_keeps_who_was_there_before() {
    let parts = Parts {
        entries: overlay(
            "providers: [{ provider: tor, title: Mine, services: [{ service: guards, kind: tor, \
             prefixes: [192.0.2.0/28], sources: [plan] }] }]
extensions: [{ extends: no/such, sources: [plan] }]",
        ),
        ..Parts::default()
    };
    let Assembled { snapshot, notes, .. } = parts.now();
    let guards = snapshot.by_id("tor/guards").unwrap();
    assert_eq!(words(guards), ["seed", "entry lab (netsec)"]);
    assert_eq!(guards.layers[1].did, Did::Defined);
    // What extends nothing is noted, and the rest stands.
    assert_eq!(notes[0].code, "no-endpoint");
    assert!(notes[0].message.contains("no/such"), "{}", notes[0].message);
}

#[test]
fn what_must_never_be_touched_is_in_no_endpoint_and_can_be_seen() {
    let parts = Parts {
        feeds: vec![(
            feed("{ endpoint: own/a, title: A, kind: vpn }"),
            copy(vec![
                entry("192.0.2.0/24", &[]),
                entry("198.51.100.0/24", &[]),
                entry("pay.bank.example", &[]),
                entry("*.example.org", &[]),
            ]),
        )],
        entries: overlay(
            "neverTouch:
  - { prefix: 192.0.2.128/25, reason: payroll }
  - { prefix: 198.51.0.0/16, reason: backup, owner: ops, expires: 2026-12-01 }
  - { name: '*.bank.example', reason: the bank }
  - { name: api.example.org, reason: partner }",
        ),
        learned: vec![
            ("own/a", learned("203.0.113.1", "api.example.org")),
            ("own/a", learned("192.0.2.200", "www.example.org")),
            ("own/a", learned("203.0.113.2", "www.example.org")),
        ],
        ..Parts::default()
    };
    let Assembled { snapshot, notes, never_touch, next_change } = parts.now();
    let endpoint = snapshot.by_id("own/a").unwrap();
    assert_eq!(endpoint.prefixes, ["192.0.2.0/25".parse().unwrap()]);
    assert_eq!(endpoint.names.len(), 1);
    let left: Vec<_> = endpoint.learned.iter().map(|l| l.address.to_string()).collect();
    assert_eq!(left, ["203.0.113.2"]);
    assert_eq!(notes.iter().map(|note| note.code).collect::<Vec<_>>(), ["still-matches"]);
    assert_eq!(never_touch.len(), 4);
    assert_eq!(next_change.unwrap().to_string(), "2026-12-01T00:00:00Z");
    let removed = words(endpoint).pop().unwrap();
    assert_eq!(removed, "never-touch removed 1 name, 2 prefixes or parts of them, 2 addresses");

    for (query, reason) in [
        ("192.0.2.129", "payroll"),
        ("192.0.2.0/24", "payroll"),
        ("a.bank.example", "the bank"),
        ("api.example.org", "partner"),
    ] {
        let answer = snapshot.answer(query).unwrap();
        assert_eq!(answer.never_touch.len(), 1, "{query}");
        assert_eq!(answer.never_touch[0].reason, reason, "{query}");
    }
    assert!(snapshot.answer("192.0.2.1").unwrap().never_touch.is_empty());
    // Its end has come.
    let Assembled { snapshot, .. } = parts.at("2026-12-01T00:00:00Z".parse().unwrap());
    assert_eq!(snapshot.by_id("own/a").unwrap().prefixes.len(), 2);
}

#[test]
fn learned_addresses_are_found_while_the_name_is_there() {
    let parts = Parts {
        learned: vec![
            ("openai/api", learned("192.0.2.7", "api.openai.com")),
            ("openai/api", learned("192.0.2.8", "gone.example.com")),
            ("no/such", learned("192.0.2.9", "api.openai.com")),
        ],
        ..Parts::default()
    };
    let Assembled { snapshot, .. } = parts.now();
    let answer = snapshot.answer("192.0.2.7").unwrap();
    assert_eq!(answer.matches[0].endpoint.id, "openai/api");
    assert_eq!(answer.matches[0].learned[0].name, "api.openai.com");
    assert_eq!(words(answer.matches[0].endpoint), ["seed", "names added 1 address"]);
    for gone in ["192.0.2.8", "192.0.2.9"] {
        assert!(snapshot.answer(gone).unwrap().matches.is_empty(), "{gone}");
    }
}

#[test]
fn the_same_layers_are_the_same_version() {
    let feeds = |entries| {
        let output = "{ endpoint: own/a, title: A, kind: vpn }";
        let parts = Parts { feeds: vec![(feed(output), copy(entries))], ..Parts::default() };
        parts.now().snapshot.version().to_string()
    };
    let (a, b) = (entry("192.0.2.0/24", &[]), entry("198.51.100.0/24", &[]));
    let version = feeds(vec![a.clone(), b.clone()]);
    assert_eq!(version, feeds(vec![b.clone(), a.clone(), b]));
    assert_ne!(version, feeds(vec![a]));
}

#[test]
fn an_entry_needs_an_owner_and_an_end() {
    for (from, to, part) in [
        (", owner: netsec", "", "an owner and an end"),
        (", expires: 2027-01-01", "", "an owner and an end"),
        ("owner: netsec", "owner: ' '", "owner is empty"),
        ("name: lab", "name: My Lab", "not a slug"),
        ("expires: 2027-01-01", "expires: never", "not a time"),
        ("sources:", "neverTouch: [{ reason: x }]\nsources:", "one of `prefix` and `name`"),
        (
            "sources:",
            "neverTouch: [{ reason: ' ', prefix: 192.0.2.0/24 }]\nsources:",
            "say the reason",
        ),
        ("sources:", "neverTouch: [{ reason: x, prefix: 0.0.0.0/0 }]\nsources:", "default route"),
    ] {
        let mistakes = parse_entries("e.yaml", &HEAD.replacen(from, to, 1)).expect_err(part);
        let message = mistakes[0].to_string();
        assert!(message.contains(part) && message.starts_with("e.yaml:"), "{part}: {message}");
    }
    let twice = format!("{HEAD}---\n{HEAD}");
    assert!(parse_entries("e.yaml", &twice).unwrap_err()[0].to_string().contains("there twice"));
    // A file of the operator's needs neither, but its never-touch entries do.
    let file = HEAD.replace(", owner: netsec, expires: 2027-01-01", "");
    assert_eq!(parse("f.yaml", &file).unwrap()[0].owner, None);
    let never = format!("{file}neverTouch: [{{ prefix: 192.0.2.0/24, reason: x }}]\n");
    assert!(parse("f.yaml", &never).unwrap_err()[0].to_string().contains("needs an `owner`"));
}
