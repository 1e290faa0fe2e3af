//! A router reduced to what a test needs: it opens a BGP session and notes what it is sent.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use sark_flowspec::{Afi, Nlri};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::process::{eventually, moment};

/// RFC 4271 section 4.
const OPEN: u8 = 1;
const UPDATE: u8 = 2;
const NOTIFICATION: u8 = 3;
const KEEPALIVE: u8 = 4;
/// RFC 4760.
const MP_REACH: u8 = 14;
const MP_UNREACH: u8 = 15;

/// What a router hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A rule, with the octets of its path attributes other than MP_REACH.
    Announced(Afi, Vec<u8>),
    Withdrawn(Afi, Vec<u8>),
    EndOfRib(Afi),
    /// Code and subcode.
    Notification(u8, u8),
    /// The connection ended.
    Closed,
}

/// A session that is established.
pub struct Router {
    stream: TcpStream,
    waiting: std::collections::VecDeque<Heard>,
}

impl Router {
    /// Connects until the other side is willing, and opens the session.
    pub async fn connect(from: IpAddr, to: SocketAddr, asn: u16) -> Self {
        eventually("the BGP session", async || {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind((from, 0).into()).unwrap();
            let stream = socket.connect(to).await.ok()?;
            Self::open(stream, asn).await
        })
        .await
    }

    async fn open(mut stream: TcpStream, asn: u16) -> Option<Self> {
        let mut open = vec![4];
        open.extend(asn.to_be_bytes());
        open.extend(90_u16.to_be_bytes());
        open.extend([198, 51, 100, 9]);
        let mut capabilities = Vec::new();
        for afi in [1, 2] {
            capabilities.extend([1, 4, 0, afi, 0, 133]);
        }
        // Graceful restart, or there would be no End-of-RIB.
        capabilities.extend([64, 2, 0, 60]);
        capabilities.extend([65, 4, 0, 0]);
        capabilities.extend(asn.to_be_bytes());
        let length = u8::try_from(capabilities.len()).unwrap();
        open.extend([length + 2, 2, length]);
        open.extend(capabilities);
        send(&mut stream, OPEN, &open).await?;
        let mut router = Self { stream, waiting: std::collections::VecDeque::new() };
        let (kind, _) = router.message().await?;
        if kind != OPEN {
            return None;
        }
        send(&mut router.stream, KEEPALIVE, &[]).await?;
        let (kind, _) = router.message().await?;
        (kind == KEEPALIVE).then_some(router)
    }

    /// The next thing of interest. Answers keepalives on the way.
    pub async fn hear(&mut self) -> Heard {
        let limit = Duration::from_secs(40);
        tokio::time::timeout(limit, self.hear_unlimited()).await.expect("the peer is silent")
    }

    async fn hear_unlimited(&mut self) -> Heard {
        loop {
            if let Some(heard) = self.waiting.pop_front() {
                return heard;
            }
            match self.message().await {
                None => return Heard::Closed,
                Some((NOTIFICATION, body)) => return Heard::Notification(body[0], body[1]),
                Some((UPDATE, body)) => self.update(&body),
                Some(_) => {
                    let _ = send(&mut self.stream, KEEPALIVE, &[]).await;
                }
            }
        }
    }

    /// Both families' initial sets: what came before each End-of-RIB.
    pub async fn initial(&mut self) -> Vec<(Afi, Vec<u8>)> {
        let (mut rules, mut ended) = (Vec::new(), Vec::new());
        while ended.len() < 2 {
            match self.hear().await {
                Heard::Announced(afi, octets) => {
                    assert!(!ended.contains(&afi), "a rule after the End-of-RIB of {afi:?}");
                    rules.push((afi, octets));
                }
                Heard::EndOfRib(afi) => ended.push(afi),
                other => panic!("before the End-of-RIB: {other:?}"),
            }
        }
        rules
    }

    /// Whether nothing has come and the connection stands.
    pub async fn is_quiet(&mut self) -> bool {
        moment().await;
        self.waiting.is_empty()
            && matches!(self.stream.try_read(&mut [0]), Err(error)
                if error.kind() == std::io::ErrorKind::WouldBlock)
    }

    async fn message(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut header = [0; 19];
        self.stream.read_exact(&mut header).await.ok()?;
        let length = usize::from(u16::from_be_bytes([header[16], header[17]]));
        let mut body = vec![0; length - 19];
        self.stream.read_exact(&mut body).await.ok()?;
        Some((header[18], body))
    }

    fn update(&mut self, body: &[u8]) {
        assert_eq!(&body[..2], [0, 0], "no unicast withdrawals");
        let mut rest = &body[4..];
        while let [flags, kind, tail @ ..] = rest {
            let (length, start) = if flags & 0x10 == 0 {
                (usize::from(tail[0]), 1)
            } else {
                (usize::from(u16::from_be_bytes([tail[0], tail[1]])), 2)
            };
            let value = &tail[start..start + length];
            rest = &tail[start + length..];
            match *kind {
                MP_REACH => {
                    assert_eq!(value[3..5], [0, 0], "no next hop, nothing reserved");
                    self.nlris(value, &value[5..], Heard::Announced);
                }
                MP_UNREACH if value.len() == 3 => {
                    self.waiting.push_back(Heard::EndOfRib(family(value)));
                }
                MP_UNREACH => self.nlris(value, &value[3..], Heard::Withdrawn),
                _ => {}
            }
        }
    }

    fn nlris(&mut self, value: &[u8], mut octets: &[u8], heard: fn(Afi, Vec<u8>) -> Heard) {
        let afi = family(value);
        while !octets.is_empty() {
            let (_, rest) = Nlri::decode_first(afi, octets).expect("what GoBGP sends decodes");
            self.waiting.push_back(heard(afi, octets[..octets.len() - rest.len()].to_vec()));
            octets = rest;
        }
    }
}

fn family(value: &[u8]) -> Afi {
    match value[..3] {
        [0, 1, 133] => Afi::Ipv4,
        [0, 2, 133] => Afi::Ipv6,
        _ => panic!("not a FlowSpec family: {value:?}"),
    }
}

async fn send(stream: &mut TcpStream, kind: u8, body: &[u8]) -> Option<()> {
    let mut message = vec![0xff; 16];
    message.extend(u16::try_from(19 + body.len()).unwrap().to_be_bytes());
    message.push(kind);
    message.extend(body);
    stream.write_all(&message).await.ok()
}
