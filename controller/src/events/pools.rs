//! Of proxies that are asked how they are.

use sark_health::Turn;

use super::Event;
use crate::Metrics;

/// A proxy came or went.
#[derive(Debug)]
pub struct ProxyTurned<'a> {
    /// Its pool.
    pub pool: &'a str,
    /// Its name.
    pub proxy: &'a str,
    /// Which of the two.
    pub turn: Turn,
    /// What it answered.
    pub answer: &'a str,
}

impl Event for ProxyTurned<'_> {
    fn emit(self, metrics: &Metrics) {
        let Self { pool, proxy, turn, answer } = self;
        let to = match turn {
            Turn::Up => {
                tracing::info!(pool, proxy, answer, "a proxy is up again");
                "up"
            }
            Turn::Down { hold_down } => {
                let hold_down_seconds = hold_down.as_secs();
                tracing::warn!(pool, proxy, answer, hold_down_seconds, "a proxy is down");
                "down"
            }
        };
        metrics.pools.turned(pool, proxy, to);
    }
}

/// This machine could not ask a proxy.
#[derive(Debug)]
pub struct CannotAsk<'a> {
    /// Its pool.
    pub pool: &'a str,
    /// Its name.
    pub proxy: &'a str,
    /// What this machine lacks.
    pub why: &'a str,
    /// It could the last time: it is logged once.
    pub is_new: bool,
}

impl Event for CannotAsk<'_> {
    fn emit(self, metrics: &Metrics) {
        let Self { pool, proxy, why, is_new } = self;
        if is_new {
            tracing::error!(pool, proxy, why, "a proxy cannot be asked; it stays as it was");
        }
        metrics.pools.unasked(pool, proxy);
    }
}
