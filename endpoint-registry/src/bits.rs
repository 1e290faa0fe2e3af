//! A set of small numbers, one bit each.

use std::ops::Range;

/// Numbers below a limit.
#[derive(Debug, Default)]
pub(crate) struct Bits(Box<[u64]>);

impl Bits {
    /// None of the numbers below `limit`.
    pub fn new(limit: usize) -> Self {
        Self(vec![0; limit.div_ceil(64)].into())
    }

    /// Adds a number; one above the limit is not added.
    pub fn set(&mut self, number: u32) {
        if let Some(word) = self.0.get_mut(number as usize / 64) {
            *word |= 1 << (number % 64);
        }
    }

    pub fn has(&self, number: u32) -> bool {
        self.0.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 != 0)
    }

    /// Those in the range, ascending: 64 that are not there are passed over at once.
    pub fn within(&self, range: Range<u32>) -> impl Iterator<Item = u32> {
        let mut at = range.start;
        std::iter::from_fn(move || {
            while at < range.end {
                let word = self.0.get(at as usize / 64)? >> (at % 64);
                if word != 0 {
                    let number = at + word.trailing_zeros();
                    at = number.saturating_add(1);
                    return (number < range.end).then_some(number);
                }
                at = (at | 63).saturating_add(1);
            }
            None
        })
    }

    /// Octets it takes.
    pub fn octets(&self) -> usize {
        size_of_val(&*self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_is_there() {
        let numbers = [0, 1, 63, 64, 127, 128, 500, 639];
        let mut bits = Bits::new(640);
        numbers.iter().for_each(|number| bits.set(*number));
        bits.set(640);
        assert!((0..700).all(|number| bits.has(number) == numbers.contains(&number)));
        for (start, end) in
            [(0, 640), (0, 0), (1, 64), (64, 128), (65, 127), (501, 639), (600, 9000)]
        {
            let found: Vec<u32> = bits.within(start..end).collect();
            let expected = numbers.iter().copied().filter(|number| (start..end).contains(number));
            assert_eq!(found, expected.collect::<Vec<_>>(), "{start}..{end}");
        }
        assert_eq!(Bits::default().within(0..10).count(), 0);
    }
}
