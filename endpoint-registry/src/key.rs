//! Addresses as integers.

/// An address of one family.
pub(crate) trait Key: Copy + Ord + std::fmt::Debug {
    /// As it is kept: in pieces of at most eight octets, so that nothing is left empty beside it.
    type Kept: Copy + std::fmt::Debug + PartialEq + Eq;

    /// The lowest address.
    const ZERO: Self;

    /// To keep.
    fn keep(self) -> Self::Kept;

    /// What was kept.
    fn of(kept: Self::Kept) -> Self;

    /// The address with all but its first `length` bits cleared.
    fn mask(self, length: u8) -> Self;

    /// The address after the last one of this network; `None` at the end of the address space.
    fn after(self, length: u8) -> Option<Self>;

    /// How many steps of 2^shift addresses lie between `from` and this; 0 if `from` is above.
    fn steps(self, from: Self, shift: u8) -> usize;
}

macro_rules! key {
    ($type:ty, $Kept:ty, $keep:expr, $of:expr) => {
        impl Key for $type {
            type Kept = $Kept;

            const ZERO: Self = 0;

            #[inline]
            fn keep(self) -> Self::Kept {
                $keep(self)
            }

            #[inline]
            fn of(kept: Self::Kept) -> Self {
                $of(kept)
            }

            #[inline]
            fn mask(self, length: u8) -> Self {
                let host = <$type>::BITS.saturating_sub(length.into());
                self.checked_shr(host).and_then(|bits| bits.checked_shl(host)).unwrap_or(0)
            }

            fn after(self, length: u8) -> Option<Self> {
                let host = <$type>::BITS.saturating_sub(length.into());
                let size = <$type>::from(1u8).checked_shl(host)?;
                self.checked_add(size)
            }

            #[inline]
            fn steps(self, from: Self, shift: u8) -> usize {
                let steps = self.saturating_sub(from).checked_shr(shift.into()).unwrap_or(0);
                usize::try_from(steps).unwrap_or(usize::MAX)
            }
        }
    };
}

key!(u32, u32, |key| key, |kept| kept);
key!(u128, [u64; 2], |key: u128| [(key >> 64) as u64, key as u64], |[high, low]: [u64; 2]| {
    u128::from(high) << 64 | u128::from(low)
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_was_given() {
        for key in [0, 1, u128::MAX, 1 << 64, (1 << 64) - 1, 0x2001_0db8 << 96 | 7] {
            assert_eq!(u128::of(key.keep()), key);
        }
        assert_eq!(u32::of(7u32.keep()), 7);
    }

    #[test]
    fn masks_and_ends() {
        assert_eq!(0xffff_ffffu32.mask(0), 0);
        assert_eq!(0xffff_ffffu32.mask(8), 0xff00_0000);
        assert_eq!(0xffff_ffffu32.mask(32), 0xffff_ffff);
        assert_eq!(u128::MAX.mask(1), 1 << 127);
        assert_eq!(0x0a00_0000u32.after(8), Some(0x0b00_0000));
        assert_eq!(0xff00_0000u32.after(8), None);
        assert_eq!(0u32.after(0), None);
        assert_eq!(7u32.after(32), Some(8));
        assert_eq!(u32::MAX.after(32), None);
        assert_eq!(20u32.steps(4, 3), 2);
        assert_eq!(3u32.steps(4, 0), 0);
        assert_eq!(u128::MAX.steps(0, 0), usize::MAX);
        assert_eq!(u128::MAX.steps(0, 127), 1);
    }
}
