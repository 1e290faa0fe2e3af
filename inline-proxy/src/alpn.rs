//! Which HTTP is spoken on a connection.

use sark_hello::ClientHello;

/// What was negotiated (RFC 7301), or offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alpn {
    /// `h2`.
    H2,
    /// `http/1.1`.
    H1,
    /// Nothing: HTTP/1.1 is meant.
    Silent,
}

impl Alpn {
    /// What was negotiated; `None` if it is neither HTTP/1.1 nor HTTP/2.
    #[must_use]
    pub fn of(protocol: Option<&[u8]>) -> Option<Self> {
        match protocol {
            None => Some(Self::Silent),
            Some(b"h2") => Some(Self::H2),
            Some(b"http/1.1") => Some(Self::H1),
            Some(_) => None,
        }
    }
}

/// What a client offers, of what we speak: a server is offered no more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Offer {
    /// Both, and the server takes its pick.
    Both,
    /// HTTP/2 alone, as gRPC does.
    H2,
    /// HTTP/1.1 alone.
    H1,
    /// No negotiation.
    Silent,
}

impl Offer {
    /// Of a hello; `None` if it offers only what we do not speak.
    #[must_use]
    pub fn of(hello: &ClientHello) -> Option<Self> {
        let has = |wanted: &[u8]| hello.alpn().any(|name| name == wanted);
        match (has(b"h2"), has(b"http/1.1")) {
            (true, true) => Some(Self::Both),
            (true, false) => Some(Self::H2),
            (false, true) => Some(Self::H1),
            (false, false) => hello.alpn().next().is_none().then_some(Self::Silent),
        }
    }

    /// As rustls wants it.
    #[must_use]
    pub fn protocols(self) -> Vec<Vec<u8>> {
        let (h2, h1) = (b"h2".to_vec(), b"http/1.1".to_vec());
        match self {
            Self::Both => vec![h2, h1],
            Self::H2 => vec![h2],
            Self::H1 => vec![h1],
            Self::Silent => Vec::new(),
        }
    }
}
