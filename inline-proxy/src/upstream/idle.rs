//! Connections that nobody uses: the last one that was used is taken first, and the one that nobody used
//! for longest has to go when there are too many.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::Hash;
use std::time::{Duration, Instant};

/// How many are kept, and how long.
#[derive(Debug, Clone, Copy)]
pub struct Keep {
    /// Of one server.
    pub each: usize,
    /// Of all.
    pub all: usize,
    /// How long.
    pub idle: Duration,
}

/// What is kept for servers `K`.
#[derive(Debug)]
pub(super) struct Idle<K, T> {
    keep: Keep,
    next: u64,
    /// Whose, by number: the lowest is the oldest.
    order: BTreeMap<u64, K>,
    /// Of each server, the oldest first.
    of: HashMap<K, VecDeque<(u64, Instant, T)>>,
}

impl<K: Clone + Eq + Hash, T> Idle<K, T> {
    pub(super) fn new(keep: Keep) -> Self {
        Self { keep, next: 0, order: BTreeMap::new(), of: HashMap::new() }
    }

    /// Keeps one; gives back those that have to go for it.
    pub(super) fn put(&mut self, key: &K, item: T, now: Instant) -> Vec<T> {
        let mut gone = Vec::new();
        let own = self.of.entry(key.clone()).or_default();
        own.push_back((self.next, now, item));
        self.order.insert(self.next, key.clone());
        self.next += 1;
        if own.len() > self.keep.each {
            gone.extend(self.oldest_of(key));
        }
        while self.order.len() > self.keep.all {
            let Some(key) = self.order.values().next().cloned() else { break };
            gone.extend(self.oldest_of(&key));
        }
        gone
    }

    /// The last one that was used, of those that are good still.
    pub(super) fn take(
        &mut self,
        key: &K,
        now: Instant,
        is_good: impl Fn(&T) -> bool,
    ) -> Option<T> {
        let own = self.of.get_mut(key)?;
        let mut found = None;
        while let Some((number, since, item)) = own.pop_back() {
            self.order.remove(&number);
            if now.saturating_duration_since(since) < self.keep.idle && is_good(&item) {
                found = Some(item);
                break;
            }
        }
        if own.is_empty() {
            self.of.remove(key);
        }
        found
    }

    /// Those that nobody used for long, or that are no good any more.
    pub(super) fn expire(&mut self, now: Instant, is_good: impl Fn(&T) -> bool) -> Vec<T> {
        let (idle, order) = (self.keep.idle, &mut self.order);
        let mut gone = Vec::new();
        self.of.retain(|_, own| {
            let mut kept = VecDeque::with_capacity(own.len());
            for (number, since, item) in own.drain(..) {
                if now.saturating_duration_since(since) < idle && is_good(&item) {
                    kept.push_back((number, since, item));
                } else {
                    order.remove(&number);
                    gone.push(item);
                }
            }
            *own = kept;
            !own.is_empty()
        });
        gone
    }

    pub(super) fn has(&self, key: &K) -> bool {
        self.of.contains_key(key)
    }

    pub(super) fn count(&self) -> usize {
        self.order.len()
    }

    fn oldest_of(&mut self, key: &K) -> Option<T> {
        let own = self.of.get_mut(key)?;
        let (number, _, item) = own.pop_front()?;
        self.order.remove(&number);
        if own.is_empty() {
            self.of.remove(key);
        }
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idle(each: usize, all: usize) -> Idle<&'static str, u32> {
        Idle::new(Keep { each, all, idle: Duration::from_secs(60) })
    }

    #[test]
    fn the_longest_unused_goes_first() {
        let (mut idle, now) = (idle(2, 4), Instant::now());
        assert!(idle.put(&"a", 1, now).is_empty());
        assert!(idle.put(&"a", 2, now).is_empty());
        assert_eq!(idle.put(&"a", 3, now), [1], "of one server");
        assert!(idle.put(&"b", 4, now).is_empty());
        assert!(idle.put(&"b", 5, now).is_empty());
        assert_eq!(idle.put(&"c", 6, now), [2], "of all");
        assert_eq!(idle.take(&"b", now, |_| true), Some(5), "the last one is taken first");
        assert!(idle.put(&"b", 5, now).is_empty());
        assert_eq!(idle.put(&"c", 7, now), [3]);
        assert!(!idle.has(&"a"));
        assert_eq!((idle.count(), idle.of.len()), (4, 2));
    }

    #[test]
    fn what_is_closed_or_old_is_given_to_nobody() {
        let (mut idle, now) = (idle(8, 8), Instant::now());
        for item in 1..=4 {
            idle.put(&"a", item, now);
        }
        assert_eq!(idle.take(&"a", now, |item| item % 2 == 1), Some(3));
        assert_eq!(idle.count(), 2);
        let later = now + Duration::from_secs(60);
        idle.put(&"a", 9, later);
        assert_eq!(idle.expire(later, |_| true), [1, 2]);
        assert_eq!(idle.take(&"a", later + Duration::from_secs(60), |_| true), None);
        assert_eq!((idle.count(), idle.of.len()), (0, 0));
    }
}
