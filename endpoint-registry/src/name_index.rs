//! Names → the patterns that stand for them.
//!
//! One array of places, sorted by the hash of what a name is found by, and a directory into it by the
//! first bits of the hash. The names themselves stay with their endpoints: a place is looked at only
//! if 32 more bits agree, so a name that nobody has costs a look at the array and no more.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use crate::{Endpoint, NamePattern};

/// Exact names by name, wildcards by what follows their `*` label.
#[derive(Debug)]
pub(crate) struct NameIndex {
    /// Names come from outside: their hashes cannot be foreseen.
    hasher: RandomState,
    /// Where those begin whose hashes begin with its number; one more for the end.
    directory: Vec<u32>,
    places: Vec<Place>,
    /// How far a hash is shifted to the right for the directory.
    shift: u32,
}

/// A name of an endpoint.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// The lower half of the hash.
    print: u32,
    endpoint: u32,
    name: u32,
}

/// Places for each entry of the directory, about.
const EACH: usize = 4;

impl NameIndex {
    pub fn build(endpoints: &[Endpoint]) -> Self {
        let hasher = RandomState::new();
        let count = endpoints.iter().map(|endpoint| endpoint.names.len()).sum();
        let mut all: Vec<(u64, u32, u32)> = Vec::with_capacity(count);
        for (endpoint, record) in (0..).zip(endpoints) {
            all.extend((0..).zip(&record.names).map(|(name, pattern)| {
                let hash = hasher.hash_one((pattern.is_wildcard(), pattern.suffix()));
                (hash, endpoint, name)
            }));
        }
        let pattern = |endpoint: u32, name: u32| -> Option<&NamePattern> {
            endpoints.get(endpoint as usize)?.names.get(name as usize)
        };
        all.sort_unstable_by(|a, b| {
            // What has one key has one hash. Of one key the pattern that says more comes first, then
            // they are as their endpoints are.
            let order = |a: &NamePattern, b: &NamePattern| {
                (a.is_wildcard(), a.suffix())
                    .cmp(&(b.is_wildcard(), b.suffix()))
                    .then(b.as_str().len().cmp(&a.as_str().len()))
                    .then_with(|| a.cmp(b))
            };
            a.0.cmp(&b.0)
                .then_with(|| match (pattern(a.1, a.2), pattern(b.1, b.2)) {
                    (Some(a), Some(b)) => order(a, b),
                    _ => std::cmp::Ordering::Equal,
                })
                .then((a.1, a.2).cmp(&(b.1, b.2)))
        });
        let bits = (count / EACH).max(1).ilog2().min(31);
        let shift = u64::BITS - bits;
        let mut directory = Vec::with_capacity((1 << bits) + 1);
        for (number, (hash, ..)) in (0..).zip(&all) {
            let slot = slot(*hash, shift);
            directory.resize(directory.len().max(slot + 1), number);
        }
        directory.resize((1 << bits) + 1, narrow(all.len()));
        let place = |(hash, endpoint, name)| Place { print: print(hash), endpoint, name };
        let places = all.into_iter().map(place).collect();
        Self { hasher, directory, places, shift }
    }

    /// Octets it takes.
    pub fn octets(&self) -> usize {
        size_of_val(&*self.directory) + size_of_val(&*self.places)
    }

    /// Endpoint and number of each of its names that stands for this one: exact ones, then wildcards
    /// by longest suffix. Wildcards with one suffix are asked one after the other: keep them few, such
    /// as one for each of a provider's services.
    pub fn find<'a>(
        &'a self,
        name: &'a str,
        pattern: impl Fn(u32, u32) -> Option<&'a NamePattern> + Copy + 'a,
    ) -> impl Iterator<Item = (u32, u32)> + 'a {
        let is = move |place: &&Place, holds: &dyn Fn(&NamePattern) -> bool| {
            pattern(place.endpoint, place.name).is_some_and(holds)
        };
        let exact = self.hashed(self.hasher.hash_one((false, name)));
        let exact = exact.filter(move |place| is(place, &|pattern| pattern.as_str() == name));
        let suffixes = name.match_indices('.').filter_map(|(dot, _)| name.get(dot + 1..));
        let wildcards = suffixes.flat_map(move |suffix| {
            let hashed = self.hashed(self.hasher.hash_one((true, suffix)));
            hashed.filter(move |place| {
                is(place, &|pattern| pattern.suffix() == suffix && pattern.matches(name))
            })
        });
        exact.chain(wildcards).map(|place| (place.endpoint, place.name))
    }

    /// Places whose hash may be this one.
    fn hashed(&self, hash: u64) -> impl Iterator<Item = &Place> {
        let slot = slot(hash, self.shift);
        let at = |slot: usize| self.directory.get(slot).map(|place| *place as usize);
        let run = at(slot).zip(at(slot + 1)).and_then(|(begin, end)| self.places.get(begin..end));
        run.unwrap_or_default().iter().filter(move |place| place.print == print(hash))
    }
}

/// The entry of the directory: the first bits.
fn slot(hash: u64, shift: u32) -> usize {
    hash.checked_shr(shift).unwrap_or(0) as usize
}

/// The last bits.
fn print(hash: u64) -> u32 {
    hash as u32
}

/// Names are far fewer than 2³² (each takes tens of octets); beyond, they would not be found.
fn narrow(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}
