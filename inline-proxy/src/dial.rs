//! Connections to servers: where they may lead, and how they are made.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;
use sark_core::audit::Flow as FiveTuple;
use sark_registry::ageing::Special;
use socket2::SockRef;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};

use crate::clients::OneClient;
use crate::flow::{Flow, Target};
use crate::lookups::Lookups;
use crate::proxy_protocol::Told;

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
    /// For one address, and for the answer of a resolver.
    pub within: Duration,
    /// Servers that are told on whose behalf a connection is, by the PROXY protocol.
    pub tell: Vec<IpNet>,
    /// Which clients are one, that has its share of the names that are looked up.
    pub who: OneClient,
}

/// Makes connections.
#[derive(Debug)]
pub struct Dialer {
    reach: Reach,
    special: Special,
    lookups: Lookups,
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
    /// No resolver says whether it knows it.
    #[error("the name {name} is not resolved within {within:?}")]
    NameLate {
        /// Which.
        name: String,
        /// How long.
        within: Duration,
    },
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
        let lookups = Lookups::new(reach.who);
        Self { reach, special: Special::new(), lookups }
    }

    /// How long the connection to one address may take.
    #[must_use]
    pub const fn within(&self) -> Duration {
        self.reach.within
    }

    /// Connects. `inner` is whether the target may be an inner address: the client's packets went there,
    /// or the configuration or a policy names it; a client that names it itself reaches only the outside.
    ///
    /// A name is resolved once, every address is checked, and the connection goes to one that was: a
    /// second answer of the resolver changes nothing. A server that is to be `told` hears it first.
    /// `client` is the one whose share of names it takes.
    pub async fn dial(
        &self,
        target: &Target,
        inner: bool,
        told: Option<&Told>,
        client: SocketAddr,
    ) -> Result<TcpStream, DialError> {
        let mut last = None;
        for address in self.addresses(target, client).await? {
            let tried = match self.check(address, inner) {
                Ok(()) => self.connect(address, told.filter(|_| self.tells(address.ip()))).await,
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
    pub async fn may(
        &self,
        target: &Target,
        inner: bool,
        client: SocketAddr,
    ) -> Result<(), DialError> {
        let mut last = Err(DialError::NoAddress(target.to_string()));
        for address in self.addresses(target, client).await? {
            last = self.check(address, inner);
            if last.is_ok() {
                break;
            }
        }
        last
    }

    /// What a server is to be told of a client, if it, or one of its addresses, may be one that is told.
    #[must_use]
    pub fn told(&self, flow: &Flow, target: &Target) -> Option<Told> {
        let tells = match target {
            Target::Address(address) => self.tells(address.ip()),
            Target::Name(..) => !self.reach.tell.is_empty(),
        };
        let FiveTuple { source, destination, .. } = flow.five_tuple();
        tells.then_some(Told { source, destination })
    }

    fn tells(&self, address: IpAddr) -> bool {
        self.reach.tell.iter().any(|net| net.contains(&address.to_canonical()))
    }

    fn check(&self, address: SocketAddr, inner: bool) -> Result<(), DialError> {
        let ip = address.ip().to_canonical();
        if self.is_own(address) {
            return Err(DialError::Loop(address));
        }
        match self.special.what(ip) {
            Some(what) if !inner && !self.reach.also.iter().any(|net| net.contains(&ip)) => {
                Err(DialError::NotPublic { address: ip, what })
            }
            _ => Ok(()),
        }
    }

    /// Whether it is a listener of ours: one on all addresses is on those of the loopback interface, too,
    /// and the unspecified address leads there.
    fn is_own(&self, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        let is_here = ip.is_loopback() || ip.is_unspecified();
        self.reach.own.iter().any(|own| {
            let of_own = own.ip().to_canonical();
            own.port() == address.port() && (of_own == ip || (is_here && of_own.is_unspecified()))
        })
    }

    /// A listener on all addresses is ours on every address of this machine: then both ends of the
    /// connection have the same one. Where the unspecified address led is known only now.
    fn not_ours(&self, stream: &TcpStream) -> io::Result<Option<DialError>> {
        let (near, far) = (stream.local_addr()?, stream.peer_addr()?);
        let any = |own: &SocketAddr| own.ip().is_unspecified() && own.port() == far.port();
        let is_near = near.ip() == far.ip() && self.reach.own.iter().any(any);
        let is_ours = is_near || self.is_own(far);
        Ok(is_ours.then_some(DialError::Loop(far)))
    }

    async fn connect(
        &self,
        address: SocketAddr,
        told: Option<&Told>,
    ) -> Result<TcpStream, DialError> {
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
        let mut stream =
            connected.map_err(|_| DialError::Late { address, within })?.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        if let Some(ours) = self.not_ours(&stream).map_err(failed)? {
            return Err(ours);
        }
        if let Some(told) = told {
            // The buffer of a new connection has room for it.
            stream.write_all(&told.header()).await.map_err(failed)?;
        }
        Ok(stream)
    }

    async fn addresses(
        &self,
        target: &Target,
        client: SocketAddr,
    ) -> Result<Vec<SocketAddr>, DialError> {
        match target {
            Target::Address(address) => Ok(vec![*address]),
            Target::Name(name, port) => self.resolve(name, *port, client).await,
        }
    }

    async fn resolve(
        &self,
        name: &str,
        port: u16,
        client: SocketAddr,
    ) -> Result<Vec<SocketAddr>, DialError> {
        if let Ok(address) = name.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        self.lookups.look_up(client, name, port, self.reach.within).await
    }
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
            tell: Vec::new(),
            who: OneClient::default(),
        })
    }

    fn client() -> SocketAddr {
        "192.0.2.1:40000".parse().unwrap()
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
            let refused = dialer.dial(&target, false, None, client()).await;
            assert!(matches!(refused, Err(DialError::NotPublic { .. })), "{name}: {refused:?}");
        }
    }

    #[tokio::test]
    async fn what_is_allowed_and_what_packets_meant_is_reached() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let named = Target::Name("127.0.0.1".into(), address.port());
        dialer(&["127.0.0.0/8"], &[]).dial(&named, false, None, client()).await.unwrap();
        dialer(&[], &[]).dial(&Target::Address(address), true, None, client()).await.unwrap();
        dialer(&[], &[]).dial(&named, true, None, client()).await.unwrap();
    }

    #[tokio::test]
    async fn nothing_leads_back_here() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let port = address.port();
        // It listens on all addresses, and could be meant by any.
        let everywhere = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let wide = everywhere.local_addr().unwrap();
        for (own, meant) in [
            (format!("0.0.0.0:{port}"), address),
            (address.to_string(), address),
            (address.to_string(), SocketAddr::from(([0, 0, 0, 0], port))),
            (wide.to_string(), SocketAddr::from(([127, 0, 0, 2], wide.port()))),
            (wide.to_string(), SocketAddr::from(([0, 0, 0, 0], wide.port()))),
            (wide.to_string(), format!("[::ffff:127.0.0.3]:{}", wide.port()).parse().unwrap()),
        ] {
            let target = Target::Address(meant);
            let refused = dialer(&[], &[&own]).dial(&target, true, None, client()).await;
            assert!(matches!(refused, Err(DialError::Loop(_))), "{own}, {meant}: {refused:?}");
        }
        let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let refused = dialer(&[], &[&wide.to_string()])
            .dial(&Target::Address(elsewhere), true, None, client())
            .await;
        assert!(matches!(refused, Err(DialError::Connect { .. })), "{refused:?}");
    }
}
