//! The people and programs of a site: when they connect, to which name, at which address, how long.

use super::cdn::{Answer, Cdn};
use super::random::Random;
use super::resolver::{Cached, SiteResolver};
use super::{Address, HOUR, MINUTE, Millis, NAMES, Name, busy};

const CLIENTS: usize = 400;
/// Longest that a client's own cache keeps an answer beyond its TTL.
const OVERSTAY: Millis = 30 * MINUTE;
/// Longest connection.
const LONGEST: Millis = 12 * HOUR;

/// How a client treats answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Habit {
    /// Asks each time.
    Asks,
    /// Keeps an answer for its TTL.
    Keeps,
    /// Keeps it some minutes longer.
    Overstays,
}

/// One connection.
pub struct Connection {
    pub name: Name,
    pub address: Address,
    pub until: Millis,
    /// It lives for minutes or hours.
    pub is_long: bool,
    /// Its flow is reported while it lives.
    pub is_reported: bool,
    /// The site's resolver was asked for it, and said so.
    pub asked: Option<Answer>,
}

/// See the module.
pub struct Site {
    random: Random,
    /// Connections a second, in the mean of a day.
    rate: f64,
    habits: Vec<Habit>,
    kept: Vec<[Option<Cached>; NAMES]>,
    /// Ends of the shares of names: the first is asked for most.
    shares: [f64; NAMES],
}

impl Site {
    pub fn new(seed: u64, rate: f64) -> Self {
        let mut random = Random::new(seed, 2);
        let habits = (0..CLIENTS).map(|_| match random.share() {
            share if share < 0.5 => Habit::Asks,
            share if share < 0.75 => Habit::Keeps,
            _ => Habit::Overstays,
        });
        let habits = habits.collect();
        let all: f64 = (1..=NAMES).map(|rank| 1.0 / rank as f64).sum();
        let (mut shares, mut end) = ([0.0; NAMES], 0.0);
        for (rank, share) in shares.iter_mut().enumerate() {
            end += 1.0 / (rank + 1) as f64 / all;
            *share = end;
        }
        Self { random, rate, habits, kept: vec![[None; NAMES]; CLIENTS], shares }
    }

    /// When the next connection begins.
    pub fn next(&mut self, mut now: Millis) -> Millis {
        loop {
            // As often as at the busiest hour, and then as many of them left out as it is quieter.
            now += self.random.wait(1000.0 / (self.rate * 2.0)) + 1;
            if self.random.chance(busy(now)) {
                return now;
            }
        }
    }

    pub fn connect(&mut self, now: Millis, site: &mut SiteResolver, cdn: &mut Cdn) -> Connection {
        let client = self.random.below(CLIENTS);
        let drawn = self.random.share();
        let name = self.shares.iter().position(|end| drawn < *end).unwrap_or(NAMES - 1) as Name;
        let kept = &mut self.kept[client][usize::from(name)];
        let (answer, asked) = match kept.filter(|kept| kept.until > now) {
            Some(kept) => (kept.answer, None),
            None => {
                let answer = site.ask(now, name, cdn);
                let ttl = u64::from(answer.ttl) * 1000;
                *kept = match self.habits[client] {
                    Habit::Asks => None,
                    Habit::Keeps => Some(Cached { answer, until: now + ttl }),
                    Habit::Overstays => {
                        let over = self.random.wait((4 * MINUTE) as f64).min(OVERSTAY);
                        Some(Cached { answer, until: now + ttl + over })
                    }
                };
                (answer, Some(answer))
            }
        };
        let address = answer.addresses[self.random.below(answer.addresses.len())];
        let is_long = self.random.chance(0.02);
        let mean = if is_long { 2 * HOUR } else { 20_000 };
        let until = now + self.random.wait(mean as f64).min(LONGEST);
        let is_reported = is_long && self.random.chance(0.5);
        Connection { name, address, until, is_long, is_reported, asked }
    }
}
