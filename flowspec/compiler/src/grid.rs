//! Things that stand at a destination and a source, found by what they overlap.

use std::collections::BTreeMap;

use crate::net::Tree;

/// Things by place of destination, then by place of source.
#[derive(Debug)]
pub(crate) struct Grid<T> {
    at: Vec<BTreeMap<u32, Vec<T>>>,
}

impl<T: Copy> Grid<T> {
    pub fn new(destinations: &Tree) -> Self {
        Self { at: vec![BTreeMap::new(); destinations.len()] }
    }

    pub fn push(&mut self, destination: u32, source: u32, thing: T) {
        self.at[destination as usize].entry(source).or_default().push(thing);
    }

    pub fn is_empty_at(&self, destination: u32) -> bool {
        self.at[destination as usize].is_empty()
    }

    /// At exactly this destination, with a source that holds `source`.
    pub fn holding<'a>(
        &'a self,
        sources: &'a Tree,
        destination: u32,
        source: u32,
    ) -> impl Iterator<Item = T> + 'a {
        let here = &self.at[destination as usize];
        sources.chain(source).filter_map(|place| here.get(&place)).flatten().copied()
    }

    /// At exactly this destination, with a source that overlaps `source`.
    pub fn meeting<'a>(
        &'a self,
        sources: &'a Tree,
        destination: u32,
        source: u32,
    ) -> impl Iterator<Item = T> + 'a {
        let inside = self.at[destination as usize].range(source + 1..sources.end(source));
        let inside = inside.flat_map(|(_, things)| things).copied();
        self.holding(sources, destination, source).chain(inside)
    }

    /// Everything, by destination and source.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32, T)> + '_ {
        (0u32..).zip(&self.at).flat_map(|(destination, here)| {
            here.iter().flat_map(move |(&source, things)| {
                things.iter().map(move |&thing| (destination, source, thing))
            })
        })
    }
}
