//! Desired against observed, without a word: what a reconciler needs in every round.

use std::collections::{HashMap, HashSet};

use sark_flowspec::{Afi, ExtendedCommunity, Nlri, Observed, Route};

use crate::{Compiled, DesiredRule};

/// The differences, by reference. [`crate::Plan`] is this and the document of it.
#[derive(Debug, Default)]
pub struct Diff<'a> {
    /// There as wanted, in section 5.1 order.
    pub keep: Vec<&'a DesiredRule>,
    /// To announce, in section 5.1 order, with our path on the same NLRI if there is one.
    pub announce: Vec<(&'a DesiredRule, Option<&'a Observed>)>,
    /// Ours and not wanted, in section 5.1 order.
    pub withdraw: Vec<(&'a Nlri, &'a Observed)>,
    /// Ours and not readable: cannot be withdrawn by NLRI.
    pub unreadable: Vec<&'a Observed>,
    /// Wanted, but somebody else announces that NLRI locally: never touched.
    pub foreign: Vec<&'a DesiredRule>,
}

impl<'a> Diff<'a> {
    /// Only paths that are ours count: local, with our first two parts in a large community.
    ///
    /// Of a set with refusals this compares the preview, which is for printing: a caller that acts
    /// asks `desired.refused` first, as [`crate::Plan`] does.
    #[must_use]
    pub fn between(
        desired: &'a Compiled,
        observed: &'a [Observed],
        asn: u32,
        instance: u32,
    ) -> Self {
        let wanted = match desired.refused.is_empty() {
            true => &desired.rules,
            false => &desired.preview,
        };
        let mut ours: HashMap<(Afi, &[u8]), &'a Observed> = HashMap::with_capacity(observed.len());
        let mut others: HashSet<(Afi, &[u8])> = HashSet::new();
        for path in observed.iter().filter(|path| path.local) {
            let key = (path.afi, path.octets.as_slice());
            let owned = |c: &sark_flowspec::LargeCommunity| c.global == asn && c.local1 == instance;
            if path.large_communities.iter().any(owned) {
                ours.insert(key, path);
            } else {
                others.insert(key);
            }
        }
        let mut diff = Self::default();
        let octets: Vec<Vec<u8>> = wanted.iter().map(|rule| rule.route.nlri.encode()).collect();
        for (rule, octets) in wanted.iter().zip(&octets) {
            let key = (rule.route.nlri.afi(), octets.as_slice());
            if others.contains(&key) {
                diff.foreign.push(rule);
                continue;
            }
            match ours.remove(&key) {
                Some(seen) if same(seen, &rule.route) => diff.keep.push(rule),
                seen => diff.announce.push((rule, seen)),
            }
        }
        for seen in ours.into_values() {
            match &seen.nlri {
                Ok(nlri) => diff.withdraw.push((nlri, seen)),
                Err(_) => diff.unreadable.push(seen),
            }
        }
        diff.withdraw.sort_unstable_by_key(|(nlri, _)| *nlri);
        diff.unreadable.sort_unstable_by_key(|seen| (seen.afi, &seen.octets));
        diff
    }
}

/// Whether the path is what would be announced; the order of communities says nothing.
fn same(seen: &Observed, route: &Route) -> bool {
    if seen.large_communities.as_slice() != [route.large_community]
        || seen.communities.len() != route.actions.len()
    {
        return false;
    }
    let wanted = || route.actions.iter().map(sark_flowspec::Action::encode);
    if seen.communities.iter().copied().eq(wanted()) {
        return true;
    }
    let octets = |community: ExtendedCommunity| match community {
        ExtendedCommunity::Basic(octets) => octets.to_vec(),
        ExtendedCommunity::Ipv6(octets) => octets.to_vec(),
    };
    let sorted = |mut all: Vec<Vec<u8>>| {
        all.sort_unstable();
        all
    };
    sorted(seen.communities.iter().copied().map(octets).collect())
        == sorted(wanted().map(octets).collect())
}
