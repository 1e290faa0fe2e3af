//! A feed's copy → endpoints.

use std::collections::{BTreeMap, btree_map};

use super::{FeedCopy, Note};
use crate::{
    Did, Endpoint, Given, PortRange, Provenance, State,
    feed::{Content, Entry, Feed, Location, Output, Subject},
    layer::counted,
};

/// Lays a copy: its outputs, in their order.
pub(super) fn lay(
    endpoints: &mut BTreeMap<String, Endpoint>,
    copy: &FeedCopy<'_>,
    notes: &mut Vec<Note>,
) {
    let Content::Entries(entries) = &copy.copy.content else { return };
    let mut shares: Vec<Vec<&Entry>> = vec![Vec::new(); copy.feed.outputs.len()];
    let mut unselected = 0_u64;
    for entry in entries {
        match copy.feed.outputs.iter().position(|output| output.selects(entry)) {
            Some(place) => shares.get_mut(place).into_iter().for_each(|share| share.push(entry)),
            None => unselected += 1,
        }
    }
    let layer = format!("feed {}", copy.feed.name);
    if unselected == copy.copy.content.count() && unselected > 0 {
        let message = format!("no output selects any of its {unselected} entries");
        notes.push(Note { layer: layer.clone(), code: "not-selected", message });
    }
    for (output, share) in copy.feed.outputs.iter().zip(shares) {
        if share.is_empty() {
            continue;
        }
        let endpoint = match endpoints.entry(output.endpoint.clone()) {
            btree_map::Entry::Vacant(place) => place.insert(made(output)),
            btree_map::Entry::Occupied(place) => place.into_mut(),
        };
        match claims(output, endpoint) {
            Ok(()) => add(endpoint, output, &share, copy, &layer),
            Err((code, message)) => notes.push(Note { layer: layer.clone(), code, message }),
        }
    }
}

/// What a feed adds is what the endpoint says: never the wrong end of a connection, never less
/// confirmed or more widely shared than the rest of it.
fn claims(output: &Output, endpoint: &Endpoint) -> Result<(), (&'static str, String)> {
    let id = &endpoint.id;
    if output.role != endpoint.role {
        let message =
            format!("{id} is {}, and this says {}: not added", endpoint.role, output.role);
        return Err(("other-role", message));
    }
    if output.sharedness > endpoint.sharedness {
        let (own, known) = (output.sharedness, endpoint.sharedness);
        return Err(("claims-less", format!("{id} is {known}, and this says {own}: not added")));
    }
    if endpoint.verified && !output.verified {
        let message = format!("{id} is verified, and this is not: not added");
        return Err(("claims-less", message));
    }
    Ok(())
}

fn made(output: &Output) -> Endpoint {
    let provider = output.endpoint.split('/').next().unwrap_or_default();
    Endpoint {
        id: output.endpoint.clone(),
        provider: provider.to_owned(),
        title: output.title.clone(),
        kind: output.kind,
        role: output.role,
        sharedness: output.sharedness,
        confidence: output.confidence,
        verified: output.verified,
        state: State::Active,
        names: Vec::new(),
        prefixes: Vec::new(),
        learned: Vec::new(),
        ports: Vec::new(),
        expires_at: None,
        price_ref: None,
        sources: Vec::new(),
        layers: Vec::new(),
        shared: Vec::new(),
    }
}

fn add(
    endpoint: &mut Endpoint,
    output: &Output,
    share: &[&Entry],
    copy: &FeedCopy<'_>,
    layer: &str,
) {
    // New if no layer has said where it is from.
    let new = endpoint.sources.is_empty();
    let (names, prefixes) = (endpoint.names.len(), endpoint.prefixes.len());
    for entry in share {
        match &entry.subject {
            Subject::Name(name) => endpoint.names.push(name.clone()),
            Subject::Prefix(prefix) => endpoint.prefixes.push(*prefix),
        }
    }
    if new {
        endpoint.ports = ports(output, share);
    }
    endpoint.normalize();
    let provenance = Provenance {
        source: source(copy.feed),
        first_seen: copy.first_seen.min(copy.changed_at),
        last_seen: copy.changed_at,
    };
    match endpoint.sources.iter_mut().find(|known| known.source == provenance.source) {
        Some(known) => {
            known.first_seen = known.first_seen.min(provenance.first_seen);
            known.last_seen = known.last_seen.max(provenance.last_seen);
        }
        None => endpoint.sources.push(provenance),
    }
    let what = [
        counted(endpoint.names.len().saturating_sub(names), "name", "names"),
        counted(endpoint.prefixes.len().saturating_sub(prefixes), "prefix", "prefixes"),
    ];
    let what: Vec<String> = what.into_iter().flatten().collect();
    let did = if new { Did::Defined } else { Did::Added };
    // A feed that only says what is known already gave nothing.
    if new || !what.is_empty() {
        let owner = Some(copy.feed.owner.clone()).filter(|owner| owner != "sark");
        endpoint.layers.push(Given { layer: layer.to_owned(), did, what, owner });
    }
}

/// All ports of the entries; any, if one of them has none and the output neither.
fn ports(output: &Output, share: &[&Entry]) -> Vec<PortRange> {
    let of = |entry: &&Entry| entry.ports.is_empty();
    if output.ports.is_empty() && share.iter().any(of) {
        return Vec::new();
    }
    let usual = share.iter().any(of).then_some(&output.ports);
    let own = share.iter().flat_map(|entry| &entry.ports);
    own.chain(usual.into_iter().flatten()).copied().collect()
}

/// Where a reader can look.
fn source(feed: &Feed) -> String {
    match &feed.location {
        Location::Urls(urls) => urls.first().cloned().unwrap_or_else(|| feed.title.clone()),
        Location::Taxii { root, .. } => root.clone(),
        Location::File(_) | Location::Directory(_) => feed.title.clone(),
    }
}
