//! Octets → records → handshake message → verdict.

use crate::error::Refusal;
use crate::hello::ClientHello;
use crate::iana::{handshake, record};
use crate::parse;
use crate::protocol::{Opening, Protocol, opening};

/// What a hello may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most octets until the hello's end, record headers included. With post-quantum key shares and
    /// ECH hellos have some 2,000 octets; many sessions to resume make more.
    pub octets: usize,
    /// The most records that carry it. One, from nearly everybody; a few, from clients that hide the
    /// name from simpler readers.
    pub records: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { octets: 16 * 1024, records: 64 }
    }
}

/// What the octets so far are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The beginning of something. How long to wait for the rest is the caller's to say.
    NeedMore,
    /// TLS, and all of the hello is here. What came after it is kept unread.
    Hello(Box<ClientHello>),
    /// Something else.
    NotTls(Protocol),
    /// TLS that is not read on.
    Refused(Refusal),
}

/// What a connection has shown while [`Progress::NeedMore`] was all that could be said: for whoever
/// waits no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SoFar {
    /// No octet: a protocol in which the server speaks first, or nobody.
    Nothing,
    /// Too few octets to say which protocol it is.
    Unclear,
    /// A part of a TLS hello.
    Tls,
}

/// Reads the first octets of a connection. It keeps them all, also those after a verdict and those that
/// it refuses: its memory is the limit, one portion, and the message.
///
/// ```
/// use sark_hello::{Limits, Progress, Protocol, Reader};
///
/// let mut reader = Reader::new(Limits::default());
/// assert_eq!(reader.push(b"GE"), Progress::NeedMore);
/// assert_eq!(reader.push(b"T / HTTP/1.1\r\n"), Progress::NotTls(Protocol::Http));
/// assert_eq!(reader.into_octets(), b"GET / HTTP/1.1\r\n");
/// ```
#[derive(Debug)]
pub struct Reader {
    limits: Limits,
    octets: Vec<u8>,
    /// How many of them were read.
    at: usize,
    /// How many of the record in which we are are still to be read.
    left: usize,
    records: usize,
    /// What the records carried.
    message: Vec<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Opening,
    Records,
    Over,
}

impl Reader {
    /// Of a connection from which nothing has come yet.
    pub fn new(limits: Limits) -> Self {
        let (octets, message) = (Vec::new(), Vec::new());
        Self { limits, octets, at: 0, left: 0, records: 0, message, state: State::Opening }
    }

    /// Takes what comes next. The first answer that is not [`Progress::NeedMore`] is the verdict; what
    /// is pushed after it is kept, and the answer is [`Refusal::Over`].
    pub fn push(&mut self, portion: &[u8]) -> Progress {
        self.octets.extend_from_slice(portion);
        if self.state == State::Over {
            return Progress::Refused(Refusal::Over);
        }
        let progress = self.read().unwrap_or_else(Progress::Refused);
        if progress != Progress::NeedMore {
            self.state = State::Over;
        }
        progress
    }

    /// All that was pushed, to be sent on.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// All that was pushed.
    pub fn into_octets(self) -> Vec<u8> {
        self.octets
    }

    /// What there is when time is up.
    pub fn so_far(&self) -> SoFar {
        match self.octets.as_slice() {
            [] => SoFar::Nothing,
            [record::HANDSHAKE, 3, ..] => SoFar::Tls,
            _ => SoFar::Unclear,
        }
    }

    fn read(&mut self) -> Result<Progress, Refusal> {
        // Octets beyond the limit change nothing, however early they came.
        let within = self.octets.len().min(self.limits.octets);
        if self.state == State::Opening {
            match opening(self.octets.get(..within).unwrap_or_default()) {
                Opening::Unclear => return self.more(),
                Opening::Not(protocol) => return Ok(Progress::NotTls(protocol)),
                Opening::Refused(refusal) => return Err(refusal),
                Opening::Tls => self.state = State::Records,
            }
        }
        loop {
            let rest = self.octets.get(self.at..within).unwrap_or_default();
            if self.left == 0 {
                let Some(&header) = rest.first_chunk() else { return self.more() };
                self.left = self.record(header)?;
                self.at += header.len();
                continue;
            }
            let taken = rest.get(..self.left).unwrap_or(rest);
            if taken.is_empty() {
                return self.more();
            }
            self.message.extend_from_slice(taken);
            self.at += taken.len();
            self.left -= taken.len();
            if let Some(hello) = self.message()? {
                return Ok(Progress::Hello(Box::new(hello)));
            }
        }
    }

    fn more(&self) -> Result<Progress, Refusal> {
        if self.octets.len() < self.limits.octets {
            Ok(Progress::NeedMore)
        } else {
            Err(Refusal::TooLong(self.limits.octets))
        }
    }

    /// How many octets the record has (RFC 8446 §5.1).
    fn record(&mut self, header: [u8; 5]) -> Result<usize, Refusal> {
        let [kind, major, minor, high, low] = header;
        match kind {
            record::HANDSHAKE => {}
            record::ALERT => return Err(Refusal::Alert),
            other => return Err(Refusal::Interleaved(other)),
        }
        if major != 3 {
            return Err(Refusal::RecordVersion(u16::from_be_bytes([major, minor])));
        }
        match u16::from_be_bytes([high, low]) {
            0 => Err(Refusal::EmptyRecord),
            octets if octets > record::MOST => Err(Refusal::LongRecord(octets)),
            _ if self.records >= self.limits.records => {
                Err(Refusal::ManyRecords(self.limits.records))
            }
            octets => {
                self.records += 1;
                Ok(octets.into())
            }
        }
    }

    /// The hello, once it is whole.
    fn message(&mut self) -> Result<Option<ClientHello>, Refusal> {
        if let Some(&kind) = self.message.first()
            && kind != handshake::CLIENT_HELLO
        {
            return Err(Refusal::NotHello(kind));
        }
        let Some((_, claimed)) = parse::header(&self.message) else { return Ok(None) };
        if claimed > self.limits.octets {
            return Err(Refusal::TooLong(self.limits.octets));
        }
        if self.message.len() < claimed {
            return Ok(None);
        }
        if self.message.len() > claimed || self.left > 0 {
            return Err(Refusal::Trailing);
        }
        parse::client_hello(std::mem::take(&mut self.message)).map(Some)
    }
}
