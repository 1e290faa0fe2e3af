//! Prefixes in layers that hold no two that overlap.

use std::collections::BTreeMap;

use crate::cost::hashes_are_cheaper;
use crate::prefix::Prefix;

/// The rules of one prefix, in order.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub prefix: Prefix,
    pub rules: Vec<usize>,
}

/// Layers of groups: of two prefixes that overlap, the more specific is in an earlier layer, as
/// section 5.1 wants it. `rules` are in order and of one family.
///
/// A layer is either all prefixes of one length, which a hash table can hold, or as many prefixes as
/// can be, which take a set of intervals. Few lengths are cheaper.
pub(crate) fn layers(rules: impl IntoIterator<Item = (Prefix, usize)>) -> Vec<Vec<Group>> {
    let mut groups: Vec<Group> = Vec::new();
    // By prefix, and stable: the rules of a prefix stay in order.
    let mut rules: Vec<(Prefix, usize)> = rules.into_iter().collect();
    rules.sort_by_key(|(prefix, _)| (prefix.bits, prefix.length));
    for (prefix, rule) in rules {
        match groups.last_mut() {
            Some(group) if group.prefix == prefix => group.rules.push(rule),
            _ => groups.push(Group { prefix, rules: vec![rule] }),
        }
    }
    let count = groups.len();
    let by_depth = keyed(&groups, depths(&groups));
    let by_length = keyed(&groups, groups.iter().map(|group| usize::from(group.prefix.length)));
    let layers = if hashes_are_cheaper(by_length.len(), by_depth.len(), count) {
        by_length
    } else {
        by_depth
    };
    // The longest, or most nested, first.
    layers.into_values().rev().collect()
}

/// How many others each prefix lies in. The groups are sorted.
fn depths(groups: &[Group]) -> impl Iterator<Item = usize> {
    // The prefixes that the one at hand lies in: sorted, they are those right before it.
    let mut around: Vec<Prefix> = Vec::new();
    groups.iter().map(move |group| {
        while around.last().is_some_and(|outer| !outer.contains(group.prefix)) {
            around.pop();
        }
        around.push(group.prefix);
        around.len()
    })
}

fn keyed(groups: &[Group], keys: impl Iterator<Item = usize>) -> BTreeMap<usize, Vec<Group>> {
    let mut layers: BTreeMap<usize, Vec<Group>> = BTreeMap::new();
    for (group, key) in groups.iter().zip(keys) {
        layers.entry(key).or_default().push(group.clone());
    }
    layers
}
