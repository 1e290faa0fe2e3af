//! Sets of small numbers as ascending, disjoint, non-adjacent ranges.

/// A set of values of one field; both ends of a range are included.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Ranges(Vec<(u32, u32)>);

impl Ranges {
    /// `first..=last`.
    pub fn span(first: u32, last: u32) -> Self {
        Self(vec![(first, last)])
    }

    /// The union of any ranges; those that end before they begin hold nothing.
    pub fn of(ranges: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let mut all: Vec<(u32, u32)> = ranges.into_iter().filter(|(a, b)| a <= b).collect();
        all.sort_unstable();
        let mut out: Vec<(u32, u32)> = Vec::with_capacity(all.len());
        for (first, last) in all {
            match out.last_mut() {
                Some(open) if first <= open.1.saturating_add(1) => open.1 = open.1.max(last),
                _ => out.push((first, last)),
            }
        }
        Self(out)
    }

    /// In ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.0.iter().copied()
    }

    /// Every value.
    pub fn values(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().flat_map(|&(first, last)| first..=last)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn first(&self) -> Option<u32> {
        self.0.first().map(|range| range.0)
    }

    pub fn contains(&self, value: u32) -> bool {
        let after = self.0.partition_point(|range| range.0 <= value);
        after.checked_sub(1).and_then(|i| self.0.get(i)).is_some_and(|range| value <= range.1)
    }

    pub fn intersect(&self, other: &Self) -> Self {
        let (mut i, mut j) = (0, 0);
        let mut out = Vec::new();
        while let (Some(&(a, b)), Some(&(c, d))) = (self.0.get(i), other.0.get(j)) {
            let (first, last) = (a.max(c), b.min(d));
            if first <= last {
                out.push((first, last));
            }
            if b <= d { i += 1 } else { j += 1 }
        }
        Self(out)
    }

    pub fn minus(&self, other: &Self) -> Self {
        let mut out = Vec::new();
        for &(first, last) in &self.0 {
            let mut open = Some(first);
            for &(c, d) in &other.0 {
                let Some(from) = open else { break };
                if d < from || c > last {
                    continue;
                }
                if from < c {
                    out.push((from, c - 1));
                }
                open = (d < last).then(|| d + 1);
            }
            if let Some(from) = open {
                out.push((from, last));
            }
        }
        Self(out)
    }

    pub fn includes(&self, other: &Self) -> bool {
        other.minus(self).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algebra_agrees_with_lists_of_values() {
        let sets: Vec<Ranges> = (0u32..128)
            .map(|bits| Ranges::of((0..7).filter(|b| bits >> b & 1 == 1).map(|b| (b, b))))
            .collect();
        for (i, a) in (0u32..).zip(&sets) {
            for (j, b) in (0u32..).zip(&sets) {
                let of = |bits: u32| sets.get(bits as usize).unwrap();
                assert_eq!(&a.intersect(b), of(i & j));
                assert_eq!(&a.minus(b), of(i & !j));
                assert_eq!(a.includes(b), i & j == j);
            }
            assert!((0..7).all(|v| a.contains(v) == (i >> v & 1 == 1)));
            assert_eq!(a.values().count() as u32, i.count_ones());
        }
    }
}
