//! Ranges that cover the address space, each with a value: which one holds an address?
//!
//! A binary search among a million ranges waits for memory twenty times, a trie once for each of its
//! levels. Here a node cuts its part of the address space into equal slots, about one for each of its
//! ranges; a slot leads to a few ranges or, where they crowd, to another node. An address is two or
//! three waits away, whatever the distribution. Built once, never changed.

use crate::key::Key;

/// Ranges looked at in the last step, all of them always: no branch to guess wrong.
const FEW: usize = 4;
/// Ranges that a node is made for; beyond, slots hold nodes.
const MOST: usize = 1 << 20;
/// Slots of a node whose ranges crowd: it only leads to the crowds, and stays in the nearest cache.
const COARSE: usize = 1 << 12;

/// Ranges of addresses of one family.
#[derive(Debug)]
pub(crate) struct Ranges<K: Key, V> {
    /// In order; behind them the last again, `FEW` times.
    starts: Vec<Start<K, V>>,
    /// The first is the root.
    nodes: Vec<Node<K>>,
    /// The first range that begins in a slot or after it, or `SPLIT` and the node that splits it.
    slots: Vec<u32>,
}

/// First address and value of a range.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start<K: Key, V> {
    first: K::Kept,
    pub value: V,
}

/// A part of the address space, from `first`, in slots of 2^`shift` addresses.
#[derive(Debug, Clone, Copy)]
struct Node<K> {
    first: K,
    shift: u8,
    /// Place of its first slot.
    slot: u32,
    /// Its slots, less one; the last one goes on to the end.
    last: u32,
}

const SPLIT: u32 = 1 << 31;

impl<K: Key, V> Start<K, V> {
    pub fn new(first: K, value: V) -> Self {
        Self { first: first.keep(), value }
    }

    #[inline]
    pub fn first(&self) -> K {
        K::of(self.first)
    }
}

impl<K: Key, V: Copy> Ranges<K, V> {
    /// Of ranges with ascending first addresses, without repetition.
    pub fn build(mut starts: Vec<Start<K, V>>) -> Self {
        let mut ranges = Self { starts: Vec::new(), nodes: Vec::new(), slots: Vec::new() };
        ranges.node(&starts, 0);
        starts.reserve_exact(FEW);
        if let Some(&last) = starts.last() {
            starts.extend([last; FEW]);
        }
        starts.shrink_to_fit();
        ranges.starts = starts;
        ranges.nodes.shrink_to_fit();
        ranges.slots.shrink_to_fit();
        ranges
    }

    /// Adds the node of these ranges, the first of which lies at `place`, and all below it; its
    /// place. First and last never share a slot, so a node below has fewer ranges and a shift less
    /// by at least three: 43 levels are the most.
    fn node(&mut self, starts: &[Start<K, V>], place: usize) -> u32 {
        let number = narrow(self.nodes.len());
        let [first, .., last] = starts else {
            // One range or none.
            let slot = narrow(self.slots.len());
            self.slots.push(narrow(place));
            self.nodes.push(Node { first: K::ZERO, shift: 0, slot, last: 0 });
            return number;
        };
        let (first, last) = (first.first(), last.first());
        let shift_for =
            |most| (0..128).find(|&shift| last.steps(first, shift) < most).unwrap_or(127);
        let groups = |shift| {
            let step = move |start: &Start<K, V>| start.first().steps(first, shift);
            starts.chunk_by(move |a, b| step(a) == step(b))
        };
        // Under 128: the distance of the last from the first has at most 128 bits.
        let mut shift = shift_for(2 * starts.len().min(MOST));
        // Equal slots suit ranges that lie evenly. IPv6 is used in a few corners: cut those out
        // first, and each gets slots of its own.
        let crowded: usize = groups(shift).map(<[_]>::len).filter(|&len| len > FEW).sum();
        if crowded > starts.len() / 2 {
            shift = shift.max(shift_for(COARSE));
        }
        let slots = last.steps(first, shift);
        let slot = self.slots.len();
        self.nodes.push(Node { first, shift, slot: narrow(slot), last: narrow(slots) });
        self.slots.resize(slot + slots + 1, narrow(place));
        let mut at = place;
        let mut filled = slot;
        for group in groups(shift) {
            let Some(start) = group.first() else { continue };
            let index = slot + start.first().steps(first, shift);
            let content = if group.len() > FEW { SPLIT | self.node(group, at) } else { narrow(at) };
            if let Some(empty) = self.slots.get_mut(filled..index) {
                empty.fill(narrow(at));
            }
            if let Some(slot) = self.slots.get_mut(index) {
                *slot = content;
            }
            (at, filled) = (at + group.len(), index + 1);
        }
        number
    }

    /// Octets it takes.
    pub fn octets(&self) -> usize {
        size_of_val(&*self.starts) + size_of_val(&*self.nodes) + size_of_val(&*self.slots)
    }

    /// The value of the range that holds the address; `None` before the first.
    #[inline]
    pub fn find(&self, address: K) -> Option<V> {
        let mut node = self.nodes.first()?;
        loop {
            // An address before the node's first range belongs to the range before that one.
            let index = address.steps(node.first, node.shift).min(node.last as usize);
            let slot = *self.slots.get(node.slot as usize + index)?;
            if slot & SPLIT != 0 {
                node = self.nodes.get((slot & !SPLIT) as usize)?;
                continue;
            }
            let at = slot as usize;
            let here = self.starts.get(at..)?.first_chunk::<FEW>()?;
            // Those of the next slots, if there are fewer in this one, begin later.
            let begun: usize = here.iter().map(|start| usize::from(start.first() <= address)).sum();
            return self.starts.get((at + begun).checked_sub(1)?).map(|start| start.value);
        }
    }
}

/// Places are kept in 31 bits: that many ranges would take over 30 GB, and would not be found.
fn narrow(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::btree_map, prelude::*};

    use super::*;

    fn naive<K: Key>(starts: &std::collections::BTreeMap<K, u32>, address: K) -> Option<u32> {
        starts.range(..=address).next_back().map(|(_, number)| *number)
    }

    fn check<K: Key>(
        starts: &std::collections::BTreeMap<K, u32>,
        others: &[K],
        step: fn(K, bool) -> K,
    ) {
        let ranges =
            Ranges::build(starts.iter().map(|(first, value)| Start::new(*first, *value)).collect());
        let edges = starts.keys().flat_map(|&start| [start, step(start, true), step(start, false)]);
        for address in edges.chain(others.iter().copied()).chain([K::ZERO]) {
            assert_eq!(ranges.find(address), naive(starts, address), "{address:?}");
        }
    }

    fn step4(address: u32, up: bool) -> u32 {
        if up { address.wrapping_add(1) } else { address.wrapping_sub(1) }
    }

    fn step6(address: u128, up: bool) -> u128 {
        if up { address.wrapping_add(1) } else { address.wrapping_sub(1) }
    }

    /// Crowded and thin: a random number shifted down by a random amount.
    fn crowded4() -> impl Strategy<Value = u32> {
        (any::<u32>(), 0..32u32, any::<bool>())
            .prop_map(|(bits, shift, high)| (bits >> shift) | (u32::from(high) << 31))
    }

    fn crowded6() -> impl Strategy<Value = u128> {
        (any::<u128>(), 0..128u32, any::<bool>())
            .prop_map(|(bits, shift, high)| (bits >> shift) | (u128::from(high) << 127))
    }

    proptest! {
        #[test]
        fn finds_what_a_map_finds(
            four in btree_map(crowded4(), 0..9u32, 0..300), other4: [u32; 20],
            six in btree_map(crowded6(), 0..9u32, 0..300), other6: [u128; 20],
        ) {
            check(&four, &other4, step4);
            check(&six, &other6, step6);
        }
    }

    #[test]
    fn ranges_as_crowded_as_can_be_are_found() {
        // Each power of two: half of what is left lies in the first slot, again and again.
        let powers = (0..128).map(|bit| (1u128 << bit, bit)).collect();
        check(&powers, &[u128::MAX], step6);
        let next_to_each_other = (0..5000).map(|at| (u32::MAX - at, at)).collect();
        check(&next_to_each_other, &[], step4);
        // Two crowds at the ends.
        let ends = (0..2000u32).flat_map(|at| [(at, at), (u32::MAX - at, at)]).collect();
        check(&ends, &[1 << 31], step4);
        // Many corners of a large space, each large, with a crowd in one of them.
        let corner = |at: u128| (at % 6) << 120 | (at * 0x9e37_79b9_7f4a_7c15 % (1 << 64)) << 40;
        let corners = (0..6000).map(|at| (corner(at), at as u32));
        let crowd = (0..500).map(|at| (corner(3) + at, at as u32));
        check(&corners.chain(crowd).collect(), &[u128::MAX, 7 << 120, 1 << 119], step6);
        check(&std::collections::BTreeMap::new(), &[0u32, u32::MAX], step4);
        check(&[(0u128, 5)].into(), &[u128::MAX], step6);
    }
}
