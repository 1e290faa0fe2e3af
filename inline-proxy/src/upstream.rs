//! Servers: connections to them, kept for the next request.
//!
//! ```text
//!   Server ─→ Upstreams ─┬─ Pool: one that is there, with room for a request ───────→ Link
//!                        └─ dial, TLS with the client's offer, handshake ─→ Pool ──→ Link
//! ```
//!
//! An HTTP/1.1 connection is one request's until its answer has been read. HTTP/2 ones are shared: when
//! none has room for one request more, as the server bounds it, there is another.

mod heard;
mod idle;
mod lease;
mod link;
mod own;
mod pool;
mod trust;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;

pub use idle::Keep;
pub use lease::Stay;
pub use link::{Link, LinkError};
pub use own::{Held, Own, is_of_connection};
pub use trust::Trust;

use crate::alpn::{Alpn, Offer};
use crate::dial::Dialer;
use crate::flow::Target;
use crate::proxy_protocol::Told;
use lease::{Home, Lease};
use pool::{Found, Pool};

/// How long a server may take until it says how many requests it takes at a time: after that another
/// connection is made.
const SOON: Duration = Duration::from_secs(2);

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
    /// What it is told of the client, if it is told: such a connection is no other client's.
    pub told: Option<Told>,
}

/// Connections to all servers.
#[derive(Debug)]
pub struct Upstreams {
    dialer: Dialer,
    trust: Trust,
    pool: Arc<Pool>,
}

impl Upstreams {
    /// None yet.
    #[must_use]
    pub fn new(dialer: Dialer, trust: Trust, keep: Keep) -> Self {
        Self { dialer, trust, pool: Pool::new(keep) }
    }

    /// Who dials.
    #[must_use]
    pub fn dialer(&self) -> &Dialer {
        &self.dialer
    }

    /// What the server takes of the offer: as it did before, or asked now, for this client.
    pub async fn alpn(&self, server: &Server, client: SocketAddr) -> Result<Alpn, LinkError> {
        if let Some(took) = self.pool.took(server) {
            return Ok(took);
        }
        let link = self.link(server, client).await?;
        let alpn = link.alpn();
        self.pool.back(&Arc::new(server.clone()), link);
        Ok(alpn)
    }

    /// A connection on which a request of this client can be sent: one that is there, or a new one.
    pub async fn link(&self, server: &Server, client: SocketAddr) -> Result<Link, LinkError> {
        loop {
            let mut soon = match self.pool.take(server) {
                Found::Link(link) => return Ok(link),
                Found::Soon(soon) => soon,
                Found::Nothing(None) => return self.fresh(server, client).await,
                Found::Nothing(Some(making)) => {
                    // A server that does not answer takes each of those who wait so long once, and not
                    // one after another.
                    let within = self.dialer.within();
                    let Ok(_made_by_us) = tokio::time::timeout(within, making.lock()).await else {
                        return self.fresh(server, client).await;
                    };
                    match self.pool.take(server) {
                        Found::Link(link) => return Ok(link),
                        Found::Soon(soon) => soon,
                        Found::Nothing(_) => return self.fresh(server, client).await,
                    }
                }
            };
            // A connection that ends meanwhile is found no more.
            if tokio::time::timeout(SOON, soon.wait_for(Option::is_some)).await.is_err() {
                return self.fresh(server, client).await;
            }
        }
    }

    /// A new connection, whatever is there. What it takes is large, and rare: who finds a connection does not
    /// carry it along.
    pub async fn fresh(&self, server: &Server, client: SocketAddr) -> Result<Link, LinkError> {
        Box::pin(self.make(server, client)).await
    }

    async fn make(&self, server: &Server, client: SocketAddr) -> Result<Link, LinkError> {
        let told = server.told.as_ref();
        let stream = self.dialer.dial(&server.target, server.inner, told, client).await?;
        let link = match &server.name {
            None => Link::plain(stream).await?,
            Some(name) => {
                let stream = self.trust.connect(name.clone(), server.offer, stream).await?;
                Link::secure(stream).await?
            }
        };
        Ok(self.pool.made(server, link))
    }

    /// What an answer holds that comes on a connection of HTTP/1.1: when it is over, that is for the next
    /// request, of the one client that has its `own`.
    pub fn lease(&self, server: &Arc<Server>, link: Link, own: Option<Held>) -> Stay {
        let home = Home { pool: self.pool.weak(), server: Arc::clone(server), own };
        Stay::Alone(Arc::new(Lease::new(link, home)))
    }

    /// Forgets connections that nobody wanted for long, and servers without any.
    pub fn sweep(&self) {
        self.pool.sweep();
    }

    /// How many connections nobody uses.
    #[must_use]
    pub fn idle(&self) -> usize {
        self.pool.idle()
    }
}
