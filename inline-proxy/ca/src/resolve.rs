//! Leaves as rustls asks for them.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use sark_core::Clock;

use crate::host::Host;
use crate::leaves::Leaves;

/// The leaf for the name that a client asks for, or for the address that it came to.
///
/// rustls has no word for why there is none: it tells the client `access_denied`. Whoever wants to know
/// asks [`Leaves::get`] before the handshake, and the answer is kept.
#[derive(Clone)]
pub struct Resolver {
    leaves: Arc<Leaves>,
    clock: Arc<dyn Clock>,
    destination: Option<IpAddr>,
}

impl Resolver {
    /// By name (RFC 6066 §3); a client that asks for none gets none.
    #[must_use]
    pub fn by_name(leaves: Arc<Leaves>, clock: Arc<dyn Clock>) -> Self {
        Self { leaves, clock, destination: None }
    }

    /// By name, and for a client that asks for none by the address that it came to.
    #[must_use]
    pub fn for_destination(leaves: Arc<Leaves>, clock: Arc<dyn Clock>, address: IpAddr) -> Self {
        Self { leaves, clock, destination: Some(address) }
    }

    fn host(&self, name: Option<&str>) -> Option<Host> {
        match name {
            Some(name) => Host::dns(name).ok(),
            None => self.destination.map(Host::from),
        }
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let host = self.host(hello.server_name())?;
        self.leaves.get(&host, self.clock.now()).ok()
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("destination", &self.destination).finish_non_exhaustive()
    }
}
