//! How many connections there are, and whose.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts connections.
#[derive(Debug)]
pub struct Clients {
    /// In all, at most.
    most: usize,
    /// Of one client, at most.
    most_each: usize,
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
    client: IpAddr,
}

impl Clients {
    /// With these bounds.
    #[must_use]
    pub fn new(most: usize, most_each: usize) -> Self {
        Self { most, most_each, now: Mutex::default() }
    }

    /// Takes a connection of this client, or says that there are too many.
    pub fn enter(self: &Arc<Self>, client: IpAddr) -> Result<Place, TooMany> {
        let client = client.to_canonical();
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
        Ok(Place { clients: Arc::clone(self), client })
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
        if let Some(each) = now.each.get_mut(&self.client) {
            *each = each.saturating_sub(1);
            if *each == 0 {
                now.each.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_back() {
        let clients = Arc::new(Clients::new(3, 2));
        let (one, two): (IpAddr, IpAddr) =
            ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        let first = clients.enter(one).unwrap();
        let _second = clients.enter(mapped).unwrap();
        assert_eq!(clients.enter(one).unwrap_err(), TooMany::Each(2));
        let _third = clients.enter(two).unwrap();
        assert_eq!(clients.enter(two).unwrap_err(), TooMany::All(3));
        drop(first);
        let _fourth = clients.enter(one).unwrap();
        assert_eq!(clients.count(), 3);
        assert_eq!(clients.now.lock().unwrap().each.len(), 2);
    }
}
