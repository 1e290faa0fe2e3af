//! What policies and guards mean, before it is rules.

use sark_flowspec::{Action, Afi, Packet};

use crate::Pool;
use crate::aggregate::Evidence;
use crate::net::{Net, bits_of};
use crate::region::{ABSENT, Field, Region, TCP, UDP, fragment};

/// The priority of guards: above every policy.
pub(crate) const GUARD: u32 = 1 << 16;

/// A policy or a guard.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decider {
    /// Policy name, or `guard:NAME`.
    pub name: String,
    /// Policy file, or `guard:NAME`.
    pub file: String,
    /// 0 for guards.
    pub line: u32,
    /// 1 to 65535, or [`GUARD`].
    pub priority: u32,
    /// Where its `to` stands, for fixes; 0 for guards.
    pub to_line: u32,
}

impl Decider {
    pub fn is_guard(&self) -> bool {
        self.priority == GUARD
    }

    /// For messages: `inspect-llm (policies/a.yaml:3)`.
    pub fn place(&self) -> String {
        if self.is_guard() {
            self.name.clone()
        } else {
            format!("{} ({}:{})", self.name, self.file, self.line)
        }
    }
}

/// What one decider wants of one family: destinations × sources × region.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Intent {
    pub decider: u32,
    pub afi: Afi,
    /// Sorted and disjoint; `None` is any.
    pub destinations: Option<Vec<Evidence>>,
    /// Sorted and disjoint; `None` is any.
    pub sources: Option<Vec<Net>>,
    pub region: Region,
    /// Place in [`Intents::actions`].
    pub action: u32,
    /// Place in [`Intents::meanings`]: policies of equal priority may overlap where it is the same.
    pub means: u32,
}

/// All of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Intents {
    pub deciders: Vec<Decider>,
    pub intents: Vec<Intent>,
    /// Distinct lists of actions; the first accepts.
    pub actions: Vec<Vec<Action>>,
    /// What is done, as policies say it: where proxies share a redirect, to their pool, with the
    /// actions of its first proxy.
    pub meanings: Vec<(Option<String>, Vec<Action>)>,
}

impl Intents {
    pub fn decider(&self, index: u32) -> &Decider {
        &self.deciders[index as usize]
    }

    /// The number of a list of actions.
    pub fn action(&mut self, actions: Vec<Action>) -> u32 {
        place(&mut self.actions, actions)
    }

    /// The number of what is meant; with the pool whose proxies share it.
    pub fn meaning(&mut self, shared_by: Option<&Pool>, actions: &[Action]) -> u32 {
        let pool = shared_by.map(|pool| pool.name.clone());
        place(&mut self.meanings, (pool, actions.to_vec()))
    }
}

fn place<T: PartialEq>(known: &mut Vec<T>, one: T) -> u32 {
    let place = known.iter().position(|known| *known == one);
    let place = place.unwrap_or_else(|| {
        known.push(one);
        known.len() - 1
    });
    place as u32
}

impl Intent {
    pub fn destination_nets(&self) -> Vec<Net> {
        self.destinations
            .as_ref()
            .map_or_else(|| vec![Net::ANY], |all| all.iter().map(|e| e.net).collect())
    }

    pub fn source_nets(&self) -> Vec<Net> {
        self.sources.clone().unwrap_or_else(|| vec![Net::ANY])
    }

    /// Whether a packet is meant.
    pub fn matches(&self, packet: &Packet) -> bool {
        let address = |address| Net { bits: bits_of(address), length: 128 };
        let family = |address: std::net::IpAddr| match address {
            std::net::IpAddr::V4(_) => Afi::Ipv4,
            std::net::IpAddr::V6(_) => Afi::Ipv6,
        };
        if family(packet.source) != self.afi || family(packet.destination) != self.afi {
            return false;
        }
        let (to, from) = (address(packet.destination), address(packet.source));
        self.destinations.as_ref().is_none_or(|all| all.iter().any(|e| e.net.contains(to)))
            && self.sources.as_ref().is_none_or(|all| all.iter().any(|net| net.contains(from)))
            && Field::ALL.into_iter().all(|f| self.region.get(f).contains(value(packet, f)))
    }
}

/// The value of a field of a packet.
fn value(packet: &Packet, field: Field) -> u32 {
    let protocol = u32::from(packet.protocol);
    let ports = matches!(protocol, TCP | UDP) && !packet.fragment.offset;
    let port = |port: Option<u16>| port.filter(|_| ports).map_or(ABSENT, u32::from);
    match field {
        Field::Protocol => protocol,
        Field::DestinationPort => port(packet.destination_port),
        Field::SourcePort => port(packet.source_port),
        Field::TcpFlags => match packet.tcp_flags {
            Some(flags) if protocol == TCP && ports => u32::from(flags & 0xff),
            _ => ABSENT,
        },
        Field::Length => packet.length.into(),
        Field::Dscp => u32::from(packet.dscp & 63),
        Field::Fragment => {
            let bit = |holds: bool, value| if holds { value } else { 0 };
            let dont = packet.fragment.dont && packet.source.is_ipv4();
            bit(packet.fragment.more, fragment::MORE)
                | bit(packet.fragment.offset, fragment::OFFSET)
                | bit(dont, fragment::DONT)
        }
    }
}
