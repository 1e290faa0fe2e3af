//! The PROXY protocol, version 2 (<https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>, §2.2): what
//! a balancer says before a connection's first octet of whom it is on behalf of.
//!
//! ```text
//!   signature (12) ‖ version, command (1) ‖ family, transport (1) ‖ length (2) ‖ addresses ‖ TLVs
//! ```
//!
//! Version 1, which is text without a length, is not read: everything that sends it sends version 2 too.
//! TLVs are passed over.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt as _};

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// What version 1 begins with.
const VERSION_1: &[u8] = b"PROXY ";
/// Signature, command, family and length.
const FIXED: usize = 16;
/// The most octets of addresses and TLVs; certificates' TLVs are the longest that are in use.
const MOST: usize = 4096;
const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;
const UNSPEC: u8 = 0x00;
const TCP4: u8 = 0x11;
const TCP6: u8 = 0x21;

/// A connection, as its client made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Told {
    /// The client.
    pub source: SocketAddr,
    /// Whom it meant.
    pub destination: SocketAddr,
}

/// Why a header is not believed.
#[derive(Debug, thiserror::Error)]
pub enum HeaderError {
    /// It does not begin as one.
    #[error("there is no header of the PROXY protocol, version 2")]
    None,
    /// Version 1.
    #[error("the header is of version 1 of the PROXY protocol; send version 2")]
    Version1,
    /// Another version or command.
    #[error("the header's version and command are {0:#04x}: 0x20 and 0x21 are known")]
    Command(u8),
    /// Not TCP over IP.
    #[error("the header is of family and transport {0:#04x}: TCP over IP is 0x11 or 0x21")]
    Family(u8),
    /// Shorter than its addresses.
    #[error("the header's length is {0}: too short for its addresses")]
    Short(usize),
    /// Longer than anybody's.
    #[error("the header's length is {0}: more than {MOST}")]
    Long(usize),
    /// Nothing came.
    #[error("nothing came")]
    Silent,
    /// It broke off.
    #[error("the header broke off")]
    Broken(#[from] std::io::Error),
}

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// A connection of the balancer itself, such as a check, or of an unknown client: its own addresses
    /// hold.
    Local,
    /// On behalf of a client.
    On(Told),
}

/// Reads a header, and nothing beyond it.
pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Header, HeaderError> {
    let mut fixed = [0; FIXED];
    // What is not one is told by its first octets: who sends few waits for no more.
    let mut have = 0;
    while have < FIXED {
        let read = stream.read(fixed.get_mut(have..).unwrap_or_default()).await?;
        if read == 0 && have == 0 {
            return Err(HeaderError::Silent);
        }
        if read == 0 {
            return Err(HeaderError::Broken(std::io::ErrorKind::UnexpectedEof.into()));
        }
        have += read;
        begins(fixed.get(..have).unwrap_or_default())?;
    }
    let mut rest = vec![0; length(&fixed)?];
    stream.read_exact(&mut rest).await?;
    parse(&fixed, &rest)
}

/// Whether these may be the first octets of a header.
fn begins(octets: &[u8]) -> Result<(), HeaderError> {
    let known = octets.len().min(SIGNATURE.len());
    if octets.get(..known) == SIGNATURE.get(..known) {
        return Ok(());
    }
    let known = octets.len().min(VERSION_1.len());
    let is_v1 = octets.get(..known) == VERSION_1.get(..known);
    Err(if is_v1 { HeaderError::Version1 } else { HeaderError::None })
}

/// Octets after the fixed part.
fn length(fixed: &[u8; FIXED]) -> Result<usize, HeaderError> {
    let [.., command, _, high, low] = *fixed;
    if command != LOCAL && command != PROXY {
        return Err(HeaderError::Command(command));
    }
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > MOST { Err(HeaderError::Long(length)) } else { Ok(length) }
}

fn parse(fixed: &[u8; FIXED], rest: &[u8]) -> Result<Header, HeaderError> {
    let [.., command, family, _, _] = *fixed;
    let short = HeaderError::Short(rest.len());
    match (command, family) {
        (LOCAL, _) | (PROXY, UNSPEC) => Ok(Header::Local),
        (PROXY, TCP4) => on::<4>(rest).ok_or(short),
        (PROXY, TCP6) => on::<16>(rest).ok_or(short),
        (_, family) => Err(HeaderError::Family(family)),
    }
}

/// Two addresses of `N` octets, and two ports.
fn on<const N: usize>(rest: &[u8]) -> Option<Header>
where
    IpAddr: From<[u8; N]>,
{
    let (source, rest) = rest.split_first_chunk::<N>()?;
    let (destination, rest) = rest.split_first_chunk::<N>()?;
    let (from, rest) = rest.split_first_chunk::<2>()?;
    let (to, _) = rest.split_first_chunk::<2>()?;
    let of = |address: [u8; N], port: [u8; 2]| {
        SocketAddr::new(IpAddr::from(address).to_canonical(), u16::from_be_bytes(port))
    };
    Some(Header::On(Told { source: of(*source, *from), destination: of(*destination, *to) }))
}

impl Told {
    /// The header that says so. Addresses of two families are both written as IPv6 (RFC 4291 §2.5.5.2).
    #[must_use]
    pub fn header(&self) -> Vec<u8> {
        let (source, destination) = (self.source.ip(), self.destination.ip());
        let mut octets = SIGNATURE.to_vec();
        octets.push(PROXY);
        let mut put = |family: u8, source: &[u8], destination: &[u8]| {
            let length = source.len() + destination.len() + 4;
            octets.push(family);
            octets.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
            octets.extend(source);
            octets.extend(destination);
        };
        match (source.to_canonical(), destination.to_canonical()) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                put(TCP4, &source.octets(), &destination.octets());
            }
            (source, destination) => put(TCP6, &six(source).octets(), &six(destination).octets()),
        }
        octets.extend(self.source.port().to_be_bytes());
        octets.extend(self.destination.port().to_be_bytes());
        octets
    }
}

fn six(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => Ipv4Addr::to_ipv6_mapped(&address),
        IpAddr::V6(address) => address,
    }
}

#[cfg(test)]
mod tests;
