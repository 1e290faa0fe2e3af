//! One connection, from its first octet to its end.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sark_core::audit::Outcome;
use sark_hello::{Protocol, SoFar};
use sark_traces::Tracer;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::answers::Answers;
use crate::clients::{Clients, Place, TooMany};
use crate::flow::{Entrance, Flow, Target};
use crate::held::Watcher;
use crate::judge::{self, Fail, Judge, SourceMap};
use crate::metrics::Metrics;
use crate::opening::{self, Opening, Said};
use crate::overload::Overload;
use crate::pins::Pins;
use crate::redact::Redact;
use crate::refusals::{Reason, Refusals};
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
    /// Until a server begins to answer, and until a stream of it goes on.
    pub answer_within: Duration,
    /// Octets of a body that is decided on; a longer one is not read.
    pub inspect: usize,
    /// What of it is read.
    pub detect: sark_detect::Limits,
    /// A spliced connection on which nothing is said for so long ends, and an answer of which nothing goes.
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
    /// See the type.
    pub answers: Answers,
    /// Who takes out of bodies what policies want taken out.
    pub redact: Arc<dyn Redact>,
    /// Answers under way.
    pub watcher: Arc<Watcher>,
    /// Requests at a time.
    pub overload: Arc<Overload>,
    /// Connections at a time.
    pub clients: Arc<Clients>,
    /// What was refused without a decision.
    pub refusals: Refusals,
    /// Traces of requests.
    pub tracer: Tracer,
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
        let place = match self.clients.enter(flow.client) {
            Ok(place) => Arc::new(place),
            Err(error) => return self.turn_away(&flow, &error),
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

    /// There are too many connections.
    pub(crate) fn turn_away(&self, flow: &Flow, error: &TooMany) {
        self.metrics.turned_away();
        let about = self.correlation(flow);
        self.refused(Reason::Connections, flow, about, None, &error.to_string());
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
            let Some(server) = Box::pin(self.dial(&flow, None)).await else { return };
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
        let (of_hello, ja4) = match &opening.said {
            Said::Hello(hello) => (hello.server_name(), Some(hello.ja4())),
            _ => (None, None),
        };
        if let (Some(asked), Some(name), Some(_)) = (asked, of_hello, &steered.endpoint)
            && asked != name
            && steered.course == Course::Terminate
            && flow.entrance == Entrance::Explicit
        {
            self.fronted(&flow, self.correlation(&flow), name, asked, ja4.as_deref());
            steered.course = Course::Deny;
        }
        self.metrics.steered(flow.entrance, &steered);
        let Opening { said, octets } = opening;
        match (steered.course, said) {
            (Course::Splice, said) => {
                let Some(mut server) = Box::pin(self.dial(&flow, ja4.as_deref())).await else {
                    return;
                };
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

    async fn dial(&self, flow: &Flow, ja4: Option<&str>) -> Option<TcpStream> {
        let dialer = self.upstreams.dialer();
        let told = dialer.told(flow, &flow.target);
        match dialer.dial(&flow.target, flow.may_be_inner(), told.as_ref(), flow.client).await {
            Ok(server) => Some(server),
            Err(error) => {
                let (about, why) = (self.correlation(flow), sark_core::chain(&error));
                self.unreachable(flow, about, ja4, error.is_refusal(), &why);
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

    /// Who is behind an address.
    pub(crate) fn behind(&self, client: IpAddr) -> Option<&SourceMap> {
        judge::behind(&self.sources, client)
    }
}
