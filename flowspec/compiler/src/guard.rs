//! Outcomes that no policy touches: accept, above every priority.

use ipnet::IpNet;
use sark_flowspec::Afi;
use sark_registry::{Snapshot, overlay::NeverTouch};

use crate::Environment;
use crate::aggregate::Evidence;
use crate::intent::{Decider, GUARD, Intent, Intents};
use crate::net::{Net, afi_of};
use crate::ranges::Ranges;
use crate::region::{Field, Region, TCP};

const BGP: u32 = 179;

/// Protected prefixes with the name of what they protect: configured ones, pools' next hops and
/// source prefixes, what the registry says is never to be touched.
pub(crate) fn protected(environment: &Environment, registry: &Snapshot) -> Vec<(String, IpNet)> {
    let mut out: Vec<(String, IpNet)> =
        environment.protected.iter().map(|p| (p.name.clone(), p.prefix.trunc())).collect();
    for pool in &environment.pools {
        let name = || format!("pool:{}", pool.name);
        // Up or down: one that comes back must not find its own flows on the way to itself.
        for proxy in &pool.proxies {
            let next_hops =
                [Afi::Ipv4, Afi::Ipv6].into_iter().filter_map(|afi| proxy.next_hop(afi));
            out.extend(next_hops.map(|address| (name(), IpNet::from(address))));
            out.extend(proxy.source_prefixes.iter().map(|prefix| (name(), prefix.trunc())));
        }
    }
    for prefix in registry.never_touch().iter().filter_map(NeverTouch::prefix) {
        if out.iter().all(|(_, known)| *known != prefix) {
            out.push(("never-touch".into(), prefix));
        }
    }
    out
}

/// Adds the guards.
pub(crate) fn add(environment: &Environment, protected: &[(String, IpNet)], intents: &mut Intents) {
    let accept = intents.action(Vec::new());
    let means = intents.meaning(None, &[]);
    let decider = |intents: &mut Intents, name: String| {
        let name = format!("guard:{name}");
        let known = intents.deciders.iter().position(|d| d.is_guard() && d.name == name);
        known.unwrap_or_else(|| {
            let guard = Decider { file: name.clone(), name, line: 0, priority: GUARD, to_line: 0 };
            intents.deciders.push(guard);
            intents.deciders.len() - 1
        }) as u32
    };
    let push = |intents: &mut Intents, decider, afi, to: Option<Net>, from: Option<Net>, region| {
        let evidence = |net| Evidence { net, endpoints: Vec::new(), literal: true, joins: false };
        intents.intents.push(Intent {
            decider,
            afi,
            destinations: to.map(|net| vec![evidence(net)]),
            sources: from.map(|net| vec![net]),
            region,
            action: accept,
            means,
        });
    };
    for (name, prefix) in protected.iter().cloned() {
        let guard = decider(intents, name);
        let afi = afi_of(&prefix);
        let all = Region::all(afi == Afi::Ipv6);
        push(intents, guard, afi, Some(prefix.into()), None, all.clone());
        push(intents, guard, afi, None, Some(prefix.into()), all);
    }
    for session in &environment.sessions {
        if session.local.is_ipv4() != session.peer.is_ipv4() {
            continue;
        }
        let guard = decider(intents, format!("bgp:{}-{}", session.local, session.peer));
        let afi = if session.local.is_ipv4() { Afi::Ipv4 } else { Afi::Ipv6 };
        let tcp = Region::all(afi == Afi::Ipv6).with(Field::Protocol, Ranges::span(TCP, TCP));
        for (to, from) in [(session.peer, session.local), (session.local, session.peer)] {
            for port in [Field::DestinationPort, Field::SourcePort] {
                let region = tcp.clone().with(port, Ranges::span(BGP, BGP));
                push(intents, guard, afi, Some(to.into()), Some(from.into()), region);
            }
        }
    }
}
