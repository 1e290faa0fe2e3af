//! Proofs of RFC 9162: that a record is in a tree (section 2.1.3), and that a tree is the beginning
//! of a later one (section 2.1.4).
//!
//! A proof is the hashes of a few ranges of leaves. [`inclusion`] and [`consistency`] say which;
//! [`Ranges`] hashes them while the leaves pass by once, so a trail of any length needs no memory,
//! and one that was pruned needs only the tree of what is gone.

use sark_core::audit::Digest;

use crate::Tree;

/// Hashes, as the RFC orders them.
pub type Proof = Vec<Digest>;

/// Why there is no proof, or it proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Asked for outside the tree.
    #[error("a tree of {size} leaves has no leaf {index}")]
    Outside {
        /// From 0.
        index: u64,
        /// Of the tree.
        size: u64,
    },
    /// Leaves that are gone are needed.
    #[error("leaf {0} was pruned: only what is there can be proven")]
    Pruned(u64),
    /// Not all leaves were given.
    #[error("the proof needs {needed} leaves, and there are {given}")]
    Short {
        /// Leaves of the tree.
        needed: u64,
        /// Leaves that were given.
        given: u64,
    },
    /// Its hashes do not lead to the root.
    #[error("the proof does not lead to the root that was signed")]
    Wrong,
}

/// From leaf, and to the one after the last.
type Range = (u64, u64);

/// The hashes that lead from a leaf (its index, from 0) to the root of a tree of this size.
pub fn inclusion(index: u64, size: u64) -> Result<Vec<Range>, ProofError> {
    if index >= size {
        return Err(ProofError::Outside { index, size });
    }
    let (mut low, mut high) = (0, size);
    let mut ranges = Vec::new();
    while high - low > 1 {
        let middle = low + split(high - low);
        if index < middle {
            ranges.push((middle, high));
            high = middle;
        } else {
            ranges.push((low, middle));
            low = middle;
        }
    }
    ranges.reverse();
    Ok(ranges)
}

/// The hashes that show that a tree of `old` leaves is the beginning of one of `new`.
pub fn consistency(old: u64, new: u64) -> Result<Vec<Range>, ProofError> {
    if old == 0 || old > new {
        return Err(ProofError::Outside { index: old, size: new });
    }
    let (mut low, mut high) = (0, new);
    // Whether what is left is all of the old tree: then its root is known to who asks.
    let mut is_whole = true;
    let mut ranges = Vec::new();
    while old != high {
        let middle = low + split(high - low);
        if old <= middle {
            ranges.push((middle, high));
            high = middle;
        } else {
            ranges.push((low, middle));
            low = middle;
            is_whole = false;
        }
    }
    if !is_whole {
        ranges.push((low, high));
    }
    ranges.reverse();
    Ok(ranges)
}

/// The largest power of two below a number of two or more.
fn split(size: u64) -> u64 {
    1 << (63 - (size - 1).leading_zeros())
}

/// Hashes ranges while leaves pass by, from the one after what was pruned.
#[derive(Debug)]
pub struct Ranges {
    /// In the order of the leaves; its place in the proof; what it comes to so far.
    ranges: Vec<(Range, usize, Tree)>,
    /// The next leaf's index.
    next: u64,
    /// The range it may fall into.
    at: usize,
}

impl Ranges {
    /// For these ranges, of a trail that begins after this tree.
    pub fn new(ranges: &[Range], pruned: &Tree) -> Result<Self, ProofError> {
        let begin = pruned.size();
        let begun = |(place, &(from, to)): (usize, &Range)| {
            if from >= begin {
                return Ok(((from, to), place, Tree::default()));
            }
            // What is gone must be whole subtrees of ours.
            let inside = || pruned.peaks().filter(|(low, high, _)| *low >= from && *high <= to);
            let tree = Tree::of_peaks(inside());
            let first = inside().next().map(|(low, ..)| low);
            if first == Some(from) && tree.size() == to.min(begin) - from {
                Ok(((from, to), place, tree))
            } else {
                Err(ProofError::Pruned(from))
            }
        };
        let mut ranges = ranges.iter().enumerate().map(begun).collect::<Result<Vec<_>, _>>()?;
        ranges.sort_by_key(|(range, ..)| *range);
        Ok(Self { ranges, next: begin, at: 0 })
    }

    /// The next leaf.
    pub fn push(&mut self, leaf: Digest) {
        while self.ranges.get(self.at).is_some_and(|((_, to), ..)| *to <= self.next) {
            self.at += 1;
        }
        if let Some(((from, _), _, tree)) = self.ranges.get_mut(self.at)
            && *from <= self.next
        {
            tree.push(leaf);
        }
        self.next += 1;
    }

    /// The proof, when all leaves have passed.
    pub fn finish(mut self) -> Result<Proof, ProofError> {
        let needed = self.ranges.iter().map(|((_, to), ..)| *to).max().unwrap_or(0);
        if self.next < needed {
            return Err(ProofError::Short { needed, given: self.next });
        }
        self.ranges.sort_by_key(|(_, place, _)| *place);
        Ok(self.ranges.iter().map(|(.., tree)| tree.root()).collect())
    }
}

/// Whether a leaf is in the tree of this size and root (RFC 9162, section 2.1.3.2).
pub fn check_inclusion(
    index: u64,
    leaf: Digest,
    size: u64,
    root: &Digest,
    proof: &[Digest],
) -> Result<(), ProofError> {
    let ranges = inclusion(index, size)?;
    if ranges.len() != proof.len() {
        return Err(ProofError::Wrong);
    }
    let joined = ranges.iter().zip(proof).fold(leaf, |node, ((from, _), hash)| {
        if *from > index { Digest::of_node(&node, hash) } else { Digest::of_node(hash, &node) }
    });
    if joined == *root { Ok(()) } else { Err(ProofError::Wrong) }
}

/// Whether a tree is the beginning of another (RFC 9162, section 2.1.4.2).
pub fn check_consistency(
    (old, old_root): (u64, &Digest),
    (new, new_root): (u64, &Digest),
    proof: &[Digest],
) -> Result<(), ProofError> {
    let ranges = consistency(old, new)?;
    if ranges.len() != proof.len() {
        return Err(ProofError::Wrong);
    }
    let mut parts = ranges.iter().zip(proof).map(|(range, hash)| (*range, *hash));
    // The subtree that ends where the old tree does: given, unless it is the whole old tree.
    let first = if ranges.first().is_some_and(|(_, to)| *to == old) && old != new {
        parts.next()
    } else {
        None
    };
    let begun = first.map_or(*old_root, |(_, hash)| hash);
    let (mut of_old, mut of_new) = (begun, begun);
    for ((from, _), hash) in parts {
        if from >= old {
            of_new = Digest::of_node(&of_new, &hash);
        } else {
            of_old = Digest::of_node(&hash, &of_old);
            of_new = Digest::of_node(&hash, &of_new);
        }
    }
    let holds = of_old == *old_root && of_new == *new_root;
    if holds { Ok(()) } else { Err(ProofError::Wrong) }
}

#[cfg(test)]
mod tests;
