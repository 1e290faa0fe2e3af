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
    let all = || (0u32..).zip(registry.endpoints());
    let mut take = |holds: &dyn Fn(&Endpoint) -> bool| {
        let mut found = false;
        for (index, endpoint) in all().filter(|(_, endpoint)| holds(endpoint)) {
            found = true;
            out.insert(index);
            let _ = endpoint;
        }
        found
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
        let is = |e: &Endpoint| e.provider == *provider;
        if !registry.endpoints().iter().any(is) {
            unknown("provider", provider, nearest(provider, registry.providers()), list);
        }
        take(&|e| is(e) && kind(e));
    }
    for service in &to.services {
        if registry.by_id(service).is_none() {
            let ids = registry.endpoints().iter().map(|e| e.id.as_str());
            unknown("service", service, nearest(service, ids), list);
        }
        take(&|e| e.id == *service && kind(e));
    }
    if to.providers.is_empty() && to.services.is_empty() && !to.kinds.is_empty() {
        take(&kind);
    }
    for tunnel in &to.tunnels {
        if !take(&|e| e.provider == *tunnel && is_tunnel(e.kind)) {
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
        take(&|e| ids.contains(e.id.as_str()));
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
