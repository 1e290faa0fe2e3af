//! Prefixes in layers that hold no two that overlap.

use crate::prefix::Prefix;

/// The rules of one prefix, in order.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub prefix: Prefix,
    pub rules: Vec<usize>,
}

/// Layers of groups, the most nested first: of two prefixes that overlap, the more specific is in
/// an earlier layer, as section 5.1 wants it. `rules` are in order and of one family.
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
    let mut layers: Vec<Vec<Group>> = Vec::new();
    // The prefixes that the one at hand lies in: sorted, they are those right before it.
    let mut around: Vec<Prefix> = Vec::new();
    for group in groups {
        while around.last().is_some_and(|outer| !outer.contains(group.prefix)) {
            around.pop();
        }
        let depth = around.len();
        around.push(group.prefix);
        if layers.len() <= depth {
            layers.push(Vec::new());
        }
        layers[depth].push(group);
    }
    layers.reverse();
    layers
}
