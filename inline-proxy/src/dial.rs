//! Connections to servers: where they may lead, and how they are made.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;
use sark_registry::ageing::Special;
use socket2::SockRef;
use tokio::net::{TcpSocket, TcpStream};

use crate::flow::Target;

/// How servers are reached.
#[derive(Debug, Clone)]
pub struct Reach {
    /// Prefixes that clients of the explicit entrance may ask for although they are no public
    /// addresses.
    pub also: Vec<IpNet>,
    /// The proxy's own listeners: a connection to one would come back for ever.
    pub own: Vec<SocketAddr>,
    /// Of the sockets to servers, so that no rule steers them here again.
    pub mark: Option<u32>,
    /// For one address.
    pub within: Duration,
}

/// Makes connections.
#[derive(Debug)]
pub struct Dialer {
    reach: Reach,
    special: Special,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// It is one of ours.
    #[error("{0} is this proxy itself")]
    Loop(SocketAddr),
    /// The name, or the address, leads where no client of this entrance may go.
    #[error("{address} is {what}, and not among those that may be reached")]
    NotPublic {
        /// Where it leads.
        address: IpAddr,
        /// What that is.
        what: &'static str,
    },
    /// No resolver knows it.
    #[error("the name {0} cannot be resolved")]
    Name(String, #[source] io::Error),
    /// It has no address.
    #[error("the name {0} has no address")]
    NoAddress(String),
    /// No answer.
    #[error("{address} does not answer within {within:?}")]
    Late {
        /// Who.
        address: SocketAddr,
        /// How long.
        within: Duration,
    },
    /// An error.
    #[error("cannot connect to {address}")]
    Connect {
        /// To whom.
        address: SocketAddr,
        /// Cause.
        source: io::Error,
    },
}

impl DialError {
    /// Whether it was refused here, and not by the server or the way there.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Loop(_) | Self::NotPublic { .. })
    }
}

impl Dialer {
    /// With these settings.
    #[must_use]
    pub fn new(reach: Reach) -> Self {
        Self { reach, special: Special::new() }
    }

    /// Connects. `inner` is whether the target may be an inner address: the client's packets went there,
    /// or the configuration or a policy names it; a client that names it itself reaches only the outside.
    ///
    /// A name is resolved once, every address is checked, and the connection goes to one that was: a
    /// second answer of the resolver changes nothing.
    pub async fn dial(&self, target: &Target, inner: bool) -> Result<TcpStream, DialError> {
        let mut last = None;
        for address in addresses(target).await? {
            let tried = match self.check(address, inner) {
                Ok(()) => self.connect(address).await,
                Err(refused) => Err(refused),
            };
            match tried {
                Ok(stream) => return Ok(stream),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| DialError::NoAddress(target.to_string())))
    }

    /// Whether it could be, without connecting.
    pub async fn may(&self, target: &Target, inner: bool) -> Result<(), DialError> {
        let mut last = Err(DialError::NoAddress(target.to_string()));
        for address in addresses(target).await? {
            last = self.check(address, inner);
            if last.is_ok() {
                break;
            }
        }
        last
    }

    fn check(&self, address: SocketAddr, inner: bool) -> Result<(), DialError> {
        let ip = address.ip().to_canonical();
        if self.reach.own.contains(&SocketAddr::new(ip, address.port())) {
            return Err(DialError::Loop(address));
        }
        match self.special.what(ip) {
            Some(what) if !inner && !self.reach.also.iter().any(|net| net.contains(&ip)) => {
                Err(DialError::NotPublic { address: ip, what })
            }
            _ => Ok(()),
        }
    }

    /// A listener on all addresses is ours on every address of this machine: then both ends of the
    /// connection have the same one.
    fn not_ours(&self, stream: &TcpStream) -> io::Result<Option<DialError>> {
        let (near, far) = (stream.local_addr()?, stream.peer_addr()?);
        let any = |own: &SocketAddr| own.ip().is_unspecified() && own.port() == far.port();
        let is_ours = near.ip() == far.ip() && self.reach.own.iter().any(any);
        Ok(is_ours.then_some(DialError::Loop(far)))
    }

    async fn connect(&self, address: SocketAddr) -> Result<TcpStream, DialError> {
        let failed = |source| DialError::Connect { address, source };
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        };
        let socket = socket.map_err(failed)?;
        if let Some(mark) = self.reach.mark {
            SockRef::from(&socket).set_mark(mark).map_err(failed)?;
        }
        let within = self.reach.within;
        let connected = tokio::time::timeout(within, socket.connect(address)).await;
        let stream = connected.map_err(|_| DialError::Late { address, within })?.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        self.not_ours(&stream).map_err(failed)?.map_or(Ok(stream), Err)
    }
}

async fn addresses(target: &Target) -> Result<Vec<SocketAddr>, DialError> {
    match target {
        Target::Address(address) => Ok(vec![*address]),
        Target::Name(name, port) => resolve(name, *port).await,
    }
}

async fn resolve(name: &str, port: u16) -> Result<Vec<SocketAddr>, DialError> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let found = tokio::net::lookup_host((name, port)).await;
    Ok(found.map_err(|error| DialError::Name(name.to_owned(), error))?.collect())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    fn dialer(also: &[&str], own: &[&str]) -> Dialer {
        Dialer::new(Reach {
            also: also.iter().map(|net| net.parse().unwrap()).collect(),
            own: own.iter().map(|address| address.parse().unwrap()).collect(),
            mark: None,
            within: Duration::from_secs(5),
        })
    }

    #[tokio::test]
    async fn an_explicit_client_reaches_no_inner_address() {
        let dialer = dialer(&[], &[]);
        for name in [
            "127.0.0.1",
            "::1",
            "::ffff:127.0.0.1",
            "169.254.169.254",
            "10.0.0.1",
            "fd00:ec2::254",
            "0.0.0.0",
            "64:ff9b::7f00:1",
            "localhost",
        ] {
            let target = Target::Name(name.to_owned(), 80);
            let refused = dialer.dial(&target, false).await;
            assert!(matches!(refused, Err(DialError::NotPublic { .. })), "{name}: {refused:?}");
        }
    }

    #[tokio::test]
    async fn what_is_allowed_and_what_packets_meant_is_reached() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let named = Target::Name("127.0.0.1".into(), address.port());
        dialer(&["127.0.0.0/8"], &[]).dial(&named, false).await.unwrap();
        dialer(&[], &[]).dial(&Target::Address(address), true).await.unwrap();
        dialer(&[], &[]).dial(&named, true).await.unwrap();
    }

    #[tokio::test]
    async fn nothing_leads_back_here() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let own = format!("0.0.0.0:{}", address.port());
        for own in [own, address.to_string()] {
            let refused = dialer(&[], &[&own]).dial(&Target::Address(address), true).await;
            assert!(matches!(refused, Err(DialError::Loop(_))), "{own}: {refused:?}");
        }
    }
}
