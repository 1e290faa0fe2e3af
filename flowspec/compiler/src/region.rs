//! Box algebra over what a rule says behind its prefixes.
//!
//! A region is a product of one set per field. A field that a packet may lack has one value more,
//! [`ABSENT`]; a missing component is the whole domain, an explicit one never holds `ABSENT`. So
//! intersection is component by component, and what remains is which products hold a packet at
//! all: ports and flags imply protocols and exclude fragments other than the first.

use crate::ranges::Ranges;

/// Fields in the order of their component types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Field {
    Protocol = 0,
    DestinationPort = 1,
    SourcePort = 2,
    TcpFlags = 3,
    Length = 4,
    Dscp = 5,
    Fragment = 6,
}

/// No such field in the packet, for ports and flags; above every value.
pub(crate) const ABSENT: u32 = 1 << 16;

pub(crate) const TCP: u32 = 6;
pub(crate) const UDP: u32 = 17;

/// States of fragmentation: bit 0 more fragments, bit 1 offset not zero, bit 2 don't fragment.
pub(crate) mod fragment {
    pub const MORE: u32 = 1;
    pub const OFFSET: u32 = 2;
    pub const DONT: u32 = 4;
}

impl Field {
    pub const ALL: [Self; 7] = [
        Self::Protocol,
        Self::DestinationPort,
        Self::SourcePort,
        Self::TcpFlags,
        Self::Length,
        Self::Dscp,
        Self::Fragment,
    ];

    /// Every value that a packet of the family may have.
    pub fn domain(self, v6: bool) -> Ranges {
        match self {
            Self::Protocol => Ranges::span(0, 255),
            Self::DestinationPort | Self::SourcePort => Ranges::span(0, ABSENT),
            Self::TcpFlags => Ranges::of([(0, 255), (ABSENT, ABSENT)]),
            Self::Length => Ranges::span(0, 0xffff),
            Self::Dscp => Ranges::span(0, 63),
            Self::Fragment => Ranges::span(0, if v6 { 3 } else { 7 }),
        }
    }
}

/// A product of sets, one per field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Region {
    /// Bit `Field as u8`: the component is there.
    explicit: u8,
    sets: [Ranges; 7],
}

impl Region {
    /// Every packet of the family.
    pub fn all(v6: bool) -> Self {
        Self { explicit: 0, sets: Field::ALL.map(|field| field.domain(v6)) }
    }

    /// With a component on this field instead of what it had.
    pub fn with(mut self, field: Field, set: Ranges) -> Self {
        self.explicit |= 1 << field as u8;
        self.sets[field as usize] = set;
        self
    }

    pub fn get(&self, field: Field) -> &Ranges {
        &self.sets[field as usize]
    }

    /// The set of a component, if the component is there.
    pub fn component(&self, field: Field) -> Option<&Ranges> {
        self.has(field).then(|| self.get(field))
    }

    pub fn has(&self, field: Field) -> bool {
        self.explicit & (1 << field as u8) != 0
    }

    pub fn intersect(&self, other: &Self) -> Self {
        Self {
            explicit: self.explicit | other.explicit,
            sets: Field::ALL.map(|field| self.get(field).intersect(other.get(field))),
        }
    }

    /// Whether no packet is in it. Exact.
    pub fn is_empty(&self) -> bool {
        self.sets.iter().any(Ranges::is_empty) || {
            let (ports, flags) = self.needs();
            let protocol = self.get(Field::Protocol);
            let possible = if flags {
                protocol.contains(TCP)
            } else {
                !ports || protocol.contains(TCP) || protocol.contains(UDP)
            };
            let first = |state| state & fragment::OFFSET == 0;
            !possible || ((ports || flags) && !self.get(Field::Fragment).values().any(first))
        }
    }

    /// Whether only packets with ports, and only packets with TCP flags, are in it.
    fn needs(&self) -> (bool, bool) {
        let lacks = |field| !self.get(field).contains(ABSENT);
        (lacks(Field::DestinationPort) || lacks(Field::SourcePort), lacks(Field::TcpFlags))
    }

    /// The same packets, with the sets of protocol and fragment narrowed to what ports and flags
    /// imply, so that comparing set by set is exact.
    pub fn narrowed(&self) -> Self {
        let (ports, flags) = self.needs();
        let mut narrow = self.clone();
        if ports || flags {
            let protocols = if flags { vec![(TCP, TCP)] } else { vec![(TCP, TCP), (UDP, UDP)] };
            let whole = Ranges::of([(0, 1), (4, 5)]);
            let sets = &mut narrow.sets;
            for (field, set) in [(Field::Protocol, Ranges::of(protocols)), (Field::Fragment, whole)]
            {
                let at = field as usize;
                sets[at] = sets[at].intersect(&set);
            }
        }
        narrow
    }

    /// Whether every packet of `other` is in `self`; `other` narrowed.
    pub fn includes(&self, other: &Self) -> bool {
        self.sets.iter().zip(&other.sets).all(|(a, b)| a.includes(b))
    }

    /// Disjoint regions that hold what is in `self` and not in `other`.
    pub fn minus(&self, other: &Self) -> Vec<Self> {
        let mut rest = self.clone();
        let mut out = Vec::new();
        for field in Field::ALL {
            let (mine, theirs) = (rest.get(field), other.get(field));
            let (outside, inside) = (mine.minus(theirs), mine.intersect(theirs));
            if !outside.is_empty() {
                let mut piece = rest.clone();
                piece.sets[field as usize] = outside;
                if !piece.is_empty() {
                    out.push(piece);
                }
            }
            rest.sets[field as usize] = inside;
            if rest.is_empty() {
                break;
            }
        }
        out
    }

    /// What of `self` none of `others` holds.
    pub fn uncovered<'a>(&self, others: impl IntoIterator<Item = &'a Self>) -> Vec<Self> {
        let mut rest = if self.is_empty() { Vec::new() } else { vec![self.clone()] };
        for other in others {
            if rest.is_empty() {
                break;
            }
            rest = rest.iter().flat_map(|piece| piece.minus(other)).collect();
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Region {
        Region::all(false)
    }

    #[test]
    fn emptiness_knows_what_ports_and_flags_imply() {
        let ports = all().with(Field::DestinationPort, Ranges::span(443, 443));
        let flags = all().with(Field::TcpFlags, Ranges::span(2, 2));
        let udp = all().with(Field::Protocol, Ranges::span(UDP, UDP));
        let gre = all().with(Field::Protocol, Ranges::span(47, 47));
        let is_fragment = all().with(Field::Fragment, Ranges::of([(2, 3), (6, 7)]));
        assert!(!ports.intersect(&udp).is_empty());
        assert!(ports.intersect(&gre).is_empty());
        assert!(flags.intersect(&udp).is_empty());
        assert!(flags.intersect(&is_fragment).is_empty());
        assert!(ports.intersect(&is_fragment).is_empty());
        assert!(!gre.intersect(&is_fragment).is_empty());
    }

    #[test]
    fn ports_lie_within_their_protocols() {
        let both = all().with(Field::Protocol, Ranges::of([(TCP, TCP), (UDP, UDP)]));
        let ports = all().with(Field::SourcePort, Ranges::span(0, 65535));
        assert!(both.includes(&ports.narrowed()));
        assert!(!ports.includes(&both.narrowed()));
        assert!(ports.minus(&both).is_empty());
        assert!(!both.minus(&ports).is_empty(), "fragments have no ports");
    }

    #[test]
    fn two_halves_cover() {
        let low = all().with(Field::Length, Ranges::span(0, 99));
        let high = all().with(Field::Length, Ranges::span(100, 65535));
        assert!(all().uncovered([&low, &high]).is_empty());
        assert_eq!(all().uncovered([&low]).len(), 1);
    }
}
