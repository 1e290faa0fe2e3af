//! Sets of bit patterns as items of a bitmask component.

use std::sync::OnceLock;

use sark_flowspec::BitmaskItem;

use crate::ranges::Ranges;
use crate::region::fragment;

/// Disjoint sets that each say "these flags set, those clear", which two items can say.
pub(crate) fn cubes(set: &Ranges) -> Vec<Ranges> {
    if set.is_empty() {
        return Vec::new();
    }
    if cube(set).is_some() {
        return vec![set.clone()];
    }
    let halves = |bit: u32| {
        let of = |want: u32| {
            let values = set.values().filter(|v| v >> bit & 1 == want);
            Ranges::of(values.map(|v| (v, v)))
        };
        (of(0), of(1))
    };
    let varies = |bit: &u32| {
        let (clear, set) = halves(*bit);
        !clear.is_empty() && !set.is_empty()
    };
    let one_is_a_cube = |bit: &u32| {
        let (clear, set) = halves(*bit);
        cube(&clear).is_some() || cube(&set).is_some()
    };
    // Not a cube, so some bit varies.
    let bit = (0..8).filter(varies).find(one_is_a_cube).or_else(|| (0..8).find(varies));
    let (clear, set) = halves(bit.unwrap_or(0));
    [cubes(&set), cubes(&clear)].concat()
}

/// The flags that are set and those that are clear in all of the set, if these say all of it.
pub(crate) fn cube(set: &Ranges) -> Option<(u32, u32)> {
    let (all, any, count) =
        set.values().fold((0xff, 0, 0u32), |(all, any, n), v| (all & v, any | v, n + 1));
    let free = (any & !all).count_ones();
    (count == 1 << free).then_some((all, !any & 0xff))
}

/// Values of the TCP flags octet with these set and those clear.
pub(crate) fn flags(set: u32, clear: u32) -> Ranges {
    Ranges::of((0..256).filter(|v| v & set == set && v & clear == 0).map(|v| (v, v)))
}

/// Items for a cube of flags.
pub(crate) fn flag_items(set: u32, clear: u32) -> Vec<BitmaskItem> {
    match (set, clear) {
        (0, 0) => vec![BitmaskItem::all(0)],
        (0, clear) => vec![BitmaskItem::any(clear.into()).not()],
        (set, 0) => vec![BitmaskItem::all(set.into())],
        (set, clear) => {
            vec![BitmaskItem::all(set.into()), BitmaskItem::any(clear.into()).not().and()]
        }
    }
}

/// Items whose OR of ANDs holds in exactly these states of fragmentation, as few as possible.
pub(crate) fn fragment_items(states: &Ranges, v6: bool) -> Option<Vec<Vec<BitmaskItem>>> {
    static TABLES: [OnceLock<Table>; 2] = [OnceLock::new(), OnceLock::new()];
    let table = TABLES[usize::from(v6)].get_or_init(|| table(v6));
    let wanted = states.values().filter(|s| *s < 8).fold(0usize, |set, s| set | 1 << s);
    table.get(wanted).cloned().flatten().map(|(_, groups)| groups)
}

/// For each set of states: the number of items and the items.
type Table = Vec<Option<(usize, Vec<Vec<BitmaskItem>>)>>;

/// The octet of a state: DF 1, IsF 2, FF 4, LF 8.
fn octet(state: u32) -> u64 {
    let (more, offset) = (state & fragment::MORE != 0, state & fragment::OFFSET != 0);
    let bit = |holds: bool, value| if holds { value } else { 0 };
    bit(state & fragment::DONT != 0, 1)
        | bit(offset, 2)
        | bit(!offset && more, 4)
        | bit(offset && !more, 8)
}

fn table(v6: bool) -> Table {
    let states = if v6 { 4 } else { 8 };
    let literals: Vec<(usize, BitmaskItem)> = (1u64..16)
        .filter(|mask| !v6 || mask & 1 == 0)
        .flat_map(|mask| [BitmaskItem::any(mask), BitmaskItem::any(mask).not()])
        .map(|item| {
            let holds = |state: &u32| (octet(*state) & item.value != 0) != item.not;
            ((0..states).filter(holds).fold(0usize, |set, state| set | 1 << state), item)
        })
        .collect();
    // ANDs of up to three literals, the shortest for each set.
    let mut terms: Table = vec![None; 1 << states];
    let mut layer: Vec<(usize, Vec<BitmaskItem>)> = vec![((1 << states) - 1, Vec::new())];
    for _ in 0..3 {
        let mut next = Vec::new();
        for (set, items) in &layer {
            for (also, item) in &literals {
                let both = set & also;
                if both == 0 || terms[both].is_some() {
                    continue;
                }
                let mut items = items.clone();
                items.push(if items.is_empty() { *item } else { item.and() });
                terms[both] = Some((items.len(), vec![items.clone()]));
                next.push((both, items));
            }
        }
        layer.extend(next);
    }
    // ORs of them: cheapest sets first, so that each is final when it is reached.
    let mut best: Table = terms.clone();
    for cost in 1..=8 {
        for set in 1..best.len() {
            let Some((items, groups)) = best[set].clone() else { continue };
            if items != cost {
                continue;
            }
            for (also, term) in terms.iter().enumerate() {
                let Some((more, group)) = term else { continue };
                let union = set | also;
                let total = items + more;
                if union != set && best[union].as_ref().is_none_or(|(known, _)| total < *known) {
                    best[union] = Some((total, [groups.clone(), group.clone()].concat()));
                }
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cubes_are_a_partition() {
        for seed in 0u32..200 {
            let set = Ranges::of(
                (0..256)
                    .filter(|v: &u32| {
                        (v.wrapping_mul(2_654_435_761) ^ seed.wrapping_mul(40_503)) >> 7 & 3 == 0
                    })
                    .map(|v| (v, v)),
            );
            let parts = cubes(&set);
            assert_eq!(
                parts.iter().map(|p| p.values().count()).sum::<usize>(),
                set.values().count()
            );
            assert!(parts.iter().all(|p| set.includes(p)));
            for part in &parts {
                let (on, off) = cube(part).unwrap();
                assert_eq!(&flags(on, off), part);
            }
        }
        assert_eq!(cubes(&flags(2, 0x10)).len(), 1);
        assert_eq!(cubes(&flags(2, 0).minus(&flags(3, 0x10))).len(), 2);
    }

    #[test]
    fn every_set_of_states_has_items() {
        for v6 in [false, true] {
            let states = if v6 { 4u32 } else { 8 };
            for wanted in 1u32..1 << states {
                let set = Ranges::of((0..states).filter(|s| wanted >> s & 1 == 1).map(|s| (s, s)));
                let groups = fragment_items(&set, v6).unwrap();
                for state in 0..states {
                    let holds = groups.iter().any(|group| {
                        group.iter().all(|item| (octet(state) & item.value != 0) != item.not)
                    });
                    assert_eq!(holds, wanted >> state & 1 == 1, "{set:?} {groups:?}");
                }
            }
        }
        let is_fragment = Ranges::of([(2, 3), (6, 7)]);
        assert_eq!(fragment_items(&is_fragment, false).unwrap(), [[BitmaskItem::any(2)]]);
    }
}
