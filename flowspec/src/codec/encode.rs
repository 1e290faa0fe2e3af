//! NLRI → octets.

use crate::component::Content;
use crate::iana::TWO_OCTET_LENGTH;
use crate::item::{END, Item};
use crate::{Component, Nlri, PrefixMatch};

impl Nlri {
    /// Octets with the length in front (one octet below 240, else two; RFC 8955 section 4.1).
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let body = self.body_len();
        let mut out = Vec::with_capacity(2 + body);
        // A body is at most 4095 octets, so these are the twelve bits behind 0xf.
        let [high, low] = [(body >> 8) as u8, body as u8];
        if body < TWO_OCTET_LENGTH {
            out.push(low);
        } else {
            out.extend([0xf0 | high, low]);
        }
        for component in self.components() {
            encode(component, &mut out);
        }
        out
    }

    /// Octets of the components alone.
    #[must_use]
    pub fn body_len(&self) -> usize {
        self.components().iter().map(Component::octets).sum()
    }
}

impl Component {
    /// Octets on the wire, the type included.
    #[must_use]
    pub fn octets(&self) -> usize {
        1 + match self.content() {
            Content::Prefix(PrefixMatch::V4(net)) => 1 + octets_of(net.prefix_len()),
            Content::Prefix(PrefixMatch::V6 { length, offset, .. }) => {
                2 + octets_of(length.saturating_sub(*offset))
            }
            Content::Numeric(items) => items.iter().map(Item::octets).sum(),
            Content::Bitmask(items) => items.iter().map(Item::octets).sum(),
        }
    }
}

/// Octets that hold this many bits.
pub(super) fn octets_of(bits: u8) -> usize {
    usize::from(bits.div_ceil(8))
}

fn encode(component: &Component, out: &mut Vec<u8>) {
    out.push(component.component_type() as u8);
    match component.content() {
        Content::Prefix(PrefixMatch::V4(net)) => {
            out.push(net.prefix_len());
            out.extend(&net.network().octets()[..octets_of(net.prefix_len())]);
        }
        Content::Prefix(PrefixMatch::V6 { pattern, length, offset }) => {
            out.extend([*length, *offset]);
            // The pattern starts at bit `offset` of the address (RFC 8956 section 3.1).
            let bits = pattern.to_bits().checked_shl(u32::from(*offset)).unwrap_or(0);
            out.extend(&bits.to_be_bytes()[..octets_of(length.saturating_sub(*offset))]);
        }
        Content::Numeric(items) => encode_items(items, out),
        Content::Bitmask(items) => encode_items(items, out),
    }
}

fn encode_items<I: Item>(items: &[I], out: &mut Vec<u8>) {
    for (index, item) in items.iter().enumerate() {
        let end = if index + 1 == items.len() { END } else { 0 };
        out.push(item.operator() | end);
        out.extend(&item.value().to_be_bytes()[8 - item.width().octets()..]);
    }
}
