//! Prefixes of either family as integers, and the tree they form.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use sark_flowspec::Afi;

/// A prefix; the address stands at the top of 128 bits in both families.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Net {
    pub bits: u128,
    pub length: u8,
}

impl Net {
    /// No prefix at all: every address.
    pub const ANY: Self = Self { bits: 0, length: 0 };

    pub fn contains(self, other: Self) -> bool {
        self.length <= other.length && other.bits & mask(self.length) == self.bits
    }

    pub fn overlaps(self, other: Self) -> bool {
        self.contains(other) || other.contains(self)
    }

    /// The more specific of two that overlap.
    pub fn deeper(self, other: Self) -> Self {
        if self.length >= other.length { self } else { other }
    }

    /// The other half of what is one bit shorter, and that parent.
    pub fn sibling(self) -> Option<(Self, Self)> {
        let shift = 128u32.checked_sub(u32::from(self.length))?;
        let bit = 1u128.checked_shl(shift)?;
        let length = self.length.checked_sub(1)?;
        let other = Self { bits: self.bits ^ bit, length: self.length };
        Some((other, Self { bits: self.bits & !bit, length }))
    }

    pub fn last(self) -> u128 {
        self.bits | !mask(self.length)
    }

    pub fn to_ipnet(self, afi: Afi) -> IpNet {
        // Lengths come from prefixes of the family, so the constructors do not fail; a default
        // route instead would be seen by the proof.
        match (afi, self.address(afi)) {
            (Afi::Ipv4, IpAddr::V4(address)) => {
                Ipv4Net::new(address, self.length).unwrap_or_default().into()
            }
            (_, IpAddr::V6(address)) => {
                Ipv6Net::new(address, self.length).unwrap_or_default().into()
            }
            (Afi::Ipv6, IpAddr::V4(_)) => Ipv6Net::default().into(),
        }
    }

    /// Its first address.
    pub fn address(self, afi: Afi) -> IpAddr {
        match afi {
            Afi::Ipv4 => Ipv4Addr::from_bits((self.bits >> 96) as u32).into(),
            Afi::Ipv6 => Ipv6Addr::from_bits(self.bits).into(),
        }
    }
}

fn mask(length: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(length.min(128))).unwrap_or(0)
}

pub(crate) fn afi_of(net: &IpNet) -> Afi {
    match net {
        IpNet::V4(_) => Afi::Ipv4,
        IpNet::V6(_) => Afi::Ipv6,
    }
}

pub(crate) fn bits_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl From<IpNet> for Net {
    fn from(net: IpNet) -> Self {
        Self { bits: bits_of(net.network()), length: net.prefix_len() }
    }
}

impl From<IpAddr> for Net {
    fn from(address: IpAddr) -> Self {
        Self { bits: bits_of(address), length: if address.is_ipv4() { 32 } else { 128 } }
    }
}

/// Prefixes that nest; 0 is [`Net::ANY`], and an index is a place in pre-order.
#[derive(Debug)]
pub(crate) struct Tree {
    nets: Vec<Net>,
    parent: Vec<u32>,
    end: Vec<u32>,
}

impl Tree {
    pub fn build(nets: impl IntoIterator<Item = Net>) -> Self {
        let mut nets: Vec<Net> = nets.into_iter().chain([Net::ANY]).collect();
        nets.sort_unstable();
        nets.dedup();
        let count = nets.len() as u32;
        let mut parent = vec![0; nets.len()];
        let mut end = vec![count; nets.len()];
        let mut open: Vec<usize> = Vec::new();
        for (place, net) in nets.iter().enumerate() {
            while let Some(&top) = open.last() {
                if nets[top].contains(*net) {
                    parent[place] = top as u32;
                    break;
                }
                end[top] = place as u32;
                open.pop();
            }
            open.push(place);
        }
        Self { nets, parent, end }
    }

    /// The place of a prefix that was given to `build`; 0 for one that was not.
    pub fn find(&self, net: Net) -> u32 {
        self.nets.binary_search(&net).unwrap_or(0) as u32
    }

    pub fn net(&self, place: u32) -> Net {
        self.nets[place as usize]
    }

    pub fn len(&self) -> usize {
        self.nets.len()
    }

    pub fn contains(&self, outer: u32, inner: u32) -> bool {
        outer <= inner && inner < self.end[outer as usize]
    }

    /// One past the last place that lies in this one.
    pub fn end(&self, place: u32) -> u32 {
        self.end[place as usize]
    }

    pub fn overlaps(&self, a: u32, b: u32) -> bool {
        self.contains(a, b) || self.contains(b, a)
    }

    /// The place itself, what it lies in, and so on up to 0.
    pub fn chain(&self, place: u32) -> impl Iterator<Item = u32> + '_ {
        std::iter::successors(Some(place), |&at| self.parent(at))
    }

    /// The smallest prefix that holds this one.
    pub fn parent(&self, place: u32) -> Option<u32> {
        (place != 0).then(|| self.parent[place as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tree_nests() {
        let nets = ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.2.0.0/16", "11.0.0.0/8"];
        let nets: Vec<Net> = nets.map(|n| n.parse::<IpNet>().unwrap().into()).into();
        let tree = Tree::build(nets.iter().copied());
        assert_eq!(tree.len(), 6);
        for a in 0..6 {
            for b in 0..6 {
                assert_eq!(tree.contains(a, b), tree.net(a).contains(tree.net(b)), "{a} {b}");
                assert_eq!(tree.chain(b).any(|c| c == a), tree.contains(a, b));
            }
        }
        assert_eq!(nets[1].to_ipnet(Afi::Ipv4).to_string(), "10.1.0.0/16");
    }

    #[test]
    fn siblings() {
        let half: Net = "2001:db8:8000::/33".parse::<IpNet>().unwrap().into();
        let (other, parent) = half.sibling().unwrap();
        assert_eq!(other.to_ipnet(Afi::Ipv6).to_string(), "2001:db8::/33");
        assert_eq!(parent.to_ipnet(Afi::Ipv6).to_string(), "2001:db8::/32");
        assert_eq!(Net::ANY.sibling(), None);
        assert!(Net::ANY.contains(half) && parent.contains(other));
    }
}
