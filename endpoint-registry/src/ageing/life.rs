//! The life of one address of one name, and of the addresses of one name together.
//!
//! ```text
//!            poller           client, or pollers agree        no answer for TTL + grace
//!   unknown ───────→ candidate ───────────────────────→ active ────────────────────────→ draining
//!      │                 │                               ↑   ↑          any answer           │
//!      │                 └─ no answer: forgotten         │   └──────────────────────────────┤
//!      └─ client: active at once                         └─────────────── retired ←─────────┘
//!                                           client, or pollers agree         drained, held, no flow
//! ```
//!
//! Content networks come back to addresses, after minutes or hours. One that came back has a longer
//! grace from then on, so that it is not announced again each time; one that does not come back
//! leaves soon, and is forgotten when it could have no longer grace.

use jiff::{SignedDuration, Timestamp};

use super::memory::{Entry, Name};
use super::{Because, Config, Observed, Vantage};
use crate::State;

/// A time so many seconds later; the end of time if there is none.
pub(super) fn after(time: Timestamp, seconds: u64) -> Timestamp {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    time.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// A time that much later.
pub(super) fn shifted(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

impl Entry {
    /// Of an address that was not known.
    pub(super) fn new(now: Timestamp, vantage: &Vantage) -> Self {
        Self {
            state: State::Candidate,
            first_seen: now,
            since: now,
            answered_at: Timestamp::MIN,
            vantage: vantage.clone(),
            keep_until: Timestamp::MIN,
            grace_seconds: 0,
            flow_until: None,
            pollers: Vec::new(),
        }
    }

    /// An answer with it, given at `at`, that is fresh for so many seconds. What it became, and why,
    /// if it is another state than before.
    pub(super) fn answered(
        &mut self,
        (at, fresh): (Timestamp, u64),
        vantage: &Vantage,
        now: Timestamp,
        config: &Config,
    ) -> Option<(State, Because)> {
        if at >= self.answered_at {
            self.answered_at = at;
            self.vantage = vantage.clone();
        }
        let was_fresh = self.fresh_until();
        self.renew(at, fresh, config);
        let is_out = matches!(self.state, State::Candidate | State::Retired);
        let to = match (self.state, vantage) {
            (State::Active, _) => return None,
            (_, Vantage::Client | Vantage::Site(_)) => (State::Active, Because::Client),
            (State::Candidate | State::Retired, Vantage::Poller(id)) => {
                // Pollers that agree do so within the time for which a candidate is kept.
                if after(was_fresh, config.grace_seconds.into()) < at {
                    self.pollers.clear();
                }
                if !self.pollers.contains(id) {
                    self.pollers.push(id.clone());
                }
                if self.pollers.len() < config.agreeing() {
                    return None;
                }
                (State::Active, Because::Agreed)
            }
            (State::Draining, Vantage::Poller(_)) => (State::Active, Because::Poller),
        };
        if is_out {
            self.since = now;
            self.pollers = Vec::new();
        }
        self.state = State::Active;
        Some(to)
    }

    /// When its last TTL is over.
    fn fresh_until(&self) -> Timestamp {
        let grace = SignedDuration::from_secs(self.grace_seconds.into());
        self.keep_until.checked_sub(grace).unwrap_or(Timestamp::MIN)
    }

    /// Fresh for so long from then on, and with more grace if it was away longer than before.
    fn renew(&mut self, at: Timestamp, fresh: u64, config: &Config) {
        let was_fresh = self.fresh_until();
        let away = match self.state {
            State::Candidate => 0,
            _ => u64::try_from(at.duration_since(was_fresh).as_secs()).unwrap_or(0),
        };
        self.grace_seconds = self.grace_seconds.max(config.grace_after(away));
        self.keep_until = after(was_fresh.max(after(at, fresh)), self.grace_seconds.into());
    }

    /// When time alone takes it on.
    pub(super) fn deadline(&self, config: &Config) -> Timestamp {
        match self.state {
            State::Candidate | State::Active => self.keep_until,
            State::Retired => after(self.keep_until, config.longest_grace_seconds.into()),
            State::Draining => {
                let drained = after(self.keep_until, config.drain_seconds.into());
                let held = after(self.since, config.hold_seconds.into());
                drained.max(held).max(self.flow_until.unwrap_or(Timestamp::MIN))
            }
        }
    }
}

impl Name {
    /// When time alone changes one of its addresses.
    pub(super) fn deadline(&self, config: &Config) -> Option<Timestamp> {
        if self.stale_since.is_some() || self.asked {
            return None;
        }
        self.addresses.values().map(|entry| entry.deadline(config)).min()
    }

    /// Whether an answer says that the name is answered again: not one from before it was not, nor one
    /// that told a client nothing, or too long ago.
    pub(super) fn is_recovered_by(
        &self,
        observed: &Observed,
        at: Timestamp,
        now: Timestamp,
        config: &Config,
    ) -> bool {
        let is_after = self.stale_since.is_none_or(|since| at >= since);
        let holds = |ttl| after(at, config.fresh(ttl) + u64::from(config.grace_seconds)) > now;
        let is_told = observed.vantage != Vantage::Client
            || observed.addresses.iter().any(|answered| holds(answered.ttl));
        is_after && is_told
    }

    /// The clock was set back by so much.
    pub(super) fn set_back(&mut self, by: SignedDuration) {
        let back = |time: Timestamp| time.checked_add(by).unwrap_or(Timestamp::MIN);
        for at in [&mut self.answered_at, &mut self.client_at, &mut self.stale_since, &mut self.due]
        {
            *at = at.map(back);
        }
        for entry in self.addresses.values_mut() {
            for at in [
                &mut entry.first_seen,
                &mut entry.since,
                &mut entry.answered_at,
                &mut entry.keep_until,
            ] {
                *at = back(*at);
            }
            entry.flow_until = entry.flow_until.map(back);
        }
    }

    /// It is answered again: what aged while it was not does not count.
    pub(super) fn recover(&mut self, at: Timestamp) {
        self.failures = 0;
        let Some(since) = self.stale_since.take() else { return };
        self.skip(at.duration_since(since).max(SignedDuration::ZERO));
    }

    /// Moves what its addresses still have by the time in which nobody could answer.
    pub(super) fn skip(&mut self, time: SignedDuration) {
        for entry in self.addresses.values_mut() {
            entry.keep_until = shifted(entry.keep_until, time);
            entry.flow_until = entry.flow_until.map(|until| shifted(until, time));
        }
    }

    /// Nobody asks for it any more.
    pub(super) fn stop(&mut self, now: Timestamp) {
        self.recover(now);
        self.due = None;
        self.asked = false;
    }

    /// Nothing is left of it.
    pub(super) fn is_over(&self) -> bool {
        !self.listed && self.due.is_none() && self.addresses.is_empty()
    }
}
