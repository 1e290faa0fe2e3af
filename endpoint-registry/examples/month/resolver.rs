//! Resolvers between the content network and those who ask.

use super::cdn::{Answer, Cdn};
use super::random::Random;
use super::{Millis, NAMES, Name};

/// An answer as it is in a cache.
#[derive(Clone, Copy)]
pub struct Cached {
    pub answer: Answer,
    pub until: Millis,
}

impl Cached {
    /// With what is left of its TTL.
    fn at(&self, now: Millis) -> Answer {
        let left = self.until.saturating_sub(now).div_ceil(1000);
        Answer { ttl: u32::try_from(left).unwrap_or(u32::MAX), ..self.answer }
    }
}

/// The site's own: one cache, filled when somebody asks.
pub struct SiteResolver {
    place: usize,
    cache: [Option<Cached>; NAMES],
}

impl SiteResolver {
    pub fn new(place: usize) -> Self {
        Self { place, cache: [None; NAMES] }
    }

    pub fn ask(&mut self, now: Millis, name: Name, cdn: &mut Cdn) -> Answer {
        let cached = &mut self.cache[usize::from(name)];
        if let Some(cached) = cached.filter(|cached| cached.until > now) {
            return cached.at(now);
        }
        let answer = cdn.answer(now, name, self.place);
        *cached = Some(Cached { answer, until: now + u64::from(answer.ttl) * 1000 });
        answer
    }
}

/// One that anybody may ask: many caches, of which any may answer, and always filled, because the
/// rest of the world asks too.
pub struct PublicResolver {
    random: Random,
    /// Where it asks from, with the share of each.
    home: usize,
    away: usize,
    share_home: f64,
    caches: Vec<[Option<Cached>; NAMES]>,
}

impl PublicResolver {
    pub fn new(seed: u64, number: u64, (home, away): (usize, usize), share_home: f64) -> Self {
        let (random, caches) = (Random::new(seed, 10 + number), vec![[None; NAMES]; 8]);
        Self { random, home, away, share_home, caches }
    }

    pub fn ask(&mut self, now: Millis, name: Name, cdn: &mut Cdn) -> Answer {
        let number = self.random.below(self.caches.len());
        let cached = &mut self.caches[number][usize::from(name)];
        if let Some(cached) = cached.filter(|cached| cached.until > now) {
            return cached.at(now);
        }
        let is_home = self.random.chance(self.share_home);
        let place = if is_home { self.home } else { self.away };
        let answer = cdn.answer(now, name, place);
        // Somebody asked some time before.
        let whole = u64::from(answer.ttl) * 1000;
        let age = (self.random.share() * whole as f64) as u64;
        let filled = Cached { answer, until: now + whole - age };
        *cached = Some(filled);
        filled.at(now)
    }
}
