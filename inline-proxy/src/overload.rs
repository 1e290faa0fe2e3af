//! Work that is taken on: beyond a bound, a request is told to come again, at once. One client has a share
//! of it, so that it takes nothing from the others.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use crate::clients::OneClient;

/// What requests may take up at the same time: in all, and of one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Requests, each until its answer is over.
    pub requests: usize,
    /// Requests of one client.
    pub requests_each: usize,
    /// Octets of bodies that are read, or were read and are held still.
    pub bodies: usize,
    /// Octets of one client's.
    pub bodies_each: usize,
}

/// Why a request is not taken on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Busy {
    /// Of all clients.
    #[error("the proxy has too much to do; try again")]
    All,
    /// Of this one.
    #[error("too many requests of this client at the same time; try again")]
    Requests,
    /// Bodies of all clients.
    #[error("the proxy reads too much at the same time; try again")]
    Bodies,
    /// Bodies of this one.
    #[error("this client sends too much at the same time; try again")]
    BodiesOfClient,
}

/// Counts what requests take up.
#[derive(Debug)]
pub struct Overload {
    budget: Budget,
    who: OneClient,
    now: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: Share,
    each: HashMap<IpAddr, Share>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Share {
    requests: usize,
    octets: usize,
}

/// A request's place, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    overload: Arc<Overload>,
    client: IpAddr,
}

/// Room for octets of a body, until it is dropped: that may be after its request's place.
#[derive(Debug)]
pub struct Room {
    overload: Arc<Overload>,
    client: IpAddr,
    octets: usize,
}

impl Overload {
    /// At most so much.
    #[must_use]
    pub fn new(budget: Budget, who: OneClient) -> Self {
        Self { budget, who, now: Mutex::default() }
    }

    /// A place for a request of this client.
    pub fn enter(self: &Arc<Self>, client: SocketAddr) -> Result<Turn, Busy> {
        let client = self.who.of(client);
        let mut now = self.now();
        if now.all.requests >= self.budget.requests {
            return Err(Busy::All);
        }
        let requests = now.each.get(&client).map_or(0, |share| share.requests);
        if requests >= self.budget.requests_each {
            return Err(Busy::Requests);
        }
        now.all.requests += 1;
        now.each.entry(client).or_default().requests += 1;
        Ok(Turn { overload: Arc::clone(self), client })
    }

    fn now(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn less(&mut self, client: IpAddr, less: impl Fn(&mut Share)) {
        less(&mut self.all);
        if let Some(share) = self.each.get_mut(&client) {
            less(share);
            if (share.requests, share.octets) == (0, 0) {
                self.each.remove(&client);
            }
        }
    }
}

impl Turn {
    /// Room for the request's body: none yet.
    #[must_use]
    pub fn room(&self) -> Room {
        Room { overload: Arc::clone(&self.overload), client: self.client, octets: 0 }
    }
}

impl Room {
    /// For so many octets more.
    pub fn grow(&mut self, octets: usize) -> Result<(), Busy> {
        let budget = self.overload.budget;
        let mut now = self.overload.now();
        if now.all.octets.saturating_add(octets) > budget.bodies {
            return Err(Busy::Bodies);
        }
        let share = now.each.entry(self.client).or_default();
        if share.octets.saturating_add(octets) > budget.bodies_each {
            return Err(Busy::BodiesOfClient);
        }
        share.octets += octets;
        now.all.octets += octets;
        self.octets += octets;
        Ok(())
    }

    /// The same octets; the room is given back when nothing holds them any more.
    #[must_use]
    pub fn around(self, octets: Bytes) -> Bytes {
        Bytes::from_owner(Counted { octets, _room: self })
    }
}

/// Octets, and their room.
struct Counted {
    octets: Bytes,
    _room: Room,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.octets
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let less = |share: &mut Share| share.requests = share.requests.saturating_sub(1);
        self.overload.now().less(self.client, less);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let less = |share: &mut Share| share.octets = share.octets.saturating_sub(self.octets);
        self.overload.now().less(self.client, less);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overload() -> Arc<Overload> {
        let budget = Budget { requests: 3, requests_each: 2, bodies: 100, bodies_each: 60 };
        Arc::new(Overload::new(budget, OneClient::default()))
    }

    #[test]
    fn one_client_has_its_share_and_gives_it_back() {
        let (overload, one, two) = (overload(), at("192.0.2.1"), at("192.0.2.2"));
        let first = overload.enter(one).unwrap();
        let _second = overload.enter(one).unwrap();
        assert_eq!(overload.enter(one).unwrap_err(), Busy::Requests);
        let _third = overload.enter(two).unwrap();
        assert_eq!(overload.enter(two).unwrap_err(), Busy::All);
        drop(first);
        overload.enter(one).unwrap();
    }

    #[test]
    fn bodies_have_room_until_nothing_holds_them() {
        let (overload, one, two) = (overload(), at("2001:db8::1"), at("2001:db8:0:1::1"));
        let (first, second) = (overload.enter(one).unwrap(), overload.enter(one).unwrap());
        let (mut of_first, mut of_second) = (first.room(), second.room());
        of_first.grow(40).unwrap();
        assert_eq!(of_second.grow(21), Err(Busy::BodiesOfClient));
        of_second.grow(20).unwrap();
        let third = overload.enter(two).unwrap();
        let mut of_third = third.room();
        assert_eq!(of_third.grow(41), Err(Busy::Bodies));
        // An answer may be over before its request's body has gone, of which a part is on its way.
        let body = of_first.around(Bytes::from(vec![0; 40]));
        let part = body.slice(30..);
        drop((first, body));
        assert_eq!(of_third.grow(41), Err(Busy::Bodies));
        drop(part);
        of_third.grow(41).unwrap();
        drop((second, third, of_second, of_third));
        let now = overload.now();
        assert_eq!((now.all.requests, now.all.octets, now.each.len()), (0, 0, 0));
    }

    fn at(text: &str) -> SocketAddr {
        SocketAddr::new(text.parse().unwrap(), 40_000)
    }
}
