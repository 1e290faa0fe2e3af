//! The board's rules as routes, in the routers' order.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use sark_flowspec::{Afi, Component, LargeCommunity, Nlri, NlriError, PrefixMatch, Route};
use sark_registry::Snapshot;
use sha2::{Digest, Sha256};

use crate::collateral::Neighbours;
use crate::intent::Intents;
use crate::net::Net;
use crate::order::{Board, Rule};
use crate::{Collateral, DesiredRule, Environment, Origin};

/// Rules with their NLRI, in the order of section 5.1.
pub(crate) fn place(board: &Board) -> Result<Vec<(Rule, Nlri)>, NlriError> {
    let prefix = |net: crate::net::Net| PrefixMatch::from(net.to_ipnet(board.afi));
    let mut out = Vec::with_capacity(board.rules.len());
    for rule in &board.rules {
        let tail = board.tails.components(rule.tail);
        let mut components = Vec::with_capacity(tail.len() + 2);
        if rule.destination != 0 {
            let net = board.destinations.net(rule.destination);
            components.push(Component::Destination(prefix(net)));
        }
        if rule.source != 0 {
            components.push(Component::Source(prefix(board.sources.net(rule.source))));
        }
        components.extend_from_slice(tail);
        out.push((*rule, Nlri::new(board.afi, components)?));
    }
    out.sort_unstable_by(|(_, a), (_, b)| a.cmp(b));
    Ok(out)
}

/// The third part of the ownership community: the first 32 bits of SHA-256 over the AFI in two
/// octets, big-endian (`00 01` or `00 02`), and the octets of the NLRI, length octets included.
#[must_use]
pub fn rule_id(nlri: &Nlri) -> u32 {
    rule_id_of(nlri.afi(), &nlri.encode())
}

pub(crate) fn rule_id_of(afi: Afi, octets: &[u8]) -> u32 {
    let number: u16 = match afi {
        Afi::Ipv4 => 1,
        Afi::Ipv6 => 2,
    };
    let digest = Sha256::new().chain_update(number.to_be_bytes()).chain_update(octets).finalize();
    digest.iter().take(4).fold(0, |id, octet| id << 8 | u32::from(*octet))
}

/// Routes with origin and blast radius.
pub(crate) fn emit(
    board: &Board,
    placed: Vec<(Rule, Nlri)>,
    intents: &Intents,
    registry: &Snapshot,
    environment: &Environment,
) -> Vec<DesiredRule> {
    let names: Vec<Arc<str>> = intents.deciders.iter().map(|d| d.name.as_str().into()).collect();
    let mut origins: HashMap<(u32, u32), Arc<Origin>> = HashMap::new();
    let mut collaterals: HashMap<(u32, u32, u32), Arc<Collateral>> = HashMap::new();
    let neighbours = Neighbours::new(registry, board);
    placed
        .into_iter()
        .map(|(rule, nlri)| {
            let from = (rule.intent, rule.evidence);
            let origin = origins.entry(from).or_insert_with(|| origin(&rule, intents, registry));
            let around = (rule.destination, rule.intent, rule.evidence);
            let collateral = collaterals
                .entry(around)
                .or_insert_with(|| neighbours.of(&rule, board, intents, registry).into());
            DesiredRule {
                policy: names[rule.decider as usize].clone(),
                origin: origin.clone(),
                collateral: collateral.clone(),
                route: Route {
                    large_community: LargeCommunity {
                        global: environment.asn,
                        local1: environment.instance,
                        local2: rule_id(&nlri),
                    },
                    actions: intents.actions[rule.action as usize].clone(),
                    nlri,
                },
            }
        })
        .collect()
}

fn origin(rule: &Rule, intents: &Intents, registry: &Snapshot) -> Arc<Origin> {
    let decider = intents.decider(rule.decider);
    let intent = &intents.intents[rule.intent as usize];
    let mut origin = Origin { file: decider.file.clone(), line: decider.line, ..Origin::default() };
    let evidence = intent.destinations.as_ref().and_then(|all| all.get(rule.evidence as usize));
    match evidence {
        Some(evidence) => {
            for &index in &evidence.endpoints {
                let Some(endpoint) = registry.endpoints().get(index as usize) else { continue };
                origin.endpoint.push(endpoint.id.clone());
                origin.source.extend(endpoint.sources.iter().map(|source| source.source.clone()));
                let here = |at: IpAddr| Net::from(IpNet::from(at)) == evidence.net;
                let led = endpoint.learned.iter().filter(|learned| here(learned.address));
                origin.source.extend(led.map(|learned| format!("name {}", learned.name)));
            }
            if evidence.literal {
                origin.endpoint.push("prefix".into());
            }
        }
        None => origin.endpoint.push("prefix".into()),
    }
    origin.source.sort_unstable();
    origin.source.dedup();
    origin.into()
}
