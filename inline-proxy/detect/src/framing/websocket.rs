//! Messages of WebSocket (RFC 6455), without extensions.
//!
//! A frame is two octets, a longer length if there is one, a mask if a client sent it, and the payload; a
//! message is one frame or several, between which there may be control frames.

use super::{Kept, TooLong};

/// Who sends what is read. Clients mask (RFC 6455 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words say it")]
pub enum Side {
    Client,
    Server,
}

/// RFC 6455 §5.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words say it")]
pub enum Kind {
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Kind {
    fn of(opcode: u8) -> Option<Self> {
        Some(match opcode {
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }

    const fn opcode(self) -> u8 {
        match self {
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }

    const fn is_control(self) -> bool {
        self.opcode() >= 8
    }
}

/// One message, or one control frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// See the type.
    pub kind: Kind,
    /// What it says, unmasked.
    pub payload: Result<Vec<u8>, TooLong>,
    /// Where it ends in the stream.
    pub end: u64,
}

/// Why nothing that follows is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// An extension that was not offered, or an operation that is none.
    #[error("a frame is of a kind that is none")]
    Kind,
    /// Of a client it has to be, of a server it must not be.
    #[error("a frame is masked, or not, as it must not be")]
    Mask,
    /// More than 63 bits; of a control frame more than 125 octets, or in parts.
    #[error("a frame's length is none")]
    Length,
    /// A part of nothing, or a message within another.
    #[error("parts of two messages are mixed")]
    Parts,
}

/// Reads one side. It keeps one message, and one control frame.
#[derive(Debug)]
pub struct Decoder {
    side: Side,
    most: usize,
    at: u64,
    /// The frame's beginning, until it is whole.
    head: Vec<u8>,
    frame: Option<Frame>,
    /// The message whose parts come.
    open: Option<Kind>,
    message: Kept,
    control: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    /// None of a part that goes on.
    kind: Option<Kind>,
    is_last: bool,
    left: u64,
    mask: [u8; 4],
    /// Octets of the payload that were read.
    read: usize,
}

impl Decoder {
    /// A message with more octets than `most` is not read.
    #[must_use]
    pub fn new(side: Side, most: usize) -> Self {
        let (message, control) = (Kept::default(), Vec::new());
        Self { side, most, at: 0, head: Vec::new(), frame: None, open: None, message, control }
    }

    /// Takes what comes next, and gives each message that it completes. After an error it is not to be
    /// asked again.
    pub fn push(&mut self, portion: &[u8]) -> Result<Vec<Message>, Wrong> {
        let mut messages = Vec::new();
        let mut rest = portion;
        loop {
            let frame = match self.frame {
                Some(frame) => frame,
                None => match self.begin(&mut rest)? {
                    Some(frame) => frame,
                    None => return Ok(messages),
                },
            };
            let wanted = usize::try_from(frame.left).unwrap_or(usize::MAX);
            let (octets, after) = rest.split_at(wanted.min(rest.len()));
            rest = after;
            self.at += octets.len() as u64;
            self.payload(frame, octets);
            let read = frame.read.wrapping_add(octets.len());
            let frame = Frame { left: frame.left - octets.len() as u64, read, ..frame };
            self.frame = Some(frame);
            if frame.left > 0 {
                return Ok(messages);
            }
            self.frame = None;
            messages.extend(self.end(frame));
        }
    }

    /// How many octets of the stream were read.
    #[must_use]
    pub const fn at(&self) -> u64 {
        self.at
    }

    /// Whether more of a message came than is kept: nothing waits for its end.
    #[must_use]
    pub const fn is_too_long(&self) -> bool {
        self.message.seen > self.most
    }

    /// The frame that begins here, once its head is whole.
    fn begin(&mut self, rest: &mut &[u8]) -> Result<Option<Frame>, Wrong> {
        loop {
            let wanted = match *self.head {
                [] | [_] => 2,
                [_, second, ..] => {
                    let length = match second & 0x7f {
                        126 => 2,
                        127 => 8,
                        _ => 0,
                    };
                    2 + length + if second & 0x80 == 0 { 0 } else { 4 }
                }
            };
            let missing = wanted - self.head.len();
            if missing == 0 {
                break;
            }
            let (octets, after) = rest.split_at(missing.min(rest.len()));
            if octets.is_empty() {
                return Ok(None);
            }
            self.head.extend_from_slice(octets);
            self.at += octets.len() as u64;
            *rest = after;
        }
        let head = std::mem::take(&mut self.head);
        let frame = frame(&head, self.side)?;
        match frame.kind {
            Some(kind) if kind.is_control() => {}
            Some(_) if self.open.is_some() => return Err(Wrong::Parts),
            Some(kind) => self.open = Some(kind),
            None if self.open.is_none() => return Err(Wrong::Parts),
            None => {}
        }
        self.frame = Some(frame);
        Ok(Some(frame))
    }

    fn payload(&mut self, frame: Frame, octets: &[u8]) {
        let is_control = frame.kind.is_some_and(Kind::is_control);
        if !is_control && self.message.seen.saturating_add(octets.len()) > self.most {
            return self.message.push(octets, self.most);
        }
        let mask = frame.mask.iter().cycle().skip(frame.read % 4);
        let plain: Vec<u8> = octets.iter().zip(mask).map(|(octet, mask)| octet ^ mask).collect();
        if is_control {
            self.control.extend_from_slice(&plain);
        } else {
            self.message.push(&plain, self.most);
        }
    }

    fn end(&mut self, frame: Frame) -> Option<Message> {
        let end = self.at;
        if let Some(kind) = frame.kind.filter(|kind| kind.is_control()) {
            return Some(Message { kind, payload: Ok(std::mem::take(&mut self.control)), end });
        }
        if !frame.is_last {
            return None;
        }
        let kind = self.open.take()?;
        let payload = self.message.read(self.most).map(<[u8]>::to_vec);
        self.message.clear();
        Some(Message { kind, payload, end })
    }
}

fn frame(head: &[u8], side: Side) -> Result<Frame, Wrong> {
    let [first, second, rest @ ..] = head else { return Err(Wrong::Length) };
    if first & 0x70 != 0 {
        return Err(Wrong::Kind);
    }
    let kind = match first & 0x0f {
        0 => None,
        opcode => Some(Kind::of(opcode).ok_or(Wrong::Kind)?),
    };
    let is_masked = second & 0x80 != 0;
    if is_masked != (side == Side::Client) {
        return Err(Wrong::Mask);
    }
    let (length, mask) = match (second & 0x7f, rest) {
        (126, [a, b, mask @ ..]) => (u64::from(u16::from_be_bytes([*a, *b])), mask),
        (127, [a, b, c, d, e, f, g, h, mask @ ..]) => {
            (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), mask)
        }
        (short, mask) => (u64::from(short), mask),
    };
    let is_last = first & 0x80 != 0;
    let is_control = kind.is_some_and(Kind::is_control);
    if length >> 63 != 0 || (is_control && (length > 125 || !is_last)) {
        return Err(Wrong::Length);
    }
    let mask = mask.try_into().unwrap_or([0; 4]);
    Ok(Frame { kind, is_last, left: length, mask, read: 0 })
}

/// A message of a server in one frame.
#[must_use]
pub fn write(kind: Kind, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | kind.opcode()];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ ..126), _) => frame.push(length),
        (_, Ok(length)) => {
            frame.push(126);
            frame.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

/// A close of a server: its code and why (RFC 6455 §5.5.1), cut to what a control frame may have.
#[must_use]
pub fn close(code: u16, reason: &str) -> Vec<u8> {
    let reason = reason.get(..reason.floor_char_boundary(123)).unwrap_or_default();
    write(Kind::Close, &[&code.to_be_bytes(), reason.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(side: Side, most: usize, octets: &[u8], portion: usize) -> Result<Vec<Message>, Wrong> {
        let mut decoder = Decoder::new(side, most);
        let mut messages = Vec::new();
        for portion in octets.chunks(portion) {
            messages.extend(decoder.push(portion)?);
        }
        Ok(messages)
    }

    fn said(kind: Kind, payload: &[u8], end: u64) -> Message {
        Message { kind, payload: Ok(payload.to_vec()), end }
    }

    /// RFC 6455 §5.7 has these examples.
    #[test]
    fn messages_however_they_are_cut() {
        let hello = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
        let parts = b"\x01\x03Hel\x89\x02hi\x80\x02lo";
        let long = [&b"\x82\x7e\x01\x00"[..], &[7; 256]].concat();
        let longer = [&b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"[..], &[8; 65536]].concat();
        for portion in [1, 2, 3, 7, 100_000] {
            let from = |side, octets| all(side, 1 << 20, octets, portion).unwrap();
            assert_eq!(from(Side::Client, hello), [said(Kind::Text, b"Hello", 11)]);
            assert_eq!(
                from(Side::Server, parts),
                [said(Kind::Ping, b"hi", 9), said(Kind::Text, b"Hello", 13)]
            );
            assert_eq!(from(Side::Server, &long), [said(Kind::Binary, &[7; 256], 260)]);
            assert_eq!(from(Side::Server, &longer), [said(Kind::Binary, &[8; 65536], 65546)]);
            let short = all(Side::Server, 255, &long, portion).unwrap();
            assert_eq!(short[0].payload, Err(TooLong(255)));
            assert_eq!(all(Side::Server, 4, parts, portion).unwrap()[1].payload, Err(TooLong(4)));
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for length in [0, 125, 126, 65_535, 65_536] {
            let payload = vec![5; length];
            let octets = write(Kind::Text, &payload);
            let end = octets.len() as u64;
            let read = all(Side::Server, 1 << 20, &octets, 1000).unwrap();
            assert_eq!(read, [said(Kind::Text, &payload, end)]);
        }
        let read = all(Side::Server, 9, &close(1008, &"é".repeat(90)), 9).unwrap();
        let payload = read[0].payload.clone().unwrap();
        assert_eq!((&payload[..2], payload.len()), (&1008_u16.to_be_bytes()[..], 124));
    }

    #[test]
    fn what_is_none_ends_it() {
        for (octets, wrong) in [
            (&b"\xc1\x00"[..], Wrong::Kind),
            (b"\x83\x00", Wrong::Kind),
            (b"\x81\x80\0\0\0\0", Wrong::Mask),
            (b"\x89\x7e\x00\x7e", Wrong::Length),
            (b"\x09\x00", Wrong::Length),
            (b"\x82\x7f\xff\0\0\0\0\0\0\0", Wrong::Length),
            (b"\x80\x00", Wrong::Parts),
            (b"\x01\x00\x81\x00", Wrong::Parts),
        ] {
            assert_eq!(all(Side::Server, 9, octets, 100), Err(wrong), "{octets:?}");
        }
        assert_eq!(all(Side::Client, 9, b"\x81\x00", 1), Err(Wrong::Mask));
    }
}
