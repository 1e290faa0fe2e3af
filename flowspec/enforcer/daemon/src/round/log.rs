//! What a round says: what is new, once.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use sark_flowspec::SpeakerError;

use crate::state::StoredRefusal;
use crate::{Freshness, chain};

/// Refusals logged for one round; `sark-enforcer show` has them all.
const MOST: usize = 20;

pub fn answered(before: &Freshness) {
    if before.stale_since().is_some() {
        tracing::info!("gobgpd answers again");
    }
}

pub fn unanswered(before: &Freshness, error: &SpeakerError) {
    if before.stale_since().is_none() {
        tracing::warn!(error = chain(error), "gobgpd does not answer: its last rules are kept");
    } else {
        tracing::debug!(error = chain(error), "gobgpd does not answer");
    }
}

pub fn refused(before: &[StoredRefusal], now: &[StoredRefusal]) {
    let known: HashSet<(&str, &str)> =
        before.iter().map(|one| (one.rule.as_str(), one.reason.as_str())).collect();
    let new: Vec<&StoredRefusal> = now
        .iter()
        .filter(|one| !known.contains(&(one.rule.as_str(), one.reason.as_str())))
        .collect();
    for StoredRefusal { family, rule, reason, in_place } in new.iter().take(MOST) {
        tracing::warn!(%family, rule, reason, in_place, "refused");
    }
    if let Some(more @ 1..) = new.len().checked_sub(MOST) {
        tracing::warn!(more, "refused more; `sark-enforcer show` has them all");
    }
}

pub fn unreachable(before: &BTreeMap<IpAddr, String>, now: &BTreeMap<IpAddr, String>) {
    for (next_hop, why) in now.iter().filter(|(next_hop, _)| !before.contains_key(next_hop)) {
        tracing::warn!(%next_hop, why, "a next hop cannot be reached: its packets are not redirected");
    }
    for next_hop in before.keys().filter(|next_hop| !now.contains_key(next_hop)) {
        tracing::info!(%next_hop, "a next hop is no longer out of reach, or no longer wanted");
    }
}
