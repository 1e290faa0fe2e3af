//! The blast radius: what else is known to live at the addresses of a rule.

use std::collections::BTreeSet;

use ipnet::IpNet;
use sark_flowspec::Afi;
use sark_registry::{Snapshot, State};

use crate::Collateral;
use crate::intent::Intents;
use crate::net::{Net, afi_of};
use crate::order::{Board, Rule};

/// The registry's prefixes of one family, sorted.
pub(crate) struct Neighbours {
    /// Prefix, endpoint, and the place of the smallest prefix that holds this one.
    all: Vec<(Net, u32, u32)>,
}

const NONE: u32 = u32::MAX;

impl Neighbours {
    pub fn new(registry: &Snapshot, board: &Board) -> Self {
        let mut all: Vec<(Net, u32, u32)> = (0u32..)
            .zip(registry.endpoints())
            .filter(|(_, endpoint)| endpoint.state != State::Retired)
            .flat_map(|(index, endpoint)| {
                let learned = endpoint.learned.iter().map(|learned| IpNet::from(learned.address));
                let all = endpoint.prefixes.iter().copied().chain(learned);
                all.map(move |net| (index, net))
            })
            .filter(|(_, net)| afi_of(net) == board.afi)
            .map(|(index, net)| (Net::from(net), index, NONE))
            .collect();
        all.sort_unstable();
        let mut open: Vec<u32> = Vec::new();
        for at in 0..all.len() {
            while let Some(&top) = open.last()
                && !all[top as usize].0.contains(all[at].0)
            {
                open.pop();
            }
            all[at].2 = open.last().copied().unwrap_or(NONE);
            open.push(at as u32);
        }
        Self { all }
    }

    /// Endpoints that overlap a prefix.
    fn around(&self, net: Net) -> impl Iterator<Item = u32> + '_ {
        let begin = self.all.partition_point(|(known, ..)| *known < net);
        let inside = self.all[begin..].iter().take_while(move |(known, ..)| net.contains(*known));
        let mut above = begin.checked_sub(1).map_or(NONE, |at| at as u32);
        let outside = std::iter::from_fn(move || {
            let (_, endpoint, next) = self.all.get(above as usize)?;
            let holds = self.all[above as usize].0.contains(net);
            above = *next;
            Some(holds.then_some(*endpoint))
        });
        inside.map(|(_, endpoint, _)| *endpoint).chain(outside.flatten())
    }

    pub fn of(
        &self,
        rule: &Rule,
        board: &Board,
        intents: &Intents,
        registry: &Snapshot,
    ) -> Collateral {
        let net = board.destinations.net(rule.destination);
        let mut others = BTreeSet::new();
        if rule.destination != 0 && !intents.decider(rule.decider).is_guard() {
            let intent = &intents.intents[rule.intent as usize];
            let evidence =
                intent.destinations.as_ref().and_then(|all| all.get(rule.evidence as usize));
            let endpoint = |index: u32| registry.endpoints().get(index as usize);
            let own: BTreeSet<&str> = evidence
                .into_iter()
                .flat_map(|evidence| &evidence.endpoints)
                .filter_map(|&index| Some(endpoint(index)?.provider.as_str()))
                .collect();
            others.extend(
                self.around(net)
                    .filter_map(endpoint)
                    .filter(|endpoint| !own.contains(endpoint.provider.as_str()))
                    .map(|endpoint| endpoint.id.clone()),
            );
        }
        Collateral { addresses: addresses(net, board.afi), others: others.into_iter().collect() }
    }
}

/// How many, in decimal.
pub(crate) fn addresses(net: Net, afi: Afi) -> String {
    let width = match afi {
        Afi::Ipv4 => 32u32,
        Afi::Ipv6 => 128,
    };
    match 1u128.checked_shl(width.saturating_sub(net.length.into())) {
        Some(count) => count.to_string(),
        // 2^128.
        None => "340282366920938463463374607431768211456".into(),
    }
}
