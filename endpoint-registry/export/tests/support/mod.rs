//! What tests export.
#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up fails")]

use jiff::Timestamp;
use sark_export::{Exported, Form, Selection, Spared, export};
use sark_registry::{Endpoint, Learned, Sharedness, Snapshot, State, overlay, seed};

pub fn now() -> Timestamp {
    "2026-11-24T00:00:00Z".parse().unwrap()
}

/// Few endpoints, with all that forms stumble over.
pub fn scene() -> Snapshot {
    let overlays = overlay::parse("scene.yaml", include_str!("../data/scene.yaml")).unwrap();
    let mut endpoints: Vec<Endpoint> = overlays.into_iter().flat_map(|o| o.endpoints).collect();
    let api = endpoints.iter_mut().find(|e| e.id == "models/api").unwrap();
    // Two names lead to one address; one leads into the content network.
    for (address, name) in [
        ("192.0.2.70", "api.models.example"),
        ("192.0.2.70", "www.eu.models.example"),
        ("203.0.113.80", "api.models.example"),
    ] {
        api.learned.push(Learned {
            address: address.parse().unwrap(),
            name: name.to_owned(),
            state: State::Active,
            sharedness: Sharedness::Cdn,
            since: "2026-11-22T07:00:00Z".parse().unwrap(),
        });
    }
    Snapshot::build(endpoints)
}

/// All that ships, with titles that a feed might give.
pub fn shipped() -> Snapshot {
    let mut endpoints = seed();
    endpoints.iter_mut().for_each(|e| e.title = "=x\"\n;}\t0.0.0.0 evil.example\n".into());
    Snapshot::build(endpoints)
}

pub fn all(snapshot: &Snapshot, form: Form, shared: bool) -> Exported {
    let selection = Selection { shared, ..Selection::default() };
    export(snapshot, form, &selection, &Spared::default(), now())
}

/// What the scene holds and must not be touched, by an entry, by one that has ended, and by the
/// configuration.
pub fn spared() -> Spared {
    let text = "apiVersion: sark/v1
kind: EndpointOverlay
metadata: { name: spared, version: 2026-11-21 }
neverTouch:
  - { prefix: 192.0.2.1/32, reason: payroll, owner: finance }
  - { name: api.models.example, reason: ours, owner: netsec }
  - { name: a.b.eu.models.example, reason: ours, owner: netsec }
  - { name: \"*.c.eu.models.example\", reason: ours, owner: netsec }
  - { name: x.c.eu.models.example, reason: ours, owner: netsec }
  - { name: pod7.models.example, reason: ours, owner: netsec }
  - { name: www.front.example, reason: ours, owner: netsec, expires: 2026-11-01 }
";
    let overlays = overlay::parse("spared.yaml", text).unwrap();
    Spared::new(&overlays[0].never_touch, ["198.51.100.0/24".parse().unwrap()], now())
}

/// What setup unpacked.
pub fn needed(variable: &str) -> std::path::PathBuf {
    let found = std::env::var_os(variable);
    found.unwrap_or_else(|| panic!("{variable} is not set: cargo xtask setup says it")).into()
}
