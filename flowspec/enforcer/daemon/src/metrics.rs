//! What Prometheus sees. Names are here and nowhere else.

use std::fmt::Write;
use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::status::Counted;
use crate::totals::sum;
use crate::{Status, chain};

/// Characters of a rule in a label. The hash beside it tells rules apart that begin alike.
const LONGEST_LABEL: usize = 120;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RuleLabels {
    family: String,
    nlri: String,
    hash: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RoundLabels {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PhaseLabels {
    phase: &'static str,
}

/// What is served; `most` rules have series of their own.
#[derive(Debug, Clone)]
pub struct Served {
    pub status: watch::Receiver<Status>,
    pub most: usize,
}

/// Serves until `stop`.
pub async fn serve(listener: TcpListener, served: Served, stop: CancellationToken) {
    let router = Router::new().route("/metrics", get(metrics)).with_state(served);
    let answered = axum::serve(listener, router)
        .with_graceful_shutdown(async move { stop.cancelled().await })
        .await;
    if let Err(error) = answered {
        tracing::error!(error = chain(&error), "metrics are no longer served");
    }
}

async fn metrics(State(served): State<Served>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let status = served.status.borrow().clone();
    ([(header::CONTENT_TYPE, kind)], text(&status, served.most, Instant::now()))
}

fn text(status: &Status, most: usize, now: Instant) -> String {
    let mut registry = Registry::with_prefix("sark_enforcer");
    let (packets, bytes) =
        (Family::<RuleLabels, Counter>::default(), Family::<RuleLabels, Counter>::default());
    let count = |labels: &RuleLabels, counter: sark_enforcer::Counter| {
        packets.get_or_create(labels).inc_by(counter.packets);
        bytes.get_or_create(labels).inc_by(counter.bytes);
    };
    let (own, others) = status.rules.split_at(most.min(status.rules.len()));
    for rule in own {
        count(&labels(rule), rule.counter);
    }
    if !others.is_empty() {
        let all = others
            .iter()
            .fold(sark_enforcer::Counter::default(), |all, rule| sum(all, rule.counter));
        let labels =
            RuleLabels { family: String::new(), nlri: "others".to_owned(), hash: String::new() };
        count(&labels, all);
    }
    registry.register("rule_packets", "Packets that a rule matched", packets);
    registry.register("rule_bytes", "Bytes of packets that a rule matched", bytes);
    let gauge = |registry: &mut Registry, name, help, value: usize| {
        let gauge = Gauge::<i64>::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        registry.register(name, help, gauge);
    };
    gauge(&mut registry, "rules", "Rules of the table", status.rules.len());
    gauge(&mut registry, "refused", "Rules that are not enforced", status.refused);
    gauge(&mut registry, "kept", "Rules that gobgpd does not have (yet)", status.kept);
    gauge(&mut registry, "unreachable", "Next hops without a route", status.unreachable);
    let seconds = |registry: &mut Registry, name, help, value: f64| {
        let gauge = Gauge::<f64, std::sync::atomic::AtomicU64>::default();
        gauge.set(value);
        registry.register_with_unit(name, help, Unit::Seconds, gauge);
    };
    let stale =
        status.stale_since.map_or(0.0, |since| now.saturating_duration_since(since).as_secs_f64());
    seconds(&mut registry, "stale", "Since gobgpd last answered; 0 while it does", stale);
    let last = status.last_apply.map_or(0.0, |last| last.as_secs_f64());
    seconds(&mut registry, "last_apply", "How long the last apply took", last);
    let rounds = Family::<RoundLabels, Counter>::default();
    for (outcome, number) in
        [("ok", status.rounds), ("unanswered", status.unanswered), ("failed", status.failed)]
    {
        rounds.get_or_create(&RoundLabels { outcome }).inc_by(number);
    }
    registry.register("rounds", "Rounds, by how they ended", rounds);
    let applies = Counter::<u64>::default();
    applies.inc_by(status.applies);
    registry.register("applies", "Tables that were put into the kernel", applies);
    let phases = Family::<PhaseLabels, Gauge>::default();
    for phase in ["fresh", "settling", "stale"] {
        phases.get_or_create(&PhaseLabels { phase }).set((phase == status.phase).into());
    }
    registry.register("gobgp", "Whether what gobgpd says is known to be all", phases);
    let mut text = String::new();
    // A `String` takes everything.
    let _ = encode(&mut text, &registry);
    text
}

fn labels(rule: &Counted) -> RuleLabels {
    let mut nlri: String = rule.rule.chars().take(LONGEST_LABEL).collect();
    if nlri.len() < rule.rule.len() {
        nlri.push('…');
    }
    let digest = Sha256::new().chain_update(rule.family).chain_update(&rule.octets).finalize();
    let hash = digest.iter().take(6).fold(String::new(), |mut hash, octet| {
        let _ = write!(hash, "{octet:02x}");
        hash
    });
    RuleLabels { family: rule.family.to_owned(), nlri, hash }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::time::Duration;

    #[test]
    fn few_rules_have_series_of_their_own() {
        let rule = |number: u8, rule: String| Counted {
            rule,
            family: "ipv4",
            octets: vec![number],
            counter: sark_enforcer::Counter { packets: number.into(), bytes: 100 },
        };
        let rules = vec![
            rule(1, "dst 10.0.0.1/32".to_owned()),
            rule(2, "x".repeat(500)),
            rule(3, String::new()),
            rule(4, String::new()),
        ];
        let now = Instant::now();
        let status = Status {
            rules: Arc::new(rules),
            refused: 2,
            phase: "stale",
            stale_since: Some(now),
            last_apply: Some(Duration::from_millis(1500)),
            ..Status::default()
        };
        let text = text(&status, 2, now + Duration::from_secs(7));
        for line in [
            r#"sark_enforcer_rule_packets_total{family="",nlri="others",hash=""} 7"#,
            r#"sark_enforcer_rule_bytes_total{family="",nlri="others",hash=""} 200"#,
            "sark_enforcer_refused 2",
            "sark_enforcer_rules 4",
            "sark_enforcer_stale_seconds 7.0",
            "sark_enforcer_last_apply_seconds 1.5",
            r#"sark_enforcer_gobgp{phase="stale"} 1"#,
            r#"sark_enforcer_rounds_total{outcome="ok"} 0"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(text.contains(r#"nlri="dst 10.0.0.1/32",hash=""#), "{text}");
        assert!(text.contains(&format!("nlri=\"{}…\"", "x".repeat(120))), "{text}");
        assert_eq!(text.matches("rule_packets_total{").count(), 3);
    }
}
