//! Servers: connections to them, kept for the next request.
//!
//! ```text
//!   Server ─→ Upstreams ─┬─ idle HTTP/1.1 connection, or the HTTP/2 one ──→ Link
//!                        └─ dial, TLS with the client's offer, handshake ──→ Link
//! ```

mod link;
mod trust;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use tokio::sync::OnceCell;

pub use link::{Link, LinkError};
pub use trust::Trust;

use crate::alpn::{Alpn, Offer};
use crate::dial::Dialer;
use crate::flow::Target;

/// Where requests go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Server {
    /// To connect to.
    pub target: Target,
    /// The name that its certificate has to have; none, and nothing is encrypted.
    pub name: Option<ServerName<'static>>,
    /// What it is offered.
    pub offer: Offer,
    /// Whether it may have an inner address: see [`Dialer::dial`].
    pub inner: bool,
}

/// How connections are kept.
#[derive(Debug, Clone, Copy)]
pub struct Keep {
    /// Idle ones of one server.
    pub each: usize,
    /// How long.
    pub idle: Duration,
}

/// Connections to all servers.
#[derive(Debug)]
pub struct Upstreams {
    dialer: Dialer,
    trust: Trust,
    keep: Keep,
    known: Mutex<HashMap<Server, Arc<Known>>>,
}

/// What is known of one server.
#[derive(Debug, Default)]
struct Known {
    idle: Mutex<Vec<(Instant, Link)>>,
    /// The HTTP/2 connection that all share, and whoever makes it makes it for all that wait.
    shared: Mutex<Arc<OnceCell<Link>>>,
    /// What it took last.
    took: Mutex<Option<Alpn>>,
}

impl Upstreams {
    /// None yet.
    #[must_use]
    pub fn new(dialer: Dialer, trust: Trust, keep: Keep) -> Self {
        Self { dialer, trust, keep, known: Mutex::default() }
    }

    /// Who dials.
    #[must_use]
    pub fn dialer(&self) -> &Dialer {
        &self.dialer
    }

    /// What the server takes of the offer: as it did before, or asked now.
    pub async fn alpn(&self, server: &Server) -> Result<Alpn, LinkError> {
        let known = self.known(server);
        if let Some(took) = *lock(&known.took) {
            return Ok(took);
        }
        let link = self.link(server).await?;
        let alpn = link.alpn();
        self.back(server, link);
        Ok(alpn)
    }

    /// A connection on which a request can be sent: one that is there, or a new one.
    pub async fn link(&self, server: &Server) -> Result<Link, LinkError> {
        let known = self.known(server);
        if let Some(link) = self.idle(&known) {
            return Ok(link);
        }
        if *lock(&known.took) != Some(Alpn::H2) {
            let link = self.connect(server, &known).await?;
            if link.alpn() != Alpn::H2 {
                return Ok(link);
            }
            // The first of several that came at once is the one that stays.
            let cell = Arc::clone(&lock(&known.shared));
            let _ = cell.set(link.clone_shared().ok_or(LinkError::Closed)?);
            return Ok(link);
        }
        let mut cell = Arc::clone(&lock(&known.shared));
        if cell.get().is_some_and(Link::is_closed) {
            let mut shared = lock(&known.shared);
            // Somebody may have put another in its place meanwhile.
            if Arc::ptr_eq(&shared, &cell) {
                *shared = Arc::default();
            }
            cell = Arc::clone(&shared);
        }
        let link = cell.get_or_try_init(|| self.connect(server, &known)).await?;
        match link.clone_shared() {
            Some(link) => Ok(link),
            // It took HTTP/1.1 this time: that connection cannot be shared.
            None => {
                *lock(&known.shared) = Arc::default();
                self.connect(server, &known).await
            }
        }
    }

    /// A new connection, whatever is there.
    pub async fn fresh(&self, server: &Server) -> Result<Link, LinkError> {
        self.connect(server, &self.known(server)).await
    }

    /// A connection whose answer has been read, for the next request.
    pub fn back(&self, server: &Server, link: Link) {
        if link.alpn() == Alpn::H2 || link.is_closed() {
            return;
        }
        let known = self.known(server);
        let mut idle = lock(&known.idle);
        idle.retain(|(since, link)| since.elapsed() < self.keep.idle && !link.is_closed());
        if idle.len() < self.keep.each {
            idle.push((Instant::now(), link));
        }
    }

    /// Forgets connections that nobody wanted for long, and servers without any.
    pub fn sweep(&self) {
        let mut all = lock(&self.known);
        all.retain(|_, known| {
            let mut idle = lock(&known.idle);
            idle.retain(|(since, link)| since.elapsed() < self.keep.idle && !link.is_closed());
            let shares = lock(&known.shared).get().is_some_and(|link| !link.is_closed());
            !idle.is_empty() || shares || Arc::strong_count(known) > 1
        });
    }

    async fn connect(&self, server: &Server, known: &Known) -> Result<Link, LinkError> {
        let stream = self.dialer.dial(&server.target, server.inner).await?;
        let link = match &server.name {
            None => Link::plain(stream).await?,
            Some(name) => {
                let stream = self.trust.connect(name.clone(), server.offer, stream).await?;
                Link::secure(stream).await?
            }
        };
        *lock(&known.took) = Some(link.alpn());
        Ok(link)
    }

    fn idle(&self, known: &Known) -> Option<Link> {
        let mut idle = lock(&known.idle);
        while let Some((since, link)) = idle.pop() {
            if since.elapsed() < self.keep.idle && !link.is_closed() {
                return Some(link);
            }
        }
        None
    }

    fn known(&self, server: &Server) -> Arc<Known> {
        let mut all = lock(&self.known);
        match all.get(server) {
            Some(known) => Arc::clone(known),
            None => Arc::clone(all.entry(server.clone()).or_default()),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
