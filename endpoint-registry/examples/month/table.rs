//! The rules as the routers have them: one for each address of each name, in force a second after
//! it was decided. A policy for all names needs fewer: one for each address.

use std::collections::VecDeque;

use super::{ADDRESSES, Address, Millis, NAMES, Name};

/// From an answer to the rule on the router.
const REACTION: Millis = 1_000;
/// Withdrawn sooner than this after it was announced, a rule is a flap.
const FLAP: Millis = 600_000;

#[derive(Clone, Copy, Default)]
struct Rule {
    since: Option<Millis>,
    /// Time in force, before `since`.
    before: Millis,
}

/// What became of rules.
#[derive(Debug, Clone, Copy, Default)]
pub struct Churn {
    pub announced: u64,
    pub withdrawn: u64,
    pub flaps: u64,
    /// Most at a time.
    pub most: u64,
    now: u64,
    /// Rules times milliseconds.
    sum: u128,
}

impl Churn {
    /// In the mean.
    pub fn mean(&self, span: Millis) -> f64 {
        self.sum as f64 / span.max(1) as f64
    }

    fn pass(&mut self, time: Millis) {
        self.sum += u128::from(self.now) * u128::from(time);
    }

    fn change(&mut self, to: bool, age: Millis) {
        if to {
            self.announced += 1;
            self.now += 1;
            self.most = self.most.max(self.now);
        } else {
            self.withdrawn += 1;
            self.now -= 1;
            self.flaps += u64::from(age < FLAP);
        }
    }
}

/// See the module.
pub struct Table {
    rules: Vec<Rule>,
    /// Since when an address has a rule of any name, and how many.
    addresses: Vec<(Millis, u32)>,
    coming: VecDeque<(Millis, usize, bool)>,
    now: Millis,
    /// A rule for each address of each name.
    pub by_name: Churn,
    /// A rule for each address.
    pub by_address: Churn,
}

fn place(name: Name, address: Address) -> usize {
    usize::from(name) * ADDRESSES + usize::from(address)
}

impl Table {
    pub fn new() -> Self {
        Self {
            rules: vec![Rule::default(); NAMES * ADDRESSES],
            addresses: vec![(0, 0); ADDRESSES],
            coming: VecDeque::new(),
            now: 0,
            by_name: Churn::default(),
            by_address: Churn::default(),
        }
    }

    /// It is decided that there is a rule from now on, or none.
    pub fn decide(&mut self, now: Millis, name: Name, address: Address, to: bool) {
        self.coming.push_back((now + REACTION, place(name, address), to));
    }

    /// Time has come.
    pub fn pass(&mut self, now: Millis) {
        while let Some(&(at, place, to)) = self.coming.front().filter(|next| next.0 <= now) {
            self.coming.pop_front();
            self.change(at, place, to);
        }
        self.sum_up(now);
    }

    fn sum_up(&mut self, now: Millis) {
        let time = now - self.now;
        self.by_name.pass(time);
        self.by_address.pass(time);
        self.now = now;
    }

    fn change(&mut self, at: Millis, place: usize, to: bool) {
        self.sum_up(at);
        let rule = &mut self.rules[place];
        assert_ne!(rule.since.is_some(), to, "announced twice, or withdrawn twice");
        let age = at - rule.since.unwrap_or(at);
        rule.before += age;
        rule.since = to.then_some(at);
        self.by_name.change(to, age);
        let (since, names) = &mut self.addresses[place % ADDRESSES];
        let was = *names;
        *names = if to { was + 1 } else { was - 1 };
        if was.min(*names) == 0 {
            self.by_address.change(to, at - *since);
            *since = at;
        }
    }

    /// Whether the rule is in force.
    pub fn has(&self, name: Name, address: Address) -> bool {
        self.rules[place(name, address)].since.is_some()
    }

    /// Whether one for this address is, of whatever name.
    pub fn has_any(&self, address: Address) -> bool {
        self.addresses[usize::from(address)].1 > 0
    }

    /// Whether it will be in a moment.
    pub fn is_coming(&self, name: Name, address: Address) -> bool {
        let place = place(name, address);
        self.coming.iter().any(|coming| coming.1 == place && coming.2)
    }

    /// How long it was in force until now, in all.
    pub fn time(&self, name: Name, address: Address) -> Millis {
        let rule = &self.rules[place(name, address)];
        rule.before + rule.since.map_or(0, |since| self.now - since)
    }
}
