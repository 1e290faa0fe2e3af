//! The lookups of a family, one after another, in an order that changes nothing.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::field::{Element, Field, Shape};
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

/// Maps of one layer. What does not fit into them is evaluated rule by rule.
const MOST_MAPS: usize = 8;
/// Entries of one source prefix, in a map of one destination prefix, that are compared pair by
/// pair.
const MOST_PAIRS: usize = 512;

/// The steps for rules that are given in the order of section 5.1, all of one family.
pub(crate) fn steps(rules: &[(usize, &Matching)]) -> Vec<Step> {
    let matchings: HashMap<usize, &Matching> = rules.iter().copied().collect();
    let elements = |rule: usize| matchings.get(&rule).and_then(|m| m.elements.as_deref());
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
        steps.extend(layer_steps(Field::Destination, &layer, elements));
    }
    steps.extend(list_steps(&at(Place::DestinationPattern), elements));
    for layer in layers(by_source) {
        steps.extend(layer_steps(Field::Source, &layer, elements));
    }
    steps.extend(list_steps(&at(Place::SourcePattern), elements));
    steps.extend(list_steps(&at(Place::Neither), elements));
    steps
}

/// Groups that exclude each other share maps: only the rules of one group have an order.
fn layer_steps<'m>(
    field: Field,
    groups: &[Group],
    elements: impl Fn(usize) -> Option<&'m [Element]>,
) -> Vec<Step> {
    let mut maps: Vec<Step> = Vec::new();
    let mut tails = Vec::new();
    for group in groups {
        let mut placing = Placing::default();
        for (index, rule) in group.rules.iter().enumerate() {
            let placed = elements(*rule)
                .is_some_and(|elements| placing.place(&mut maps, MOST_MAPS, *rule, elements));
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
fn list_steps<'m>(rules: &[usize], elements: impl Fn(usize) -> Option<&'m [Element]>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut placing = Placing::default();
    for rule in rules {
        if let Some(elements) = elements(*rule)
            && placing.place(&mut steps, usize::MAX, *rule, elements)
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
    fn place(
        &mut self,
        steps: &mut Vec<Step>,
        most: usize,
        rule: usize,
        elements: &[Element],
    ) -> bool {
        let wanted = Shape::of(elements);
        for (index, step) in steps.iter_mut().enumerate().skip(self.from) {
            let Step::Map { shape, entries } = step else { continue };
            if *shape == wanted && self.taken.entry(index).or_default().take(elements) {
                entries.extend(elements.iter().map(|element| (*element, rule)));
                self.from = index;
                return true;
            }
        }
        let index = steps.len();
        if index >= most || !self.taken.entry(index).or_default().take(elements) {
            return false;
        }
        let entries = elements.iter().map(|element| (*element, rule)).collect();
        steps.push(Step::Map { shape: wanted, entries });
        self.from = index;
        true
    }
}

/// The keys that one group has in one map. They have the same destination, if any, and the same
/// fields.
#[derive(Default)]
struct Taken {
    exact: HashSet<Element>,
    by_source: BTreeMap<(u128, u8), Vec<Element>>,
}

impl Taken {
    /// Takes all of these, or none if one overlaps with what is there. Those given exclude each
    /// other.
    fn take(&mut self, elements: &[Element]) -> bool {
        let exact = Shape::of(elements).exact;
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
