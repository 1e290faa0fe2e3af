//! Connections that are there: those in use, of which HTTP/2 ones have room for more, and those that nobody
//! uses. Nothing here waits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use tokio::sync::watch;

use super::Server;
use super::idle::{Idle, Keep};
use super::link::{Link, Shared};
use crate::alpn::Alpn;

/// All of them.
#[derive(Debug)]
pub(super) struct Pool {
    keep: Keep,
    state: Mutex<State>,
    own: Weak<Self>,
}

#[derive(Debug)]
struct State {
    next: u64,
    known: HashMap<Arc<Server>, Known>,
    idle: Idle<Arc<Server>, Link>,
}

/// What is known of one server.
#[derive(Debug)]
struct Known {
    key: Arc<Server>,
    /// What it took last.
    took: Option<Alpn>,
    /// HTTP/2 connections with requests on them.
    busy: Vec<Busy>,
    /// Whoever makes such a connection makes it for all that wait.
    making: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct Busy {
    number: u64,
    shared: Shared,
    flights: usize,
}

/// A request on a shared connection, until it is dropped.
#[derive(Debug)]
pub struct Flight {
    pool: Weak<Pool>,
    server: Arc<Server>,
    number: u64,
}

/// What there is for a request.
#[derive(Debug)]
pub(super) enum Found {
    /// A connection.
    Link(Link),
    /// One that is new, and did not say yet how many requests it takes.
    Soon(watch::Receiver<Option<usize>>),
    /// None: one has to be made. Of HTTP/2, by one at a time.
    Nothing(Option<Arc<tokio::sync::Mutex<()>>>),
}

impl State {
    fn known(&mut self, key: &Arc<Server>) -> &mut Known {
        self.known.entry(Arc::clone(key)).or_insert_with(|| Known {
            key: Arc::clone(key),
            took: None,
            busy: Vec::new(),
            making: Arc::default(),
        })
    }
}

impl Pool {
    pub(super) fn new(keep: Keep) -> Arc<Self> {
        Arc::new_cyclic(|own| {
            let idle = Idle::new(keep);
            let state = State { next: 0, known: HashMap::new(), idle };
            Self { keep, state: Mutex::new(state), own: own.clone() }
        })
    }

    /// For what is with others, and comes back.
    pub(super) fn weak(&self) -> Weak<Self> {
        self.own.clone()
    }

    /// What the server took last.
    pub(super) fn took(&self, server: &Server) -> Option<Alpn> {
        self.state().known.get(server)?.took
    }

    /// A connection for one request.
    pub(super) fn take(&self, server: &Server) -> Found {
        let mut state = self.state();
        let State { known, idle, .. } = &mut *state;
        let Some(known) = known.get_mut(server) else { return Found::Nothing(None) };
        let key = Arc::clone(&known.key);
        known.busy.retain(|busy| !busy.shared.is_closed());
        let has_room = |busy: &&mut Busy| {
            let streams = *busy.shared.streams.borrow();
            busy.flights < streams.unwrap_or(1)
        };
        if let Some(busy) = known.busy.iter_mut().find(has_room) {
            return Found::Link(self.fly(&key, busy));
        }
        if let Some(link) = idle.take(&key, Instant::now(), |link| !link.is_closed()) {
            let Some(shared) = link.shared().cloned() else { return Found::Link(link) };
            return Found::Link(self.first(&mut state, &key, shared));
        }
        let unsaid = known.busy.iter().find(|busy| busy.shared.streams.borrow().is_none());
        if let Some(busy) = unsaid {
            return Found::Soon(busy.shared.streams.clone());
        }
        if known.busy.len() >= self.keep.each
            && let Some(least) = known.busy.iter_mut().min_by_key(|busy| busy.flights)
        {
            // It waits there until another is over.
            return Found::Link(self.fly(&key, least));
        }
        let is_h2 = known.took == Some(Alpn::H2);
        Found::Nothing(is_h2.then(|| Arc::clone(&known.making)))
    }

    /// A connection that was made for one request: others come onto it, if it is HTTP/2.
    pub(super) fn made(&self, server: &Server, link: Link) -> Link {
        let mut state = self.state();
        let key = match state.known.get(server) {
            Some(known) => Arc::clone(&known.key),
            None => Arc::new(server.clone()),
        };
        state.known(&key).took = Some(link.alpn());
        match link.shared().cloned() {
            None => link,
            Some(shared) => self.first(&mut state, &key, shared),
        }
    }

    /// A connection of HTTP/1.1 whose answer has been read.
    pub(super) fn back(&self, server: &Arc<Server>, link: Link) {
        if link.shared().is_some() || link.is_closed() {
            return;
        }
        let gone = {
            let mut state = self.state();
            // An answer may take so long that its server was forgotten.
            state.known(server).took.get_or_insert(link.alpn());
            state.idle.put(server, link, Instant::now())
        };
        drop(gone);
    }

    /// Forgets connections that nobody wanted for long, and servers without any.
    pub(super) fn sweep(&self) {
        let gone = {
            let mut state = self.state();
            let State { known, idle, .. } = &mut *state;
            let gone = idle.expire(Instant::now(), |link| !link.is_closed());
            known.retain(|server, known| {
                known.busy.retain(|busy| !busy.shared.is_closed());
                !known.busy.is_empty() || idle.has(server) || Arc::strong_count(&known.making) > 1
            });
            gone
        };
        drop(gone);
    }

    /// How many connections nobody uses.
    pub(super) fn idle(&self) -> usize {
        self.state().idle.count()
    }

    /// The first request on a connection.
    fn first(&self, state: &mut State, key: &Arc<Server>, shared: Shared) -> Link {
        let mut busy = Busy { number: state.next, shared, flights: 0 };
        state.next += 1;
        let link = self.fly(key, &mut busy);
        state.known(key).busy.push(busy);
        link
    }

    fn fly(&self, server: &Arc<Server>, busy: &mut Busy) -> Link {
        busy.flights += 1;
        let flight =
            Flight { pool: self.own.clone(), server: Arc::clone(server), number: busy.number };
        busy.shared.link(Some(Arc::new(flight)))
    }

    /// One request less on a connection; with the last, nobody uses it.
    fn land(&self, flight: &Flight) {
        let gone = {
            let mut state = self.state();
            let State { known, idle, .. } = &mut *state;
            let Some(known) = known.get_mut(&flight.server) else { return };
            let at = known.busy.iter().position(|busy| busy.number == flight.number);
            let Some(busy) = at.and_then(|at| known.busy.get_mut(at)) else { return };
            busy.flights = busy.flights.saturating_sub(1);
            if busy.flights > 0 {
                return;
            }
            let Some(busy) = at.map(|at| known.busy.swap_remove(at)) else { return };
            if busy.shared.is_closed() {
                return;
            }
            idle.put(&flight.server, busy.shared.link(None), Instant::now())
        };
        drop(gone);
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.land(self);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::TcpListener;

    use super::*;
    use crate::alpn::Offer;
    use crate::clients::OneClient;
    use crate::dial::{Dialer, Reach};
    use crate::flow::Target;
    use crate::upstream::{Trust, Upstreams};

    /// None yet, and a server without TLS.
    fn upstreams(listener: &TcpListener) -> (Upstreams, Server) {
        let target = Target::Address(listener.local_addr().unwrap());
        let (within, who) = (Duration::from_millis(50), OneClient::default());
        let reach = Reach { also: vec![], own: vec![], mark: None, within, tell: vec![], who };
        let keep = Keep { each: 8, all: 8, idle: Duration::from_secs(60) };
        let trust = Trust::new(&[], Duration::from_secs(5)).unwrap();
        let upstreams = Upstreams::new(Dialer::new(reach), trust, keep);
        (upstreams, Server { target, name: None, offer: Offer::Silent, inner: true, told: None })
    }

    #[tokio::test]
    async fn a_connection_outlives_what_is_forgotten_while_it_is_used() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (upstreams, server) = upstreams(&listener);
        let client = "192.0.2.1:40000".parse().unwrap();
        let link = upstreams.link(&server, client).await.unwrap();
        upstreams.sweep();
        drop(upstreams.lease(&Arc::new(server.clone()), link, None));
        let back = async {
            while upstreams.idle() == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), back).await.unwrap();
        let Found::Link(_) = upstreams.pool.take(&server) else { panic!("it is there") };
    }

    #[tokio::test]
    async fn who_makes_a_connection_is_not_waited_for_without_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (upstreams, server) = upstreams(&listener);
        let client = "192.0.2.1:40000".parse().unwrap();
        let key = Arc::new(server.clone());
        upstreams.pool.state().known(&key).took = Some(Alpn::H2);
        let Found::Nothing(Some(making)) = upstreams.pool.take(&server) else {
            panic!("one makes it for all");
        };
        // As one does whose server says nothing.
        let _making = making.lock().await;
        let both = async {
            tokio::join!(upstreams.link(&server, client), upstreams.link(&server, client))
        };
        let (one, other) = tokio::time::timeout(Duration::from_secs(20), both).await.unwrap();
        one.unwrap();
        other.unwrap();
    }
}
