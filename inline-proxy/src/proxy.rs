//! One connection, from its first octet to its end.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sark_core::audit::{AuditRecord, Correlation, Flow as FiveTuple, Notice, Outcome};
use sark_core::decision::Severity;
use sark_hello::{ClientHello, Protocol, SoFar};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clients::{Clients, Place};
use crate::dial::DialError;
use crate::flow::{Entrance, Flow, Target};
use crate::judge::{self, Fail, Judge, SourceMap};
use crate::metrics::Metrics;
use crate::opening::{self, Opening, Said};
use crate::overload::Overload;
use crate::pins::Pins;
use crate::replay::Replay;
use crate::splice::{self, Moved};
use crate::steer::{Course, Courses, Steered, steer};
use crate::terminate::{Termination, alert};
use crate::upstream::Upstreams;

/// What connections and requests may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Of a hello.
    pub hello: sark_hello::Limits,
    /// Until it is whole.
    pub hello_within: Duration,
    /// For the client's part of a handshake.
    pub handshake_within: Duration,
    /// Until the head of a request is whole.
    pub head_within: Duration,
    /// Until a body that is decided on is whole.
    pub body_within: Duration,
    /// Until a server begins to answer.
    pub answer_within: Duration,
    /// Octets of a body that is decided on; a longer one is not read.
    pub inspect: usize,
    /// What of it is read.
    pub detect: sark_detect::Limits,
    /// A spliced connection on which nothing is said for so long ends.
    pub idle: Duration,
}

/// What happens where it cannot be told what something is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FailPolicy {
    /// A body for a model that cannot be read.
    pub unreadable: Fail,
}

/// The parts that connections share.
#[derive(Debug)]
pub struct Proxy {
    /// Which connections are opened.
    pub courses: Courses,
    /// Who is behind addresses.
    pub sources: Vec<SourceMap>,
    /// Decides.
    pub judge: Arc<Judge>,
    /// Connections to servers.
    pub upstreams: Upstreams,
    /// How TLS ends here.
    pub termination: Termination,
    /// Clients that pin.
    pub pins: Pins,
    /// See the type.
    pub limits: Limits,
    /// See the type.
    pub fail: FailPolicy,
    /// Requests at a time.
    pub overload: Overload,
    /// Connections at a time.
    pub clients: Arc<Clients>,
    /// Counts.
    pub metrics: Metrics,
    /// Nothing new is taken, and what is under way ends.
    pub stop: CancellationToken,
    /// It has had its time: what is still under way is cut.
    pub cut: CancellationToken,
    /// All that is under way.
    pub tasks: TaskTracker,
}

impl Proxy {
    /// Serves a connection in a task of its own, or turns it away.
    pub fn take(self: &Arc<Self>, stream: TcpStream, flow: Flow) {
        let place = match self.clients.enter(flow.client.ip()) {
            Ok(place) => Arc::new(place),
            Err(error) => {
                tracing::debug!(client = %flow.client, %error, "a connection was turned away");
                return self.metrics.turned_away();
            }
        };
        let proxy = Arc::clone(self);
        self.tasks.spawn(async move {
            match flow.entrance {
                Entrance::Explicit => proxy.explicit(stream, flow, &place).await,
                Entrance::Transparent | Entrance::Reverse => {
                    proxy.serve(stream, flow, &[], &place).await;
                }
            }
        });
    }

    /// From the first octet to the end; `before` was read already.
    pub(crate) async fn serve(
        self: &Arc<Self>,
        mut stream: TcpStream,
        flow: Flow,
        before: &[u8],
        place: &Arc<Place>,
    ) {
        // Small answers, such as events of a stream, do not wait for more.
        let _ = stream.set_nodelay(true);
        // What is over, or goes another course, takes no room of a connection that may last for hours: each
        // stage has its own memory, for as long as it is under way.
        let opening = Box::pin(self.open(&mut stream, before)).await;
        let Some(mut opening) = opening else { return };
        let mut steered = self.steered(&opening.said, &flow);
        if opening.said == Said::Late(SoFar::Nothing) && steered.course == Course::Splice {
            // Nobody has said anything: a server that speaks first, or a client that delays.
            let Some(server) = Box::pin(self.dial(&flow)).await else { return };
            tokio::select! {
                _ = server.readable() => {
                    self.metrics.steered(flow.entrance, &steered);
                    let tied = self.tie(stream, server, &[], &opening.said, &flow, &steered);
                    return Box::pin(tied).await;
                }
                _ = stream.readable() => {}
                () = tokio::time::sleep(self.limits.idle) => return,
                () = self.stop.cancelled() => return,
            }
            drop(server);
            let Some(again) = Box::pin(self.open(&mut stream, &[])).await else { return };
            (steered, opening) = (self.steered(&again.said, &flow), again);
            if opening.said == Said::Late(SoFar::Nothing) {
                return;
            }
        }
        let asked = flow.target.name();
        let of_hello = match &opening.said {
            Said::Hello(hello) => hello.server_name(),
            _ => None,
        };
        if let (Some(asked), Some(name), Some(_)) = (asked, of_hello, &steered.endpoint)
            && asked != name
            && steered.course == Course::Terminate
            && flow.entrance == Entrance::Explicit
        {
            self.fronted(&flow, self.correlation(&flow), name, asked, None);
            steered.course = Course::Deny;
        }
        self.metrics.steered(flow.entrance, &steered);
        let Opening { said, octets } = opening;
        match (steered.course, said) {
            (Course::Splice, said) => {
                let Some(mut server) = Box::pin(self.dial(&flow)).await else { return };
                if server.write_all(&octets).await.is_err() {
                    return self.metrics.unreached();
                }
                Box::pin(self.tie(stream, server, &octets, &said, &flow, &steered)).await;
            }
            (Course::Terminate, Said::Hello(hello)) => {
                let stream = Replay::new(octets, stream);
                Box::pin(self.terminate(stream, &hello, flow, &steered, place)).await;
            }
            (Course::Terminate, Said::Plain(protocol @ (Protocol::Http | Protocol::Http2))) => {
                let stream = Replay::new(octets, stream);
                let is_h2 = protocol == Protocol::Http2;
                Box::pin(self.plain(stream, is_h2, flow, &steered, place)).await;
            }
            (Course::Terminate | Course::Deny, said) => {
                self.deny(stream, &said, &flow, &steered).await;
            }
        }
    }

    /// What the connection begins with; nothing if it ends before.
    async fn open(&self, stream: &mut TcpStream, before: &[u8]) -> Option<Opening> {
        let (limits, within) = (self.limits.hello, self.limits.hello_within);
        let opening = opening::read(stream, before, limits, within).await.ok()?;
        let is_over = opening.said == Said::Closed && opening.octets.is_empty();
        (!is_over).then_some(opening)
    }

    async fn dial(&self, flow: &Flow) -> Option<TcpStream> {
        match self.upstreams.dialer().dial(&flow.target, flow.may_be_inner()).await {
            Ok(server) => Some(server),
            Err(error) => {
                self.metrics.unreached();
                if error.is_refusal() {
                    self.unreachable(flow, &error);
                }
                let error = sark_core::chain(&error);
                tracing::info!(target = %flow.target, error, "a server could not be reached");
                None
            }
        }
    }

    fn steered(&self, said: &Said, flow: &Flow) -> Steered {
        let known = self.judge.known();
        let address = match flow.target {
            Target::Address(address) => Some(address),
            Target::Name(..) => None,
        };
        let steered = steer(&self.courses, &known.registry, said, flow.target.name(), address);
        let is_pinned = steered.course == Course::Terminate
            && steered
                .name
                .as_ref()
                .is_some_and(|name| self.pins.is_spliced(flow.client.ip(), name, Instant::now()));
        if is_pinned { Steered { course: Course::Splice, ..steered } } else { steered }
    }

    async fn tie(
        &self,
        stream: TcpStream,
        server: TcpStream,
        octets: &[u8],
        said: &Said,
        flow: &Flow,
        steered: &Steered,
    ) {
        let (moved, since) = (Moved::default(), Instant::now());
        let ended = tokio::select! {
            ended = splice::tie(&stream, &server, self.limits.idle, &moved) => format!("{ended:?}"),
            () = self.cut.cancelled() => "stopped".to_owned(),
        };
        self.metrics.spliced(&moved);
        let detail = json!({
            "toServer": moved.to_server() + octets.len() as u64,
            "toClient": moved.to_client(),
            "ended": ended,
            "milliseconds": u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
        self.record_flow(said, flow, steered, Outcome::Ok, detail);
    }

    async fn deny(&self, mut stream: TcpStream, said: &Said, flow: &Flow, steered: &Steered) {
        if matches!(said, Said::Hello(_)) {
            // RFC 8446 §6.2: access_denied.
            alert(&mut stream, 49).await;
        }
        let why = match said {
            Said::Refused(refusal) => Some(sark_core::chain(refusal)),
            _ => None,
        };
        self.record_flow(said, flow, steered, Outcome::Refused, json!({ "unreadable": why }));
    }

    /// What became of a connection that was not opened.
    fn record_flow(
        &self,
        said: &Said,
        flow: &Flow,
        steered: &Steered,
        outcome: Outcome,
        mut detail: serde_json::Value,
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
            "entrance": flow.entrance.as_str(),
            "target": flow.target.to_string(),
            "ja4": hello.map(|hello| hello.ja4()),
            "ja3": hello.map(|hello| ClientHello::ja3(hello)),
        });
        if let (Some(detail), serde_json::Value::Object(about)) = (detail.as_object_mut(), about) {
            detail.extend(about);
        }
        let (now, actor) = (self.judge.now(), self.judge.actor());
        let record = AuditRecord::new(now, actor, "proxy.flow", outcome, detail);
        self.judge.note(&record.about(self.correlation(flow)));
    }

    fn correlation(&self, flow: &Flow) -> Correlation {
        let source = self.behind(flow.client.ip());
        let destination = match flow.target {
            Target::Address(address) => address,
            Target::Name(..) => flow.local,
        };
        Correlation {
            flow: Some(FiveTuple { protocol: 6, source: flow.client, destination }),
            user: source.and_then(|source| source.user.clone()),
            host: source.and_then(|source| source.host.clone()),
            ..Correlation::default()
        }
    }

    /// Who is behind an address.
    pub(crate) fn behind(&self, client: IpAddr) -> Option<&SourceMap> {
        judge::behind(&self.sources, client)
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

    /// A client asked for an address that nobody may reach through here.
    pub(crate) fn unreachable(&self, flow: &Flow, error: &DialError) {
        let (now, actor) = (self.judge.now(), self.judge.actor());
        let detail = json!({ "target": flow.target.to_string(), "why": error.to_string() });
        let record = AuditRecord::new(now, actor, "proxy.unreachable", Outcome::Refused, detail);
        let record = AuditRecord { severity: Severity::Medium, ..record };
        self.judge.note(&record.about(self.correlation(flow)));
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
        let (now, actor) = (self.judge.now(), self.judge.actor());
        let detail = json!({
            "name": name, "host": host, "ja4": ja4,
            "entrance": flow.entrance.as_str(), "target": flow.target.to_string(),
        });
        let record = AuditRecord::new(now, actor, "proxy.fronted", Outcome::Refused, detail);
        self.judge.note(&AuditRecord { severity: Severity::Medium, ..record }.about(about));
    }
}
