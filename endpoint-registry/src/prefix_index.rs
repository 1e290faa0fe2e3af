//! Addresses → the prefixes that cover them, and who owns those.
//!
//! One index per family. The prefixes lie in one sorted array, where a prefix stands before those
//! inside it; each knows the next wider one, so a longest match found by the trie is the head of a
//! chain and nothing is copied. The trie is `poptrie`'s: see `benches/lpm.rs` for the choice.

use poptrie::Poptrie;

/// No entry.
const NONE: u32 = u32::MAX;

/// An address as an integer.
pub(crate) trait Key: poptrie::Address + Ord + std::fmt::Debug {
    /// The address with all but its first `length` bits cleared.
    fn mask(self, length: u8) -> Self;
}

/// Prefixes of one family.
#[derive(Debug)]
pub(crate) struct PrefixIndex<K: Key> {
    trie: Poptrie<(K, u8), u32>,
    entries: Vec<Entry<K>>,
    /// Endpoint numbers, a run for each entry.
    owners: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Entry<K> {
    network: K,
    length: u8,
    /// The next wider prefix, or `NONE`.
    parent: u32,
    /// Where its run of owners begins; it ends where the next entry's begins.
    first_owner: u32,
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
        let mut entries: Vec<Entry<K>> = Vec::new();
        let mut owners = Vec::with_capacity(items.len());
        for (network, length, owner) in items {
            let same = |last: &Entry<K>| (last.network, last.length) == (network, length);
            if !entries.last().is_some_and(same) {
                let parent = parent_of(&entries, network, length);
                let first_owner = index(owners.len());
                entries.push(Entry { network, length, parent, first_owner });
            }
            owners.push(owner);
        }
        entries.shrink_to_fit();
        let trie = (0..)
            .zip(&entries)
            .map(|(number, entry)| ((entry.network, entry.length), number))
            .collect();
        Self { trie, entries, owners }
    }

    /// Prefixes that cover the address, longest first.
    pub fn covering(&self, address: K) -> Covering<'_, K> {
        self.chain(self.trie.lookup(address).copied().unwrap_or(NONE))
    }

    /// Prefixes that cover this one or are it, longest first, then those inside it, in order.
    pub fn overlapping(&self, network: K, length: u8) -> impl Iterator<Item = Hit<K>> {
        // What lies inside follows the place of the prefix itself.
        let inside = self
            .entries
            .partition_point(|entry| (entry.network, entry.length) <= (network, length));
        let end = self
            .entries
            .get(inside..)
            .map_or(0, |rest| rest.partition_point(|entry| entry.network.mask(length) == network));
        let mut cover = inside.checked_sub(1).map_or(NONE, index);
        while let Some(entry) = self.entry(cover) {
            if entry.length <= length && network.mask(entry.length) == entry.network {
                break;
            }
            cover = entry.parent;
        }
        self.chain(cover)
            .chain((inside..inside + end).flat_map(move |number| self.hits(index(number))))
    }

    fn chain(&self, entry: u32) -> Covering<'_, K> {
        Covering { index: self, entry, owner: 0 }
    }

    fn entry(&self, number: u32) -> Option<&Entry<K>> {
        self.entries.get(number as usize)
    }

    fn owners_of(&self, number: u32) -> &[u32] {
        let at = |number: u32| {
            self.entry(number).map_or(self.owners.len(), |entry| entry.first_owner as usize)
        };
        self.owners.get(at(number)..at(number.saturating_add(1))).unwrap_or_default()
    }

    fn hits(&self, number: u32) -> impl Iterator<Item = Hit<K>> {
        let entry = self.entry(number).copied();
        let hit =
            move |&owner| entry.map(|Entry { network, length, .. }| Hit { network, length, owner });
        self.owners_of(number).iter().filter_map(hit)
    }
}

/// The narrowest of the entries so far that contains the prefix; they are sorted, so it is the last
/// or wider than it.
fn parent_of<K: Key>(entries: &[Entry<K>], network: K, length: u8) -> u32 {
    let mut candidate = entries.len().checked_sub(1).map_or(NONE, index);
    while let Some(entry) = entries.get(candidate as usize) {
        if entry.length < length && network.mask(entry.length) == entry.network {
            break;
        }
        candidate = entry.parent;
    }
    candidate
}

/// Positions are kept in 32 bits. A registry that comes near four thousand million prefixes would
/// have taken 100 GB before; should it happen, the position means "none".
fn index(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(NONE)
}

/// See [`PrefixIndex::covering`].
#[derive(Debug, Clone)]
pub(crate) struct Covering<'a, K: Key> {
    index: &'a PrefixIndex<K>,
    entry: u32,
    owner: usize,
}

impl<K: Key> Iterator for Covering<'_, K> {
    type Item = Hit<K>;

    fn next(&mut self) -> Option<Hit<K>> {
        loop {
            let &Entry { network, length, parent, .. } = self.index.entry(self.entry)?;
            if let Some(&owner) = self.index.owners_of(self.entry).get(self.owner) {
                self.owner += 1;
                return Some(Hit { network, length, owner });
            }
            (self.entry, self.owner) = (parent, 0);
        }
    }
}

macro_rules! key {
    ($type:ty) => {
        impl Key for $type {
            fn mask(self, length: u8) -> Self {
                match <$type>::BITS.checked_sub(u32::from(length)) {
                    Some(<$type>::BITS) => 0,
                    Some(host) => self >> host << host,
                    None => self,
                }
            }
        }
    };
}
key!(u32);
key!(u128);
