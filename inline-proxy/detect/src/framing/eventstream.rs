//! AWS's event streams, `application/vnd.amazon.eventstream`.
//!
//! A message is: total length, length of the headers, CRC of these two (4 octets each, big endian);
//! headers; payload; CRC of all before it. Both CRCs are checked (IEEE 802.3): a message whose first
//! one is wrong has no length that can be believed, and nothing after it is read.

use super::{Kept, TooLong};

/// What one message says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Message<'a> {
    /// `:message-type`: `event`, `exception` or `error`.
    pub message_type: &'a str,
    /// `:event-type`, or `:exception-type`, or `:error-code`.
    pub kind: &'a str,
    /// JSON, mostly.
    pub payload: &'a [u8],
}

/// Why a message is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// See the type.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// It was changed on its way, or the stream is none; nothing that follows is read.
    #[error("the CRC of a message's lengths is wrong")]
    PreludeCrc,
    /// The lengths do not fit each other; nothing that follows is read.
    #[error("a message claims {0} octets")]
    Lengths(u32),
    /// It was changed on its way.
    #[error("the CRC of a message is wrong")]
    Crc,
    /// Headers that end early, or are of a type that is none.
    #[error("the headers of a message cannot be read")]
    Headers,
}

/// Lengths, CRC of them, and CRC of all.
const LEAST: u32 = 16;
const PRELUDE: usize = 12;

/// Reads messages. It keeps one.
#[derive(Debug)]
pub struct Decoder {
    most: usize,
    at: u64,
    sendable: u64,
    message: Kept,
    /// Octets of the message, once they are known.
    total: Option<usize>,
    is_broken: bool,
}

impl Decoder {
    /// A message with more octets than `most` is not read.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let message = Kept::default();
        Self { most, at: 0, sendable: 0, message, total: None, is_broken: false }
    }

    /// Takes what comes next, and hands out each message that it completes. Returns how many octets of
    /// the stream belong to whole messages, or to what is not read.
    pub fn push(
        &mut self,
        portion: &[u8],
        mut each: impl FnMut(Result<Message<'_>, Wrong>),
    ) -> u64 {
        let mut rest = portion;
        while !rest.is_empty() && !self.is_broken {
            let wanted = self.total.unwrap_or(PRELUDE) - self.message.seen;
            let (taken, after) = rest.split_at(wanted.min(rest.len()));
            rest = after;
            self.at += taken.len() as u64;
            // The lengths are read however small the limit is.
            self.message.push(taken, self.most.max(PRELUDE));
            if taken.len() < wanted {
                break;
            }
            match self.total {
                None => match prelude(&self.message.octets) {
                    Ok(total) => self.total = Some(total),
                    Err(wrong) => {
                        self.is_broken = true;
                        each(Err(wrong));
                    }
                },
                Some(_) => {
                    let octets = self.message.read(self.most).map_err(Wrong::from);
                    each(octets.and_then(message));
                    self.message.clear();
                    self.total = None;
                    self.sendable = self.at;
                }
            }
        }
        if self.is_broken {
            self.at += rest.len() as u64;
        }
        if self.is_broken || self.is_within() {
            self.sendable = self.at;
        }
        self.sendable
    }

    /// Whether some of a message that is not yet whole was already sent on.
    #[must_use]
    pub fn is_within(&self) -> bool {
        self.is_broken || self.total.is_some_and(|total| total > self.most)
    }

    /// Whether the stream ends within a message.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.is_broken || !self.message.is_empty()
    }
}

fn number(octets: &[u8], at: usize) -> Option<u32> {
    octets.get(at..)?.first_chunk().map(|chunk| u32::from_be_bytes(*chunk))
}

fn prelude(octets: &[u8]) -> Result<usize, Wrong> {
    let fields = (number(octets, 0), number(octets, 4), number(octets, 8));
    let (Some(total), Some(headers), Some(crc)) = fields else { return Err(Wrong::Lengths(0)) };
    if crc32fast::hash(octets.get(..8).unwrap_or_default()) != crc {
        return Err(Wrong::PreludeCrc);
    }
    if total < LEAST || headers > total - LEAST {
        return Err(Wrong::Lengths(total));
    }
    usize::try_from(total).map_err(|_| Wrong::Lengths(total))
}

fn message(octets: &[u8]) -> Result<Message<'_>, Wrong> {
    let (before, crc) = octets.split_last_chunk().ok_or(Wrong::Crc)?;
    if crc32fast::hash(before) != u32::from_be_bytes(*crc) {
        return Err(Wrong::Crc);
    }
    let length = number(octets, 4).and_then(|length| usize::try_from(length).ok());
    let rest = before.get(PRELUDE..).unwrap_or_default();
    let (mut headers, payload) =
        length.and_then(|length| rest.split_at_checked(length)).ok_or(Wrong::Headers)?;
    let mut message = Message { payload, ..Message::default() };
    while !headers.is_empty() {
        let (name, value, after) = header(headers).ok_or(Wrong::Headers)?;
        headers = after;
        match name {
            b":message-type" => message.message_type = value,
            b":event-type" | b":exception-type" | b":error-code" => message.kind = value,
            _ => {}
        }
    }
    Ok(message)
}

/// Name, value if it is text, and what follows.
fn header(octets: &[u8]) -> Option<(&[u8], &str, &[u8])> {
    let (length, rest) = octets.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    let (kind, rest) = rest.split_first()?;
    let (size, rest) = match kind {
        // True, false.
        0 | 1 => (0, rest),
        2 => (1, rest),
        3 => (2, rest),
        4 => (4, rest),
        // Integers, timestamps.
        5 | 8 => (8, rest),
        // Octets, text.
        6 | 7 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        // UUIDs.
        9 => (16, rest),
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(size)?;
    let text = if *kind == 7 { std::str::from_utf8(value).ok()? } else { "" };
    Some((name, text, rest))
}

/// Writes a message whose headers are all text.
pub(crate) fn write(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        let name = name.get(..255).unwrap_or(name);
        let value = value.get(..32_767).unwrap_or(value);
        block.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        block.extend_from_slice(name.as_bytes());
        block.push(7);
        block.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        block.extend_from_slice(value.as_bytes());
    }
    let total = PRELUDE + block.len() + payload.len() + 4;
    let mut octets = Vec::with_capacity(total);
    for length in [total, block.len()] {
        octets.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    }
    octets.extend_from_slice(&crc32fast::hash(&octets).to_be_bytes());
    octets.extend_from_slice(&block);
    octets.extend_from_slice(payload);
    octets.extend_from_slice(&crc32fast::hash(&octets).to_be_bytes());
    octets
}
