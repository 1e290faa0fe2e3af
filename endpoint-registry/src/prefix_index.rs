//! Addresses → the prefixes that cover them, and who owns those.
//!
//! One index per family. The prefixes lie in one sorted array, where a prefix stands before those
//! inside it, and each knows the next wider one: the longest match is the head of a chain, and
//! nothing is copied. What most questions need fits in a few octets, what is rare lies apart: owners
//! after the first, and marks ([`Bits`]) for questions about few of the prefixes. [`Ranges`] finds the head; `benches/lpm.rs` measures it beside the tries of
//! iptrie, prefix-trie, poptrie and treebitmap: of ten thousand and of a million prefixes of either
//! family, it answers in at most two thirds of the time of the fastest of them.

use crate::{
    bits::Bits,
    key::Key,
    ranges::{Ranges, Start},
};

/// No entry.
const NONE: u32 = u32::MAX;

/// Prefixes of one family.
#[derive(Debug)]
pub(crate) struct PrefixIndex<K: Key> {
    ranges: Ranges<K, Head>,
    entries: Vec<Entry<K>>,
    /// Owners of an entry after its first, by entry.
    others: Vec<Owner>,
    /// First owners that do not fit in a tag, by entry.
    far: Vec<Owner>,
}

#[derive(Debug, Clone, Copy)]
struct Entry<K: Key> {
    network: K::Kept,
    /// The next wider prefix, or `NONE`.
    parent: u32,
    tag: Tag,
}

/// The longest match in a range, with what [`PrefixIndex::longest`] needs of its entry: the entry
/// itself would be another wait for memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    entry: u32,
    tag: Tag,
}

/// Length (8 bits), whether there are owners after the first (1), the first owner (23; `Tag::FAR` if
/// it does not fit).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tag(u32);

/// An endpoint that has the prefix of an entry.
#[derive(Debug, Clone, Copy)]
struct Owner {
    entry: u32,
    owner: u32,
}

/// A prefix and one of its owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hit<K> {
    pub network: K,
    pub length: u8,
    pub owner: u32,
}

impl Tag {
    const FAR: u32 = (1 << 23) - 1;
    const MORE: u32 = 1 << 23;

    fn new(length: u8, owner: u32) -> Self {
        Self(u32::from(length) << 24 | owner.min(Self::FAR))
    }

    #[inline]
    fn length(self) -> u8 {
        (self.0 >> 24) as u8
    }

    #[inline]
    fn owner(self) -> u32 {
        self.0 & Self::FAR
    }

    #[inline]
    fn has_more(self) -> bool {
        self.0 & Self::MORE != 0
    }
}

impl<K: Key> Entry<K> {
    #[inline]
    fn network(&self) -> K {
        K::of(self.network)
    }

    #[inline]
    fn length(&self) -> u8 {
        self.tag.length()
    }
}

impl<K: Key> PrefixIndex<K> {
    /// Of these prefixes (host bits zero) and owners, in any order.
    pub fn build(mut items: Vec<(K, u8, u32)>) -> Self {
        items.sort_unstable();
        items.dedup();
        let mut entries: Vec<Entry<K>> = Vec::with_capacity(items.len());
        let (mut others, mut far) = (Vec::new(), Vec::new());
        for (network, length, owner) in items {
            let number = place(entries.len());
            if let Some(last) = entries.last_mut()
                && (last.network(), last.length()) == (network, length)
            {
                last.tag.0 |= Tag::MORE;
                others.push(Owner { entry: number - 1, owner });
                continue;
            }
            if owner >= Tag::FAR {
                far.push(Owner { entry: number, owner });
            }
            let parent = parent_of(&entries, network, length);
            let tag = Tag::new(length, owner);
            entries.push(Entry { network: network.keep(), parent, tag });
        }
        entries.shrink_to_fit();
        others.shrink_to_fit();
        Self { ranges: Ranges::build(starts(&entries)), entries, others, far }
    }

    /// Octets it takes.
    pub fn octets(&self) -> usize {
        let owners = size_of_val(&*self.others) + size_of_val(&*self.far);
        self.ranges.octets() + size_of_val(&*self.entries) + owners
    }

    /// The longest prefix that covers the address, with its first owner.
    #[inline]
    pub fn longest(&self, address: K) -> Option<Hit<K>> {
        let Head { entry, tag } = self.ranges.find(address).filter(|head| head.entry != NONE)?;
        let length = tag.length();
        Some(Hit { network: address.mask(length), length, owner: self.first_owner(entry, tag)? })
    }

    /// Prefixes that cover the address, longest first.
    #[inline]
    pub fn covering(&self, address: K) -> Covering<'_, K> {
        self.chain(self.ranges.find(address).map_or(NONE, |head| head.entry))
    }

    /// Prefixes that cover this one or are it, longest first, then those inside it, in order.
    pub fn overlapping(&self, network: K, length: u8) -> impl Iterator<Item = Hit<K>> {
        let (cover, inside) = self.around(network, length);
        self.chain(cover).chain(inside.flat_map(|number| self.hits(number)))
    }

    /// How many [`PrefixIndex::overlapping`] gives: what lies inside is not gone through.
    pub fn count_overlapping(&self, network: K, length: u8) -> usize {
        let (cover, inside) = self.around(network, length);
        let others = |end| self.others.partition_point(|other| other.entry < end);
        let more = others(inside.end) - others(inside.start);
        self.chain(cover).count() + inside.len() + more
    }

    /// The entries that have an owner of which `is` holds.
    pub fn marked(&self, is: impl Fn(u32) -> bool) -> Bits {
        let mut bits = Bits::new(self.entries.len());
        for (number, entry) in (0..).zip(&self.entries) {
            if self.first_owner(number, entry.tag).is_some_and(&is) {
                bits.set(number);
            }
        }
        self.others.iter().filter(|other| is(other.owner)).for_each(|other| bits.set(other.entry));
        bits
    }

    /// [`PrefixIndex::overlapping`], only of marked entries; others are not looked at.
    pub fn overlapping_marked(
        &self,
        network: K,
        length: u8,
        marks: &Bits,
    ) -> impl Iterator<Item = Hit<K>> {
        let (cover, inside) = self.around(network, length);
        let parent = |number: &u32| self.entry(*number).map(|entry| entry.parent);
        let cover = self.entry(cover).map(|_| cover);
        let covers = std::iter::successors(cover, parent).filter(|number| marks.has(*number));
        covers.chain(marks.within(inside)).flat_map(|number| self.hits(number))
    }

    /// The narrowest entry that covers a prefix or is it, or `NONE`, and those inside.
    fn around(&self, network: K, length: u8) -> (u32, std::ops::Range<u32>) {
        // What lies inside follows the place of the prefix itself.
        let inside = self
            .entries
            .partition_point(|entry| (entry.network(), entry.length()) <= (network, length));
        let rest = self.entries.get(inside..).unwrap_or_default();
        let end = inside + rest.partition_point(|entry| entry.network().mask(length) == network);
        let mut cover = inside.checked_sub(1).map_or(NONE, place);
        while let Some(entry) = self.entry(cover) {
            if entry.length() <= length && network.mask(entry.length()) == entry.network() {
                break;
            }
            cover = entry.parent;
        }
        (cover, place(inside)..place(end))
    }

    fn chain(&self, entry: u32) -> Covering<'_, K> {
        Covering { index: self, next: entry, hits: None }
    }

    #[inline]
    fn entry(&self, number: u32) -> Option<&Entry<K>> {
        self.entries.get(number as usize)
    }

    #[inline]
    fn first_owner(&self, entry: u32, tag: Tag) -> Option<u32> {
        if tag.owner() == Tag::FAR { self.far_owner(entry) } else { Some(tag.owner()) }
    }

    #[cold]
    fn far_owner(&self, entry: u32) -> Option<u32> {
        let place = self.far.binary_search_by_key(&entry, |far| far.entry).ok()?;
        self.far.get(place).map(|far| far.owner)
    }

    #[inline]
    fn hits(&self, number: u32) -> Hits<'_, K> {
        let Some(entry) = self.entry(number) else {
            return Hits { network: K::ZERO, length: 0, first: None, others: [].iter() };
        };
        let first = self.first_owner(number, entry.tag);
        let others = if entry.tag.has_more() { self.others_of(number) } else { &[] };
        Hits { network: entry.network(), length: entry.length(), first, others: others.iter() }
    }

    fn others_of(&self, number: u32) -> &[Owner] {
        let begin = self.others.partition_point(|other| other.entry < number);
        let rest = self.others.get(begin..).unwrap_or_default();
        rest.get(..rest.partition_point(|other| other.entry == number)).unwrap_or_default()
    }
}

/// The narrowest of the entries so far that contains the prefix; they are sorted, so it is the last
/// or wider than it.
fn parent_of<K: Key>(entries: &[Entry<K>], network: K, length: u8) -> u32 {
    let mut candidate = entries.len().checked_sub(1).map_or(NONE, place);
    while let Some(entry) = entries.get(candidate as usize) {
        if entry.length() < length && network.mask(entry.length()) == entry.network() {
            break;
        }
        candidate = entry.parent;
    }
    candidate
}

/// Where, going through the address space, the longest match changes, and to what.
fn starts<K: Key>(entries: &[Entry<K>]) -> Vec<Start<K, Head>> {
    let head = |number: u32| match entries.get(number as usize) {
        Some(entry) => Head { entry: number, tag: entry.tag },
        None => Head { entry: NONE, tag: Tag(0) },
    };
    let mut starts: Vec<Start<K, Head>> = Vec::with_capacity(entries.len() * 2);
    let mut put = |start: K, number: u32| match starts.last_mut() {
        Some(last) if last.first() == start => last.value = head(number),
        Some(last) if last.value.entry == number => {}
        _ => starts.push(Start::new(start, head(number))),
    };
    // The entries that are open at an address are a chain of parents; `open` is the innermost.
    let mut open = NONE;
    let beyond = entries.iter().map(|entry| Some(entry.network())).chain([None]);
    for (number, next) in (0..).zip(beyond) {
        // Close what ends before the next begins. What has no end goes on, as all around it does.
        while let Some(entry) = entries.get(open as usize)
            && let Some(end) = entry.network().after(entry.length())
            && next.is_none_or(|next| end <= next)
        {
            open = entry.parent;
            put(end, open);
        }
        if let Some(network) = next {
            put(network, number);
            open = number;
        }
    }
    starts
}

/// Places are kept in 32 bits. A registry that comes near four thousand million prefixes would
/// have taken 100 GB before; should it happen, the place means "none".
fn place(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(NONE)
}

/// An entry with each of its owners.
#[derive(Debug, Clone)]
struct Hits<'a, K> {
    network: K,
    length: u8,
    first: Option<u32>,
    others: std::slice::Iter<'a, Owner>,
}

impl<K: Key> Iterator for Hits<'_, K> {
    type Item = Hit<K>;

    #[inline]
    fn next(&mut self) -> Option<Hit<K>> {
        let owner = match self.first.take() {
            Some(owner) => owner,
            None => self.others.next()?.owner,
        };
        Some(Hit { network: self.network, length: self.length, owner })
    }
}

/// See [`PrefixIndex::covering`].
#[derive(Debug, Clone)]
pub(crate) struct Covering<'a, K: Key> {
    index: &'a PrefixIndex<K>,
    /// The entry after the one that is told of.
    next: u32,
    hits: Option<Hits<'a, K>>,
}

impl<K: Key> Iterator for Covering<'_, K> {
    type Item = Hit<K>;

    #[inline]
    fn next(&mut self) -> Option<Hit<K>> {
        loop {
            if let Some(hit) = self.hits.as_mut().and_then(Iterator::next) {
                return Some(hit);
            }
            let entry = self.index.entry(self.next)?;
            self.hits = Some(self.index.hits(self.next));
            self.next = entry.parent;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_of_any_number_are_found() {
        // Around the largest that fits beside a length, and far above.
        let owners = [0, 1, Tag::FAR - 1, Tag::FAR, Tag::FAR + 1, u32::MAX];
        for first in owners {
            let above = owners.iter().copied().filter(|owner| *owner >= first);
            let items: Vec<_> = above.map(|owner| (0x0a00_0000u32, 8, owner)).collect();
            let expected: Vec<u32> = items.iter().map(|(_, _, owner)| *owner).collect();
            let around = [(0x0900_0000, 8, 3), (0x0a01_0000, 16, Tag::FAR), (0x0a02_0000, 16, 3)];
            let index = PrefixIndex::build(items.into_iter().chain(around).collect());
            let owners: Vec<u32> = index.covering(0x0a00_0001).map(|hit| hit.owner).collect();
            assert_eq!(owners, expected);
            let hit = index.longest(0x0a00_0001).unwrap();
            assert_eq!((hit.owner, hit.length), (first, 8));
            assert_eq!(index.longest(0x0a01_0001).unwrap().owner, Tag::FAR);
            assert_eq!(index.count_overlapping(0x0a00_0000, 7), 2 + expected.len());
        }
        let longest = PrefixIndex::build(vec![(u128::MAX, 128, Tag::FAR - 1)]);
        assert_eq!(longest.longest(u128::MAX).unwrap().length, 128);
        assert_eq!(longest.longest(u128::MAX - 1), None);
    }

    #[test]
    fn marked_entries_are_those_of_an_owner_that_is_meant() {
        let items = vec![
            (0x0a00_0000u32, 8, 1),
            (0x0a00_0000, 8, 2),
            (0x0a00_0000, 16, 3),
            (0x0a00_0100, 24, 2),
            (0x0a01_0000, 16, 1),
            (0x0a02_0000, 16, 5),
            (0x0a02_0000, 16, 2),
            (0x0b00_0000, 8, 2),
        ];
        let index = PrefixIndex::build(items);
        for owner in 0..6 {
            let marks = index.marked(|it| it == owner);
            for (network, length) in
                [(0u32, 0), (0x0a00_0000, 8), (0x0a00_0180, 25), (0x0a02_0000, 16)]
            {
                let found: Vec<_> = index
                    .overlapping_marked(network, length, &marks)
                    .filter(|hit| hit.owner == owner)
                    .collect();
                let all = index.overlapping(network, length);
                let expected: Vec<_> = all.filter(|hit| hit.owner == owner).collect();
                assert_eq!(found, expected, "{network:x}/{length} {owner}");
            }
        }
    }
}
