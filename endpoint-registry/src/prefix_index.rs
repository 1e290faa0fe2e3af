//! Addresses → the prefixes that cover them, and who owns those.
//!
//! One index per family. The prefixes lie in one sorted array, where a prefix stands before those
//! inside it, and each knows the next wider one: the longest match is the head of a chain, and
//! nothing is copied. [`Ranges`] finds the head; `benches/lpm.rs` measures it beside the tries of
//! iptrie, prefix-trie, poptrie and treebitmap: of ten thousand and of a million prefixes of either
//! family, it answers in at most two thirds of the time of the fastest of them.

use crate::{key::Key, ranges::Ranges};

/// No entry.
const NONE: u32 = u32::MAX;

/// Prefixes of one family.
#[derive(Debug)]
pub(crate) struct PrefixIndex<K> {
    ranges: Ranges<K, Head>,
    entries: Vec<Entry<K>>,
    /// Owners of an entry after its first, a run for each entry.
    others: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Entry<K> {
    network: K,
    length: u8,
    /// The next wider prefix, or `NONE`.
    parent: u32,
    /// The first endpoint that has it.
    owner: u32,
    /// Where its run of other owners begins; it ends where the next entry's begins.
    others: u32,
}

/// The longest match in a range, with what [`PrefixIndex::longest`] needs of its entry: the entry
/// itself would be another wait for memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    entry: u32,
    owner: u32,
    length: u8,
}

/// A prefix and one of its owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hit<K> {
    pub network: K,
    pub length: u8,
    pub owner: u32,
}

impl<K: Key> PrefixIndex<K> {
    /// Of these prefixes (host bits zero) and owners, in any order.
    pub fn build(mut items: Vec<(K, u8, u32)>) -> Self {
        items.sort_unstable();
        items.dedup();
        let mut entries: Vec<Entry<K>> = Vec::with_capacity(items.len());
        let mut others = Vec::new();
        for (network, length, owner) in items {
            let same = |last: &Entry<K>| (last.network, last.length) == (network, length);
            if entries.last().is_some_and(same) {
                others.push(owner);
                continue;
            }
            let parent = parent_of(&entries, network, length);
            entries.push(Entry { network, length, parent, owner, others: place(others.len()) });
        }
        entries.shrink_to_fit();
        Self { ranges: Ranges::build(starts(&entries)), entries, others }
    }

    /// The longest prefix that covers the address, with its first owner.
    #[inline]
    pub fn longest(&self, address: K) -> Option<Hit<K>> {
        let head = self.ranges.find(address).filter(|head| head.entry != NONE)?;
        let network = address.mask(head.length);
        Some(Hit { network, length: head.length, owner: head.owner })
    }

    /// Prefixes that cover the address, longest first.
    #[inline]
    pub fn covering(&self, address: K) -> Covering<'_, K> {
        self.chain(self.ranges.find(address).map_or(NONE, |head| head.entry))
    }

    /// Prefixes that cover this one or are it, longest first, then those inside it, in order.
    pub fn overlapping(&self, network: K, length: u8) -> impl Iterator<Item = Hit<K>> {
        // What lies inside follows the place of the prefix itself.
        let inside = self
            .entries
            .partition_point(|entry| (entry.network, entry.length) <= (network, length));
        let rest = self.entries.get(inside..).unwrap_or_default();
        let end = inside + rest.partition_point(|entry| entry.network.mask(length) == network);
        let mut cover = inside.checked_sub(1).map_or(NONE, place);
        while let Some(entry) = self.entry(cover) {
            if entry.length <= length && network.mask(entry.length) == entry.network {
                break;
            }
            cover = entry.parent;
        }
        let inside = (inside..end).flat_map(move |number| self.hits(place(number)));
        self.chain(cover).chain(inside)
    }

    fn chain(&self, entry: u32) -> Covering<'_, K> {
        Covering { index: self, entry, owner: 0 }
    }

    #[inline]
    fn entry(&self, number: u32) -> Option<&Entry<K>> {
        self.entries.get(number as usize)
    }

    /// Owner number `which` of an entry.
    #[inline]
    fn owner(&self, number: u32, entry: &Entry<K>, which: usize) -> Option<u32> {
        let Some(other) = which.checked_sub(1) else { return Some(entry.owner) };
        let end = self.entry(number + 1).map_or(self.others.len(), |next| next.others as usize);
        self.others.get(entry.others as usize..end)?.get(other).copied()
    }

    fn hits(&self, number: u32) -> impl Iterator<Item = Hit<K>> {
        let entry = self.entry(number).copied();
        (0..).map_while(move |which| {
            let entry = entry?;
            let owner = self.owner(number, &entry, which)?;
            Some(Hit { network: entry.network, length: entry.length, owner })
        })
    }
}

/// The narrowest of the entries so far that contains the prefix; they are sorted, so it is the last
/// or wider than it.
fn parent_of<K: Key>(entries: &[Entry<K>], network: K, length: u8) -> u32 {
    let mut candidate = entries.len().checked_sub(1).map_or(NONE, place);
    while let Some(entry) = entries.get(candidate as usize) {
        if entry.length < length && network.mask(entry.length) == entry.network {
            break;
        }
        candidate = entry.parent;
    }
    candidate
}

/// Where, going through the address space, the longest match changes, and to what.
fn starts<K: Key>(entries: &[Entry<K>]) -> Vec<(K, Head)> {
    let head = |number: u32| match entries.get(number as usize) {
        Some(entry) => Head { entry: number, owner: entry.owner, length: entry.length },
        None => Head { entry: NONE, owner: NONE, length: 0 },
    };
    let mut starts: Vec<(K, Head)> = Vec::with_capacity(entries.len() * 2);
    let mut put = |start: K, number: u32| match starts.last_mut() {
        Some((last, now)) if *last == start => *now = head(number),
        Some((_, now)) if now.entry == number => {}
        _ => starts.push((start, head(number))),
    };
    // The entries that are open at an address are a chain of parents; `open` is the innermost.
    let mut open = NONE;
    let beyond = entries.iter().map(|entry| Some(entry.network)).chain([None]);
    for (number, next) in (0..).zip(beyond) {
        // Close what ends before the next begins. What has no end goes on, as all around it does.
        while let Some(entry) = entries.get(open as usize)
            && let Some(end) = entry.network.after(entry.length)
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

/// See [`PrefixIndex::covering`].
#[derive(Debug, Clone)]
pub(crate) struct Covering<'a, K> {
    index: &'a PrefixIndex<K>,
    entry: u32,
    /// The owner of the entry that comes next.
    owner: usize,
}

impl<K: Key> Iterator for Covering<'_, K> {
    type Item = Hit<K>;

    #[inline]
    fn next(&mut self) -> Option<Hit<K>> {
        loop {
            let entry = self.index.entry(self.entry)?;
            if let Some(owner) = self.index.owner(self.entry, entry, self.owner) {
                self.owner += 1;
                return Some(Hit { network: entry.network, length: entry.length, owner });
            }
            (self.entry, self.owner) = (entry.parent, 0);
        }
    }
}
