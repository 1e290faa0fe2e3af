//! Of proxies that are asked how they are.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Default)]
pub(crate) struct PoolMetrics {
    up: Family<ProxyLabels, Gauge>,
    turns: Family<TurnLabels, Counter>,
    unasked: Family<ProxyLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProxyLabels {
    pool: String,
    proxy: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TurnLabels {
    pool: String,
    proxy: String,
    to: &'static str,
}

impl PoolMetrics {
    pub(super) fn register(&self, r: &mut Registry) {
        let (up, turns) = (self.up.clone(), self.turns.clone());
        r.register("proxy_up", "1 while a proxy of a pool gets flows, by pool and proxy", up);
        let unasked = self.unasked.clone();
        r.register("proxy_turns", "Times a proxy came or went, by pool, proxy and to what", turns);
        r.register("proxy_unasked", "Times sarkd itself could not ask a proxy", unasked);
    }

    pub(crate) fn set_up(&self, pool: &str, proxy: &str, is_up: bool) {
        let labels = ProxyLabels { pool: pool.to_owned(), proxy: proxy.to_owned() };
        self.up.get_or_create(&labels).set(i64::from(is_up));
    }

    pub(crate) fn unasked(&self, pool: &str, proxy: &str) {
        let labels = ProxyLabels { pool: pool.to_owned(), proxy: proxy.to_owned() };
        self.unasked.get_or_create(&labels).inc();
    }

    pub(crate) fn turned(&self, pool: &str, proxy: &str, to: &'static str) {
        let labels = TurnLabels { pool: pool.to_owned(), proxy: proxy.to_owned(), to };
        self.turns.get_or_create(&labels).inc();
    }
}
