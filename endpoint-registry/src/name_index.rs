//! Names → the patterns that stand for them.

use std::collections::HashMap;

use crate::{Endpoint, NamePattern};

/// Exact names by name, wildcards by what follows their `*` label.
#[derive(Debug, Default)]
pub(crate) struct NameIndex {
    exact: HashMap<Box<str>, Run>,
    wildcards: HashMap<Box<str>, Run>,
    /// Endpoint and place among its names, a run for each key.
    places: Vec<Place>,
}

/// Part of `places`.
#[derive(Debug, Clone, Copy)]
struct Run {
    first: u32,
    count: u32,
}

/// A name of an endpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub endpoint: u32,
    pub name: u32,
}

impl NameIndex {
    pub fn build(endpoints: &[Endpoint]) -> Self {
        let mut all: Vec<(&NamePattern, Place)> = (0..)
            .zip(endpoints)
            .flat_map(|(endpoint, record)| {
                let place = move |name| Place { endpoint, name };
                (0..).zip(&record.names).map(move |(number, name)| (name, place(number)))
            })
            .collect();
        // By key; within a key the pattern that says more first, then by endpoint.
        all.sort_by(|(a, at), (b, bt)| {
            let key = |name: &NamePattern| (name.is_wildcard(), name.as_str().len());
            let (a_key, b_key) = (key(a), key(b));
            (a_key.0, a.suffix())
                .cmp(&(b_key.0, b.suffix()))
                .then(b_key.1.cmp(&a_key.1))
                .then_with(|| a.cmp(b))
                .then(at.endpoint.cmp(&bt.endpoint))
        });
        let mut index = Self::default();
        let same = |(a, _): &(&NamePattern, _), (b, _): &(&NamePattern, _)| {
            (a.is_wildcard(), a.suffix()) == (b.is_wildcard(), b.suffix())
        };
        for group in all.chunk_by(same) {
            let [(name, _), ..] = group else { continue };
            let run = Run { first: count(index.places.len()), count: count(group.len()) };
            index.places.extend(group.iter().map(|(_, place)| *place));
            let map = if name.is_wildcard() { &mut index.wildcards } else { &mut index.exact };
            map.insert(name.suffix().into(), run);
        }
        index
    }

    /// Places whose pattern may stand for the name, and whether it does for sure: exact ones, then
    /// wildcards by longest suffix, which still have to be asked. Wildcards with one suffix are
    /// asked one after the other: keep them few, such as one for each of a provider's services.
    pub fn candidates<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (Place, bool)> + 'a {
        let exact = self.exact.get(name).map(|run| (run, true));
        let suffixes = name.match_indices('.').filter_map(|(dot, _)| name.get(dot + 1..));
        let wildcards = suffixes.filter_map(|suffix| self.wildcards.get(suffix));
        let runs = exact.into_iter().chain(wildcards.map(|run| (run, false)));
        runs.flat_map(|(run, sure)| self.run(*run).iter().map(move |place| (*place, sure)))
    }

    fn run(&self, run: Run) -> &[Place] {
        let first = run.first as usize;
        self.places.get(first..first + run.count as usize).unwrap_or_default()
    }
}

/// Names are far fewer than 2³² (each takes tens of octets); beyond, they would not be found.
fn count(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}
