//! Which values of a field the items of a component take.

use sark_flowspec::{BitmaskItem, NumericItem, ranges};

/// Ascending, disjoint and not adjacent ranges of values, ends included.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Values {
    ranges: Vec<(u64, u64)>,
    max: u64,
}

impl Values {
    pub fn all(max: u64) -> Self {
        Self { ranges: vec![(0, max)], max }
    }

    /// The values in `0..=max` for which the items hold (RFC 8955 section 4.2.1.1).
    pub fn numeric(items: &[NumericItem], max: u64) -> Self {
        Self { ranges: ranges(items, max), max }
    }

    /// The values of `data & mask` for which the items hold (RFC 8955 section 4.2.1.2). They look
    /// at no other bits of the field.
    pub fn bitmask(items: &[BitmaskItem], mask: u64) -> Self {
        let mut ranges = Vec::new();
        let mut data = 0;
        // All parts of the mask, ascending.
        loop {
            if holds(items, data) {
                ranges.push((data, data));
            }
            if data == mask {
                break;
            }
            data = (data | !mask).wrapping_add(1) & mask;
        }
        Self::merged(ranges, mask)
    }

    /// Sorts and joins.
    pub fn merged(mut ranges: Vec<(u64, u64)>, max: u64) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::with_capacity(ranges.len());
        for (low, high) in ranges {
            match merged.last_mut() {
                Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
                _ => merged.push((low, high)),
            }
        }
        Self { ranges: merged, max }
    }

    pub fn and(&self, other: &Self) -> Self {
        let mut ranges = Vec::new();
        let (mut ours, mut theirs) =
            (self.ranges.iter().peekable(), other.ranges.iter().peekable());
        while let (Some(&&(a, b)), Some(&&(c, d))) = (ours.peek(), theirs.peek()) {
            if a.max(c) <= b.min(d) {
                ranges.push((a.max(c), b.min(d)));
            }
            if b < d {
                ours.next()
            } else {
                theirs.next()
            };
        }
        Self::merged(ranges, self.max)
    }

    pub fn ranges(&self) -> &[(u64, u64)] {
        &self.ranges
    }

    /// The ranges as nftables reads them.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        self.ranges.iter().map(
            |(low, high)| {
                if low == high { low.to_string() } else { format!("{low}-{high}") }
            },
        )
    }

    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    pub fn is_all(&self) -> bool {
        self.ranges == [(0, self.max)]
    }
}

/// Whether data meets the items: AND binds tighter than OR.
pub(crate) fn holds(items: &[BitmaskItem], data: u64) -> bool {
    items.chunk_by(|_, next| next.and).any(|group| group.iter().all(|item| item.holds(data)))
}

/// `80`, `80-90` or `{ 80, 90-95 }`, as nftables reads it.
impl std::fmt::Display for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let braces = self.ranges.len() != 1;
        if braces {
            f.write_str("{ ")?;
        }
        for (index, range) in self.ranges.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            write_range(f, *range)?;
        }
        if braces { f.write_str(" }") } else { Ok(()) }
    }
}

pub(crate) fn write_range(
    f: &mut impl std::fmt::Write,
    (low, high): (u64, u64),
) -> std::fmt::Result {
    if low == high { write!(f, "{low}") } else { write!(f, "{low}-{high}") }
}
