//! A client's connection, and where it leads.

use std::fmt;
use std::net::SocketAddr;

/// How a connection came to the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Entrance {
    /// A router or the kernel steered it here: the client does not know.
    Transparent,
    /// The client asked this proxy, by CONNECT or with an absolute URI.
    Explicit,
    /// The client takes the proxy for the server.
    Reverse,
}

impl Entrance {
    /// As records and metrics name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transparent => "transparent",
            Self::Explicit => "explicit",
            Self::Reverse => "reverse",
        }
    }
}

/// The server that is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// The destination of the client's packets.
    Address(SocketAddr),
    /// What the client, or the configuration, names. Host in lower case, no brackets.
    Name(String, u16),
}

impl Target {
    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        match self {
            Self::Address(address) => address.port(),
            Self::Name(_, port) => *port,
        }
    }

    /// The name, if it has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Address(_) => None,
            Self::Name(name, _) => Some(name),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name, port) => write!(f, "{name}:{port}"),
        }
    }
}

impl Flow {
    /// Whether its target may have an inner address: where the client's packets went, or what the
    /// configuration names. A client that names the target itself reaches only the outside.
    #[must_use]
    pub fn may_be_inner(&self) -> bool {
        self.entrance != Entrance::Explicit
    }
}

/// One connection of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Where it is from.
    pub client: SocketAddr,
    /// Where the proxy took it: in transparent mode the address that the client meant.
    pub local: SocketAddr,
    /// The server that is meant.
    pub target: Target,
    /// How it came.
    pub entrance: Entrance,
}
