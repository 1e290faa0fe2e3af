//! The lookups of a family, one after another, in an order that changes nothing.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::cost::hashes_are_cheaper;
use crate::field::{Element, Field, Lengths, Shape};
use crate::layers::{Group, layers};
use crate::matching::{Matching, Place};
use crate::prefix::Prefix;

/// One thing that the chain of a family does. Rules are named by their place in the order.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// One lookup: at most one entry matches.
    Map { shape: Shape, entries: Vec<(Element, usize)> },
    /// One lookup of an address, and the rules of its prefix one after another.
    Chains { field: Field, prefixes: Vec<(Prefix, Vec<usize>)> },
    /// Rules one after another.
    Rules(Vec<usize>),
}

impl Step {
    /// The rules that are not entries of a map.
    pub fn one_by_one(&self) -> impl Iterator<Item = usize> {
        let (prefixes, rules) = match self {
            Self::Map { .. } => (&[][..], &[][..]),
            Self::Chains { prefixes, .. } => (prefixes.as_slice(), &[][..]),
            Self::Rules(rules) => (&[][..], rules.as_slice()),
        };
        prefixes.iter().flat_map(|(_, rules)| rules).chain(rules).copied()
    }
}

/// Maps of one layer. What does not fit into them is evaluated rule by rule.
const MOST_MAPS: usize = 8;
/// Entries of one source prefix, in a map of one destination prefix, that are compared pair by
/// pair.
const MOST_PAIRS: usize = 512;

/// Rules of a layer with the same conditions that are worth a map of addresses alone.
const MANY: usize = 32;

/// The steps for rules that are given in the order of section 5.1, all of one family.
pub(crate) fn steps(rules: &[(usize, &Matching)]) -> Vec<Step> {
    let matchings: HashMap<usize, &Matching> = rules.iter().copied().collect();
    let at = |wanted: Place| {
        let there = rules.iter().filter(move |(_, matching)| matching.place == wanted);
        there.map(|(rule, _)| *rule).collect::<Vec<usize>>()
    };
    let by_destination = rules.iter().filter_map(|(rule, matching)| match matching.place {
        Place::Destination(prefix) => Some((prefix, *rule)),
        _ => None,
    });
    let by_source = rules.iter().filter_map(|(rule, matching)| match matching.place {
        Place::Source(prefix) => Some((prefix, *rule)),
        _ => None,
    });
    let mut steps = Vec::new();
    for layer in layers(by_destination) {
        steps.extend(layer_steps(Field::Destination, &layer, &matchings));
    }
    steps.extend(list_steps(&at(Place::DestinationPattern), &matchings));
    for layer in layers(by_source) {
        steps.extend(layer_steps(Field::Source, &layer, &matchings));
    }
    steps.extend(list_steps(&at(Place::SourcePattern), &matchings));
    steps.extend(list_steps(&at(Place::Neither), &matchings));
    steps
}

type Matchings<'m> = HashMap<usize, &'m Matching>;

/// How a rule is put into a map.
struct Entries {
    shape: Shape,
    elements: Vec<Element>,
}

impl Entries {
    /// By address alone where many rules have `common` conditions: trees and hash tables of one
    /// field are faster than sets of several with intervals. Else by all fields.
    fn of(matching: &Matching, common: &HashSet<&[String]>) -> Option<Self> {
        if let Some((address, conditions)) = &matching.keyed
            && common.contains(conditions.as_slice())
        {
            let elements = vec![*address];
            let shape = Shape {
                conditions: conditions.clone(),
                upper_layer: matching.upper_layer,
                ..Shape::of(&elements)
            };
            return Some(Self { shape, elements });
        }
        let elements = matching.elements.clone()?;
        Some(Self { shape: Shape::of(&elements), elements })
    }
}

/// How the rules of a layer are put into maps, those that can be.
fn layer_entries(groups: &[Group], matchings: &Matchings<'_>) -> HashMap<usize, Entries> {
    let mut counts: HashMap<&[String], usize> = HashMap::new();
    for rule in groups.iter().flat_map(|group| &group.rules) {
        if let Some((_, conditions)) = matchings.get(rule).and_then(|m| m.keyed.as_ref()) {
            *counts.entry(conditions).or_default() += 1;
        }
    }
    let common = counts.into_iter().filter(|(_, count)| *count >= MANY).map(|(c, _)| c).collect();
    let rules = groups.iter().flat_map(|group| &group.rules);
    let mut entries: HashMap<usize, Entries> = rules
        .filter_map(|rule| Some((*rule, Entries::of(matchings.get(rule)?, &common)?)))
        .collect();
    // Prefixes of many lengths are as many hash tables, or one set of intervals.
    let mut lengths: HashMap<Shape, (HashSet<Lengths>, usize)> = HashMap::new();
    for Entries { shape, elements } in entries.values() {
        let Some(these) = shape.lengths else { continue };
        let (others, count) = lengths.entry(shape.with_intervals()).or_default();
        others.insert(these);
        *count += elements.len();
    }
    let mixed = mixed(groups, &entries);
    for Entries { shape, .. } in entries.values_mut() {
        let intervals = shape.with_intervals();
        let are_cheaper = |(lengths, count): &(HashSet<Lengths>, usize)| {
            hashes_are_cheaper(lengths.len(), 1, *count)
        };
        let hashed =
            !mixed.contains(&intervals) && lengths.get(&intervals).is_some_and(are_cheaper);
        if !hashed {
            *shape = intervals;
        }
    }
    entries
}

/// Shapes of which one group has several lengths: its rules have an order, in which these may alternate, and
/// each time would begin another table.
fn mixed(groups: &[Group], entries: &HashMap<usize, Entries>) -> HashSet<Shape> {
    let mut mixed = HashSet::new();
    for group in groups {
        let mut first: HashMap<Shape, Lengths> = HashMap::new();
        for Entries { shape, .. } in group.rules.iter().filter_map(|rule| entries.get(rule)) {
            let Some(lengths) = shape.lengths else { continue };
            let intervals = shape.with_intervals();
            if *first.entry(intervals.clone()).or_insert(lengths) != lengths {
                mixed.insert(intervals);
            }
        }
    }
    mixed
}

/// Groups that exclude each other share maps: only the rules of one group have an order.
fn layer_steps(field: Field, groups: &[Group], matchings: &Matchings<'_>) -> Vec<Step> {
    let mut entries = layer_entries(groups, matchings);
    let mut maps: Vec<Step> = Vec::new();
    let mut tails = Vec::new();
    for group in groups {
        let mut placing = Placing::default();
        for (index, rule) in group.rules.iter().enumerate() {
            let placed = entries
                .remove(rule)
                .is_some_and(|entries| placing.place(&mut maps, MOST_MAPS, *rule, entries));
            if !placed {
                // Everything behind it is later, too.
                tails.push((group.prefix, group.rules[index..].to_vec()));
                break;
            }
        }
    }
    // The prefix of length 0 is alone in its layer, and every address is in it.
    match tails.as_slice() {
        [(prefix, rules)] if prefix.length == 0 => maps.push(Step::Rules(rules.clone())),
        [] => {}
        _ => maps.push(Step::Chains { field, prefixes: tails }),
    }
    maps
}

/// Rules any two of which may overlap.
fn list_steps(rules: &[usize], matchings: &Matchings<'_>) -> Vec<Step> {
    let none = HashSet::new();
    let mut steps: Vec<Step> = Vec::new();
    let mut placing = Placing::default();
    for rule in rules {
        let entries = matchings.get(rule).and_then(|matching| Entries::of(matching, &none));
        if let Some(entries) = entries
            && placing.place(&mut steps, usize::MAX, *rule, entries)
        {
            continue;
        }
        match steps.last_mut() {
            Some(Step::Rules(rules)) => rules.push(*rule),
            _ => steps.push(Step::Rules(vec![*rule])),
        }
        placing.from = steps.len() - 1;
    }
    steps
}

/// Where the rules of one group have gone so far.
#[derive(Default)]
struct Placing {
    /// No rule of the group is in a later step, so this is where the next may be at the earliest.
    from: usize,
    taken: HashMap<usize, Taken>,
}

impl Placing {
    /// Puts a rule into the first map of its shape that keeps it behind the rules before it, or
    /// into a new one at the end.
    fn place(&mut self, steps: &mut Vec<Step>, most: usize, rule: usize, new: Entries) -> bool {
        let Entries { shape: wanted, elements } = new;
        let wanted_entries = elements.iter().map(|element| (*element, rule));
        for (index, step) in steps.iter_mut().enumerate().skip(self.from) {
            let Step::Map { shape, entries } = step else { continue };
            if *shape == wanted && self.taken.entry(index).or_default().take(shape, &elements) {
                entries.extend(wanted_entries);
                self.from = index;
                return true;
            }
        }
        let index = steps.len();
        if index >= most || !self.taken.entry(index).or_default().take(&wanted, &elements) {
            return false;
        }
        let entries = wanted_entries.collect();
        steps.push(Step::Map { shape: wanted, entries });
        self.from = index;
        true
    }
}

/// The keys that one group has in one map, which are of its shape and have the same destination, if
/// any.
#[derive(Default)]
struct Taken {
    exact: HashSet<Element>,
    by_source: BTreeMap<(u128, u8), Vec<Element>>,
}

impl Taken {
    /// Takes all of these, or none if one overlaps with what is there. Those given exclude each
    /// other.
    fn take(&mut self, shape: &Shape, elements: &[Element]) -> bool {
        let exact = shape.lengths.is_some();
        let free = |element: &Element| {
            if exact { !self.exact.contains(element) } else { self.is_free(element) }
        };
        if !elements.iter().all(free) {
            return false;
        }
        for element in elements {
            if exact {
                self.exact.insert(*element);
            } else {
                let key = element.source.map_or((0, 0), |source| (source.bits, source.length));
                self.by_source.entry(key).or_default().push(*element);
            }
        }
        true
    }

    /// Looks at the source prefixes that overlap with this one's, and no others. Where too many
    /// would have to be compared it is not free.
    fn is_free(&self, element: &Element) -> bool {
        let inside = match element.source {
            Some(source) => self.by_source.range((source.bits, 0)..=(source.last(), u8::MAX)),
            None => self.by_source.range(..),
        };
        let around = element.source.into_iter().flat_map(|source| {
            (0..source.length).filter_map(move |length| {
                let outer = source.shortened(length);
                // Those that start with it were in the range above.
                (outer.bits != source.bits)
                    .then(|| self.by_source.get(&(outer.bits, length)))
                    .flatten()
            })
        });
        let mut others = inside.map(|(_, elements)| elements).chain(around).flatten();
        let mut compared = 0;
        !others.any(|other| {
            compared += 1;
            compared > MOST_PAIRS || other.overlaps(element)
        })
    }
}

#[cfg(test)]
mod tests {
    use sark_flowspec::{Afi, PrefixMatch};

    use super::*;

    fn element(source: &str, port: (u64, u64)) -> Element {
        let net: ipnet::IpNet = source.parse().unwrap();
        let source = Prefix::of(&PrefixMatch::from(net)).filter(|prefix| prefix.length > 0);
        Element { source, destination_port: Some(port), ..Element::default() }
    }

    #[test]
    fn keys_of_one_map_exclude_each_other() {
        let mut taken = Taken::default();
        for (source, port, free) in [
            ("10.1.0.0/16", (80, 90), true),
            // Within, around, the same: only with other ports.
            ("10.1.2.0/24", (85, 85), false),
            ("10.1.2.0/24", (91, 91), true),
            ("10.0.0.0/8", (90, 91), false),
            ("10.0.0.0/8", (92, 99), true),
            ("10.1.0.0/16", (1, 80), false),
            ("10.1.0.0/17", (1, 79), true),
            ("10.2.0.0/16", (80, 90), true),
            ("10.1.128.0/17", (1, 79), true),
            ("0.0.0.0/1", (1, 1), false),
            ("128.0.0.0/1", (1, 1), true),
        ] {
            let elements = [element(source, port)];
            let shape = Shape::of(&elements).with_intervals();
            assert_eq!(taken.take(&shape, &elements), free, "{source} {port:?}");
        }
    }

    #[test]
    fn prefixes_are_laid_in_layers() {
        let nets =
            ["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.1.0/24", "10.2.0.0/16", "11.0.0.0/8"];
        let prefixes = nets.into_iter().enumerate().map(|(rule, net)| {
            let net: ipnet::IpNet = net.parse().unwrap();
            let prefix = Prefix::of(&PrefixMatch::from(net)).unwrap();
            assert_eq!(prefix.afi, Afi::Ipv4);
            (prefix, rule)
        });
        let rules: Vec<Vec<usize>> = layers(prefixes)
            .iter()
            .map(|layer| layer.iter().flat_map(|group| group.rules.clone()).collect())
            .collect();
        assert_eq!(rules, [vec![3], vec![2, 4], vec![1, 5], vec![0]]);
    }
}
