//! How many connections there are, and whose.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

/// Which addresses are one client: an IPv4 address is one, and of IPv6 a prefix is, for whoever has an
/// address of a network can take all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OneClient {
    prefix6: u8,
}

impl Default for OneClient {
    /// IPv6 by /64, the prefix of one link (RFC 4291 §2.5.1).
    fn default() -> Self {
        Self { prefix6: 64 }
    }
}

impl OneClient {
    /// So many bits of an IPv6 address are a client's; beyond 128 are all of them.
    #[must_use]
    pub const fn new(prefix6: u8) -> Self {
        Self { prefix6 }
    }

    /// The address that stands for the client: the first of its prefix. Of fe80::/10 (RFC 4291 §2.5.6)
    /// each link has one of its own, which the zone (RFC 4007 §6), behind the first 16 bits, tells apart.
    /// This machine is one client, whichever address of 127.0.0.0/8 it takes.
    #[must_use]
    pub fn of(self, client: SocketAddr) -> IpAddr {
        match (client.ip().to_canonical(), client) {
            (IpAddr::V4(v4), _) if v4.is_loopback() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            (IpAddr::V6(v6), SocketAddr::V6(zoned)) => {
                let past = 128_u32.saturating_sub(u32::from(self.prefix6));
                let mask = u128::MAX.checked_shl(past).unwrap_or(0);
                let zone = if v6.is_unicast_link_local() { zoned.scope_id() } else { 0 };
                IpAddr::V6(Ipv6Addr::from_bits((v6.to_bits() & mask) | (u128::from(zone) << 80)))
            }
            (address, _) => address,
        }
    }
}

/// Counts connections.
#[derive(Debug)]
pub struct Clients {
    /// In all, at most.
    most: usize,
    /// Of one client, at most.
    most_each: usize,
    who: OneClient,
    now: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    all: usize,
    each: HashMap<IpAddr, usize>,
}

/// Why a connection is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooMany {
    /// Of all clients.
    #[error("there are {0} connections")]
    All(usize),
    /// Of this one.
    #[error("this client has {0} connections")]
    Each(usize),
}

/// One connection, as long as it is held.
#[derive(Debug)]
pub struct Place {
    clients: Arc<Clients>,
    /// Whose, once that is known.
    client: Option<IpAddr>,
}

impl Clients {
    /// With these bounds.
    #[must_use]
    pub fn new(most: usize, most_each: usize, who: OneClient) -> Self {
        Self { most, most_each, who, now: Mutex::default() }
    }

    /// Takes a connection of this client, or says that there are too many.
    pub fn enter(self: &Arc<Self>, client: SocketAddr) -> Result<Place, TooMany> {
        let client = self.who.of(client);
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if now.all >= self.most {
            return Err(TooMany::All(now.all));
        }
        let each = now.each.entry(client).or_default();
        if *each >= self.most_each {
            return Err(TooMany::Each(*each));
        }
        *each += 1;
        now.all += 1;
        Ok(Place { clients: Arc::clone(self), client: Some(client) })
    }

    /// Takes a connection of a client that is not known yet, or says that there are too many.
    pub fn enter_unnamed(self: &Arc<Self>) -> Result<Place, TooMany> {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if now.all >= self.most {
            return Err(TooMany::All(now.all));
        }
        now.all += 1;
        Ok(Place { clients: Arc::clone(self), client: None })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).all
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut now = self.clients.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.all = now.all.saturating_sub(1);
        let Some(client) = &self.client else { return };
        if let Some(each) = now.each.get_mut(client) {
            *each = each.saturating_sub(1);
            if *each == 0 {
                now.each.remove(client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        SocketAddr::new(text.parse().unwrap(), 40_000)
    }

    #[test]
    fn a_prefix_is_one_client() {
        let zoned = |bits, text: &str, zone| {
            let SocketAddr::V6(mut client) = at(text) else { panic!("{text} has no zone") };
            client.set_scope_id(zone);
            OneClient::new(bits).of(client.into()).to_string()
        };
        let of = |bits, text: &str| OneClient::new(bits).of(at(text)).to_string();
        assert_eq!(of(64, "2001:db8:1:2:3::4"), "2001:db8:1:2::");
        assert_eq!(of(48, "2001:db8:1:2:3::4"), "2001:db8:1::");
        assert_eq!(of(128, "2001:db8::4"), "2001:db8::4");
        assert_eq!(of(0, "2001:db8::4"), "::");
        assert_eq!(of(64, "192.0.2.7"), "192.0.2.7");
        assert_eq!(of(64, "::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(of(64, "127.1.2.3"), "127.0.0.1");
        assert_eq!(of(64, "::ffff:127.0.0.9"), "127.0.0.1");
        assert_eq!(zoned(64, "fe80::1:2", 3), "fe80:0:3::");
        assert_eq!(zoned(64, "fe80::5:6", 3), "fe80:0:3::");
        assert_eq!(zoned(64, "fe80::1:2", 4), "fe80:0:4::");
        assert_eq!(zoned(128, "fe80::1:2", 3), "fe80:0:3::1:2");
        assert_eq!(zoned(64, "2001:db8::1:2", 3), "2001:db8::");
    }

    #[test]
    fn places_are_given_back() {
        let clients = Arc::new(Clients::new(3, 2, OneClient::default()));
        let (one, two, mapped) = (at("192.0.2.1"), at("192.0.2.2"), at("::ffff:192.0.2.1"));
        let first = clients.enter(one).unwrap();
        let _second = clients.enter(mapped).unwrap();
        assert_eq!(clients.enter(one).unwrap_err(), TooMany::Each(2));
        let _third = clients.enter(two).unwrap();
        assert_eq!(clients.enter(two).unwrap_err(), TooMany::All(3));
        assert_eq!(clients.enter_unnamed().unwrap_err(), TooMany::All(3));
        drop(first);
        let unnamed = clients.enter_unnamed().unwrap();
        assert_eq!(clients.enter(one).unwrap_err(), TooMany::All(3));
        drop(unnamed);
        let _fourth = clients.enter(one).unwrap();
        assert_eq!(clients.count(), 3);
        assert_eq!(clients.now.lock().unwrap().each.len(), 2);
    }
}
