//! Seed, feeds, names, overlays, entries → the registry. Pure: the same layers give the same version.
//!
//! ```text
//! seed ← feeds (copies in use) ← overlays (files) ← entries (users) ← learned addresses ← never-touch
//! ```
//!
//! A later layer wins, and each endpoint says which layer gave what ([`Endpoint::layers`]). Nothing
//! here fails: what cannot be laid is left out and noted, because one stale document must not take
//! the registry down.

mod feeds;
mod never;
mod shared;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

pub use never::{covers, without};

use crate::{
    Did, Endpoint, Given, Learned, Snapshot,
    feed::{Feed, Parsed},
    layer::counted,
    overlay::{self, NeverTouch, Overlay},
};

/// All that a registry is made of.
#[derive(Debug, Clone, Copy)]
pub struct Layers<'a> {
    /// What ships: [`seed`](crate::seed()).
    pub seed: &'a [Endpoint],
    /// The copy in use of each feed, in order of precedence; a later one adds to what an earlier made.
    pub feeds: &'a [FeedCopy<'a>],
    /// Overlay files, in the order of the configuration.
    pub overlays: &'a [Overlay],
    /// Users' entries ([`overlay::parse_entries`]), in the order in which they were made.
    pub entries: &'a [Overlay],
    /// By endpoint, as `ageing` gives them. What their names are not of any
    /// more is left out.
    pub learned: &'a BTreeMap<Arc<str>, Vec<Learned>>,
    /// Overlays, entries and never-touch entries that end by then are left out.
    pub now: Timestamp,
}

/// The copy of a feed that is in use.
#[derive(Debug, Clone, Copy)]
pub struct FeedCopy<'a> {
    /// The feed. One that is not enabled any more is still laid: nothing is withdrawn because a feed
    /// went away; leave it out to take its content out.
    pub feed: &'a Feed,
    /// What it said.
    pub copy: &'a Parsed,
    /// When a copy of it was first in use.
    pub first_seen: Timestamp,
    /// When the content of this copy was first had: not when it was last looked at, so that equal
    /// content is an equal version.
    pub changed_at: Timestamp,
}

/// The registry, and what is to be known of its making.
#[derive(Debug)]
pub struct Assembled {
    /// Carries the never-touch entries for its answers; they are no part of its version.
    pub snapshot: Snapshot,
    /// What no rule may touch, sorted: for the compiler's protected prefixes.
    pub never_touch: Vec<NeverTouch>,
    /// What could not be laid, and what is odd.
    pub notes: Vec<Note>,
    /// When an overlay, entry, never-touch entry or endpoint ends next: assemble again then.
    pub next_change: Option<Timestamp>,
}

/// Something odd about a layer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// Which: `overlay our-site`.
    pub layer: String,
    /// Stable: `expired`, `no-endpoint`, `claims-less`, `other-role`, `not-selected`, `still-matches`.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

/// See the module.
#[must_use]
pub fn assemble(layers: &Layers<'_>) -> Assembled {
    let now = layers.now;
    let mut notes = Vec::new();
    let keyed = |endpoint: &Endpoint| (endpoint.id.clone(), endpoint.clone());
    let mut endpoints: BTreeMap<String, Endpoint> = layers.seed.iter().map(keyed).collect();
    for copy in layers.feeds {
        feeds::lay(&mut endpoints, copy, &mut notes);
    }
    let overlays = layers.overlays.iter().map(|overlay| (overlay, "overlay"));
    let entries = layers.entries.iter().map(|entry| (entry, "entry"));
    let (mut ends, mut never) = (Vec::new(), Vec::new());
    for (overlay, what) in overlays.chain(entries) {
        let layer = format!("{what} {}", overlay.name);
        if let Some(end) = overlay.expires_at.filter(|end| *end <= now) {
            let message = format!("it ended at {end} and is not laid");
            notes.push(Note { layer, code: "expired", message });
            continue;
        }
        ends.extend(overlay.expires_at);
        never.extend(overlay.never_touch.iter().cloned());
        for mistake in overlay::lay(&mut endpoints, overlay.clone(), Some(&layer)) {
            let message = mistake.to_string();
            notes.push(Note { layer: layer.clone(), code: "no-endpoint", message });
        }
    }
    names(&mut endpoints, layers.learned);
    never.retain(|never| never.expires_at.is_none_or(|end| end > now));
    never.sort();
    never.dedup();
    never::remove(&mut endpoints, &never, &mut notes);
    shared::find(&mut endpoints, layers.feeds);
    // What only the seed gave says nothing of layers, so that an unrefreshed registry is the seed's.
    for endpoint in endpoints.values_mut().filter(|endpoint| !endpoint.layers.is_empty()) {
        if layers.seed.iter().any(|seed| seed.id == endpoint.id) {
            endpoint.layers.insert(0, Given::new("seed", Did::Defined, Vec::new()));
        }
    }
    let ends = ends.into_iter().chain(never.iter().filter_map(|never| never.expires_at));
    let ends = ends.chain(endpoints.values().filter_map(|endpoint| endpoint.expires_at));
    let next_change = ends.filter(|end| *end > now).min();
    notes.sort();
    notes.dedup();
    let snapshot = Snapshot::build(endpoints.into_values().collect()).with_never_touch(&never);
    Assembled { snapshot, never_touch: never, notes, next_change }
}

/// Learned addresses, where the endpoint still has the name.
fn names(endpoints: &mut BTreeMap<String, Endpoint>, learned: &BTreeMap<Arc<str>, Vec<Learned>>) {
    for (id, learned) in learned {
        let Some(endpoint) = endpoints.get_mut(&**id) else { continue };
        // Most are asked for as they are there; those are found in order.
        let exact = |name: &str| endpoint.names.binary_search_by(|own| own.as_str().cmp(name));
        let has = |name: &str| {
            exact(name).is_ok() || endpoint.names.iter().any(|pattern| pattern.matches(name))
        };
        let kept: Vec<Learned> = learned.iter().filter(|one| has(&one.name)).cloned().collect();
        if !kept.is_empty() {
            let what = counted(kept.len(), "address", "addresses").into_iter().collect();
            endpoint.layers.push(Given::new("names", Did::Added, what));
            endpoint.learned.extend(kept);
        }
    }
}
