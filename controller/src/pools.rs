//! Proxies that take redirected flows: asked how they are, and what they answer moves rules.
//!
//! ```text
//!   Asker, one a proxy ── Answer ──→ Pools ── Health ── turn ─┬→ Environment ──→ DesiredState
//!      └── tcp, tls, http                                     ├→ wake ─────────→ Reconciler
//!                                                             └→ Turned (64) ──→ Recorder → record
//! ```
//!
//! Only a leader asks. It begins with what the trail says ([`Past`]): who was down is taken for down, with
//! what is left of its hold-down, and anybody else for up. That is advice, for records can be lost: the
//! reconciler waits for a verdict on each ([`Pools::settled`]), and the rules that routers have stay as
//! they are until it is known which they should be, whoever was started anew.
//!
//! The channel holds turns of state whose records are not written yet. When it is full, a record is
//! lost and counted; no turn is.

mod ask;
mod asker;
mod past;
mod problems;
mod record;
mod rehearsal;
mod view;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use sark_api::PoolRefusal;
use sark_api::config::{HealthConfig, PoolConfig, ProxyConfig};
use sark_compiler::Environment;
use sark_core::Clock;
use sark_core::storage::{AuditStore, StorageError};
use sark_health::{Before, Health, Thresholds, Turn};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::events::{CannotAsk, Event, ProxyTurned};
use crate::{Metrics, Signals};
pub use ask::{Answer, Fault};
pub use asker::Asker;
pub use past::{Past, Was};
pub use problems::{PoolProblem, problems};
pub use record::{Recorder, Turned};
pub use rehearsal::Rehearser;

/// Turns of state whose records wait.
const WAITING: usize = 64;
/// What the wait for the first verdicts is at least: a machine that just started is slow.
const SHORTEST_SETTLING: Duration = Duration::from_secs(10);
/// And at most: rules that nobody else has made wait for it.
const LONGEST_SETTLING: Duration = Duration::from_secs(30);
/// What is older than this is told of the past as if it were of this age: no hold-down is longer.
const PAST: Duration = Duration::from_hours(24);
/// A fall within this time of the last recovery doubles the hold-down.
const FLAP_WINDOW: Duration = Duration::from_mins(5);
const LONGEST_HOLD_DOWN: Duration = Duration::from_mins(10);

/// What the controller knows of proxies.
pub struct Pools {
    config: Vec<PoolConfig>,
    environment: RwLock<Arc<Environment>>,
    members: Vec<Member>,
    /// What could not be carried out if proxies went.
    refusals: Mutex<Vec<PoolRefusal>>,
    /// Members without a verdict.
    unknown: watch::Sender<usize>,
    begun: Instant,
    /// How long the first verdicts are waited for.
    settling: Duration,
    clock: Arc<dyn Clock>,
    signals: Arc<Signals>,
    metrics: Arc<Metrics>,
    turned: mpsc::Sender<Turned>,
}

/// A proxy that is asked.
struct Member {
    pool: usize,
    proxy: usize,
    at: SocketAddr,
    rules: Thresholds,
    seen: Mutex<Seen>,
}

/// What was seen of a proxy.
#[derive(Debug, Clone)]
struct Seen {
    health: Health,
    since: Timestamp,
    last: Option<Answer>,
    /// Why this machine could not ask, if it could not the last time.
    cannot_ask: Option<String>,
}

impl Pools {
    /// Of a configuration, and of the deployment with all proxies up. The receiver is for a
    /// [`Recorder`]. Nobody is asked yet: see [`askers`](Self::askers).
    #[must_use]
    pub fn new(
        config: Vec<PoolConfig>,
        environment: Environment,
        clock: Arc<dyn Clock>,
        signals: Arc<Signals>,
        metrics: Arc<Metrics>,
    ) -> (Self, mpsc::Receiver<Turned>) {
        let (turned, receiver) = mpsc::channel(WAITING);
        let now = clock.now();
        let mut members = Vec::new();
        for (pool, it) in config.iter().enumerate() {
            for (proxy, one) in it.proxies.iter().enumerate() {
                if let (Some(health), Some(at)) = (&it.health, it.asked_at(one)) {
                    let health_now = Health::taken_for_up(PAST);
                    let seen =
                        Seen { health: health_now, since: now, last: None, cannot_ask: None };
                    let (rules, seen) = (thresholds(health), Mutex::new(seen));
                    members.push(Member { pool, proxy, at, rules, seen });
                }
            }
        }
        let (unknown, _) = watch::channel(members.len());
        let environment = RwLock::new(Arc::new(environment));
        let pools = Self {
            settling: settling(&config),
            config,
            environment,
            members,
            refusals: Mutex::default(),
            unknown,
            begun: Instant::now(),
            clock,
            signals,
            metrics,
            turned,
        };
        (pools, receiver)
    }

    /// How those that are asked were before this time.
    pub async fn past<S>(&self, store: &S, at: Timestamp) -> Result<Past, StorageError>
    where
        S: AuditStore + ?Sized,
    {
        let named = self.members.iter().map(|member| {
            let (pool, proxy) = self.named(member);
            (pool.name.as_str(), proxy.name.as_str())
        });
        Past::before(store, at, &named.collect::<Vec<_>>()).await
    }

    /// Begins as it was before: to be called before anybody is asked.
    pub fn resume(&self, past: &Past) {
        let (now, elapsed) = (self.clock.now(), self.elapsed());
        let since = |at: Timestamp| {
            let ago = Duration::try_from(now.duration_since(at)).unwrap_or_default();
            elapsed.saturating_sub(ago)
        };
        for member in &self.members {
            let (pool, proxy) = self.named(member);
            let Some(was) = past.of(&pool.name, &proxy.name) else { continue };
            let before = Before {
                is_up: was.is_up,
                since: since(was.since),
                hold_down: was.hold_down,
                recovered: was.recovered.map(since),
            };
            let mut seen = member.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.health = Health::resumed(&before);
            seen.since = was.since;
            self.set_up(member, was.is_up);
            self.metrics.pools.set_up(&pool.name, &proxy.name, was.is_up);
        }
    }

    /// The deployment as it is now: another one whenever a proxy comes or goes.
    #[must_use]
    pub fn environment(&self) -> Arc<Environment> {
        Arc::clone(&self.environment.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The deployment as it was: of each proxy that is asked, what the past says.
    #[must_use]
    pub fn environment_of(&self, past: &Past) -> Environment {
        let mut environment = Environment::clone(&self.environment());
        for member in &self.members {
            let (pool, proxy) = self.named(member);
            let is_up = past.of(&pool.name, &proxy.name).is_none_or(|was| was.is_up);
            let pool = environment.pools.get_mut(member.pool);
            if let Some(proxy) = pool.and_then(|pool| pool.proxies.get_mut(member.proxy)) {
                proxy.is_up = is_up;
            }
        }
        environment
    }

    /// Ends when there was a verdict on each proxy that is asked, or it took too long; those without one
    /// are taken for what they were.
    pub async fn settled(&self) {
        let mut unknown = self.unknown.subscribe();
        let known = unknown.wait_for(|unknown| *unknown == 0);
        if tokio::time::timeout(self.settling, known).await.is_err() {
            let unknown = *self.unknown.borrow();
            tracing::warn!(
                unknown,
                "some proxies are taken for what they were: there is no verdict on them yet"
            );
        }
    }

    /// Whoever asks, one for each proxy that is asked.
    pub fn askers(self: &Arc<Self>) -> Vec<Asker> {
        (0..self.members.len()).map(|member| Asker::new(Arc::clone(self), member)).collect()
    }

    /// Takes an answer of a member, and tells everybody whom it concerns.
    fn heard(&self, member: usize, answer: Answer) {
        let Some(member) = self.members.get(member) else { return };
        let (pool, proxy) = self.named(member);
        let is_needed = self.is_needed(member.pool, member.proxy);
        let turn = {
            let mut seen = member.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let was_known = seen.health.is_known();
            let (health, turn) =
                seen.health.after(answer.works, self.elapsed(), is_needed, &member.rules);
            seen.health = health;
            seen.cannot_ask = None;
            if turn.is_some() {
                seen.since = answer.at;
            }
            let words = answer.words.clone();
            let at = answer.at;
            seen.last = Some(answer);
            // Under the lock of the member: its turns are told in their order.
            if let Some(turn) = turn {
                self.set_up(member, turn == Turn::Up);
            }
            if !was_known && health.is_known() {
                // Rules are made from now on with what is known.
                self.unknown.send_modify(|unknown| *unknown = unknown.saturating_sub(1));
            }
            self.metrics.pools.set_up(&pool.name, &proxy.name, health.is_up());
            turn.map(|turn| (turn, words, at))
        };
        let Some((turn, words, at)) = turn else { return };
        // Before anything is written about it: rules first.
        self.signals.wake.notify_one();
        ProxyTurned { pool: &pool.name, proxy: &proxy.name, turn, answer: &words }
            .emit(&self.metrics);
        let turned = Turned { at, pool: pool.name.clone(), proxy: proxy.name.clone(), turn, words };
        if let Err(error) = self.turned.try_send(turned) {
            record::lost(&error.into_inner(), &self.metrics);
        }
    }

    /// This machine could not ask a member: what is known of it stays, and what is not stays unknown.
    fn cannot_ask(&self, member: usize, words: String) {
        let Some(member) = self.members.get(member) else { return };
        let (pool, proxy) = self.named(member);
        let mut seen = member.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = seen.cannot_ask.is_none();
        CannotAsk { pool: &pool.name, proxy: &proxy.name, why: &words, is_new }.emit(&self.metrics);
        seen.cannot_ask = Some(words);
    }

    /// What was found out about failures, in place of what was before.
    fn would_refuse(&self, found: Vec<PoolRefusal>) {
        let mut held = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        if *held != found {
            for PoolRefusal { policy, why, .. } in &found {
                tracing::warn!(policy, why, "a failure of proxies could not be carried out");
            }
            *held = found;
        }
    }

    /// Whether nobody else of the pool is up in a family of this proxy: then a hold-down of it would
    /// only keep the pool down.
    fn is_needed(&self, pool: usize, proxy: usize) -> bool {
        let environment = self.environment();
        let Some(proxies) = environment.pools.get(pool).map(|pool| &pool.proxies) else {
            return false;
        };
        let Some(own) = proxies.get(proxy) else { return false };
        let others = || {
            let others = proxies.iter().enumerate().filter(|(place, _)| *place != proxy);
            others.map(|(_, other)| other).filter(|other| other.is_up)
        };
        let ipv4 = own.next_hop4.is_some() && !others().any(|other| other.next_hop4.is_some());
        let ipv6 = own.next_hop6.is_some() && !others().any(|other| other.next_hop6.is_some());
        ipv4 || ipv6
    }

    /// The time since a moment long before the begin, so that there is one for what was before.
    fn elapsed(&self) -> Duration {
        PAST + self.begun.elapsed()
    }

    fn named(&self, member: &Member) -> (&PoolConfig, &ProxyConfig) {
        // Members are made of these.
        let pool = &self.config[member.pool];
        (pool, &pool.proxies[member.proxy])
    }

    fn set_up(&self, member: &Member, is_up: bool) {
        let mut held = self.environment.write().unwrap_or_else(PoisonError::into_inner);
        let mut environment = Environment::clone(&held);
        let pool = environment.pools.get_mut(member.pool);
        if let Some(proxy) = pool.and_then(|pool| pool.proxies.get_mut(member.proxy)) {
            proxy.is_up = is_up;
            *held = Arc::new(environment);
        }
    }
}

/// When there is a verdict on each proxy for sure, within bounds.
fn settling(pools: &[PoolConfig]) -> Duration {
    let verdict = |health: &HealthConfig| {
        let timeout = Duration::from_millis(health.timeout_millis.into());
        let every = Duration::from_millis(health.every_millis.into());
        // With its jitter; and a question that is not answered holds the next one up.
        let every = (every + every / 10).max(timeout);
        let answers = health.fail_after.max(health.recover_after).max(1);
        every.saturating_mul(answers - 1).saturating_add(timeout)
    };
    let longest = pools.iter().filter_map(|pool| pool.health.as_ref()).map(verdict).max();
    longest.unwrap_or_default().clamp(SHORTEST_SETTLING, LONGEST_SETTLING)
}

fn thresholds(config: &HealthConfig) -> Thresholds {
    Thresholds {
        fail_after: config.fail_after,
        recover_after: config.recover_after,
        hold_down: Duration::from_secs(config.hold_down_seconds.into()),
        flap_window: FLAP_WINDOW,
        longest_hold_down: LONGEST_HOLD_DOWN,
    }
}

#[cfg(test)]
mod tests;
