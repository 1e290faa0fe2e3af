//! Endpoints and overlays → endpoints.

use std::collections::BTreeMap;

use sark_core::document::{Diagnostic, nearest};

use super::{Extension, Overlay};
use crate::Endpoint;

/// The endpoints with the overlays laid over them, in their order, sorted by id. A later definition
/// of an id replaces the earlier; an extension changes what stands at its turn. Fails with every
/// extension of an endpoint that does not exist.
pub fn apply(
    base: Vec<Endpoint>,
    overlays: impl IntoIterator<Item = Overlay>,
) -> Result<Vec<Endpoint>, Vec<Diagnostic>> {
    let keyed = |endpoint: Endpoint| (endpoint.id.clone(), endpoint);
    let mut endpoints: BTreeMap<String, Endpoint> = base.into_iter().map(keyed).collect();
    let mut mistakes = Vec::new();
    for overlay in overlays {
        endpoints.extend(overlay.endpoints.into_iter().map(keyed));
        for extension in overlay.extensions {
            match endpoints.get_mut(&extension.extends) {
                Some(endpoint) => extend(endpoint, extension),
                None => mistakes.push(unknown(extension, endpoints.keys().map(String::as_str))),
            }
        }
    }
    if mistakes.is_empty() { Ok(endpoints.into_values().collect()) } else { Err(mistakes) }
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
