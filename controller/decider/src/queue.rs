//! What waits for one of several threads: for each that comes one of them is woken, and only if none is
//! awake that will look.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
pub(crate) struct Queue<T> {
    most: usize,
    state: Mutex<State<T>>,
    there_is: Condvar,
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<T>,
    /// Threads that sleep.
    idle: usize,
    is_closed: bool,
}

impl<T> Queue<T> {
    /// In which so many may wait.
    pub(crate) fn new(most: usize) -> Self {
        let state = State { waiting: VecDeque::new(), idle: 0, is_closed: false };
        Self { most, state: Mutex::new(state), there_is: Condvar::new() }
    }

    /// Adds one; false if as many wait as may, and it is dropped.
    pub(crate) fn push(&self, one: T) -> bool {
        let mut state = self.state();
        if state.waiting.len() >= self.most {
            return false;
        }
        state.waiting.push_back(one);
        let sleeps = state.idle > 0;
        drop(state);
        if sleeps {
            self.there_is.notify_one();
        }
        true
    }

    /// The next, when there is one; nothing when it is closed and empty.
    pub(crate) fn take(&self) -> Option<T> {
        let mut state = self.state();
        loop {
            if let Some(one) = state.waiting.pop_front() {
                return Some(one);
            }
            if state.is_closed {
                return None;
            }
            state.idle += 1;
            state = self.there_is.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// Nothing more comes: who takes has what waits, and then nothing.
    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.there_is.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn each_is_taken_once_and_all_before_the_end() {
        let queue = Arc::new(Queue::new(100_000));
        let take = || {
            let queue = Arc::clone(&queue);
            std::thread::spawn(move || std::iter::from_fn(|| queue.take()).collect::<Vec<_>>())
        };
        let threads = [take(), take(), take()];
        (0..10_000).for_each(|n| assert!(queue.push(n)));
        queue.close();
        let mut taken: Vec<_> = threads.into_iter().flat_map(|it| it.join().unwrap()).collect();
        taken.sort_unstable();
        assert_eq!(taken, (0..10_000).collect::<Vec<_>>());
    }

    #[test]
    fn no_more_wait_than_may() {
        let queue = Queue::new(2);
        assert_eq!([1, 2, 3].map(|n| queue.push(n)), [true, true, false]);
        assert_eq!((queue.take(), queue.push(4), queue.push(5)), (Some(1), true, false));
        queue.close();
        assert_eq!([queue.take(), queue.take(), queue.take()], [Some(2), Some(4), None]);
    }
}
