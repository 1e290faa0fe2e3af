//! That the rules do what the policies mean, checked apart from how they were made.
//!
//! Works on what will be announced: regions are read back from the components, and the order is
//! that of [`Nlri`]'s `Ord`. Holding for every packet follows from four statements:
//!
//! 1. a rule matches only packets of the policy that it is for, and has that policy's actions;
//! 2. what a policy matches, some rule matches, or it belongs to a higher policy;
//! 3. where a rule and a policy of higher priority and other action overlap, the packets of both
//!    are matched by an earlier rule, or belong to a policy that is higher still;
//! 4. policies of equal priority that overlap mean the same ([`crate::tie`]): they do the same, or
//!    redirect to proxies of one pool, each of which will do.
//!
//! Take the first rule that matches a packet, and the highest policy that does. If the rule's is not
//! as high, then by 1 the policy is above it; by 3 an earlier rule matches or a higher policy does:
//! neither can be. If it is as high, it does what is meant by 1 and 4.

use std::collections::HashMap;

use sark_flowspec::{
    BitmaskItem, Component, ComponentType, Fragment, Nlri, NumericItem, NumericOp, PrefixMatch,
};

use crate::grid::Grid;
use crate::intent::{GUARD, Intents};
use crate::net::Net;
use crate::order::{Board, Common, Rule};
use crate::ranges::Ranges;
use crate::region::{Field, Region, fragment};

/// A statement that does not hold: which rule, against which decider, with a common packet.
#[derive(Debug)]
pub(crate) struct Broken {
    pub statement: &'static str,
    pub high: u32,
    pub low: u32,
    pub example: Common,
}

/// One destination × one source of an intent.
#[derive(Debug, Clone, Copy)]
struct Piece {
    intent: u32,
    destination: u32,
    source: u32,
    priority: u32,
    action: u32,
    decider: u32,
}

struct Proof<'a> {
    board: &'a mut Board,
    placed: &'a [(Rule, Nlri)],
    intents: &'a Intents,
    regions: HashMap<u32, Region>,
    /// Positions of rules, and pieces, by destination.
    rules_at: Grid<u32>,
    pieces_at: Grid<Piece>,
    /// By tail and intent: known, overlap, tail includes intent, intent includes tail.
    relations: HashMap<(u32, u32), [bool; 3]>,
}

/// `placed` in the routers' order.
pub(crate) fn prove(
    board: &mut Board,
    placed: &[(Rule, Nlri)],
    intents: &Intents,
) -> Result<(), Broken> {
    let mut proof = Proof {
        rules_at: Grid::new(&board.destinations),
        pieces_at: Grid::new(&board.destinations),
        board,
        placed,
        intents,
        regions: HashMap::new(),
        relations: HashMap::new(),
    };
    proof.read()?;
    proof.lay_out();
    proof.rules_within_policies()?;
    proof.policies_within_rules()?;
    proof.order()
}

impl Proof<'_> {
    /// The rules' prefixes and regions, from their components.
    fn read(&mut self) -> Result<(), Broken> {
        let v6 = self.board.afi == sark_flowspec::Afi::Ipv6;
        let mut earlier: Option<&Nlri> = None;
        for (rule, nlri) in self.placed {
            let prefix = |kind| match nlri.get(kind) {
                Some(Component::Destination(prefix) | Component::Source(prefix)) => net(prefix),
                _ => Net::ANY,
            };
            let tail = nlri.components().iter().skip_while(|component| {
                matches!(component, Component::Destination(_) | Component::Source(_))
            });
            let holds = earlier.is_none_or(|earlier| earlier < nlri)
                && prefix(ComponentType::Destination)
                    == self.board.destinations.net(rule.destination)
                && prefix(ComponentType::Source) == self.board.sources.net(rule.source)
                && tail.eq(self.board.tails.components(rule.tail));
            earlier = Some(nlri);
            if !(holds && self.read_tail(rule.tail, v6)) {
                return Err(self.broken("its components say something else", rule.decider, rule));
            }
        }
        Ok(())
    }

    /// Whether the components of a tail say its region.
    fn read_tail(&mut self, tail: u32, v6: bool) -> bool {
        if self.regions.contains_key(&tail) {
            return true;
        }
        let mut region = Region::all(v6);
        for component in self.board.tails.components(tail) {
            match read(component, v6) {
                Some((field, set)) => region = region.with(field, set),
                None => return false,
            }
        }
        let meant = self.board.tails.region(tail);
        let same = Field::ALL.into_iter().all(|field| region.get(field) == meant.get(field));
        self.regions.insert(tail, region);
        same
    }

    fn lay_out(&mut self) {
        for (position, (rule, _)) in (0..).zip(self.placed) {
            self.rules_at.push(rule.destination, rule.source, position);
        }
        for (place, intent) in (0u32..).zip(&self.intents.intents) {
            if intent.afi != self.board.afi {
                continue;
            }
            let sources: Vec<u32> =
                intent.source_nets().into_iter().map(|net| self.board.sources.find(net)).collect();
            for net in intent.destination_nets() {
                let destination = self.board.destinations.find(net);
                for &source in &sources {
                    let piece = Piece {
                        intent: place,
                        destination,
                        source,
                        priority: self.intents.decider(intent.decider).priority,
                        action: intent.action,
                        decider: intent.decider,
                    };
                    self.pieces_at.push(destination, source, piece);
                }
            }
        }
    }

    /// Statement 1.
    fn rules_within_policies(&mut self) -> Result<(), Broken> {
        for (rule, _) in self.placed {
            let intent = &self.intents.intents[rule.intent as usize];
            let inside = |nets: &[Net], net: Net| {
                let after = nets.partition_point(|known| known.bits <= net.bits);
                // Sorted and disjoint: only the last that begins before can hold it.
                after.checked_sub(1).is_some_and(|at| nets[at].contains(net))
            };
            let to = self.board.destinations.net(rule.destination);
            let from = self.board.sources.net(rule.source);
            let to_ok = intent.destinations.as_ref().is_none_or(|all| {
                let after = all.partition_point(|known| known.net.bits <= to.bits);
                after.checked_sub(1).is_some_and(|at| all[at].net.contains(to))
            });
            let holds = to_ok
                && intent.sources.as_ref().is_none_or(|all| inside(all, from))
                && self.relation(rule.tail, rule.intent)[2]
                && intent.action == rule.action
                && intent.decider == rule.decider;
            if !holds {
                return Err(self.broken("it matches more than its policy", rule.decider, rule));
            }
        }
        Ok(())
    }

    /// Statement 2.
    fn policies_within_rules(&mut self) -> Result<(), Broken> {
        let pieces: Vec<Piece> = self.pieces_at.iter().map(|(_, _, piece)| piece).collect();
        for piece in pieces {
            if piece.priority == GUARD || self.has_rule(&piece) {
                continue;
            }
            let region = self.intents.intents[piece.intent as usize].region.clone();
            if !self.covered(&region, piece.destination, piece.source, u32::MAX, piece.priority) {
                return Err(Broken {
                    statement: "some of its packets have no rule",
                    high: piece.decider,
                    low: piece.decider,
                    example: Box::new((
                        self.board.destinations.net(piece.destination),
                        self.board.sources.net(piece.source),
                        region,
                    )),
                });
            }
        }
        Ok(())
    }

    /// The common case of statement 2: one rule says it all.
    fn has_rule(&mut self, piece: &Piece) -> bool {
        let here = self.rules_at.holding(&self.board.sources, piece.destination, piece.source);
        let here: Vec<u32> = here.collect();
        here.into_iter()
            .any(|position| self.relation(self.placed[position as usize].0.tail, piece.intent)[1])
    }

    /// Statement 3.
    fn order(&mut self) -> Result<(), Broken> {
        // Policies whose destination holds the rule's.
        for position in 0..self.placed.len() as u32 {
            let rule = self.placed[position as usize].0;
            let chain = self.board.destinations.chain(rule.destination);
            let met: Vec<Piece> = chain
                .flat_map(|node| self.pieces_at.meeting(&self.board.sources, node, rule.source))
                .collect();
            for piece in met {
                self.pair(&piece, &rule, position)?;
            }
        }
        // Policies whose destination lies in the rule's.
        let pieces: Vec<Piece> = self.pieces_at.iter().map(|(_, _, piece)| piece).collect();
        for piece in pieces {
            let outer = self.board.destinations.chain(piece.destination).skip(1);
            let met: Vec<u32> = outer
                .filter(|&node| !self.rules_at.is_empty_at(node))
                .flat_map(|node| self.rules_at.meeting(&self.board.sources, node, piece.source))
                .collect();
            for position in met {
                let rule = self.placed[position as usize].0;
                self.pair(&piece, &rule, position)?;
            }
        }
        Ok(())
    }

    fn pair(&mut self, high: &Piece, low: &Rule, position: u32) -> Result<(), Broken> {
        if high.priority <= low.priority
            || high.action == low.action
            || !self.relation(low.tail, high.intent)[0]
        {
            return Ok(());
        }
        // Of places in pre-order that nest, the greater is the deeper.
        let destination = high.destination.max(low.destination);
        let source = high.source.max(low.source);
        let chain = self.board.destinations.chain(destination);
        let earlier: Vec<u32> = chain
            .flat_map(|node| self.rules_at.holding(&self.board.sources, node, source))
            .filter(|&earlier| earlier < position)
            .collect();
        for earlier in earlier {
            let tail = self.placed[earlier as usize].0.tail;
            if self.board.tails.includes(tail, low.tail) || self.relation(tail, high.intent)[1] {
                return Ok(());
            }
        }
        let region = self.intents.intents[high.intent as usize]
            .region
            .intersect(&self.regions[&low.tail])
            .narrowed();
        if self.covered(&region, destination, source, position, high.priority) {
            return Ok(());
        }
        Err(Broken {
            statement: "routers would evaluate them the wrong way round",
            high: high.decider,
            low: low.decider,
            example: Box::new((
                self.board.destinations.net(destination),
                self.board.sources.net(source),
                region,
            )),
        })
    }

    /// Whether rules before `position`, and policies above `priority`, hold all of it.
    fn covered(
        &self,
        region: &Region,
        destination: u32,
        source: u32,
        position: u32,
        priority: u32,
    ) -> bool {
        let mut covers = Vec::new();
        for node in self.board.destinations.chain(destination) {
            let sources = &self.board.sources;
            let rules = self.rules_at.holding(sources, node, source).filter(|&p| p < position);
            covers.extend(rules.map(|p| &self.regions[&self.placed[p as usize].0.tail]));
            let pieces = self.pieces_at.holding(sources, node, source);
            let pieces = pieces.filter(|piece| piece.priority > priority);
            covers.extend(pieces.map(|p| &self.intents.intents[p.intent as usize].region));
        }
        region.narrowed().uncovered(covers).is_empty()
    }

    /// Overlap; tail includes intent; intent includes tail.
    fn relation(&mut self, tail: u32, intent: u32) -> [bool; 3] {
        if let Some(known) = self.relations.get(&(tail, intent)) {
            return *known;
        }
        let (ours, theirs) = (&self.regions[&tail], &self.intents.intents[intent as usize].region);
        let relation = [
            !ours.intersect(theirs).is_empty(),
            ours.includes(&theirs.narrowed()),
            theirs.includes(&ours.narrowed()),
        ];
        self.relations.insert((tail, intent), relation);
        relation
    }

    fn broken(&self, statement: &'static str, high: u32, rule: &Rule) -> Broken {
        let region = self.board.tails.region(rule.tail).clone();
        let to = self.board.destinations.net(rule.destination);
        let from = self.board.sources.net(rule.source);
        Broken { statement, high, low: rule.decider, example: Box::new((to, from, region)) }
    }
}

fn net(prefix: &PrefixMatch) -> Net {
    // An offset pattern is never made; it would not equal the prefix that was meant.
    prefix.to_net().map_or(Net { bits: u128::MAX, length: 1 }, Net::from)
}

/// The set that a component says; `None` for what the compiler never makes.
fn read(component: &Component, v6: bool) -> Option<(Field, Ranges)> {
    let numeric = |field: Field, max: u32, items: &[NumericItem]| {
        let groups = items.chunk_by(|_, next| next.and);
        let ranges: Option<Vec<(u32, u32)>> = groups.map(|group| interval(group, max)).collect();
        Some((field, Ranges::of(ranges?)))
    };
    let holds = |items: &[BitmaskItem], data: u64| {
        items.chunk_by(|_, next| next.and).any(|group| {
            group.iter().all(|item| {
                let bits = data & item.value;
                let holds = if item.all { bits == item.value } else { bits != 0 };
                holds != item.not
            })
        })
    };
    let of = |values: &mut dyn Iterator<Item = u32>| Ranges::of(values.map(|v| (v, v)));
    match component {
        Component::Protocol(items) => numeric(Field::Protocol, 255, items),
        Component::DestinationPort(items) => numeric(Field::DestinationPort, 0xffff, items),
        Component::SourcePort(items) => numeric(Field::SourcePort, 0xffff, items),
        Component::PacketLength(items) => numeric(Field::Length, 0xffff, items),
        Component::Dscp(items) => numeric(Field::Dscp, 63, items),
        Component::TcpFlags(items) => {
            Some((Field::TcpFlags, of(&mut (0..256).filter(|v| holds(items, u64::from(*v))))))
        }
        Component::Fragment(items) => {
            let family = if v6 { sark_flowspec::Afi::Ipv6 } else { sark_flowspec::Afi::Ipv4 };
            let octet = |state: u32| {
                let bit = |bit| state & bit != 0;
                let fragment = Fragment {
                    dont: bit(fragment::DONT),
                    more: bit(fragment::MORE),
                    offset: bit(fragment::OFFSET),
                };
                fragment.bits(family)
            };
            let states = Field::Fragment.domain(v6);
            let set = of(&mut states.values().filter(|state| holds(items, octet(*state))));
            Some((Field::Fragment, set))
        }
        _ => None,
    }
}

fn interval(group: &[NumericItem], max: u32) -> Option<(u32, u32)> {
    let (mut first, mut last) = (0, max);
    for item in group {
        let value = u32::try_from(item.value).ok()?;
        match item.op {
            NumericOp::Equal => (first, last) = (first.max(value), last.min(value)),
            NumericOp::GreaterOrEqual => first = first.max(value),
            NumericOp::LessOrEqual => last = last.min(value),
            _ => return None,
        }
    }
    Some((first, last))
}

#[cfg(test)]
mod tests;
