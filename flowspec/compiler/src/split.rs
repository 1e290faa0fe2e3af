//! What one rule cannot say, several do: regions within a profile's limits.

use crate::Profile;
use crate::bits;
use crate::ranges::Ranges;
use crate::region::{Field, Region};

/// Disjoint regions, each of which fits one rule of the profile, that hold the same packets.
pub(crate) fn split(region: &Region, profile: &Profile, v6: bool) -> Vec<Region> {
    let mut out = vec![region.clone()];
    for field in Field::ALL {
        let Some(set) = region.component(field) else { continue };
        let chunks = chunks(field, set, profile, v6);
        if chunks.len() == 1 && chunks.first() == Some(set) {
            continue;
        }
        out = out
            .iter()
            .flat_map(|piece| chunks.iter().map(|chunk| piece.clone().with(field, chunk.clone())))
            .collect();
    }
    out.retain(|piece| !piece.is_empty());
    out
}

fn chunks(field: Field, set: &Ranges, profile: &Profile, v6: bool) -> Vec<Ranges> {
    match field {
        Field::Protocol if !profile.protocol_lists => {
            set.values().map(|value| Ranges::span(value, value)).collect()
        }
        Field::DestinationPort | Field::SourcePort if !profile.port_lists => {
            set.iter().map(|(first, last)| Ranges::span(first, last)).collect()
        }
        Field::TcpFlags => bits::cubes(set),
        Field::Fragment => match bits::fragment_items(set, v6) {
            Some(groups) if groups.iter().map(Vec::len).sum::<usize>() <= profile.max_items => {
                vec![set.clone()]
            }
            _ => set.values().map(|state| Ranges::span(state, state)).collect(),
        },
        _ => lists(set, profile.max_items.max(2)),
    }
}

/// Ranges in order, as many as fit: a value takes one item, a range two.
fn lists(set: &Ranges, max_items: usize) -> Vec<Ranges> {
    let mut out = Vec::new();
    let (mut open, mut items) = (Vec::new(), 0);
    for (first, last) in set.iter() {
        let cost = if first == last { 1 } else { 2 };
        if items + cost > max_items {
            out.push(Ranges::of(std::mem::take(&mut open)));
            items = 0;
        }
        open.push((first, last));
        items += cost;
    }
    out.push(Ranges::of(open));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(profile: &str, ranges: &[(u32, u32)]) -> usize {
        let region = Region::all(false)
            .with(Field::Protocol, Ranges::of([(6, 6), (17, 17), (47, 47)]))
            .with(Field::DestinationPort, Ranges::of(ranges.iter().copied()));
        let pieces = split(&region, &Profile::named(profile).unwrap(), false);
        assert!(region.narrowed().uncovered(&pieces).is_empty());
        for (i, a) in pieces.iter().enumerate() {
            assert!(pieces.iter().skip(i + 1).all(|b| a.intersect(b).is_empty()));
        }
        pieces.len()
    }

    #[test]
    fn lists_follow_the_profile() {
        assert_eq!(ports("strict", &[(80, 80), (443, 443), (8000, 8100)]), 6);
        assert_eq!(ports("frr", &[(80, 80), (443, 443), (8000, 8100)]), 1);
        assert_eq!(ports("frr", &[(1, 2), (4, 5), (7, 7), (9, 9), (11, 11)]), 2);
        assert_eq!(ports("bird", &[(1, 2), (4, 5), (7, 7), (9, 9), (11, 11)]), 1);
    }
}
