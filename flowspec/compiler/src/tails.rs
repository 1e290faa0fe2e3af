//! Regions that fit one rule each, as small numbers.
//!
//! A plan has many rules and few *tails*: what stands behind the two prefixes. Tails are interned,
//! so that comparing two of them is a look into a table.

use std::cmp::Ordering;
use std::collections::HashMap;

use sark_flowspec::{Afi, Component, Nlri, NlriError, NumericItem, NumericOp};

use crate::Profile;
use crate::bits;
use crate::ranges::Ranges;
use crate::region::{Field, Region};
use crate::split::split;

/// All tails of one family.
#[derive(Debug)]
pub(crate) struct Tails {
    afi: Afi,
    profile: Profile,
    list: Vec<Tail>,
    by_region: HashMap<Region, u32>,
    pieces: HashMap<Region, Vec<u32>>,
    relations: Vec<u8>,
    stride: usize,
}

#[derive(Debug)]
struct Tail {
    region: Region,
    narrow: Region,
    /// Without the two prefixes; `None` when nothing is left.
    nlri: Option<Nlri>,
}

const KNOWN: u8 = 1;
const OVERLAP: u8 = 2;
const INCLUDES: u8 = 4;
/// Above this many tails relations are computed each time.
const TABLE: usize = 2048;

impl Tails {
    pub fn new(afi: Afi, profile: &Profile) -> Self {
        Self {
            afi,
            profile: profile.clone(),
            list: Vec::new(),
            by_region: HashMap::new(),
            pieces: HashMap::new(),
            relations: Vec::new(),
            stride: 0,
        }
    }

    /// The tails that together hold a region's packets, disjoint.
    pub fn pieces(&mut self, region: &Region) -> Result<Vec<u32>, NlriError> {
        if let Some(known) = self.pieces.get(region) {
            return Ok(known.clone());
        }
        let mut out = Vec::new();
        for piece in split(region, &self.profile, self.afi == Afi::Ipv6) {
            out.push(self.intern(piece)?);
        }
        self.pieces.insert(region.clone(), out.clone());
        Ok(out)
    }

    fn intern(&mut self, region: Region) -> Result<u32, NlriError> {
        if let Some(&known) = self.by_region.get(&region) {
            return Ok(known);
        }
        let components: Vec<Component> = Field::ALL
            .into_iter()
            .filter_map(|field| component(&region, field, self.afi))
            .collect();
        let nlri = match components.is_empty() {
            true => None,
            false => Some(Nlri::new(self.afi, components)?.canonical()),
        };
        let tail = self.list.len() as u32;
        self.by_region.insert(region.clone(), tail);
        self.list.push(Tail { narrow: region.narrowed(), region, nlri });
        Ok(tail)
    }

    pub fn region(&self, tail: u32) -> &Region {
        &self.list[tail as usize].region
    }

    /// See [`Region::narrowed`].
    pub fn narrow(&self, tail: u32) -> &Region {
        &self.list[tail as usize].narrow
    }

    pub fn components(&self, tail: u32) -> &[Component] {
        self.list[tail as usize].nlri.as_ref().map_or(&[], |nlri| nlri.components())
    }

    /// Section 5.1 among rules with equal prefixes: more components before fewer.
    pub fn order(&self, a: u32, b: u32) -> Ordering {
        if a == b {
            return Ordering::Equal;
        }
        match (&self.list[a as usize].nlri, &self.list[b as usize].nlri) {
            (Some(a), Some(b)) => a.cmp(b),
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
        }
    }

    /// The first field that both say and in which `along` has some, but not all, of `whole`.
    pub fn divides(&self, along: u32, whole: u32) -> Option<Field> {
        let (along, whole) = (self.region(along), self.region(whole));
        Field::ALL.into_iter().filter(|&field| along.has(field) && whole.has(field)).find(
            |&field| {
                let (part, all) = (along.get(field), whole.get(field));
                !part.includes(all) && !part.intersect(all).is_empty()
            },
        )
    }

    pub fn overlap(&mut self, a: u32, b: u32) -> bool {
        self.relation(a, b) & OVERLAP != 0
    }

    /// Whether every packet of `b` is in `a`.
    pub fn includes(&mut self, a: u32, b: u32) -> bool {
        self.relation(a, b) & INCLUDES != 0
    }

    fn relation(&mut self, a: u32, b: u32) -> u8 {
        if a == b {
            return KNOWN | OVERLAP | INCLUDES;
        }
        let (i, j) = (a as usize, b as usize);
        if self.list.len() > TABLE {
            return self.relate(a, b);
        }
        if self.stride < self.list.len() {
            self.stride = self.list.len().next_power_of_two().max(64);
            self.relations = vec![0; self.stride * self.stride];
        }
        let at = i * self.stride + j;
        if self.relations[at] == 0 {
            self.relations[at] = self.relate(a, b);
        }
        self.relations[at]
    }

    fn relate(&self, a: u32, b: u32) -> u8 {
        let overlap = !self.region(a).intersect(self.region(b)).is_empty();
        let includes = overlap && self.region(a).includes(self.narrow(b));
        KNOWN | if overlap { OVERLAP } else { 0 } | if includes { INCLUDES } else { 0 }
    }
}

/// The component of a field; `None` when the region has none, or one that says nothing.
fn component(region: &Region, field: Field, afi: Afi) -> Option<Component> {
    let set = region.component(field)?;
    let v6 = afi == Afi::Ipv6;
    Some(match field {
        Field::Protocol => Component::Protocol(items(set)),
        Field::DestinationPort => Component::DestinationPort(items(set)),
        Field::SourcePort => Component::SourcePort(items(set)),
        Field::Length => Component::PacketLength(items(set)),
        Field::Dscp => Component::Dscp(items(set)),
        Field::TcpFlags => {
            // Pieces are cubes; anything else is caught by the proof.
            let (on, off) = bits::cube(set).unwrap_or((0, 0));
            Component::TcpFlags(bits::flag_items(on, off))
        }
        Field::Fragment => {
            let groups = bits::fragment_items(set, v6).unwrap_or_default();
            Component::Fragment(groups.concat())
        }
    })
}

fn items(set: &Ranges) -> Vec<NumericItem> {
    set.iter()
        .flat_map(|(first, last)| {
            let item = |op, value: u32| NumericItem::new(op, value.into());
            match first == last {
                true => vec![item(NumericOp::Equal, first)],
                false => vec![
                    item(NumericOp::GreaterOrEqual, first),
                    item(NumericOp::LessOrEqual, last).and(),
                ],
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
