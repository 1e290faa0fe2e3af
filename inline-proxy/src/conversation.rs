//! The requests of one connection: each is read, decided on, recorded, and only then sent on.
//!
//! ```text
//!   head ─ refused if it reads two ways ─ whose? ─ body, as far as needed ─ decision ─┬─ answer of ours
//!                                                                                     └─ server ─ watched
//! ```

mod ask;
mod forward;
mod upgrade;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use sark_core::audit::{Correlation, Flow as FiveTuple};
use sark_detect::{Asked, By, Family, Head, Kind, Recognised, Refusal, recognise};
use serde_json::{Map, json};

use crate::body::{self, Outgoing, Reply};
use crate::clients::Place;
use crate::flow::{Flow, Target};
use crate::proxy::Proxy;
use crate::steer::of_llm;
use crate::upstream::Server;
use crate::{head, ids};

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
    pub server: Option<Server>,
    /// The host that requests are for, whatever they say: of a reverse proxy.
    pub host: Option<Authority>,
    /// The endpoint that the connection leads to, and its provider, if one is behind it.
    pub endpoint: Option<(String, String)>,
    /// The connection's place among all.
    pub place: Arc<Place>,
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
}

impl Conversation {
    /// Answers one request. Whatever happens, there is an answer.
    pub async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Reply>, Infallible> {
        let id = ids::request(self.proxy.judge.now());
        let mut request = request;
        let answer = match self.take(&mut request, id.clone()) {
            Err(refusal) => self.refused(&refusal, Family::Unknown, request.into_body()),
            Ok(taken) => match self.proxy.overload.enter() {
                Some(_place) => self.decide_and_forward(request, taken).await,
                None => {
                    self.proxy.metrics.shed();
                    let kind = Kind::Overloaded { retry_after: 1 };
                    let message = "the proxy has too much to do; try again".to_owned();
                    let refusal = Refusal { kind, message, request_id: id, rule: None };
                    self.refused(&refusal, taken.recognised.family, request.into_body())
                }
            },
        };
        Ok(answer)
    }

    /// Reads the head, and takes out of it what belongs to the client's connection: what is decided on is
    /// what is sent on.
    fn take(&self, request: &mut Request<Incoming>, id: String) -> Result<Taken, Refusal> {
        let since = Instant::now();
        let unreadable = |message: String| Refusal {
            kind: Kind::Unreadable,
            message,
            request_id: id.clone(),
            rule: None,
        };
        head::check(request.version(), request.headers())
            .map_err(|error| unreadable(error.to_string()))?;
        let authority = match &self.host {
            Some(host) => host.clone(),
            None => head::authority(request.uri(), request.headers())
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
            && head::asks_upgrade(request.version(), request.headers());
        head::strip(request.headers_mut(), upgrades);
        let host = head::host(&authority);
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
        Ok(Taken { id, since, authority, host, recognised, endpoint, upgrades })
    }

    async fn decide_and_forward(
        self: &Arc<Self>,
        request: Request<Incoming>,
        mut taken: Taken,
    ) -> Response<Reply> {
        if let Some(fronted) = self.fronted(&taken) {
            self.drain(request.into_body());
            return fronted;
        }
        if taken.upgrades {
            return self.upgrade(request, taken).await;
        }
        let is_llm = taken.endpoint.is_some() || taken.recognised.by != By::Nothing;
        let limits = self.proxy.limits;
        let (parts, incoming) = request.into_parts();
        let reads =
            taken.recognised.wants_body(&parts.headers) && (is_llm || parts.method == Method::POST);
        if !is_llm && !reads {
            return self.forward(parts, Outgoing::unread(incoming), &taken, None, None).await;
        }
        let body = if reads {
            let reading =
                tokio::time::timeout(limits.body_within, body::read(incoming, limits.inspect));
            match reading.await {
                Ok(Ok(body)) => body,
                Ok(Err(_)) => return self.unreadable(&taken, "the body broke off"),
                Err(_) => return self.unreadable(&taken, "the body took too long to come"),
            }
        } else {
            Outgoing::unread(incoming)
        };
        let asked = match self.ask(&mut taken, &parts.headers, &body, reads) {
            Ok(asked) => asked,
            Err(refusal) => {
                let refusal = Refusal { request_id: taken.id.clone(), ..refusal };
                self.proxy.metrics.refused(refusal.kind);
                return reply(refusal.response(&taken.recognised, None));
            }
        };
        if taken.endpoint.is_none() && taken.recognised.by == By::Nothing {
            return self.forward(parts, body, &taken, None, None).await;
        }
        let decisions = self.decide(&taken, &parts.headers, &asked).await;
        if let Some(refusal) = ask::refusal(&decisions, &taken.id) {
            self.proxy.metrics.refused(refusal.kind);
            if let Some(rest) = body.into_rest() {
                self.drain(rest);
            }
            return reply(refusal.response(&taken.recognised, asked.asked.as_ref()));
        }
        let instead = match ask::redirected(&decisions, &self.proxy.judge.known().registry) {
            Ok(instead) => instead,
            Err(message) => {
                let refusal = self.say(&taken, Kind::Denied, message);
                return reply(refusal.response(&taken.recognised, asked.asked.as_ref()));
            }
        };
        self.forward(parts, body, &taken, asked.asked.as_ref(), instead).await
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
        self.proxy.metrics.refused(kind);
        Refusal { kind, message, request_id: taken.id.clone(), rule: None }
    }

    fn unreadable(&self, taken: &Taken, message: &str) -> Response<Reply> {
        let refusal = self.say(taken, Kind::Unreadable, message.to_owned());
        reply(refusal.response(&taken.recognised, None))
    }

    fn refused(&self, refusal: &Refusal, family: Family, unread: Incoming) -> Response<Reply> {
        self.proxy.metrics.refused(refusal.kind);
        self.drain(unread);
        reply(refusal.of_family(family))
    }

    /// Reads what a client still sends, for a while: a connection that is closed with octets unread takes
    /// the answer away with it.
    fn drain(&self, mut unread: Incoming) {
        if unread.is_end_stream() {
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
        let source = self.proxy.behind(self.flow.client.ip());
        Correlation {
            request: Some(taken.id.clone()),
            flow: self.five_tuple(),
            user: source.and_then(|source| source.user.clone()),
            host: source.and_then(|source| source.host.clone()),
            ..Correlation::default()
        }
    }

    /// As it was before anything was redirected; of an explicit client, its connection to the proxy.
    fn five_tuple(&self) -> Option<FiveTuple> {
        let destination = match self.flow.target {
            Target::Address(address) => address,
            Target::Name(..) => self.flow.local,
        };
        Some(FiveTuple { protocol: 6, source: self.flow.client, destination })
    }

    /// What records say beside the request itself.
    fn aside(
        &self,
        recognised: &Recognised,
        asked: Option<&Asked>,
    ) -> Map<String, serde_json::Value> {
        let mut aside = Map::new();
        aside.insert(
            "proxy".to_owned(),
            json!({
                "entrance": self.flow.entrance.as_str(),
                "target": self.flow.target.to_string(),
                "ja4": self.ja4,
                "dialect": format!("{:?}", recognised.dialect),
                "promptOctets": asked.map(|asked| asked.prompt_octets),
            }),
        );
        aside
    }
}

fn path_of<B>(request: &Request<B>) -> &str {
    request.uri().path_and_query().map_or("/", |path| path.as_str())
}

/// An answer of ours.
fn reply(response: Response<Bytes>) -> Response<Reply> {
    response.map(Reply::ours)
}
