//! Ranges in which other people's sites live, found among a million others at once.

use crate::{Endpoint, Sharedness, State, bits::Bits, prefix_index::PrefixIndex};

/// Which prefixes are of endpoints that are in use and shared among a cloud's customers or more.
#[derive(Debug, Default)]
pub(crate) struct Markers {
    /// By endpoint; `Dedicated` if it marks nothing.
    levels: Box<[Sharedness]>,
    ipv4: Levels,
    ipv6: Levels,
}

/// Marked prefixes of one family.
#[derive(Debug, Default)]
pub(crate) struct Levels {
    cloud: Bits,
    cdn: Bits,
}

impl Markers {
    pub fn of(endpoints: &[Endpoint], ipv4: &PrefixIndex<u32>, ipv6: &PrefixIndex<u128>) -> Self {
        let level = |endpoint: &Endpoint| {
            let in_use = matches!(endpoint.state, State::Active | State::Draining);
            let wide = endpoint.sharedness >= Sharedness::Cloud;
            if in_use && wide { endpoint.sharedness } else { Sharedness::Dedicated }
        };
        let levels: Box<[Sharedness]> = endpoints.iter().map(level).collect();
        let is = |level| {
            let levels = &levels;
            move |owner: u32| levels.get(owner as usize) == Some(&level)
        };
        let (cloud, cdn) = (is(Sharedness::Cloud), is(Sharedness::Cdn));
        let ipv4 = Levels { cloud: ipv4.marked(cloud), cdn: ipv4.marked(cdn) };
        let ipv6 = Levels { cloud: ipv6.marked(cloud), cdn: ipv6.marked(cdn) };
        Self { levels, ipv4, ipv6 }
    }

    /// Whether the endpoint with this number marks its prefixes as shared so widely.
    pub fn is(&self, owner: u32, level: Sharedness) -> bool {
        level >= Sharedness::Cloud && self.levels.get(owner as usize) == Some(&level)
    }

    /// IPv4 prefixes marked as shared so widely; `None` if nothing can be.
    pub fn ipv4(&self, level: Sharedness) -> Option<&Bits> {
        self.ipv4.at(level)
    }

    /// IPv6 prefixes.
    pub fn ipv6(&self, level: Sharedness) -> Option<&Bits> {
        self.ipv6.at(level)
    }

    /// Octets they take.
    pub fn octets(&self) -> usize {
        let bits = [&self.ipv4, &self.ipv6].into_iter().flat_map(|of| [&of.cloud, &of.cdn]);
        size_of_val(&*self.levels) + bits.map(Bits::octets).sum::<usize>()
    }
}

impl Levels {
    fn at(&self, level: Sharedness) -> Option<&Bits> {
        match level {
            Sharedness::Cdn => Some(&self.cdn),
            Sharedness::Cloud => Some(&self.cloud),
            Sharedness::Provider | Sharedness::Dedicated => None,
        }
    }
}
