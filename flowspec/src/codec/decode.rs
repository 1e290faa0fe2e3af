//! Octets → NLRI.
//!
//! What is refused: a length that does not agree with the octets, a two-octet length below 240,
//! no components, unknown types, types not ascending or repeated, components that end early,
//! prefix lengths and offsets out of range, a flow label in IPv4, and value widths that the RFC
//! forbids with MUST (TCP flags over 2 octets, DSCP and fragment over 1).
//!
//! What is read and not kept, because the RFCs say that a receiver ignores it: pad bits behind a
//! prefix, reserved bits of operators, the AND bit of a first item, the upper two bits of DSCP,
//! undefined bits of the fragment bitmask (DF in IPv6 is one). All of these are zero in
//! [`Nlri::encode`]; with them zero in `x`, `decode(x)?.encode() == x`.
//!
//! What is kept: value widths that the RFC only advises against, and values that their field
//! cannot have, such as port 70000 in four octets. They are legal and match what they say.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::Ipv4Net;

use super::encode::octets_of;
use crate::component::Shape;
use crate::iana::TWO_OCTET_LENGTH;
use crate::item::{END, Item, width_of};
use crate::{Afi, Component, ComponentType, Nlri, PrefixMatch};

/// Why octets are not an NLRI. The rule is treated as withdrawn (RFC 8955 section 10, RFC 7606).
/// `at` counts octets from the first length octet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message says each field")]
pub enum DecodeError {
    /// Not even a length.
    #[error("the length is missing or cut off")]
    NoLength,
    /// A body below 240 octets has a one-octet length.
    #[error("length {length} is written in two octets; below 240 it takes one")]
    LongLength { length: usize },
    /// Fewer octets than the length says.
    #[error("the length says {length} octets, but only {present} follow")]
    Truncated { length: usize, present: usize },
    /// More octets than the length says.
    #[error("{extra} octets follow the rule")]
    Trailing { extra: usize },
    /// It would match every packet.
    #[error("the rule has no components")]
    Empty,
    /// Not assigned.
    #[error("octet {at}: component type {octet} is unknown")]
    UnknownType { at: usize, octet: u8 },
    /// Type 13 in IPv4.
    #[error("octet {at}: {kind} is not defined for IPv4")]
    WrongFamily { at: usize, kind: ComponentType },
    /// Types ascend.
    #[error("octet {at}: {kind} comes after {after}; types must ascend")]
    Unordered { at: usize, kind: ComponentType, after: ComponentType },
    /// Each type at most once.
    #[error("octet {at}: {kind} is there twice")]
    Repeated { at: usize, kind: ComponentType },
    /// The body ends inside a component.
    #[error("octet {at}: the rule ends inside {kind}")]
    CutOff { at: usize, kind: ComponentType },
    /// Longer than an address.
    #[error("octet {at}: {kind} has prefix length {length}, over {max}")]
    PrefixLength { at: usize, kind: ComponentType, length: u8, max: u8 },
    /// RFC 8956 section 3.1.
    #[error("octet {at}: {kind} has offset {offset} and length {length}; offset must be smaller")]
    PrefixOffset { at: usize, kind: ComponentType, length: u8, offset: u8 },
    /// A width that the RFC forbids.
    #[error("octet {at}: {kind} has a value of {octets} octets, over {max}")]
    ValueWidth { at: usize, kind: ComponentType, octets: usize, max: usize },
}

impl Nlri {
    /// Exactly one NLRI, length octets included. Strict: order, duplicates, truncation, unknown
    /// types. Widths are kept, so `decode(x)?.encode() == x` when the bits that a receiver
    /// ignores (pad bits, reserved bits, the AND bit of a first item) are zero.
    pub fn decode(afi: Afi, octets: &[u8]) -> Result<Self, DecodeError> {
        match Self::decode_first(afi, octets)? {
            (nlri, []) => Ok(nlri),
            (_, rest) => Err(DecodeError::Trailing { extra: rest.len() }),
        }
    }

    /// The first NLRI of several, and the octets after it.
    pub fn decode_first(afi: Afi, octets: &[u8]) -> Result<(Self, &[u8]), DecodeError> {
        let (length, start) = match *octets {
            [one, ..] if usize::from(one) < TWO_OCTET_LENGTH => (usize::from(one), 1),
            [high, low, ..] => (usize::from(u16::from_be_bytes([high & 0x0f, low])), 2),
            _ => return Err(DecodeError::NoLength),
        };
        if start == 2 && length < TWO_OCTET_LENGTH {
            return Err(DecodeError::LongLength { length });
        }
        if length == 0 {
            return Err(DecodeError::Empty);
        }
        let Some((mine, rest)) = octets.split_at_checked(start + length) else {
            return Err(DecodeError::Truncated { length, present: octets.len() - start });
        };
        let mut reader = Reader { octets: mine, at: start, kind: ComponentType::Destination };
        let mut components: Vec<Component> = Vec::new();
        while reader.at < mine.len() {
            let after = components.last().map(Component::component_type);
            components.push(reader.component(afi, after)?);
        }
        Ok((Self::from_checked(afi, components), rest))
    }
}

struct Reader<'o> {
    octets: &'o [u8],
    at: usize,
    /// The component being read, for errors.
    kind: ComponentType,
}

impl Reader<'_> {
    fn octet(&mut self) -> Result<u8, DecodeError> {
        let octet = *self
            .octets
            .get(self.at)
            .ok_or(DecodeError::CutOff { at: self.at, kind: self.kind })?;
        self.at += 1;
        Ok(octet)
    }

    /// `count` octets, at most `N`, followed by zeros.
    fn padded<const N: usize>(&mut self, count: usize) -> Result<[u8; N], DecodeError> {
        let mut octets = [0; N];
        let end = self.at + count;
        match (self.octets.get(self.at..end), octets.get_mut(..count)) {
            (Some(from), Some(to)) => to.copy_from_slice(from),
            _ => return Err(DecodeError::CutOff { at: self.octets.len(), kind: self.kind }),
        }
        self.at = end;
        Ok(octets)
    }

    fn component(
        &mut self,
        afi: Afi,
        after: Option<ComponentType>,
    ) -> Result<Component, DecodeError> {
        let at = self.at;
        let octet = self.octet()?;
        let kind =
            ComponentType::from_octet(octet).ok_or(DecodeError::UnknownType { at, octet })?;
        self.kind = kind;
        match after {
            Some(after) if after == kind => return Err(DecodeError::Repeated { at, kind }),
            Some(after) if after > kind => return Err(DecodeError::Unordered { at, kind, after }),
            _ => {}
        }
        if !kind.in_family(afi) {
            return Err(DecodeError::WrongFamily { at, kind });
        }
        Ok(match kind.shape() {
            Shape::Prefix(make) => make(self.prefix(afi)?),
            Shape::Numeric(make) => make(self.items(afi)?),
            Shape::Bitmask(make) => make(self.items(afi)?),
        })
    }

    fn prefix(&mut self, afi: Afi) -> Result<PrefixMatch, DecodeError> {
        let (at, kind) = (self.at, self.kind);
        let length = self.octet()?;
        let max = match afi {
            Afi::Ipv4 => 32,
            Afi::Ipv6 => 128,
        };
        let too_long = DecodeError::PrefixLength { at, kind, length, max };
        if length > max {
            return Err(too_long);
        }
        let prefix = match afi {
            Afi::Ipv4 => {
                let address = Ipv4Addr::from(self.padded::<4>(octets_of(length))?);
                PrefixMatch::V4(Ipv4Net::new(address, length).map_err(|_| too_long)?)
            }
            Afi::Ipv6 => {
                let offset = self.octet()?;
                if offset >= length && (length, offset) != (0, 0) {
                    return Err(DecodeError::PrefixOffset { at, kind, length, offset });
                }
                let bits = u128::from_be_bytes(self.padded(octets_of(length - offset))?);
                PrefixMatch::V6 { pattern: Ipv6Addr::from_bits(bits >> offset), length, offset }
            }
        };
        Ok(prefix.masked())
    }

    fn items<I: Item>(&mut self, afi: Afi) -> Result<Vec<I>, DecodeError> {
        let (kind, widest) = (self.kind, self.kind.widest_decoded());
        let mut items = Vec::new();
        loop {
            let at = self.at;
            let operator = self.octet()?;
            let width = width_of(operator);
            if width > widest {
                let (octets, max) = (width.octets(), widest.octets());
                return Err(DecodeError::ValueWidth { at, kind, octets, max });
            }
            let value =
                u64::from_be_bytes(self.padded(width.octets())?) >> (8 * (8 - width.octets()));
            let mut item = I::new(operator, value & kind.decoded_bits(afi));
            if items.is_empty() {
                item.set_and(false);
            }
            items.push(item);
            if operator & END != 0 {
                return Ok(items);
            }
        }
    }
}
