//! What names lead to, address by address, and for how long.
//!
//! [`Ageing`] is told what was answered, to whom, and which flows live ([`Event`]), and says which
//! addresses the names of endpoints stand for ([`Ageing::learned`]) and which names to ask
//! ([`Ageing::due`]). It does not ask, store or read a clock: the same events at the same times give
//! the same result.
//!
//! - An address counts once a client was given it, or when several pollers agree on it: content
//!   networks answer by place, and what a poller sees elsewhere may be nobody's.
//! - Each address ages by itself, from its last answer. It leaves late rather than early: clients
//!   keep addresses beyond their TTL, and what leaves a rule's match is not governed any more.
//! - Once active it stays for a while, so that no router is told to and fro.
//! - A name that nobody answers does not age: losing the DNS withdraws nothing.
//! - Wildcards are never asked. Names that clients ask for under them are.
//! - Private addresses are refused unless the configuration allows them.
//!
//! Everything has a limit; what does not fit is counted ([`Counts`]).

mod config;
mod event;
mod index;
mod life;
mod memory;
mod room;
mod special;
#[cfg(test)]
mod tests;
mod watched;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::name::normalize_query;
use crate::{Endpoint, Learned, NamePattern, Sharedness, State};
pub use config::{Config, Mistake};
pub use event::{Answered, Because, Change, Event, Observed, Refused, Vantage};
use index::Index;
use life::after;
pub use memory::{Entry, Memory, Name};
pub use room::Counts;
use room::{ANSWER_MOST, CHAIN_MOST, REFUSED_MOST};
pub use special::Special;
use watched::Watched;

/// The first questions are spread over this many milliseconds.
const START_MILLISECONDS: u64 = 5_000;
/// Counts as TTL of an answer without addresses, in seconds.
const EMPTY_TTL: u32 = 300;
/// A clock that is this much behind what was told before was set back; less is events that overtook
/// one another.
const SET_BACK: SignedDuration = SignedDuration::from_secs(1);
/// A question that nobody reported back on is asked again after this, in seconds.
const LOST_SECONDS: u64 = 60;

/// See the module.
#[derive(Debug, Clone)]
pub struct Ageing {
    config: Config,
    memory: Memory,
    watched: Watched,
    index: Index,
    special: Special,
    counts: Counts,
    /// Somebody asks for [`Ageing::due`], so what is due will be answered.
    is_asking: bool,
}

/// Why what was stored cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// Written by another version of this program.
    #[error("learned addresses are stored in form {0}; this program reads form 1")]
    Schema(u32),
}

impl Ageing {
    /// Knows no name yet: [`Ageing::watch`] is next.
    #[must_use]
    pub fn new(config: Config, now: Timestamp) -> Self {
        let memory = Memory { schema: memory::SCHEMA, at: now, names: BTreeMap::new() };
        Self {
            config,
            memory,
            watched: Watched::default(),
            index: Index::default(),
            special: Special::new(),
            counts: Counts::default(),
            is_asking: false,
        }
    }

    /// Goes on from what was stored. The time since then does not count: nobody asked. Addresses that
    /// the configuration does not allow any more are dropped.
    pub fn restore(config: Config, memory: Memory, now: Timestamp) -> Result<Self, RestoreError> {
        if memory.schema != memory::SCHEMA {
            return Err(RestoreError::Schema(memory.schema));
        }
        let mut ageing = Self::new(config, now);
        let away = now.duration_since(memory.at).max(SignedDuration::ZERO);
        for (key, mut name) in memory.names {
            let is_name = normalize_query(&key).is_some_and(|normal| *normal == *key);
            if !is_name || !key.parse::<NamePattern>().is_ok_and(|name| !name.is_wildcard()) {
                continue;
            }
            name.skip(away);
            name.client_at = name.client_at.map(|at| life::shifted(at, away).min(now));
            name.stale_since = name.stale_since.map(|since| life::shifted(since, away).min(now));
            name.listed = false;
            (name.due, name.asked) = (None, false);
            name.refused.truncate(REFUSED_MOST);
            name.chain.truncate(CHAIN_MOST);
            name.addresses.retain(|address, _| ageing.refusal(*address).is_none());
            name.addresses.retain(|_, entry| {
                entry.pollers.truncate(8);
                let count = match entry.state {
                    State::Retired => &mut ageing.counts.remembered,
                    _ => &mut ageing.counts.addresses,
                };
                let is_known = *count < u64::from(ageing.config.addresses);
                *count += u64::from(is_known);
                is_known
            });
            name.addresses.keys().for_each(|address| ageing.index.link(*address, &key));
            ageing.index.enter(&key, &name, &ageing.config);
            ageing.memory.names.insert(key, name);
        }
        Ok(ageing)
    }

    /// What is to be stored.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// What is known of a name, and why.
    #[must_use]
    pub fn name(&self, name: &str) -> Option<&Name> {
        self.memory.names.get(&*normalize_query(name)?)
    }

    /// Endpoints to which the addresses of a name belong: those that list it, else those with the
    /// wildcard that says most of it.
    #[must_use]
    pub fn endpoints_of(&self, name: &str) -> &[Arc<str>] {
        self.watched.endpoints_of(name)
    }

    /// Whether a name, in any case, belongs to an endpoint.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        normalize_query(name).is_some_and(|name| !self.watched.endpoints_of(&name).is_empty())
    }

    /// How much there is.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let names = self.memory.names.len() as u64;
        Counts { names, unlisted: self.index.idle_count() as u64, ..self.counts }
    }

    /// Which names to ask and to learn; to be called when the names of endpoints changed. What is
    /// known of names that are gone ages, and is there again if they come back in time.
    pub fn watch<'a>(&mut self, endpoints: impl IntoIterator<Item = &'a Endpoint>, now: Timestamp) {
        let now = self.advance(now);
        self.watched = Watched::new(endpoints);
        let listed = self.asked_for();
        for key in self.memory.names.keys().cloned().collect::<Vec<_>>() {
            let Some(name) = self.memory.names.get_mut(&key) else { continue };
            if listed.binary_search(&key).is_ok() {
                continue;
            }
            name.listed = false;
            // Seen under a wildcard that is still there: asked on.
            let is_used = name.client_at.is_some() && !self.watched.endpoints_of(&key).is_empty();
            if !is_used {
                name.stop(now);
            } else if name.due.is_none() {
                name.due = Some(spread(&key, now, START_MILLISECONDS));
            }
            self.settle(&key);
        }
        for key in listed {
            let name = self.memory.names.entry(Arc::clone(&key)).or_insert_with(|| Name::new(true));
            name.listed = true;
            if name.due.is_none() {
                name.due = Some(spread(&key, now, START_MILLISECONDS));
            }
            self.settle(&key);
        }
    }

    /// The names to ask, sorted: if there are too many, those that were asked before stay.
    fn asked_for(&mut self) -> Vec<Arc<str>> {
        let most = self.config.listed_names as usize;
        let is_asked =
            |key: &&Arc<str>| self.memory.names.get(*key).is_some_and(|name| name.listed);
        let all = || self.watched.listed();
        let (before, more) = (all().filter(is_asked), all().filter(|key| !is_asked(key)));
        let mut listed: Vec<_> = before.chain(more).take(most).cloned().collect();
        listed.sort_unstable();
        self.counts.unasked = (all().count() - listed.len()) as u64;
        listed
    }

    /// Takes in what happened. An event from the future counts as of now.
    pub fn apply(&mut self, event: &Event, now: Timestamp) -> Vec<Change> {
        let now = self.advance(now);
        let mut changes = Vec::new();
        match event {
            Event::Observed(observed) => self.observed(observed, now, &mut changes),
            Event::Failed { name, at } => self.failed(name, (*at).min(now)),
            Event::LiveFlow { address, at } => self.live_flow(*address, (*at).min(now)),
        }
        changes
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Change> {
        let now = self.advance(now);
        let mut changes = Vec::new();
        while let Some(key) = self.index.passed(now) {
            let Some(name) = self.memory.names.get_mut(&key) else {
                self.index.remove(&key);
                continue;
            };
            // It should have been asked by now, and was not: nobody can say that it leads elsewhere.
            if self.is_asking && name.due.is_some_and(|due| due <= now) {
                self.index.hold(&key);
                continue;
            }
            let config = &self.config;
            let passed = name.addresses.iter_mut().filter(|(_, e)| e.deadline(config) <= now);
            let mut gone = Vec::new();
            let remembered = config.most_addresses(name.listed) as u64;
            for (address, entry) in passed {
                let from = Some(entry.state);
                let to = match entry.state {
                    State::Active => Some(State::Draining),
                    State::Draining
                        if config.remembers() && self.counts.remembered < remembered =>
                    {
                        Some(State::Retired)
                    }
                    _ => None,
                };
                match to {
                    Some(State::Draining) => {
                        // Drained from now, should nobody have looked for long.
                        entry.keep_until = now;
                    }
                    Some(_) => {
                        self.counts.addresses = self.counts.addresses.saturating_sub(1);
                        self.counts.remembered += 1;
                    }
                    None => gone.push(*address),
                }
                entry.state = to.unwrap_or(entry.state);
                let (name, because) = (Arc::clone(&key), Because::Expired);
                changes.push(Change { name, address: *address, from, to, because });
            }
            self.forget(&key, &gone);
            self.settle(&key);
        }
        changes
    }

    /// When [`Ageing::tick`] will change something, if nothing happens before; or nothing, if that is of
    /// a name that should have been asked by then.
    #[must_use]
    pub fn next_change(&self) -> Option<Timestamp> {
        self.index.next_deadline()
    }

    /// Names to ask now, at most so many: listed ones before others, the longest waiting first. Each is
    /// to be followed by its answers, or by [`Event::Failed`] if there are none; if neither comes
    /// within a minute, it failed. Meanwhile it does not age.
    pub fn due(&mut self, now: Timestamp, most: usize) -> Vec<Arc<str>> {
        let now = self.advance(now);
        self.is_asking = true;
        let mut due = Vec::new();
        for key in self.index.due(now, most) {
            let Some(name) = self.memory.names.get_mut(&key) else { continue };
            let asked_for = after(
                name.client_at.unwrap_or(Timestamp::MIN),
                self.config.observed_for_seconds.into(),
            );
            if !name.listed && asked_for <= now {
                name.stop(now);
            } else {
                if name.asked {
                    fail(name, now, &self.config);
                }
                name.asked = true;
                name.due = Some(after(now, LOST_SECONDS));
                due.push(Arc::clone(&key));
            }
            self.settle(&key);
        }
        due
    }

    /// When [`Ageing::due`] will give a name.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.index.next_due()
    }

    /// Addresses of each endpoint that has any, sorted, as they belong in it. How many else share an
    /// address is not known here, so each stands as shared with anybody.
    #[must_use]
    pub fn learned(&self) -> BTreeMap<Arc<str>, Vec<Learned>> {
        let mut learned: BTreeMap<Arc<str>, Vec<Learned>> = BTreeMap::new();
        for (key, name) in &self.memory.names {
            let kept = name.addresses.iter().filter(|(_, e)| event::is_kept(Some(e.state)));
            let kept: Vec<_> = kept
                .map(|(&address, entry)| Learned {
                    address,
                    name: key.to_string(),
                    state: entry.state,
                    sharedness: Sharedness::Cdn,
                    since: entry.since,
                })
                .collect();
            if kept.is_empty() {
                continue;
            }
            for id in self.watched.endpoints_of(key) {
                learned.entry(Arc::clone(id)).or_default().extend_from_slice(&kept);
            }
        }
        learned.values_mut().for_each(|list| list.sort_unstable());
        learned
    }

    /// Time does not go back, unless the clock was set back: then all that is remembered goes with
    /// it.
    fn advance(&mut self, now: Timestamp) -> Timestamp {
        let back = now.duration_since(self.memory.at);
        if back < -SET_BACK {
            for (key, name) in &mut self.memory.names {
                name.set_back(back);
                self.index.enter(key, name, &self.config);
            }
            self.memory.at = now;
        }
        self.memory.at = self.memory.at.max(now);
        self.memory.at
    }

    fn observed(&mut self, observed: &Observed, now: Timestamp, changes: &mut Vec<Change>) {
        let Some(key) = self.known(observed, now, changes) else { return };
        let Some(name) = self.memory.names.get_mut(&key) else { return };
        let at = observed.at.min(now);
        if name.is_recovered_by(observed, at, now, &self.config) {
            name.recover(at);
        }
        if name.answered_at.is_none_or(|last| at >= last) {
            name.answered_at = Some(at);
            name.chain = observed.chain.iter().take(CHAIN_MOST).map(|text| short(text)).collect();
            name.dnssec = observed.dnssec;
        }
        match observed.vantage {
            Vantage::Client => name.client_at = name.client_at.max(Some(at)),
            Vantage::Site(_) | Vantage::Poller(_) => {
                let ttl = observed.addresses.iter().map(|answered| answered.ttl).min();
                let seconds = self.config.interval(ttl.unwrap_or(EMPTY_TTL));
                // Up to a tenth later, always the same for a name.
                let next = spread(&key, after(at, seconds), seconds * 100);
                let is_first = name.asked || name.due.is_none_or(|due| due <= now);
                // Several resolvers answer a question: the shortest TTL decides.
                name.due = if is_first { Some(next) } else { name.due.min(Some(next)) };
                name.asked = false;
            }
        }
        for answered in observed.addresses.iter().take(ANSWER_MOST) {
            self.answered(&key, *answered, (at, now), &observed.vantage, changes);
        }
        self.settle(&key);
    }

    fn failed(&mut self, name: &str, at: Timestamp) {
        let Some(text) = normalize_query(name) else { return };
        let Some((key, _)) = self.memory.names.get_key_value(&*text) else { return };
        let key = Arc::clone(key);
        let Some(name) = self.memory.names.get_mut(&key) else { return };
        if name.due.is_none() {
            return;
        }
        fail(name, at, &self.config);
        name.asked = false;
        let seconds = self.config.retry(name.failures);
        name.due = Some(spread(&key, after(at, seconds), seconds * 100));
        self.settle(&key);
    }

    fn live_flow(&mut self, address: IpAddr, at: Timestamp) {
        let until = Some(after(at, self.config.flow_seconds.into()));
        for key in self.index.names_of(address) {
            let name = self.memory.names.get_mut(&key);
            let Some(entry) = name.and_then(|name| name.addresses.get_mut(&address)) else {
                continue;
            };
            if !event::is_kept(Some(entry.state)) || entry.flow_until >= until {
                continue;
            }
            entry.flow_until = until;
            if entry.state == State::Draining {
                self.settle(&key);
            }
        }
    }

    /// Enters a name that changed into the index, or forgets it if nothing is left of it.
    fn settle(&mut self, key: &Arc<str>) {
        match self.memory.names.get(key) {
            Some(name) if !name.is_over() => self.index.enter(key, name, &self.config),
            _ => {
                self.memory.names.remove(key);
                self.index.remove(key);
            }
        }
    }
}

/// A question that nobody answered. It is stale unless somebody answered just now: another resolver,
/// or a client's.
fn fail(name: &mut Name, at: Timestamp, config: &Config) {
    name.failures = name.failures.saturating_add(1);
    let fresh = |last| after(last, config.ask_after_seconds.into()) > at;
    if name.stale_since.is_none() && !name.answered_at.is_some_and(fresh) {
        name.stale_since = Some(at);
    }
}

/// A time up to so many milliseconds later; how much follows from the name (FNV-1a).
fn spread(name: &str, time: Timestamp, milliseconds: u64) -> Timestamp {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // The high bits are mixed best.
    let part = (hash >> 32).wrapping_mul(milliseconds) >> 32;
    let later = SignedDuration::from_millis(i64::try_from(part).unwrap_or(0));
    life::shifted(time, later)
}

/// As much of a text from outside as is kept.
fn short(text: &str) -> String {
    text.chars().take(255).collect()
}
