//! What there is room for, and who makes room for others.

use std::collections::btree_map::Entry as Slot;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;

use super::event::is_kept;
use super::life::after;
use super::{
    Ageing, Answered, Because, Change, Config, Entry, Name, Observed, Refused, START_MILLISECONDS,
    Vantage, spread,
};
use crate::name::normalize_query;
use crate::{NamePattern, State};

/// Most addresses read from one answer. A DNS message of 64 KiB holds about four thousand.
pub(super) const ANSWER_MOST: usize = 512;
/// Most names of a CNAME chain that are kept.
pub(super) const CHAIN_MOST: usize = 16;
/// Most refused addresses kept of a name.
pub(super) const REFUSED_MOST: usize = 8;

/// How much there is, and what did not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Names known.
    pub names: u64,
    /// Those of them seen under wildcards, or on their way out.
    pub unlisted: u64,
    /// Listed names that are not asked: [`Config::listed_names`].
    pub unasked: u64,
    /// Addresses, counted for each name that leads there.
    pub addresses: u64,
    /// Those that left and are remembered, not counted there.
    pub remembered: u64,
    /// Answers with an address that may not be learned, since the start.
    pub refused: u64,
    /// Answers with an address for which there was no room, since the start.
    pub no_room: u64,
}

impl Ageing {
    /// The name in the form of the index, if it is one of ours; known from now on, if there is room.
    pub(super) fn known(
        &mut self,
        observed: &Observed,
        now: Timestamp,
        changes: &mut Vec<Change>,
    ) -> Option<Arc<str>> {
        let text = normalize_query(&observed.name)?;
        if self.watched.endpoints_of(&text).is_empty() {
            return None;
        }
        if let Some((key, _)) = self.memory.names.get_key_value(&*text) {
            return Some(Arc::clone(key));
        }
        // Only clients bring new names, and only such as exist.
        let is_name = text.parse::<NamePattern>().is_ok_and(|name| !name.is_wildcard());
        if observed.vantage != Vantage::Client || observed.addresses.is_empty() || !is_name {
            return None;
        }
        if self.index.idle_count() >= self.config.observed_names as usize
            && !self.make_room_for_name(now, changes)
        {
            self.counts.no_room += 1;
            return None;
        }
        let key: Arc<str> = Arc::from(&*text);
        let mut name = Name::new(false);
        name.client_at = Some(observed.at.min(now));
        // Beyond the most listed names, clients are all there is.
        name.due = (!self.watched.is_listed(&key)).then(|| spread(&key, now, START_MILLISECONDS));
        self.memory.names.insert(Arc::clone(&key), name);
        Some(key)
    }

    /// Forgets the name that clients have not asked for longest, if that may be.
    fn make_room_for_name(&mut self, now: Timestamp, changes: &mut Vec<Change>) -> bool {
        let may_leave = |key: &&Arc<str>| {
            self.memory.names.get(*key).is_none_or(|name| name.may_leave(now, &self.config))
        };
        let Some(key) = self.index.idle().take(8).find(may_leave).cloned() else { return false };
        if let Some(name) = self.memory.names.get_mut(&key) {
            name.stop(now);
            let all: Vec<_> = name.addresses.iter().map(|(at, e)| (*at, e.state)).collect();
            for &(address, state) in &all {
                let (name, because) = (Arc::clone(&key), Because::NameCrowded);
                changes.push(Change { name, address, from: Some(state), to: None, because });
            }
            let all: Vec<_> = all.into_iter().map(|(address, _)| address).collect();
            self.forget(&key, &all);
        }
        self.settle(&key);
        true
    }

    pub(super) fn answered(
        &mut self,
        key: &Arc<str>,
        Answered { address, ttl }: Answered,
        (at, now): (Timestamp, Timestamp),
        vantage: &Vantage,
        changes: &mut Vec<Change>,
    ) {
        let refusal = self.refusal(address);
        let Some(name) = self.memory.names.get_mut(key) else { return };
        if let Some(what) = refusal {
            self.counts.refused += 1;
            let vantage = vantage.clone();
            name.refused.retain(|refused| refused.address != address);
            name.refused.push(Refused { address, what: what.to_owned(), vantage, at });
            let extra = name.refused.len().saturating_sub(REFUSED_MOST);
            name.refused.drain(..extra);
            return;
        }
        let config = &self.config;
        let fresh = config.fresh(ttl);
        if after(at, fresh + u64::from(config.grace_seconds)) <= now {
            // Told too late to mean anything.
            return;
        }
        let was = name.addresses.get(&address).map(|entry| entry.state);
        if matches!(was, None | Some(State::Retired)) {
            let name_is_full =
                was.is_none() && name.addresses.len() >= config.addresses_per_name as usize;
            let all_is_full = self.counts.addresses >= config.most_addresses(name.listed) as u64;
            if name_is_full || all_is_full {
                let for_candidate = !vantage.is_clients() && config.agreeing() > 1;
                // What is only remembered takes no room that others need.
                let least = if all_is_full { State::Candidate } else { State::Retired };
                let Some(victim) = name.victim(least, for_candidate, now, config) else {
                    self.counts.no_room += 1;
                    return;
                };
                let from = name.addresses.get(&victim).map(|entry| entry.state);
                let (name, because) = (Arc::clone(key), Because::Crowded);
                changes.push(Change { name, address: victim, from, to: None, because });
                self.forget(key, &[victim]);
            }
        }
        let Some(name) = self.memory.names.get_mut(key) else { return };
        let (entry, from) = match name.addresses.entry(address) {
            Slot::Occupied(slot) => {
                let entry = slot.into_mut();
                let state = entry.state;
                (entry, Some(state))
            }
            Slot::Vacant(slot) => {
                self.counts.addresses += 1;
                self.index.link(address, key);
                (slot.insert(Entry::new(now, vantage)), None)
            }
        };
        let changed = entry.answered((at, fresh), vantage, now, &self.config);
        if from == Some(State::Retired) && changed.is_some() {
            self.counts.remembered = self.counts.remembered.saturating_sub(1);
            self.counts.addresses += 1;
        }
        let (to, because) = match (changed, from) {
            (Some(changed), _) => changed,
            (None, None) => (State::Candidate, Because::Poller),
            (None, Some(_)) => return,
        };
        changes.push(Change { name: Arc::clone(key), address, from, to: Some(to), because });
    }

    /// What an address is that must not be learned.
    pub(super) fn refusal(&self, address: IpAddr) -> Option<&'static str> {
        let what = self.special.what(address)?;
        let is_allowed = self.config.allow.iter().any(|net| net.contains(&address));
        (!is_allowed).then_some(what)
    }

    /// Removes addresses of a name.
    pub(super) fn forget(&mut self, key: &Arc<str>, addresses: &[IpAddr]) {
        let Some(name) = self.memory.names.get_mut(key) else { return };
        for address in addresses {
            if let Some(entry) = name.addresses.remove(address) {
                let count = match entry.state {
                    State::Retired => &mut self.counts.remembered,
                    _ => &mut self.counts.addresses,
                };
                *count = count.saturating_sub(1);
                self.index.unlink(*address, key);
            }
        }
    }
}

impl Entry {
    /// Whether it may leave before its time, for others' sake: nobody uses it as far as is known,
    /// and it was not announced just now.
    fn may_leave(&self, now: Timestamp, config: &Config) -> bool {
        let is_used = self.flow_until.is_some_and(|until| until > now);
        let held = after(self.since, config.hold_seconds.into());
        matches!(self.state, State::Candidate | State::Retired) || (!is_used && held <= now)
    }
}

impl Name {
    /// The address that makes room for another, if one does: one that is only remembered before a
    /// candidate, that before others, then the one that was not answered for longest; none below
    /// `least`. A candidate takes the room of no active address.
    fn victim(
        &self,
        least: State,
        for_candidate: bool,
        now: Timestamp,
        config: &Config,
    ) -> Option<IpAddr> {
        let rank = |state| match state {
            State::Retired => 0u8,
            State::Candidate => 1,
            State::Draining => 2,
            State::Active => 3,
        };
        let (least, most) = (rank(least), if for_candidate { 2 } else { 3 });
        let idle = self.addresses.iter().filter(|(_, entry)| {
            // While it is stale the last good set stays.
            let stays = self.stale_since.is_some() && is_kept(Some(entry.state));
            let rank = rank(entry.state);
            !stays && least <= rank && rank <= most && entry.may_leave(now, config)
        });
        let first = idle.min_by_key(|(_, entry)| (rank(entry.state), entry.answered_at));
        first.map(|(address, _)| *address)
    }

    /// Whether all of it may be forgotten for others' sake.
    fn may_leave(&self, now: Timestamp, config: &Config) -> bool {
        self.addresses.values().all(|entry| entry.may_leave(now, config))
    }
}
