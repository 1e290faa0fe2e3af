//! The Merkle tree of RFC 9162, section 2.1.1, as the few hashes that are needed to go on.

use std::str::FromStr;

use sark_core::audit::Digest;

/// The roots of the perfect subtrees that the leaves so far fall into, the largest first: 64 hashes
/// at most. Enough to add leaves and to tell the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    peaks: Vec<Digest>,
}

impl Tree {
    /// Leaves so far.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf.
    pub fn push(&mut self, leaf: Digest) {
        let mut node = leaf;
        // As in adding one to a binary number: each one at the end is carried.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                node = Digest::of_node(&left, &node);
            }
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// The hash of all leaves; of none it is the SHA-256 of nothing.
    #[must_use]
    pub fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev().copied();
        let Some(last) = peaks.next() else { return EMPTY };
        peaks.fold(last, |right, left| Digest::of_node(&left, &right))
    }

    /// Its perfect subtrees: the first leaf of each, the first after, and its root.
    pub(crate) fn peaks(&self) -> impl Iterator<Item = (u64, u64, Digest)> {
        let sizes = (0..64).rev().map(|bit| 1_u64 << bit).filter(|bit| self.size & bit != 0);
        let mut begin = 0;
        sizes.zip(&self.peaks).map(move |(size, peak)| {
            let from = begin;
            begin += size;
            (from, begin, *peak)
        })
    }

    /// Of perfect subtrees that follow each other and begin at a multiple of the first one's size.
    pub(crate) fn of_peaks(peaks: impl Iterator<Item = (u64, u64, Digest)>) -> Self {
        let mut tree = Self::default();
        for (from, to, peak) in peaks {
            tree.size += to - from;
            tree.peaks.push(peak);
        }
        tree
    }
}

/// SHA-256 of nothing.
const EMPTY: Digest = Digest([
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
]);

impl std::fmt::Display for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.size)?;
        self.peaks.iter().try_for_each(|peak| write!(f, " {peak}"))
    }
}

/// A text that is no tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a Merkle tree: the number of leaves, and a hash for each one in its binary form")]
pub struct TreeError;

impl FromStr for Tree {
    type Err = TreeError;

    fn from_str(text: &str) -> Result<Self, TreeError> {
        let mut words = text.split(' ');
        let size: u64 = words.next().and_then(|size| size.parse().ok()).ok_or(TreeError)?;
        let peaks = words.map(str::parse).collect::<Result<Vec<Digest>, _>>();
        let peaks = peaks.map_err(|_| TreeError)?;
        if peaks.len() as u64 == u64::from(size.count_ones()) {
            Ok(Self { size, peaks })
        } else {
            Err(TreeError)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The eight leaves, and the roots, of Certificate Transparency's own tests.
    #[test]
    fn roots_are_those_of_certificate_transparency() {
        let leaves: [&[u8]; 8] = [
            b"",
            &[0x00],
            &[0x10],
            &[0x20, 0x21],
            &[0x30, 0x31],
            &[0x40, 0x41, 0x42, 0x43],
            &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            &[
                0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d,
                0x6e, 0x6f,
            ],
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut tree = Tree::default();
        assert_eq!(tree.root(), EMPTY);
        for (leaf, root) in leaves.iter().zip(roots) {
            tree.push(Digest::of_leaf(leaf));
            assert_eq!(tree.root().to_string(), root);
            assert_eq!(tree.to_string().parse(), Ok(tree.clone()));
        }
        for wrong in ["", "1", "x", "0 00", "-1", &format!("3 {}", tree.root())] {
            assert_eq!(wrong.parse::<Tree>(), Err(TreeError), "{wrong}");
        }
    }
}
