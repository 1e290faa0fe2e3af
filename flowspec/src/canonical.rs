//! The one form of a rule that is announced.

use crate::iana::{MAX_NLRI_BODY, tcp};
use crate::item::Item;
use crate::{Afi, BitmaskItem, Component, ComponentType, Nlri, NumericItem, NumericOp, Width};

impl Nlri {
    /// The one form that is announced: shortest widths, items sorted and merged, same packets.
    ///
    /// The values that a numeric component matches become ascending, disjoint, non-adjacent `=V`,
    /// `<=V`, `>=V` and `>=V&<=V`: `=81|=80` is `>=80&<=81`, `!=80` is `<=79|>=81`. A component
    /// that matches whatever the field's value is `>=0`, one that never matches `<0`; the operators
    /// for true and false, which speakers confuse, do not occur. Bitmask items are sorted, repeated
    /// ones are dropped, and those that are always or never true are folded (`=0`, `0`).
    /// Components are kept: `port >=0` still wants a packet with ports.
    ///
    /// The one exception is a rule whose ranges would not fit into one NLRI (many `!=`): its
    /// components keep their own items where these are shorter, with shortest widths.
    #[must_use]
    pub fn canonical(&self) -> Self {
        let afi = self.afi();
        let merged: Vec<Component> =
            self.components().iter().map(|c| rewrite(afi, c, merge)).collect();
        let nlri = Self::from_checked(afi, merged);
        if nlri.body_len() <= MAX_NLRI_BODY {
            return nlri;
        }
        let shorter = |(merged, own): (&Component, &Component)| {
            let plain = rewrite(afi, own, shorten);
            if plain.octets() < merged.octets() { plain } else { merged.clone() }
        };
        let components = nlri.components().iter().zip(self.components()).map(shorter).collect();
        Self::from_checked(afi, components)
    }
}

fn rewrite(
    afi: Afi,
    component: &Component,
    numeric: fn(ComponentType, u64, &[NumericItem]) -> Vec<NumericItem>,
) -> Component {
    let kind = component.component_type();
    let max = kind.max_value(afi);
    match component {
        Component::Destination(prefix) => Component::Destination(*prefix),
        Component::Source(prefix) => Component::Source(*prefix),
        Component::Protocol(items) => Component::Protocol(numeric(kind, max, items)),
        Component::Port(items) => Component::Port(numeric(kind, max, items)),
        Component::DestinationPort(items) => Component::DestinationPort(numeric(kind, max, items)),
        Component::SourcePort(items) => Component::SourcePort(numeric(kind, max, items)),
        Component::IcmpType(items) => Component::IcmpType(numeric(kind, max, items)),
        Component::IcmpCode(items) => Component::IcmpCode(numeric(kind, max, items)),
        Component::PacketLength(items) => Component::PacketLength(numeric(kind, max, items)),
        Component::Dscp(items) => Component::Dscp(numeric(kind, max, items)),
        Component::FlowLabel(items) => Component::FlowLabel(numeric(kind, max, items)),
        Component::TcpFlags(items) => Component::TcpFlags(bitmask(items)),
        Component::Fragment(items) => Component::Fragment(bitmask(items)),
    }
}

/// Runs of items of which all must hold: an item without the AND bit starts one.
fn groups<I: Item>(items: &[I]) -> impl Iterator<Item = &[I]> {
    items.chunk_by(|_, next| next.and_bit())
}

/// The values in `0..=max` for which the items hold (RFC 8955 section 4.2.1.1): ascending, disjoint and not
/// adjacent ranges, ends included.
#[must_use]
pub fn ranges(items: &[NumericItem], max: u64) -> Vec<(u64, u64)> {
    let mut ranges = Vec::new();
    for group in groups(items) {
        push_group(group, max, &mut ranges);
    }
    ranges.sort_unstable();
    let mut merged: Vec<(u64, u64)> = Vec::with_capacity(ranges.len());
    for (low, high) in ranges {
        match merged.last_mut() {
            Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
            _ => merged.push((low, high)),
        }
    }
    merged
}

/// [`ranges`], written as items.
fn merge(kind: ComponentType, max: u64, items: &[NumericItem]) -> Vec<NumericItem> {
    let merged = ranges(items, max);
    let item = |op, value| {
        let width = kind.canonical_width(value);
        NumericItem { width, ..NumericItem::new(op, value) }
    };
    let mut out = Vec::with_capacity(2 * merged.len());
    for (low, high) in merged {
        match (low, high) {
            _ if low == high => out.push(item(NumericOp::Equal, low)),
            (0, _) if high == max => out.push(item(NumericOp::GreaterOrEqual, 0)),
            (0, _) => out.push(item(NumericOp::LessOrEqual, high)),
            _ if high == max => out.push(item(NumericOp::GreaterOrEqual, low)),
            _ => out.extend([
                item(NumericOp::GreaterOrEqual, low),
                item(NumericOp::LessOrEqual, high).and(),
            ]),
        }
    }
    if out.is_empty() {
        out.push(item(NumericOp::Less, 0));
    }
    out
}

/// Adds the ranges of one AND group: the bounds of its comparisons, less the values it excludes.
fn push_group(group: &[NumericItem], max: u64, ranges: &mut Vec<(u64, u64)>) {
    let (mut low, mut high) = (0, max);
    let mut excluded = Vec::new();
    for item in group {
        let value = item.value;
        match item.op {
            NumericOp::True => {}
            NumericOp::NotEqual => excluded.push(value),
            NumericOp::Equal => (low, high) = (low.max(value), high.min(value)),
            NumericOp::GreaterOrEqual => low = low.max(value),
            NumericOp::LessOrEqual => high = high.min(value),
            NumericOp::Greater if value < max => low = low.max(value + 1),
            NumericOp::Less if value > 0 => high = high.min(value - 1),
            NumericOp::Greater | NumericOp::Less | NumericOp::False => return,
        }
    }
    excluded.sort_unstable();
    for value in excluded {
        if value < low || value > high {
            continue;
        }
        if low < value {
            ranges.push((low, value - 1));
        }
        low = value + 1;
    }
    if low <= high {
        ranges.push((low, high));
    }
}

/// The items as they are, in shortest widths and with values that the field can have.
fn shorten(_: ComponentType, max: u64, items: &[NumericItem]) -> Vec<NumericItem> {
    let always = (NumericOp::GreaterOrEqual, 0);
    let never = (NumericOp::Less, 0);
    let shorten = |item: &NumericItem| {
        let (op, value) = match item.op {
            NumericOp::True => always,
            NumericOp::False => never,
            NumericOp::Less | NumericOp::LessOrEqual | NumericOp::NotEqual if item.value > max => {
                always
            }
            _ if item.value > max => never,
            op => (op, item.value),
        };
        NumericItem { and: item.and, op, value, width: Width::shortest(value) }
    };
    items.iter().map(shorten).collect()
}

/// What a bitmask item comes to.
enum Truth {
    Always,
    Never,
    Depends(BitmaskItem),
}

fn truth(item: &BitmaskItem) -> Truth {
    // The data offset is read as zero, so such bits are never set in a packet. Fragment bits are
    // below them, and reserved ones have been masked by the decoder.
    let known = item.value & u64::from(tcp::ALL);
    let fixed = if item.all {
        if known != item.value { Some(false) } else { (known == 0).then_some(true) }
    } else {
        (known == 0).then_some(false)
    };
    match fixed {
        Some(fixed) if fixed != item.not => Truth::Always,
        Some(_) => Truth::Never,
        None => Truth::Depends(BitmaskItem {
            and: false,
            value: known,
            width: Width::shortest(known),
            ..*item
        }),
    }
}

fn bitmask(items: &[BitmaskItem]) -> Vec<BitmaskItem> {
    let mut kept: Vec<Vec<BitmaskItem>> = Vec::new();
    'groups: for group in groups(items) {
        let mut all = Vec::with_capacity(group.len());
        for item in group {
            match truth(item) {
                Truth::Always => {}
                Truth::Never => continue 'groups,
                Truth::Depends(item) => all.push(item),
            }
        }
        if all.is_empty() {
            return vec![BitmaskItem::all(0)];
        }
        all.sort_unstable_by_key(key);
        all.dedup();
        kept.push(all);
    }
    kept.sort_unstable_by_key(|group| group.iter().map(key).collect::<Vec<_>>());
    kept.dedup();
    let mut out: Vec<BitmaskItem> = Vec::with_capacity(items.len());
    for group in kept {
        let first = out.len();
        out.extend(group);
        for item in out.iter_mut().skip(first + 1) {
            item.and = true;
        }
    }
    if out.is_empty() {
        out.push(BitmaskItem::any(0));
    }
    out
}

fn key(item: &BitmaskItem) -> (u64, bool, bool) {
    (item.value, item.not, item.all)
}
