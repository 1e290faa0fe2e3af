//! What was spooled just now, in memory as well: a drain that keeps up does not read it back.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sark_core::audit::Spooled;

use super::spool::{Batch, Place};

/// Octets that are kept. Who is further behind reads files.
const MOST: u64 = 8 << 20;

/// Records that are on the disk, and in what follows each other without a gap.
#[derive(Debug, Default)]
pub(crate) struct Fresh(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    portions: VecDeque<Portion>,
    octets: u64,
}

impl State {
    /// The first, if it is such a one.
    fn next(&mut self, is_wanted: impl FnOnce(&Portion) -> bool) -> Option<Portion> {
        self.portions.front().filter(|portion| is_wanted(portion))?;
        let portion = self.portions.pop_front()?;
        self.octets -= portion.octets;
        Some(portion)
    }

    /// Without those of which any is not after this number.
    fn pass(&mut self, last: u64) {
        while self.next(|portion| portion.after() < last).is_some() {}
    }
}

/// Of one sync.
#[derive(Debug)]
struct Portion {
    records: Vec<Spooled>,
    /// Of their frames.
    octets: u64,
    /// Where a reader is that has read them.
    end: Place,
}

impl Portion {
    /// Number of the record before its first.
    fn after(&self) -> u64 {
        self.end.1 - self.records.len() as u64
    }
}

impl Fresh {
    /// These are on the disk now. More than is kept is left to the files, from its beginning.
    pub(crate) fn add(&self, records: Vec<Spooled>, octets: u64, end: Place) {
        let mut state = self.state();
        if state.octets + octets > MOST {
            *state = State::default();
        }
        if octets <= MOST {
            state.octets += octets;
            state.portions.push_back(Portion { records, octets, end });
        }
    }

    /// Takes those that follow this number, of at most so many octets and about so many records, and where a
    /// reader goes on after them; nothing if they are in files only.
    pub(crate) fn take(&self, last: u64, (most, octets): (usize, u64)) -> Option<(Batch, Place)> {
        let mut state = self.state();
        state.pass(last);
        let mut batch = Batch { last, ..Batch::default() };
        let mut end = None;
        while let Some(portion) = state.next(|portion| {
            portion.after() == batch.last
                && batch.records.len() < most
                && batch.octets + portion.octets <= octets
        }) {
            batch.last = portion.end.1;
            batch.octets += portion.octets;
            batch.records.extend(portion.records);
            end = Some(portion.end);
        }
        end.map(|end| (batch, end))
    }

    /// Up to this number they were read from files.
    pub(crate) fn pass(&self, last: u64) {
        self.state().pass(last);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records `after + 1` to `last`, of ten octets each.
    fn add(fresh: &Fresh, after: u64, last: u64) {
        let records: Vec<_> =
            (after..last).map(|it| Spooled::again((it + 1).to_string())).collect();
        let octets = 10 * records.len() as u64;
        fresh.add(records, octets, (None, last));
    }

    fn take(fresh: &Fresh, last: u64, most: (usize, u64)) -> Option<(Vec<u64>, u64, u64)> {
        let (batch, end) = fresh.take(last, most)?;
        assert_eq!(batch.last, end.1);
        let numbers = batch.records.iter().map(|it| it.text().parse().unwrap()).collect();
        Some((numbers, batch.last, batch.octets))
    }

    #[test]
    fn what_follows_is_taken_once_and_nothing_else() {
        let (fresh, all) = (Fresh::default(), (100, 1_000));
        add(&fresh, 0, 2);
        add(&fresh, 2, 3);
        add(&fresh, 3, 6);
        assert_eq!(take(&fresh, 0, (2, 1_000)), Some((vec![1, 2], 2, 20)));
        assert_eq!(take(&fresh, 2, (100, 39)), Some((vec![3], 3, 10)), "the next are 30 octets");
        assert_eq!(take(&fresh, 3, (100, 29)), None, "one that does not fit is in the file");
        assert_eq!(take(&fresh, 3, all), Some((vec![4, 5, 6], 6, 30)));
        assert_eq!(take(&fresh, 6, all), None);
        // A reader that is behind reads files, until it comes to the beginning of one that is here.
        add(&fresh, 6, 8);
        add(&fresh, 8, 9);
        add(&fresh, 9, 10);
        assert_eq!(take(&fresh, 5, all), None);
        assert_eq!(take(&fresh, 7, all), None, "in the middle of the first");
        assert_eq!(take(&fresh, 9, all), Some((vec![10], 10, 10)));
        assert_eq!(fresh.state().octets, 0);
    }

    #[test]
    fn more_than_is_kept_is_left_to_the_files() {
        let fresh = Fresh::default();
        let portion =
            |after: u64| fresh.add(vec![Spooled::again("1".into())], MOST / 2, (None, after + 1));
        portion(0);
        portion(1);
        portion(2);
        assert_eq!(fresh.state().octets, MOST / 2);
        assert!(fresh.take(0, (9, MOST)).is_none());
        assert!(fresh.take(2, (9, MOST)).is_some());
        fresh.add(vec![Spooled::again("4".into())], MOST + 1, (None, 4));
        assert!(fresh.take(3, (9, u64::MAX)).is_none());
    }
}
