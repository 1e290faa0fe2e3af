//! Endpoints and overlays → endpoints.

use std::collections::BTreeMap;

use sark_core::document::{Diagnostic, nearest};

use super::{Extension, Overlay};
use crate::{Did, Endpoint, Given, layer::counted};

/// The endpoints with the overlays laid over them, in their order, sorted by id. A later definition
/// of an id replaces the earlier; an extension changes what stands at its turn. Fails with every
/// extension of an endpoint that does not exist. Never-touch entries, owners and ends are left to
/// [`assemble`](crate::assemble::assemble).
pub fn apply(
    base: Vec<Endpoint>,
    overlays: impl IntoIterator<Item = Overlay>,
) -> Result<Vec<Endpoint>, Vec<Diagnostic>> {
    let keyed = |endpoint: Endpoint| (endpoint.id.clone(), endpoint);
    let mut endpoints: BTreeMap<String, Endpoint> = base.into_iter().map(keyed).collect();
    let mut mistakes = Vec::new();
    for overlay in overlays {
        mistakes.extend(lay(&mut endpoints, overlay, None));
    }
    if mistakes.is_empty() { Ok(endpoints.into_values().collect()) } else { Err(mistakes) }
}

/// Lays one overlay. Each endpoint that it touches is told of it if `layer` is given. Gives every
/// extension of an endpoint that does not exist.
pub(crate) fn lay(
    endpoints: &mut BTreeMap<String, Endpoint>,
    overlay: Overlay,
    layer: Option<&str>,
) -> Vec<Diagnostic> {
    let Overlay { endpoints: defined, extensions, owner, .. } = overlay;
    let given = |did, what| {
        let layer = layer?.to_owned();
        Some(Given { layer, did, what, owner: owner.clone() })
    };
    let mut mistakes = Vec::new();
    for mut endpoint in defined {
        // What earlier layers gave is gone, but not that they did.
        let before = endpoints.remove(&endpoint.id).map(|before| before.layers);
        endpoint.layers.extend(before.into_iter().flatten().chain(given(Did::Defined, vec![])));
        endpoints.insert(endpoint.id.clone(), endpoint);
    }
    for extension in extensions {
        match endpoints.get_mut(&extension.extends) {
            Some(endpoint) => {
                let (added, changed) = extension.parts();
                let both = [(Did::Added, added), (Did::Changed, changed)];
                let both = both.into_iter().filter(|(_, what)| !what.is_empty());
                endpoint.layers.extend(both.filter_map(|(did, what)| given(did, what)));
                extend(endpoint, extension);
            }
            None => mistakes.push(unknown(extension, endpoints.keys().map(String::as_str))),
        }
    }
    mistakes
}

impl Extension {
    /// What it adds and what it changes, in words.
    fn parts(&self) -> (Vec<String>, Vec<String>) {
        let added = [
            counted(self.names.len(), "name", "names"),
            counted(self.prefixes.len(), "prefix", "prefixes"),
            counted(self.ports.len(), "port", "ports"),
        ];
        let changed = [
            (self.sharedness.is_some(), "sharedness"),
            (self.confidence.is_some(), "confidence"),
            (self.verified.is_some(), "verified"),
            (self.state.is_some(), "state"),
            (self.expires_at.is_some(), "expiresAt"),
        ];
        let changed = changed.into_iter().filter(|(stated, _)| *stated);
        (added.into_iter().flatten().collect(), changed.map(|(_, word)| word.to_owned()).collect())
    }
}

fn extend(endpoint: &mut Endpoint, extension: Extension) {
    endpoint.names.extend(extension.names);
    endpoint.prefixes.extend(extension.prefixes);
    endpoint.ports.extend(extension.ports);
    endpoint.sources.extend(extension.sources);
    endpoint.sharedness = extension.sharedness.unwrap_or(endpoint.sharedness);
    endpoint.confidence = extension.confidence.unwrap_or(endpoint.confidence);
    endpoint.verified = extension.verified.unwrap_or(endpoint.verified);
    endpoint.state = extension.state.unwrap_or(endpoint.state);
    endpoint.expires_at = extension.expires_at.or(endpoint.expires_at);
    endpoint.normalize();
}

fn unknown<'a>(extension: Extension, known: impl Iterator<Item = &'a str>) -> Diagnostic {
    let message = format!("there is no endpoint {:?} to extend", extension.extends);
    let help = match nearest(&extension.extends, known) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "`sarkctl registry list` shows all; define a new one under `providers`".to_owned(),
    };
    Diagnostic { message, ..extension.place }.with_help(help)
}
