//! Work that is taken on: beyond a bound, a request is told to come again, at once. One client has a share
//! of it, so that it takes nothing from the others.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use crate::clients::OneClient;

/// What requests may take up at the same time: in all, and of one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Requests, each until its answer is over.
    pub requests: usize,
    /// Requests of one client.
    pub requests_each: usize,
    /// Octets of bodies that are read, or were read and are not sent on yet.
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

/// A request's place, and the room for its body, until it is dropped.
#[derive(Debug)]
pub struct Turn {
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
        Ok(Turn { overload: Arc::clone(self), client, octets: 0 })
    }

    fn now(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Room for so many octets more of the body.
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

    /// The body is on its way to the server: it needs no room any more.
    pub fn sent(&mut self) {
        let octets = std::mem::take(&mut self.octets);
        let mut now = self.overload.now();
        now.all.octets = now.all.octets.saturating_sub(octets);
        if let Some(share) = now.each.get_mut(&self.client) {
            share.octets = share.octets.saturating_sub(octets);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut now = self.overload.now();
        now.all.requests = now.all.requests.saturating_sub(1);
        now.all.octets = now.all.octets.saturating_sub(self.octets);
        if let Some(share) = now.each.get_mut(&self.client) {
            share.requests = share.requests.saturating_sub(1);
            share.octets = share.octets.saturating_sub(self.octets);
            if share.requests == 0 {
                now.each.remove(&self.client);
            }
        }
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
    fn bodies_have_room_until_they_are_sent_on() {
        let (overload, one, two) = (overload(), at("2001:db8::1"), at("2001:db8:0:1::1"));
        let (mut first, mut second) = (overload.enter(one).unwrap(), overload.enter(one).unwrap());
        first.grow(40).unwrap();
        assert_eq!(second.grow(21), Err(Busy::BodiesOfClient));
        second.grow(20).unwrap();
        let mut third = overload.enter(two).unwrap();
        assert_eq!(third.grow(41), Err(Busy::Bodies));
        first.sent();
        third.grow(41).unwrap();
        drop(first);
        drop((second, third));
        let now = overload.now();
        assert_eq!((now.all.requests, now.all.octets, now.each.len()), (0, 0, 0));
    }

    fn at(text: &str) -> SocketAddr {
        SocketAddr::new(text.parse().unwrap(), 40_000)
    }
}
