//! Text → a checked [`Config`], and what the other parts want of it.

use std::time::Duration;

use jiff::SignedDuration;
use sark_program::config::Checked;
use sark_traces::TracesConfig;

use super::{Config, LimitsConfig};
use crate::clients::{Clients, OneClient};
use crate::entrance::net::Net;
use crate::overload::Budget;
use crate::pins::PinSettings;
use crate::proxy::Limits;

impl Checked for Config {
    const LEAST: &'static str = "explicit: { listen: 127.0.0.1:3128 }";

    fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        if self.transparent.is_none() && self.explicit.is_none() && self.reverse.is_empty() {
            mistakes.push("no entrance: write transparent, explicit or reverse".to_owned());
        }
        let (second, day) = (SignedDuration::from_secs(1), SignedDuration::from_hours(24));
        for (key, value) in [
            ("limits.hello", self.limits.hello),
            ("limits.head", self.limits.head),
            ("limits.body", self.limits.body),
            ("limits.answer", self.limits.answer),
            ("limits.idle", self.limits.idle),
            ("limits.drain", self.limits.drain),
            ("limits.handover", self.limits.handover),
            ("upstream.connect", self.upstream.connect),
            ("upstream.handshake", self.upstream.handshake),
            ("upstream.idle", self.upstream.idle),
            ("pins.within", self.pins.within),
            ("pins.holds", self.pins.holds),
        ] {
            if value < second || value > day {
                mistakes.push(format!("{key}: {value:#} is not within 1s and 24h"));
            }
        }
        for (key, value) in [
            ("limits.connections", self.limits.connections),
            ("limits.eachClient", self.limits.each_client),
            ("limits.requests", self.limits.requests),
            ("limits.requestsEachClient", self.limits.requests_each_client),
            ("limits.inspect", self.limits.inspect),
            ("limits.idleServers", self.limits.idle_servers),
            ("upstream.each", self.upstream.each),
        ] {
            if value == 0 {
                mistakes.push(format!("{key} is 0: nothing would ever pass"));
            }
        }
        let bodies = self.limits.bodies.min(self.limits.bodies_each_client);
        if bodies < self.limits.inspect {
            mistakes.push(format!(
                "limits.bodies and limits.bodiesEachClient: there has to be room for one body, {} \
                 octets (limits.inspect)",
                self.limits.inspect
            ));
        }
        if !(32..=128).contains(&self.limits.client_prefix6) {
            mistakes.push("limits.clientPrefix6: bits of an IPv6 address, 32 to 128".to_owned());
        }
        if self.pins.alerts < 2 {
            mistakes.push("pins.alerts: one alert proves nothing, write 2 or more".to_owned());
        }
        if self.name.is_empty() || !self.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        {
            mistakes.push("name: letters, digits and hyphens".to_owned());
        }
        mistakes.extend(self.sarkd.check("sarkd"));
        mistakes.extend(self.traces.iter().flat_map(TracesConfig::check));
        let marks = self.transparent.as_ref().map(|it| it.mark).zip(self.upstream.mark);
        if marks.is_some_and(|(steered, own)| steered == own) {
            mistakes.push(
                "upstream.mark is transparent.mark: servers would never be reached".to_owned(),
            );
        }
        if let Some(net) = self.net()
            && let Err(error) = net.ruleset()
        {
            mistakes.push(format!("transparent.interfaces: {error}"));
        }
        if let Err(error) = sark_program::log::check(&self.log) {
            mistakes.push(sark_core::chain(&error));
        }
        mistakes
    }
}

impl Config {
    /// What the kernel needs for the transparent entrance.
    #[must_use]
    pub fn net(&self) -> Option<Net> {
        let it = self.transparent.as_ref()?;
        Some(Net {
            steering: it.steering,
            interfaces: it.interfaces.clone(),
            port: it.port,
            ports: it.ports.clone(),
            mark: it.mark,
            table: it.table,
            priority: it.priority,
            refuse_quic: it.refuse_quic,
        })
    }

    /// What connections and requests may cost.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let it = &self.limits;
        let detect = sark_detect::Limits::default();
        Limits {
            hello: sark_hello::Limits::default(),
            hello_within: it.hello.unsigned_abs(),
            handshake_within: it.head.unsigned_abs(),
            head_within: it.head.unsigned_abs(),
            body_within: it.body.unsigned_abs(),
            answer_within: it.answer.unsigned_abs(),
            inspect: it.inspect,
            detect: sark_detect::Limits { request: detect.request.max(it.inspect), ..detect },
            idle: it.idle.unsigned_abs(),
        }
    }

    /// What requests may take up at the same time.
    #[must_use]
    pub fn budget(&self) -> Budget {
        let it = &self.limits;
        Budget {
            requests: it.requests,
            requests_each: it.requests_each_client,
            bodies: it.bodies,
            bodies_each: it.bodies_each_client,
        }
    }

    /// How many connections there may be.
    #[must_use]
    pub fn clients(&self) -> Clients {
        let it = &self.limits;
        Clients::new(it.connections, it.each_client, it.one_client())
    }

    /// When a client is taken for pinned.
    #[must_use]
    pub fn pins(&self) -> PinSettings {
        PinSettings {
            policy: self.pins.policy,
            names: self.pins.names.clone(),
            alerts: self.pins.alerts,
            within: self.pins.within.unsigned_abs(),
            holds: self.pins.holds.unsigned_abs(),
        }
    }

    /// What is under way when the proxy stops has this long.
    #[must_use]
    pub fn drain(&self) -> Duration {
        self.limits.drain.unsigned_abs()
    }
}

impl LimitsConfig {
    /// Which addresses are one client.
    #[must_use]
    pub const fn one_client(&self) -> OneClient {
        OneClient::new(self.client_prefix6)
    }
}

#[cfg(test)]
mod tests {
    use sark_program::config::read;

    use super::*;

    #[test]
    fn the_least_is_an_entrance() {
        let config = read::<Config>("p.yaml", "explicit: {}").unwrap();
        assert_eq!(config.explicit.unwrap().listen.to_string(), "127.0.0.1:3128");
        assert_eq!(config.limits, super::super::LimitsConfig::default());
    }

    #[test]
    fn all_of_it() {
        let text = "
name: edge-1
sarkd: { https: 'sark.example:8443', token: 'file:/etc/sark/proxy.token', roots: [/etc/sark/ca.pem] }
transparent: { steering: redirect, interfaces: [eth1], ports: [443], mark: 119, refuseQuic: false }
reverse: [{ listen: 127.0.0.1:8080, to: api.example, proxyProtocol: { from: [10.0.0.5/32] } }]
courses: { other: deny, never: ['*.bank.example'], ech: deny }
sources:
  - { prefix: 10.20.0.0/16, groups: [engineering] }
  - { prefix: 10.20.7.23/32, user: alice, host: laptop-7 }
fail: { noSet: open }
answers: { usage: leave, toolCalls: leave }
pins: { policy: splice, holds: 1h }
upstream: { roots: [/etc/ssl/own.pem], mark: 153, proxyProtocol: [10.9.0.0/16] }
limits: { requests: 100, inspect: 1048576 }
state: { directory: /tmp/state }
traces: { otlp: 'https://otel.example', sample: 1, headers: { authorization: 'env:OTLP' } }
metrics: { listen: null }
log: { format: json, filter: debug }
";
        let config = read::<Config>("p.yaml", text).unwrap();
        assert_eq!(config.transparent.as_ref().unwrap().mark, 119);
        assert_eq!(config.reverse[0].port, 443);
        assert_eq!(config.limits().inspect, 1 << 20);
        assert_eq!(config.sources.len(), 2);
        assert_eq!(config.answers.usage, crate::Usage::Leave);
        assert_eq!(config.traces.map(|traces| traces.sample), sark_traces::Sample::new(1.0));
    }

    #[test]
    fn mistakes_say_what_was_meant() {
        for (text, wanted) in [
            ("explicit: {}\nlimit: {}", "did you mean `limits`?"),
            ("name: x", "no entrance"),
            ("explicit: { listen: nowhere }", "nowhere"),
            ("explicit: {}\nlimits: { hello: 0s }", "limits.hello"),
            ("explicit: {}\nlimits: { requests: 0 }", "nothing would ever pass"),
            ("explicit: {}\nlimits: { bodiesEachClient: 1000 }", "room for one body"),
            ("explicit: {}\nlimits: { clientPrefix6: 129 }", "32 to 128"),
            ("explicit: {}\nanswers: { usage: never }", "usage"),
            ("explicit: {}\npins: { alerts: 1 }", "one alert proves nothing"),
            ("explicit: {}\nsarkd: { https: 'a:1' }", "takes a token"),
            ("explicit: {}\nsarkd: { https: 'a:1', token: s3cret }", "not the secret"),
            ("transparent: { interfaces: ['eth0\"; drop'] }", "no name of an interface"),
            ("explicit: {}\ntraces: { otlp: 'https://o', sample: 2.5 }", "within 0.0 and 1.0"),
            ("explicit: {}\ntraces: { sample: 0.5 }", "otlp"),
            (
                "explicit: {}\ntraces: { otlp: 'https://o', headers: { a: s3cret } }",
                "not the secret",
            ),
            ("explicit: {}\nlog: { filter: '=,=' }", "log.filter"),
            ("", "explicit: { listen"),
        ] {
            let said: Vec<String> = read::<Config>("p.yaml", text)
                .unwrap_err()
                .iter()
                .map(ToString::to_string)
                .collect();
            let said = said.join("\n");
            assert!(said.contains(wanted), "{text}: {said}");
            assert!(!said.contains("s3cret"), "{said}");
        }
    }
}
