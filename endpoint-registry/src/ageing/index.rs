//! What is next, without looking at everything.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;

use super::Config;
use super::memory::Name;

type Queue = BTreeSet<(Timestamp, Arc<str>)>;

/// Names by the times at which something is to be done with them.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    /// An address changes its state.
    deadlines: Queue,
    /// The name is to be asked: those that endpoints list, and those seen under wildcards.
    dues: Queue,
    unlisted_dues: Queue,
    /// Names seen under wildcards, by when a client last asked for them.
    idle: Queue,
    /// Names that lead to an address.
    names: BTreeMap<IpAddr, BTreeSet<Arc<str>>>,
    /// What stands in the queues for each name.
    entered: BTreeMap<Arc<str>, Entered>,
}

/// See [`Index`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Entered {
    deadline: Option<Timestamp>,
    due: Option<Timestamp>,
    unlisted_due: Option<Timestamp>,
    idle: Option<Timestamp>,
}

impl Index {
    /// Enters a name as it is now.
    pub fn enter(&mut self, key: &Arc<str>, name: &Name, config: &Config) {
        let idle = (!name.listed).then(|| name.client_at.unwrap_or(Timestamp::MIN));
        let (due, unlisted_due) = if name.listed { (name.due, None) } else { (None, name.due) };
        self.set(key, Entered { deadline: name.deadline(config), due, unlisted_due, idle });
    }

    /// Nothing of the name changes by itself until it is entered again.
    pub fn hold(&mut self, key: &Arc<str>) {
        let entered = self.entered.get(key).copied().unwrap_or_default();
        self.set(key, Entered { deadline: None, ..entered });
    }

    /// Forgets a name without addresses.
    pub fn remove(&mut self, key: &Arc<str>) {
        self.set(key, Entered::default());
        self.entered.remove(key);
    }

    fn set(&mut self, key: &Arc<str>, to: Entered) {
        let was = self.entered.insert(Arc::clone(key), to).unwrap_or_default();
        let queues = [
            (&mut self.deadlines, was.deadline, to.deadline),
            (&mut self.dues, was.due, to.due),
            (&mut self.unlisted_dues, was.unlisted_due, to.unlisted_due),
            (&mut self.idle, was.idle, to.idle),
        ];
        for (queue, was, to) in queues {
            if was == to {
                continue;
            }
            if let Some(was) = was {
                queue.remove(&(was, Arc::clone(key)));
            }
            if let Some(to) = to {
                queue.insert((to, Arc::clone(key)));
            }
        }
    }

    /// The name leads to the address.
    pub fn link(&mut self, address: IpAddr, key: &Arc<str>) {
        self.names.entry(address).or_default().insert(Arc::clone(key));
    }

    /// It does not any more.
    pub fn unlink(&mut self, address: IpAddr, key: &Arc<str>) {
        if let Some(names) = self.names.get_mut(&address) {
            names.remove(key);
            if names.is_empty() {
                self.names.remove(&address);
            }
        }
    }

    /// Names that lead to an address.
    pub fn names_of(&self, address: IpAddr) -> Vec<Arc<str>> {
        self.names.get(&address).into_iter().flatten().cloned().collect()
    }

    /// When the next address changes its state.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(time, _)| *time)
    }

    /// A name of which an address changes its state by now.
    pub fn passed(&self, now: Timestamp) -> Option<Arc<str>> {
        self.deadlines.first().filter(|(time, _)| *time <= now).map(|(_, key)| Arc::clone(key))
    }

    /// When the next name is to be asked.
    pub fn next_due(&self) -> Option<Timestamp> {
        let queues = [self.dues.first(), self.unlisted_dues.first()];
        queues.into_iter().flatten().map(|(time, _)| *time).min()
    }

    /// Names to be asked by now, listed ones before others, the longest waiting first: clients can
    /// make up any number of names under a wildcard.
    pub fn due(&self, now: Timestamp, most: usize) -> Vec<Arc<str>> {
        let queues = [&self.dues, &self.unlisted_dues];
        let due = queues.map(|queue| queue.iter().take_while(|(time, _)| *time <= now));
        due.into_iter().flatten().take(most).map(|(_, key)| Arc::clone(key)).collect()
    }

    /// Names seen under wildcards, the longest unused first.
    pub fn idle(&self) -> impl Iterator<Item = &Arc<str>> {
        self.idle.iter().map(|(_, key)| key)
    }

    /// How many names are seen under wildcards.
    pub fn idle_count(&self) -> usize {
        self.idle.len()
    }
}
