//! What Prometheus sees of the proxy. Names are here and nowhere else.

mod serve;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use sark_core::decision::Decision;
use sark_detect::Kind;
use sark_traces::TraceMetrics;
use sark_trail::TrailMetrics;
use tokio::net::TcpListener;

use crate::flow::Entrance;
use crate::proxy::Proxy;
use crate::splice::Moved;
use crate::steer::Steered;

/// All metrics of `sark-proxy`.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    connections: Family<ConnectionLabels, Counter>,
    open: Gauge,
    turned_away: Counter,
    spliced: Family<DirectionLabels, Counter>,
    decisions: Family<DecisionLabels, Counter>,
    refused: Family<RefusalLabels, Counter>,
    handshakes_failed: Family<HandshakeLabels, Counter>,
    unreached: Counter,
    shed: Counter,
    set_age: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConnectionLabels {
    entrance: &'static str,
    course: &'static str,
    why: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DirectionLabels {
    to: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DecisionLabels {
    action: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HandshakeLabels {
    reason: &'static str,
}

impl Metrics {
    /// With the counters of the trail and of traces beside its own.
    #[must_use]
    pub fn new(trail: &TrailMetrics, traces: &TraceMetrics) -> Self {
        let mut all = Self {
            registry: Registry::with_prefix("sark_proxy"),
            connections: Family::default(),
            open: Gauge::default(),
            turned_away: Counter::default(),
            spliced: Family::default(),
            decisions: Family::default(),
            refused: Family::default(),
            handshakes_failed: Family::default(),
            unreached: Counter::default(),
            shed: Counter::default(),
            set_age: Gauge::default(),
        };
        let r = &mut all.registry;
        r.register("connections", "Connections by entrance and course", all.connections.clone());
        r.register("connections_open", "Connections that are open", all.open.clone());
        let turned = all.turned_away.clone();
        r.register("connections_turned_away", "Connections beyond a limit", turned);
        r.register("spliced_octets", "Octets of spliced connections", all.spliced.clone());
        r.register("decisions", "Decisions by action", all.decisions.clone());
        r.register("refused", "Requests that were not sent on", all.refused.clone());
        let failed = all.handshakes_failed.clone();
        r.register("handshakes_failed", "Handshakes of clients that failed", failed);
        let unreached = all.unreached.clone();
        r.register("servers_unreached", "Requests whose server could not be reached", unreached);
        r.register("shed", "Requests turned away because of too much work", all.shed.clone());
        r.register("snapshot_seconds", "Age of what decisions rest on", all.set_age.clone());
        trail.register(r);
        traces.register(r);
        all
    }

    /// As OpenMetrics text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a String does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    fn open(&self, connections: usize) {
        self.open.set(i64::try_from(connections).unwrap_or(i64::MAX));
    }

    pub(crate) fn turned_away(&self) {
        self.turned_away.inc();
    }

    pub(crate) fn steered(&self, entrance: Entrance, steered: &Steered) {
        let labels = ConnectionLabels {
            entrance: entrance.as_str(),
            course: steered.course.as_str(),
            why: steered.why.as_str(),
        };
        self.connections.get_or_create(&labels).inc();
    }

    pub(crate) fn spliced(&self, moved: &Moved) {
        let add = |to, octets| self.spliced.get_or_create(&DirectionLabels { to }).inc_by(octets);
        add("server", moved.to_server());
        add("client", moved.to_client());
    }

    pub(crate) fn decided(&self, decision: &Decision) {
        let action = decision.action.as_str();
        self.decisions.get_or_create(&DecisionLabels { action }).inc();
    }

    pub(crate) fn refused(&self, kind: Kind) {
        self.refused.get_or_create(&RefusalLabels { kind: kind.code() }).inc();
    }

    pub(crate) fn handshake_failed(&self, reason: &'static str) {
        self.handshakes_failed.get_or_create(&HandshakeLabels { reason }).inc();
    }

    pub(crate) fn unreached(&self) {
        self.unreached.inc();
    }

    pub(crate) fn shed(&self) {
        self.shed.inc();
    }

    /// Seconds since what decisions rest on was confirmed.
    pub fn set_age(&self, seconds: i64) {
        self.set_age.set(seconds);
    }
}

/// Serves `/metrics`, `/healthz` and `/readyz`; the last is 200 when there is a decision set.
pub(crate) async fn serve(listener: TcpListener, proxy: Arc<Proxy>) {
    serve::serve(listener, move |path| answer(path, &proxy)).await;
}

fn answer(path: &str, proxy: &Proxy) -> Response<Full<Bytes>> {
    let (status, text) = match path {
        "/metrics" => {
            proxy.metrics.open(proxy.clients.count());
            (StatusCode::OK, proxy.metrics.text())
        }
        "/healthz" => (StatusCode::OK, "ok\n".to_owned()),
        "/readyz" if proxy.judge.has_set() => (StatusCode::OK, "ok\n".to_owned()),
        "/readyz" => (StatusCode::SERVICE_UNAVAILABLE, "there is no decision set\n".to_owned()),
        _ => (StatusCode::NOT_FOUND, String::new()),
    };
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    if path == "/metrics" {
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    response
}
