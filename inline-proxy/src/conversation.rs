//! The requests of one connection: each is read, decided on, recorded, and only then sent on.
//!
//! ```text
//!   head ─ refused if it reads two ways ─ whose? ─ body, as far as needed ─ decision ─┬─ answer of ours
//!                                                                                     └─ server ─ watched
//! ```

mod ask;
mod back;
mod exchange;
mod forward;
mod gate;
mod redacted;
mod session;
mod upgrade;
mod usage;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::EXPECT;
use http::uri::{Authority, Scheme};
use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use sark_core::audit::{Correlation, Flow as FiveTuple};
use sark_detect::{By, Dialect, Family, Head, Kind, Recognised, Refusal, recognise};
use sark_traces::Trace;

use forward::Going;
pub(crate) use gate::{Asking, Gate};

use crate::body::{self, Outgoing, ReadError, Reply};
use crate::clients::Place;
use crate::flow::{Flow, Target};
use crate::held::Held;
use crate::judge::Aside;
use crate::overload::{Busy, Room};
use crate::proxy::Proxy;
use crate::refusals::Reason;
use crate::steer::of_llm;
use crate::upstream::{LinkError, Own, Server};
use crate::{ids, traced};

/// Octets of a body that nobody wants, and how long they are read.
const DRAIN: usize = 1 << 20;
const DRAIN_WITHIN: Duration = Duration::from_secs(2);

/// What all requests of a connection have in common.
#[derive(Debug)]
pub struct Conversation {
    /// The proxy.
    pub proxy: Arc<Proxy>,
    /// The connection.
    pub flow: Flow,
    /// `https` where TLS ended here.
    pub scheme: Scheme,
    /// The name of the hello. Requests have to be for it.
    pub name: Option<String>,
    /// Fingerprint of the hello.
    pub ja4: Option<String>,
    /// Where requests go, if that does not depend on each of them.
    pub server: Option<Arc<Server>>,
    /// The host that requests are for, whatever they say: of a reverse proxy.
    pub host: Option<Authority>,
    /// The endpoint that the connection leads to, and its provider, if one is behind it.
    pub endpoint: Option<(String, String)>,
    /// The connection's place among all.
    pub place: Arc<Place>,
    /// The connection to the server that is nobody else's, once there is one.
    pub own: Own,
}

/// A request whose head was read.
struct Taken {
    id: String,
    since: Instant,
    authority: Authority,
    /// As names are compared.
    host: String,
    recognised: Recognised,
    /// Of the registry.
    endpoint: Option<(String, String)>,
    /// Whether it asks for another protocol.
    upgrades: bool,
    /// Whether the client sends its body only when it is told to (RFC 9110 §10.1.1): hyper tells it when
    /// the body is asked for.
    expects: bool,
    /// What is told of it elsewhere.
    trace: Trace,
}

impl Conversation {
    /// Answers one request. Whatever happens, there is an answer.
    pub async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Held>, Infallible> {
        let id = ids::request(self.proxy.judge.now());
        let mut request = request;
        let expects = request.headers().contains_key(EXPECT);
        let trace = traced::begin(&self, &request, &id);
        let (unanswered, mut of_request) = (traced::unanswered(&trace), None);
        let answer = match self.take(&mut request, id, &trace) {
            Err(refusal) => {
                self.note(Reason::Head, &refusal);
                self.leave(Outgoing::unread(request.into_body()), expects);
                self.count(&trace, refusal.kind);
                reply(refusal.of_family(Family::Unknown))
            }
            Ok(taken) => match self.proxy.overload.enter(self.flow.client) {
                Ok(turn) => {
                    let answer = self.decide_and_forward(request, taken, turn.room()).await;
                    of_request = Some(turn);
                    answer
                }
                Err(busy) => {
                    self.leave(Outgoing::unread(request.into_body()), expects);
                    self.shed(&taken, busy)
                }
            },
        };
        unanswered.answered(answer.status());
        let passing = traced::part(&trace, "answer");
        Ok(self.proxy.watcher.until_over(answer, of_request, passing))
    }

    /// Reads the head, and takes out of it what belongs to the client's connection: what is decided on is
    /// what is sent on.
    fn take(
        &self,
        request: &mut Request<Incoming>,
        id: String,
        trace: &Trace,
    ) -> Result<Taken, Refusal> {
        let since = Instant::now();
        let unreadable = |message: String| Refusal {
            kind: Kind::Unreadable,
            message,
            request_id: id.clone(),
            rule: None,
        };
        sark_head::check(request.version(), request.headers())
            .map_err(|error| unreadable(error.to_string()))?;
        let authority = match &self.host {
            Some(host) => host.clone(),
            None => sark_head::authority(request.uri(), request.headers())
                .map_err(|error| unreadable(error.to_string()))?,
        };
        if request.method() == Method::CONNECT {
            return Err(unreadable("CONNECT leads nowhere from here".to_owned()));
        }
        // Of an explicit client: TLS is what it asks for, and what it would not get.
        if self.scheme == Scheme::HTTP && request.uri().scheme() == Some(&Scheme::HTTPS) {
            return Err(unreadable("ask for https by CONNECT".to_owned()));
        }
        let upgrades = request.method() == Method::GET
            && request.body().is_end_stream()
            && sark_head::asks_upgrade(request.version(), request.headers());
        let expects = request.headers().contains_key(EXPECT);
        sark_head::strip(request.headers_mut(), upgrades);
        let host = sark_head::host(&authority);
        traced::host(trace, &host, &authority);
        let known = self.proxy.judge.known();
        let endpoint = of_llm(&known.registry, &host);
        let endpoint = endpoint.map(|found| (found.id.clone(), found.provider.clone()));
        let endpoint = endpoint.or_else(|| self.endpoint.clone());
        let recognised = recognise(&Head {
            scheme: self.scheme.as_str(),
            method: request.method(),
            host: &host,
            path: path_of(request),
            headers: request.headers(),
        });
        let trace = trace.clone();
        Ok(Taken { id, since, authority, host, recognised, endpoint, upgrades, expects, trace })
    }

    async fn decide_and_forward(
        self: &Arc<Self>,
        request: Request<Incoming>,
        mut taken: Taken,
        room: Room,
    ) -> Response<Reply> {
        if let Some(fronted) = self.fronted(&taken) {
            self.leave(Outgoing::unread(request.into_body()), taken.expects);
            return fronted;
        }
        if taken.upgrades {
            // Rare: who does not ask for it does not carry it along.
            return Box::pin(self.upgrade(request, taken)).await;
        }
        let is_llm = taken.endpoint.is_some() || taken.recognised.by != By::Nothing;
        let limits = self.proxy.limits;
        let (mut parts, incoming) = request.into_parts();
        let reads =
            taken.recognised.wants_body(&parts.headers) && (is_llm || parts.method == Method::POST);
        if !is_llm && !reads {
            return self.forward(parts, Outgoing::unread(incoming), &taken, Going::default()).await;
        }
        // What says that it is too long is not asked for.
        let fits = incoming.size_hint().lower() <= limits.inspect as u64;
        let mut body = if reads && fits {
            let reading = body::read(incoming, limits.inspect, Some(room));
            let _span = traced::part(&taken.trace, "read body");
            match tokio::time::timeout(limits.body_within, reading).await {
                Ok(Ok(body)) => body,
                Ok(Err(ReadError::Busy(busy))) => return self.shed(&taken, busy),
                Ok(Err(error)) => return self.unreadable(&taken, &error.to_string()),
                Err(_) => return self.unreadable(&taken, "the body took too long to come"),
            }
        } else {
            Outgoing::unread(incoming)
        };
        let mut read = match self.ask(&mut taken, &parts.headers, &body, reads) {
            Ok(read) => read,
            Err(refusal) => {
                self.leave(body, taken.expects);
                let refusal = Refusal { request_id: taken.id.clone(), ..refusal };
                self.note(Reason::Body, &refusal);
                self.count(&taken.trace, refusal.kind);
                return reply(refusal.response(&taken.recognised, None));
            }
        };
        if taken.endpoint.is_none() && taken.recognised.by == By::Nothing {
            return self.forward(parts, body, &taken, Going::default()).await;
        }
        let request = self.request(&taken, &parts.headers, &read);
        let decisions = self.decide(&taken, &request, read.asked.as_ref()).await;
        let redacted = self.redacted(&decisions, &taken, &parts.headers, &body, &read);
        if let Some(refusal) = ask::refusal(&decisions, &taken.id, redacted.is_some()) {
            self.count(&taken.trace, refusal.kind);
            self.leave(body, taken.expects);
            return reply(refusal.response(&taken.recognised, read.asked.as_ref()));
        }
        if let Some(octets) = redacted {
            body = forward::with_body(&mut parts.headers, octets);
            read.opened = None;
        }
        let instead = match ask::redirected(&decisions, &self.proxy.judge.known().registry) {
            Ok(instead) => instead,
            Err(message) => {
                self.leave(body, taken.expects);
                let refusal = self.say(&taken, Kind::Denied, message);
                return reply(refusal.response(&taken.recognised, read.asked.as_ref()));
            }
        };
        let gate = self.gate(&taken, request, read.asked.as_ref());
        let asking = self.asking(&parts.headers, &body, &mut read);
        let going = Going { asked: read.asked, instead, gate, asking };
        self.forward(parts, body, &taken, going).await
    }

    /// The hello says one name and the request another: what was decided for one would hold for the
    /// other. Refused where either is a model's.
    fn fronted(&self, taken: &Taken) -> Option<Response<Reply>> {
        let name = self.name.as_deref()?;
        if name == taken.host {
            return None;
        }
        let known = self.proxy.judge.known();
        if taken.endpoint.is_none() && of_llm(&known.registry, name).is_none() {
            return None;
        }
        self.proxy.fronted(
            &self.flow,
            self.correlation(taken),
            name,
            &taken.host,
            self.ja4.as_deref(),
        );
        let message =
            "the request is for another host than the connection; open one for it".to_owned();
        let refusal = self.say(taken, Kind::Denied, message);
        let mut response = refusal.of_family(taken.recognised.family);
        // RFC 9110 §15.5.20: another connection may do.
        *response.status_mut() = http::StatusCode::MISDIRECTED_REQUEST;
        Some(reply(response))
    }

    fn say(&self, taken: &Taken, kind: Kind, message: String) -> Refusal {
        self.count(&taken.trace, kind);
        Refusal { kind, message, request_id: taken.id.clone(), rule: None }
    }

    /// It is refused here.
    fn count(&self, trace: &Trace, kind: Kind) {
        self.proxy.metrics.refused(kind);
        traced::refused(trace, kind);
    }

    /// There is too much to do, of all clients or of this one.
    fn shed(&self, taken: &Taken, busy: Busy) -> Response<Reply> {
        self.proxy.metrics.shed();
        let refusal = self.say(taken, Kind::Overloaded { retry_after: 1 }, busy.to_string());
        self.note(Reason::Overload, &refusal);
        reply(refusal.of_family(taken.recognised.family))
    }

    fn unreadable(&self, taken: &Taken, message: &str) -> Response<Reply> {
        let refusal = self.say(taken, Kind::Unreadable, message.to_owned());
        self.note(Reason::Body, &refusal);
        reply(refusal.response(&taken.recognised, None))
    }

    /// It was refused, and no decision says so.
    fn note(&self, reason: Reason, refusal: &Refusal) {
        let about = self.of_request(&refusal.request_id);
        self.proxy.refused(reason, &self.flow, about, self.ja4.as_deref(), &refusal.message);
    }

    /// Its server could not be reached, or may not be.
    fn unreached(&self, taken: &Taken, target: &Target, error: &LinkError) {
        let flow = Flow { target: target.clone(), ..self.flow.clone() };
        let refused = matches!(error, LinkError::Dial(dial) if dial.is_refusal());
        let why = sark_core::chain(error);
        self.proxy.unreachable(&flow, self.correlation(taken), self.ja4.as_deref(), refused, &why);
    }

    /// Reads what a client still sends of a body that nobody wants, for a while: a connection that is
    /// closed with octets unread takes the answer away with it. A client that waits to be asked for it
    /// sends none.
    fn leave(&self, unread: Outgoing, expects: bool) {
        let Some(mut unread) = unread.into_rest().filter(|unread| !unread.is_end_stream()) else {
            return;
        };
        if expects {
            return;
        }
        self.proxy.tasks.spawn(tokio::time::timeout(DRAIN_WITHIN, async move {
            let mut octets = 0;
            while let Some(Ok(frame)) = unread.frame().await {
                octets += frame.data_ref().map_or(0, Bytes::len);
                if octets > DRAIN {
                    return;
                }
            }
        }));
    }

    fn correlation(&self, taken: &Taken) -> Correlation {
        self.of_request(&taken.id)
    }

    fn of_request(&self, id: &str) -> Correlation {
        Correlation { request: Some(id.to_owned()), ..self.proxy.correlation(&self.flow) }
    }

    /// Whose prices hold.
    fn provider(&self, taken: &Taken) -> Option<String> {
        match &taken.endpoint {
            Some((_, provider)) => Some(provider.clone()),
            None => taken.recognised.provider.map(str::to_owned),
        }
    }

    fn five_tuple(&self) -> Option<FiveTuple> {
        Some(self.flow.five_tuple())
    }

    /// What records say beside the request itself.
    fn aside(&self, dialect: Dialect, prompt_octets: Option<u64>) -> Aside<'_> {
        Aside {
            entrance: self.flow.entrance.as_str(),
            target: &self.flow.target,
            ja4: self.ja4.as_deref(),
            dialect,
            prompt_octets,
        }
    }
}

fn path_of<B>(request: &Request<B>) -> &str {
    request.uri().path_and_query().map_or("/", |path| path.as_str())
}

/// An answer of ours.
fn reply(response: Response<Bytes>) -> Response<Reply> {
    response.map(Reply::ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_future<A, B, F: Future>(_: impl Fn(A, B) -> F) -> usize {
        size_of::<F>()
    }

    /// It is made room for, copied and walked through with each request: what is rare in it is boxed.
    #[test]
    fn a_request_carries_little_that_is_rare() {
        let octets = size_of_future(Conversation::answer);
        assert!(octets < 12 << 10, "{octets}");
    }
}
