//! The data that ships: a version of it, and never more than its owners' documents say.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sark_core::document::Diagnostic;

use crate::{
    Endpoint, Snapshot,
    assemble::{Layers, assemble},
    overlay::{self, Overlay},
};

/// The seed's files, in the form of an overlay.
const FILES: [(&str, &str); 3] = [
    ("seed/llm.yaml", include_str!("../seed/llm.yaml")),
    ("seed/tunnels.yaml", include_str!("../seed/tunnels.yaml")),
    ("seed/shared.yaml", include_str!("../seed/shared.yaml")),
];

/// All endpoints that ship, sorted by id.
#[must_use]
pub fn seed() -> Vec<Endpoint> {
    // The files are part of the program, and a test reads them.
    let endpoints = read(FILES).and_then(|files| overlay::apply(Vec::new(), files));
    endpoints.expect("the seed can be read")
}

/// The seed with overlay files (name and text) laid over it, in their order. Fails with every
/// mistake in them. Overlays that have ended are laid too: see [`load_at`].
///
/// ```
/// let overlay = r#"
/// apiVersion: sark/v1
/// kind: EndpointOverlay
/// metadata: { name: lab }
/// sources:
///   lab: { document: our address plan, firstSeen: 2026-11-01, lastSeen: 2026-11-21 }
/// extensions:
///   - { extends: openai/api, prefixes: [192.0.2.0/28], sharedness: dedicated, sources: [lab] }
/// "#;
/// let snapshot = sark_registry::load([("lab.yaml", overlay)]).unwrap();
/// let hits = snapshot.lookup_address("192.0.2.7".parse().unwrap());
/// assert_eq!(hits[0].endpoint.id, "openai/api");
/// ```
pub fn load<'a>(
    overlays: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Snapshot, Vec<Diagnostic>> {
    load_at(overlays, Timestamp::MIN)
}

/// [`load`] without overlays that have ended by then.
pub fn load_at<'a>(
    overlays: impl IntoIterator<Item = (&'a str, &'a str)>,
    now: Timestamp,
) -> Result<Snapshot, Vec<Diagnostic>> {
    let (seed, overlays) = (seed(), read(overlays)?);
    // What the daemon notes, a person who gives files is told.
    overlay::apply(seed.clone(), overlays.iter().cloned())?;
    let layers = Layers {
        seed: &seed,
        feeds: &[],
        overlays: &overlays,
        entries: &[],
        learned: &BTreeMap::new(),
        now,
    };
    Ok(assemble(&layers).snapshot)
}

fn read<'a>(
    files: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Vec<Overlay>, Vec<Diagnostic>> {
    let (mut read, mut mistakes) = (Vec::new(), Vec::new());
    for (file, text) in files {
        match overlay::parse(file, text) {
            Ok(overlays) => read.extend(overlays),
            Err(found) => mistakes.extend(found),
        }
    }
    if mistakes.is_empty() { Ok(read) } else { Err(mistakes) }
}
