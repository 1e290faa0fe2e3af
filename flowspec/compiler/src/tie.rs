//! Policies of equal priority that overlap must do the same.

use crate::Refusal;
use crate::example;
use crate::intent::{Intent, Intents};
use crate::net::Net;

/// The deciders in ties, and a refusal for each pair.
pub(crate) fn ties(intents: &Intents) -> (Vec<u32>, Vec<Refusal>) {
    let (mut deciders, mut refused) = (Vec::new(), Vec::new());
    for (place, a) in intents.intents.iter().enumerate() {
        for b in intents.intents.iter().skip(place + 1) {
            let (first, second) = (intents.decider(a.decider), intents.decider(b.decider));
            if a.afi != b.afi
                || a.means == b.means
                || a.decider == b.decider
                || first.priority != second.priority
                || deciders.contains(&a.decider) && deciders.contains(&b.decider)
            {
                continue;
            }
            let Some((to, from)) = overlap(a, b) else { continue };
            deciders.extend([a.decider, b.decider]);
            let region = a.region.intersect(&b.region);
            refused.push(Refusal {
                policy: first.name.clone(),
                guard: "priority-tie".into(),
                why: format!(
                    "it has priority {} as {} has, both match {}, and they do different things",
                    first.priority,
                    second.place(),
                    example::packet(a.afi, to, from, &region)
                ),
                fix: format!(
                    "give {} or {} another `priority`; the higher one decides",
                    first.place(),
                    second.place()
                ),
            });
        }
    }
    (deciders, refused)
}

/// Prefixes that both mean, if there is a packet that both mean.
fn overlap(a: &Intent, b: &Intent) -> Option<(Net, Net)> {
    if a.region.intersect(&b.region).is_empty() {
        return None;
    }
    let to = common(&a.destination_nets(), &b.destination_nets())?;
    let from = common(&a.source_nets(), &b.source_nets())?;
    Some((to, from))
}

/// The first overlap of two sorted, disjoint lists.
fn common(a: &[Net], b: &[Net]) -> Option<Net> {
    let (mut i, mut j) = (0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        if x.overlaps(*y) {
            return Some(x.deeper(*y));
        }
        if x.last() < y.last() { i += 1 } else { j += 1 }
    }
    None
}
