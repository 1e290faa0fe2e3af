//! What else lives at an address is found out, and the reasons can be seen.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use sark_registry::{
    Learned, Sharedness, Snapshot, State,
    assemble::{FeedCopy, Layers, assemble},
    feed::{self, AsnRange, Content, Feed, Parsed},
    overlay, seed,
};

const HEAD: &str = "apiVersion: sark/v1
kind: EndpointOverlay
metadata: { name: lab }
sources:
  plan: { document: plan, firstSeen: 2026-11-01, lastSeen: 2026-11-21 }
  front: { document: \"https://www.front.example/ips\", firstSeen: 2026-11-01, lastSeen: 2026-11-21 }
  docs: { document: \"https://docs.front.example/vpn\", firstSeen: 2026-11-01, lastSeen: 2026-11-21 }
  forge: { document: \"https://raw.githubusercontent.com/a/b\", firstSeen: 2026-11-01, lastSeen: 2026-11-21 }
";

const LIST: &str = "// ===BEGIN ICANN DOMAINS===\ncom\nnet\n// ===END ICANN DOMAINS===\n";

fn now() -> Timestamp {
    "2026-11-24T00:00:00Z".parse().unwrap()
}

fn table(content: Content) -> (Feed, Parsed) {
    let feed = feed::feeds().into_iter().find(|feed| feed.name == "ip-to-asn").unwrap();
    (feed, Parsed { content, published: None, skipped: Vec::new(), skipped_count: 0 })
}

fn world(body: &str, learned: &[(&str, &str, &str)], tables: &[(Feed, Parsed)]) -> Snapshot {
    let overlays = overlay::parse("lab.yaml", &format!("{HEAD}{body}")).unwrap();
    let mut by_id: BTreeMap<Arc<str>, Vec<Learned>> = BTreeMap::new();
    for (id, name, address) in learned {
        let (address, name) = (address.parse().unwrap(), (*name).to_owned());
        let (state, sharedness) = (State::Active, Sharedness::Cdn);
        let one = Learned { address, name, state, sharedness, since: now() };
        by_id.entry((*id).into()).or_default().push(one);
    }
    let copies = |(feed, copy)| FeedCopy { feed, copy, first_seen: now(), changed_at: now() };
    let feeds: Vec<_> = tables.iter().map(|(feed, copy)| copies((feed, copy))).collect();
    let layers = Layers {
        seed: &seed(),
        feeds: &feeds,
        overlays: &overlays,
        entries: &[],
        learned: &by_id,
        now: now(),
    };
    let snapshot = assemble(&layers).snapshot;
    // Building it again from what is stored changes nothing.
    let again = Snapshot::build(snapshot.endpoints().to_vec());
    assert_eq!(again.version(), snapshot.version());
    snapshot
}

/// The sharedness of the endpoint's match, and the strongest reason.
fn at(snapshot: &Snapshot, address: &str, id: &str) -> (Sharedness, String) {
    let answer = snapshot.answer(address).unwrap();
    let found = answer.matches.iter().find(|found| found.endpoint.id == id).unwrap();
    (found.sharedness, found.reasons[0].to_string())
}

#[test]
fn ranges_of_others_count_but_an_owners_narrower_word_stands() {
    let body = "providers:
  - provider: front
    title: Front
    defaults: { kind: asset, sharedness: cdn, verified: true, sources: [front] }
    services: [{ service: sites, prefixes: [192.0.2.0/24] }]
  - provider: front-vpn
    title: Front VPN
    defaults: { kind: vpn, sharedness: dedicated, sources: [docs] }
    services:
      - { service: verified, verified: true, prefixes: [192.0.2.16/28] }
      - { service: unverified, prefixes: [192.0.2.32/28] }
      - { service: whole, verified: true, prefixes: [192.0.2.0/24] }
      - { service: around, verified: true, prefixes: [192.0.0.0/16] }
  - provider: own
    title: Own
    defaults: { kind: vpn, sharedness: dedicated, verified: true, sources: [plan] }
    services:
      - { service: a, prefixes: [192.0.2.48/28, 198.51.100.0/24] }
  - provider: gone
    title: Gone
    defaults: { kind: asset, sharedness: cdn, state: retired, sources: [plan] }
    services: [{ service: sites, prefixes: [198.51.100.0/24] }]
";
    let snapshot = world(body, &[], &[]);
    for (address, id, expected) in [
        ("192.0.2.17", "front-vpn/verified", Sharedness::Dedicated),
        ("192.0.2.33", "front-vpn/unverified", Sharedness::Cdn),
        ("192.0.2.17", "front-vpn/whole", Sharedness::Cdn),
        ("192.0.2.17", "front-vpn/around", Sharedness::Cdn),
        ("192.0.2.49", "own/a", Sharedness::Cdn),
        ("198.51.100.1", "own/a", Sharedness::Dedicated),
    ] {
        let (found, reason) = at(&snapshot, address, id);
        assert_eq!(found, expected, "{address} {id}: {reason}");
    }
    let (_, reason) = at(&snapshot, "192.0.2.49", "own/a");
    assert_eq!(reason, "192.0.2.0/24 of front/sites is shared");
}

#[test]
fn what_the_seed_says_holds_with_the_whole_list_of_a_network() {
    // Cloudflare's full list covers its own tunnel and WARP ranges.
    let body = "extensions: [{ extends: cloudflare/cdn, prefixes: [162.158.0.0/15, 198.41.128.0/17], sources: [plan] }]";
    let snapshot = world(body, &[], &[]);
    let (found, _) = at(&snapshot, "162.159.193.1", "cloudflare-warp/wireguard");
    assert_eq!(found, Sharedness::Dedicated);
    assert_eq!(at(&snapshot, "160.79.104.1", "anthropic/api").0, Sharedness::Dedicated);
}

#[test]
fn learned_addresses_are_dedicated_only_where_their_owner_publishes_them() {
    let body = "providers:
  - provider: own
    title: Own
    defaults: { kind: api, sharedness: dedicated, verified: true, sources: [plan] }
    services:
      - { service: a, names: ['*.example.com'], prefixes: [192.0.2.0/24] }
      - { service: b, names: [b.example.com] }
  - provider: other
    title: Other
    defaults: { kind: api, sharedness: dedicated, verified: true, sources: [plan] }
    services:
      - { service: a, names: [www.example.net] }
      - { service: same, names: [other.example.com] }
";
    let learned = [
        ("own/a", "x.example.com", "192.0.2.1"),
        ("own/a", "x.example.com", "203.0.113.1"),
        ("own/a", "x.example.com", "203.0.113.2"),
        ("own/b", "b.example.com", "203.0.113.2"),
        ("own/a", "x.example.com", "203.0.113.3"),
        ("other/a", "www.example.net", "203.0.113.3"),
        ("own/a", "x.example.com", "203.0.113.4"),
        ("other/same", "other.example.com", "203.0.113.4"),
        ("openai/api", "api.openai.com", "203.0.113.5"),
        ("own/a", "x.example.com", "203.0.113.5"),
        ("own/a", "x.example.com", "104.16.1.1"),
    ];
    let suffixes = table(Content::Suffixes(LIST.into()));
    let (with, without) =
        (world(body, &learned, std::slice::from_ref(&suffixes)), world(body, &learned, &[]));
    for (address, expected, reason) in [
        ("192.0.2.1", Sharedness::Dedicated, "its documents"),
        ("203.0.113.1", Sharedness::Provider, "not among the prefixes"),
        // Names of one provider do not make an address shared.
        ("203.0.113.2", Sharedness::Provider, "not among"),
        ("203.0.113.3", Sharedness::Cloud, "www.example.net of other leads there too"),
        ("203.0.113.5", Sharedness::Cdn, "203.0.113.5/32 of openai/api is shared"),
        ("104.16.1.1", Sharedness::Cdn, "104.16.0.0/13 of cloudflare/cdn is shared"),
    ] {
        for snapshot in [&with, &without] {
            let (found, why) = at(snapshot, address, "own/a");
            assert!(found == expected && why.contains(reason), "{address}: {found} {why}");
            let endpoint = snapshot.by_id("own/a").unwrap();
            let mut learned = endpoint.learned.iter();
            let learned = learned.find(|one| one.address.to_string() == address).unwrap();
            assert_eq!(learned.sharedness, expected, "{address}");
        }
    }
    // The suffix list tells names of one owner from names of two.
    assert_eq!(at(&without, "203.0.113.4", "own/a").0, Sharedness::Cloud);
    assert_eq!(at(&with, "203.0.113.4", "own/a").0, Sharedness::Provider);
}

#[test]
fn a_cloud_that_announces_an_address_shares_it() {
    let body = "providers:
  - provider: own
    title: Own
    defaults: { kind: api, sharedness: dedicated, sources: [plan] }
    services:
      - { service: published, verified: true, names: [a.example.com], prefixes: [203.0.113.0/28] }
      - { service: hearsay, prefixes: [203.0.113.128/28] }
";
    let learned = [
        ("own/published", "a.example.com", "203.0.113.1"),
        ("own/published", "a.example.com", "203.0.113.65"),
        ("own/published", "a.example.com", "198.51.100.1"),
    ];
    let range = |first: &str, last: &str, asn| AsnRange {
        first: first.parse().unwrap(),
        last: last.parse().unwrap(),
        asn,
        name: "EXAMPLE".into(),
    };
    let asns = table(Content::Asns(vec![
        range("198.51.100.0", "198.51.100.255", 64500),
        range("203.0.113.0", "203.0.113.255", 16509),
    ]));
    let snapshot = world(body, &learned, &[asns]);
    for (address, id, expected) in [
        ("203.0.113.1", "own/published", Sharedness::Dedicated),
        ("203.0.113.65", "own/published", Sharedness::Cloud),
        ("198.51.100.1", "own/published", Sharedness::Provider),
        ("203.0.113.129", "own/hearsay", Sharedness::Cloud),
    ] {
        let (found, why) = at(&snapshot, address, id);
        assert_eq!(found, expected, "{address}: {why}");
    }
    let (_, why) = at(&snapshot, "203.0.113.65", "own/published");
    assert_eq!(why, "AS16509 (EXAMPLE) announces it");
}
