//! Records of connections, and of what was refused without a decision. Those of requests that were decided
//! on are the judge's.

use std::error::Error as _;
use std::net::SocketAddr;
use std::time::Instant;

use sark_core::audit::{AuditRecord, Correlation, Flow as FiveTuple, Notice, Outcome};
use sark_core::decision::Severity;
use sark_hello::ClientHello;
use serde_json::{Value, json};

use crate::flow::{Flow, Target};
use crate::opening::Said;
use crate::proxy::Proxy;
use crate::refusals::{More, Reason};
use crate::steer::Steered;

impl Flow {
    /// As it was before anything was redirected; of an explicit client, its connection to the proxy.
    pub(crate) const fn five_tuple(&self) -> FiveTuple {
        let destination: SocketAddr = match self.target {
            Target::Address(address) => address,
            Target::Name(..) => self.local,
        };
        FiveTuple { protocol: 6, source: self.client, destination }
    }
}

impl Proxy {
    /// What records of this connection can be joined by.
    pub(crate) fn correlation(&self, flow: &Flow) -> Correlation {
        let source = self.behind(flow.client.ip());
        Correlation {
            flow: Some(flow.five_tuple()),
            user: source.and_then(|source| source.user.clone()),
            host: source.and_then(|source| source.host.clone()),
            ..Correlation::default()
        }
    }

    /// What became of a connection that was not opened.
    pub(crate) fn record_flow(
        &self,
        said: &Said,
        flow: &Flow,
        steered: &Steered,
        outcome: Outcome,
        mut detail: Value,
    ) {
        let hello = match said {
            Said::Hello(hello) => Some(hello),
            _ => None,
        };
        let about = json!({
            "course": steered.course.as_str(),
            "why": steered.why.as_str(),
            "name": steered.name,
            "endpoint": steered.endpoint,
            "ja4": hello.map(|hello| hello.ja4()),
            "ja3": hello.map(|hello| ClientHello::ja3(hello)),
        });
        add(&mut detail, about);
        if outcome == Outcome::Refused {
            let name = steered.name.clone().unwrap_or_else(|| flow.target.to_string());
            return self.refuse((Reason::Denied, &name), flow, self.correlation(flow), detail);
        }
        add(&mut detail, place(flow));
        let (now, actor) = (self.judge.now(), self.judge.actor());
        let record = AuditRecord::new(now, actor, "proxy.flow", outcome, detail);
        self.judge.note(&record.about(self.correlation(flow)));
    }

    /// A client was found to pin: somebody may want to know.
    pub(crate) fn pinned(&self, flow: &Flow, name: &str) {
        let client = flow.client.ip().to_canonical();
        let notice = Notice {
            key: format!("proxy.pinned:{client}:{name}"),
            title: format!("{client} does not believe this proxy's certificates for {name}"),
            resolved: false,
            routes: Vec::new(),
            runbook: Some("proxy".to_owned()),
            facts: [("client", client.to_string()), ("name", name.to_owned())]
                .map(|(key, value)| (key.to_owned(), value))
                .into(),
        };
        let (now, actor) = (self.judge.now(), self.judge.actor());
        let detail = json!({ "name": name, "target": flow.target.to_string() });
        let record = AuditRecord::new(now, actor, "proxy.pinned", Outcome::Failed, detail);
        self.judge.note(&record.about(self.correlation(flow)).told(Severity::Low, notice));
    }

    /// Something was refused without a decision. `about` has the request's id, if there is one.
    pub(crate) fn refused(
        &self,
        reason: Reason,
        flow: &Flow,
        about: Correlation,
        ja4: Option<&str>,
        why: &str,
    ) {
        let name = flow.target.to_string();
        self.refuse((reason, &name), flow, about, json!({ "why": why, "ja4": ja4 }));
    }

    /// A server could not be reached, or, if it was `refused`, nobody may reach it through here.
    pub(crate) fn unreachable(
        &self,
        flow: &Flow,
        about: Correlation,
        ja4: Option<&str>,
        refused: bool,
        why: &str,
    ) {
        self.metrics.unreached();
        tracing::info!(target = %flow.target, why, "a server could not be reached");
        let reason = if refused { Reason::Forbidden } else { Reason::Unreachable };
        self.refused(reason, flow, about, ja4, why);
    }

    /// A request was for another host than its connection.
    pub(crate) fn fronted(
        &self,
        flow: &Flow,
        about: Correlation,
        name: &str,
        host: &str,
        ja4: Option<&str>,
    ) {
        let detail = json!({ "name": name, "host": host, "ja4": ja4 });
        self.refuse((Reason::Fronted, host), flow, about, detail);
    }

    /// What a client's HTTP ended with, if that is the client's doing: who leaves in the middle has done
    /// nothing wrong, nor has who asks nothing more; `has_begun` is whether it was within something.
    pub(crate) fn broke_off(
        &self,
        flow: &Flow,
        ja4: Option<&str>,
        has_begun: bool,
        error: &hyper::Error,
    ) {
        let of_h2 = error.source().and_then(|source| source.downcast_ref::<h2::Error>());
        // A library error is ours: it met what RFC 9113 forbids, or too much of what it allows.
        let is_theirs = error.is_parse()
            || error.is_parse_too_large()
            || (error.is_timeout() && has_begun)
            || of_h2.is_some_and(h2::Error::is_library);
        let error = sark_core::chain(error);
        if is_theirs {
            return self.refused(Reason::Http, flow, self.correlation(flow), ja4, &error);
        }
        tracing::debug!(error, "a client's connection broke off");
    }

    /// One record, or one more in a number. `name` is what was asked for.
    fn refuse(
        &self,
        (reason, name): (Reason, &str),
        flow: &Flow,
        about: Correlation,
        mut detail: Value,
    ) {
        if !self.refusals.is_single(flow, reason, name, Instant::now()) {
            return;
        }
        add(&mut detail, place(flow));
        self.note_refusal(reason, about, detail);
    }

    /// Numbers of what is on record no other way: of intervals that are over by `now`, or of all.
    pub fn tell_refusals(&self, now: Option<Instant>) {
        for More { reason, count, within, last, of_several } in self.refusals.over(now) {
            let mut detail = json!({
                "more": count, "withinSeconds": within.as_secs(), "ofSeveralClients": of_several,
            });
            add(&mut detail, place(&last));
            self.note_refusal(reason, self.correlation(&last), detail);
        }
    }

    fn note_refusal(&self, reason: Reason, about: Correlation, mut detail: Value) {
        add(&mut detail, json!({ "reason": reason.as_str() }));
        let outcome = match reason {
            Reason::Unreachable => Outcome::Failed,
            _ => Outcome::Refused,
        };
        let (now, actor) = (self.judge.now(), self.judge.actor());
        let record = AuditRecord::new(now, actor, reason.event(), outcome, detail);
        let severity = match reason {
            Reason::Fronted | Reason::Forbidden => Severity::Medium,
            _ => record.severity,
        };
        self.judge.note(&AuditRecord { severity, ..record }.about(about));
    }
}

/// Where a connection came in, and what it meant.
fn place(flow: &Flow) -> Value {
    json!({ "entrance": flow.entrance.as_str(), "target": flow.target.to_string() })
}

fn add(detail: &mut Value, more: Value) {
    if let (Some(detail), Value::Object(more)) = (detail.as_object_mut(), more) {
        detail.extend(more);
    }
}
