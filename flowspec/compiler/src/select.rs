//! `to` → endpoints of the registry.

use std::collections::BTreeSet;

use sark_core::document::nearest;
use sark_policy::{Destinations, Policy};
use sark_registry::{Endpoint, Kind, Snapshot};

use crate::{Environment, InputError};

fn is_tunnel(kind: Kind) -> bool {
    matches!(kind, Kind::Tunnel | Kind::Vpn | Kind::Tor | Kind::Doh | Kind::Proxy)
}

/// Endpoints by index that `to` selects, of whatever role and state.
pub(crate) fn select(
    policy: &Policy,
    to: &Destinations,
    registry: &Snapshot,
    errors: &mut Vec<InputError>,
) -> BTreeSet<u32> {
    let mut out = BTreeSet::new();
    // Endpoints are sorted by id, and ids begin with the provider and `/`.
    let place = |id: &str| registry.endpoints().binary_search_by(|e| e.id.as_str().cmp(id)).ok();
    let one = |out: &mut BTreeSet<u32>, index: usize, holds: &dyn Fn(&Endpoint) -> bool| {
        if registry.endpoints().get(index).is_some_and(holds) {
            out.insert(index as u32);
        }
    };
    let of_provider = |out: &mut BTreeSet<u32>, slug: &str, holds: &dyn Fn(&Endpoint) -> bool| {
        let before = out.len();
        for endpoint in registry.by_provider(slug).filter(|e| holds(e)) {
            out.extend(place(&endpoint.id).map(|index| index as u32));
        }
        out.len() > before || registry.by_provider(slug).any(holds)
    };
    let kind = |endpoint: &Endpoint| to.kinds.is_empty() || to.kinds.contains(&endpoint.kind);
    let mut unknown = |what: &str, word: &str, near: Option<&str>, hint: &str| {
        errors.push(InputError {
            file: policy.place.file.clone(),
            line: to.line,
            policy: policy.name.clone(),
            message: format!("unknown {what} {word:?}"),
            help: Some(match near {
                Some(near) => format!("did you mean {near:?}?"),
                None => hint.to_owned(),
            }),
        });
    };
    let list = "`sarkctl registry list` shows what is known; operators add overlay files";
    for provider in &to.providers {
        if registry.by_provider(provider).next().is_none() {
            unknown("provider", provider, nearest(provider, registry.providers()), list);
        }
        of_provider(&mut out, provider, &kind);
    }
    for service in &to.services {
        if let Some(index) = place(service) {
            one(&mut out, index, &kind);
        } else {
            let ids = registry.endpoints().iter().map(|e| e.id.as_str());
            unknown("service", service, nearest(service, ids), list);
        }
    }
    if to.providers.is_empty() && to.services.is_empty() && !to.kinds.is_empty() {
        let all = (0..).zip(registry.endpoints());
        out.extend(all.filter(|(_, e)| kind(e)).map(|(index, _)| index));
    }
    for tunnel in &to.tunnels {
        if !of_provider(&mut out, tunnel, &|e| is_tunnel(e.kind)) {
            let tunnels = registry.endpoints().iter().filter(|e| is_tunnel(e.kind));
            let slugs: BTreeSet<&str> = tunnels.map(|e| e.provider.as_str()).collect();
            let hint = match registry.providers().any(|known| known == tunnel) {
                true => {
                    "it is no tunnel, VPN, Tor, DoH or proxy service: write it under `providers`"
                }
                false => list,
            };
            unknown("tunnel", tunnel, nearest(tunnel, slugs), hint);
        }
    }
    for name in &to.names {
        let hits = registry.lookup_name(name);
        let ids: BTreeSet<&str> = hits.iter().map(|hit| hit.endpoint.id.as_str()).collect();
        if ids.is_empty() {
            let names = registry.endpoints().iter().flat_map(|e| &e.names).map(|n| n.as_str());
            unknown("name", name, nearest(name, names), list);
        }
        out.extend(ids.into_iter().filter_map(place).map(|index| index as u32));
    }
    out
}

/// The pool that an action names.
pub(crate) fn pool<'e>(
    policy: &Policy,
    name: &str,
    environment: &'e Environment,
    errors: &mut Vec<InputError>,
) -> Option<&'e crate::Pool> {
    let pool = environment.pools.iter().find(|pool| pool.name == name);
    if pool.is_none() {
        let names = environment.pools.iter().map(|pool| pool.name.as_str());
        let help = match nearest(name, names.clone()) {
            Some(near) => format!("did you mean {near:?}?"),
            None if environment.pools.is_empty() => {
                "no pool is configured: add it under `pools` and give the configuration with --config"
                    .into()
            }
            None => format!("pools here: {}", names.collect::<Vec<_>>().join(", ")),
        };
        errors.push(InputError {
            file: policy.place.file.clone(),
            line: policy.action.line,
            policy: policy.name.clone(),
            message: format!("unknown proxy pool {name:?}"),
            help: Some(help),
        });
    }
    pool
}
