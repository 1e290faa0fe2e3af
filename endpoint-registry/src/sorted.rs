//! Two sorted lists side by side.

use std::cmp::Ordering;

/// Which list has what the other has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Old,
    New,
}

/// Tells of what only one of two sorted lists has; repetitions within a list count once.
pub(crate) fn walk<'a, T: Ord>(old: &'a [T], new: &'a [T], mut tell: impl FnMut(Side, &'a T)) {
    fn after<'a, T: Ord>(list: &'a [T], item: &T) -> &'a [T] {
        let equal = list.iter().take_while(|next| *next == item).count();
        list.get(equal..).unwrap_or_default()
    }
    let (mut old, mut new) = (old, new);
    loop {
        match (old.first(), new.first()) {
            (None, None) => return,
            (Some(a), None) => {
                tell(Side::Old, a);
                old = after(old, a);
            }
            (None, Some(b)) => {
                tell(Side::New, b);
                new = after(new, b);
            }
            (Some(a), Some(b)) => match a.cmp(b) {
                Ordering::Less => {
                    tell(Side::Old, a);
                    old = after(old, a);
                }
                Ordering::Greater => {
                    tell(Side::New, b);
                    new = after(new, b);
                }
                Ordering::Equal => (old, new) = (after(old, a), after(new, b)),
            },
        }
    }
}
