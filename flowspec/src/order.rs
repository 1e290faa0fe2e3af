//! The order in which routers evaluate rules (RFC 8955 section 5.1, RFC 8956 section 4).

use std::cmp::Ordering;

use crate::component::Content;
use crate::item::{END, Item};
use crate::{Component, Nlri, PrefixMatch};

/// Less is evaluated first. Total, and equal only for equal octets.
impl Ord for Nlri {
    fn cmp(&self, other: &Self) -> Ordering {
        self.afi().cmp(&other.afi()).then_with(|| {
            let (ours, theirs) = (self.components(), other.components());
            ours.iter()
                .zip(theirs)
                .map(|(a, b)| compare(a, b))
                .find(|order| order.is_ne())
                // The rule that still has components is the more specific one.
                .unwrap_or_else(|| theirs.len().cmp(&ours.len()))
        })
    }
}

impl PartialOrd for Nlri {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn compare(a: &Component, b: &Component) -> Ordering {
    a.component_type().cmp(&b.component_type()).then_with(|| match (a.content(), b.content()) {
        (Content::Prefix(a), Content::Prefix(b)) => compare_prefixes(a, b),
        (Content::Numeric(a), Content::Numeric(b)) => compare_items(a, b),
        (Content::Bitmask(a), Content::Bitmask(b)) => compare_items(a, b),
        // Equal types have equal shapes.
        _ => Ordering::Equal,
    })
}

/// Lower offset first; then the lower of the bits that both look at; these equal, one contains
/// the other, and the more specific is first.
fn compare_prefixes(a: &PrefixMatch, b: &PrefixMatch) -> Ordering {
    let ((a_offset, a_length, a_bits), (b_offset, b_length, b_bits)) = (parts(a), parts(b));
    let beyond = 128 - u32::from(a_length.min(b_length));
    let common = |bits: u128| bits.checked_shr(beyond).unwrap_or(0);
    a_offset
        .cmp(&b_offset)
        .then_with(|| common(a_bits).cmp(&common(b_bits)))
        .then_with(|| b_length.cmp(&a_length))
}

/// Offset, length, and the address at the top of 128 bits.
fn parts(prefix: &PrefixMatch) -> (u8, u8, u128) {
    match prefix {
        PrefixMatch::V4(net) => (0, net.prefix_len(), u128::from(net.addr().to_bits()) << 96),
        PrefixMatch::V6 { pattern, length, offset } => (*offset, *length, pattern.to_bits()),
    }
}

/// The encoded octets compared as by `memcmp`, without encoding them. The operator octet holds
/// end-of-list and width, so where two operators are equal the values have one width and numeric
/// order is octet order; and no encoding is a proper prefix of another, so the RFC's rule for
/// strings of different lengths never has to decide.
fn compare_items<I: Item>(a: &[I], b: &[I]) -> Ordering {
    let key = |items: &[I], index: usize| {
        let end = if index + 1 == items.len() { END } else { 0 };
        (items[index].operator() | end, items[index].value())
    };
    (0..a.len().min(b.len()))
        .map(|index| key(a, index).cmp(&key(b, index)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}
