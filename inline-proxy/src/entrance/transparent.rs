//! Connections that a router or the kernel steered here; the client meant another address.

use std::io;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 4096;

/// How the kernel hands connections over; see `sark-proxy net`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Steering {
    /// TPROXY: the socket has the address that the client meant. No connection tracking.
    #[default]
    Tproxy,
    /// NAT to this machine: the kernel's connection tracking remembers what the client meant.
    Redirect,
}

/// Listens. TPROXY takes CAP_NET_ADMIN.
pub fn listen(address: SocketAddr, steering: Option<Steering>) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    if steering == Some(Steering::Tproxy) {
        match address {
            SocketAddr::V4(_) => socket.set_ip_transparent_v4(true)?,
            SocketAddr::V6(_) => socket.set_ip_transparent_v6(true)?,
        }
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// The address that the client meant.
pub fn meant(stream: &TcpStream, steering: Steering) -> io::Result<SocketAddr> {
    let local = stream.local_addr()?;
    if steering == Steering::Tproxy {
        return Ok(local);
    }
    let socket = SockRef::from(stream);
    let original = match local {
        SocketAddr::V4(_) => socket.original_dst_v4()?,
        SocketAddr::V6(_) => socket.original_dst_v6()?,
    };
    original.as_socket().ok_or_else(|| io::Error::other("the original destination is no address"))
}
