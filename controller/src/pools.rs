//! Proxies that take redirected flows: asked how they are, and what they answer moves rules.
//!
//! ```text
//!   Asker, one a proxy ── Answer ──→ Pools ── Health ── turn ─┬→ Environment ──→ DesiredState
//!      └── tcp, tls, http                                     ├→ wake ─────────→ Reconciler
//!                                                             └→ Turned (64) ──→ Recorder → record
//! ```
//!
//! Only a leader asks. Before the first verdict a proxy is taken for up, and the reconciler waits for
//! the first verdicts ([`Pools::settled`]): the rules that routers have stay as they are until it is
//! known which they should be, whoever was started anew.
//!
//! The channel holds turns of state whose records are not written yet. When it is full, a record is
//! lost and counted; no turn is.

mod ask;
mod asker;
mod problems;
mod record;
mod view;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use sark_api::config::{HealthConfig, PoolConfig, ProxyConfig};
use sark_compiler::Environment;
use sark_core::Clock;
use sark_health::{Health, Thresholds, Turn};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::events::{CannotAsk, Event, ProxyTurned};
use crate::{Metrics, Signals};
pub use ask::{Answer, Fault};
pub use asker::Asker;
pub use problems::{PoolProblem, problems};
pub use record::{Recorder, Turned};

/// Turns of state whose records wait.
const WAITING: usize = 64;
/// Longest wait for the first verdicts.
const SETTLING: Duration = Duration::from_secs(10);
/// A fall within this time of the last recovery doubles the hold-down.
const FLAP_WINDOW: Duration = Duration::from_mins(5);
const LONGEST_HOLD_DOWN: Duration = Duration::from_mins(10);

/// What the controller knows of proxies.
pub struct Pools {
    config: Vec<PoolConfig>,
    environment: RwLock<Arc<Environment>>,
    members: Vec<Member>,
    /// Members without a verdict.
    unknown: watch::Sender<usize>,
    begun: Instant,
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
                    let health_now = Health::taken_for_up(Duration::ZERO);
                    let seen =
                        Seen { health: health_now, since: now, last: None, cannot_ask: None };
                    let (rules, seen) = (thresholds(health), Mutex::new(seen));
                    members.push(Member { pool, proxy, at, rules, seen });
                }
            }
        }
        let (unknown, _) = watch::channel(members.len());
        let environment = RwLock::new(Arc::new(environment));
        let begun = Instant::now();
        let pools =
            Self { config, environment, members, unknown, begun, clock, signals, metrics, turned };
        (pools, receiver)
    }

    /// The deployment as it is now: another one whenever a proxy comes or goes.
    #[must_use]
    pub fn environment(&self) -> Arc<Environment> {
        Arc::clone(&self.environment.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends when there was a verdict on each proxy that is asked, or it took too long; those without one
    /// are taken for up.
    pub async fn settled(&self) {
        let mut unknown = self.unknown.subscribe();
        let known = unknown.wait_for(|unknown| *unknown == 0);
        if tokio::time::timeout(SETTLING, known).await.is_err() {
            let unknown = *self.unknown.borrow();
            tracing::warn!(
                unknown,
                "some proxies are taken for up: there is no verdict on them yet"
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
                seen.health.after(answer.works, self.begun.elapsed(), is_needed, &member.rules);
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
