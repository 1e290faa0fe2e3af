//! Where a connection comes from, as far as one client can be told from another.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// An IPv4 address, or the first 64 bits of an IPv6 address: one client has all the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Source(IpAddr);

impl Source {
    pub(crate) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
            }
            address => address,
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(address) => write!(f, "{address}/64"),
        }
    }
}

/// How many connections each source has.
#[derive(Debug, Clone)]
pub(crate) struct Crowd {
    most: usize,
    there: Arc<Mutex<HashMap<Source, usize>>>,
}

impl Crowd {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, there: Arc::default() }
    }

    /// One more, until it is dropped; `None` if there are as many as may be.
    pub(crate) fn enter(&self, source: Source) -> Option<Place> {
        let mut there = self.there.lock().unwrap_or_else(PoisonError::into_inner);
        let count = there.entry(source).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Place { crowd: self.clone(), source })
    }
}

/// A connection that is there.
#[derive(Debug)]
pub(crate) struct Place {
    crowd: Crowd,
    source: Source,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut there = self.crowd.there.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = there.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                there.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_its_address_or_its_network() {
        let of = |text: &str| Source::of(text.parse().unwrap()).to_string();
        assert_eq!(of("192.0.2.1"), "192.0.2.1");
        assert_eq!(of("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
    }

    #[test]
    fn each_source_has_so_many_places() {
        let crowd = Crowd::new(2);
        let one = Source::of("192.0.2.1".parse().unwrap());
        let other = Source::of("192.0.2.2".parse().unwrap());
        let places = (crowd.enter(one).unwrap(), crowd.enter(one).unwrap());
        assert!(crowd.enter(one).is_none());
        let _other = crowd.enter(other).unwrap();
        drop(places.0);
        let _again = crowd.enter(one).unwrap();
        drop(places.1);
        assert_eq!(crowd.there.lock().unwrap().len(), 2);
    }
}
