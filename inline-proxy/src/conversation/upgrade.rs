//! WebSocket and its like: the server is asked first, and what it says is what the client hears.

use std::sync::Arc;

use http::header::{SEC_WEBSOCKET_EXTENSIONS, UPGRADE};
use http::uri::PathAndQuery;
use http::{HeaderMap, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use sark_core::request::Operation;
use sark_detect::{By, Kind};
use sark_traces::Open;

use super::ask::{self, Read};
use super::session::Session;
use super::{Conversation, Taken, reply};
use crate::alpn::Offer;
use crate::body::{Outgoing, Reply};
use crate::splice::{Counted, Moved, silence};
use crate::traced::{self, InSession};
use crate::upstream::{LinkError, Server};

impl Conversation {
    /// Decides on the head alone, and ties the two connections together if both sides agree.
    pub(super) async fn upgrade(
        self: &Arc<Self>,
        mut request: Request<Incoming>,
        mut taken: Taken,
    ) -> Response<Reply> {
        let family = taken.recognised.family;
        if taken.endpoint.is_some() || taken.recognised.by != By::Nothing {
            let asks = self.request(&taken, request.headers(), &Read::head_alone());
            let decisions = self.decide(&taken, &asks, None).await;
            if let Some(refusal) = ask::refusal(&decisions, &taken.id, false) {
                self.count(&taken.trace, refusal.kind);
                return reply(refusal.response(&taken.recognised, None));
            }
            let known = self.proxy.judge.known();
            if ask::redirected(&decisions, &known.registry) != Ok(None) {
                let message = "what becomes another protocol cannot be sent elsewhere".to_owned();
                return reply(self.say(&taken, Kind::Denied, message).of_family(family));
            }
        }
        let of_client = hyper::upgrade::on(&mut request);
        let session = self.session(&mut request, &taken);
        match self.ask_server(request, &taken).await {
            Ok(mut response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                let of_server = hyper::upgrade::on(&mut response);
                // What is said in it may be said for hours, and has no spans of its own.
                let in_session = InSession::of(std::mem::take(&mut taken.trace));
                match session {
                    Some(headers) => Session::new(Arc::clone(self), taken, headers, in_session)
                        .spawn(of_client, of_server),
                    None => self.tie(of_client, of_server, in_session),
                }
                sark_head::strip_answer(response.headers_mut(), true);
                response.map(|_| Reply::ours(""))
            }
            Ok(mut response) => {
                sark_head::strip_answer(response.headers_mut(), false);
                response.map(Reply::unread)
            }
            Err(error) => {
                self.unreached(&taken, &self.flow.target, &error);
                let message = "the server could not be reached".to_owned();
                reply(self.say(&taken, Kind::Upstream, message).of_family(family))
            }
        }
    }

    /// The head of a request for a WebSocket in which models are asked. Its messages are read, so nothing
    /// is offered that would pack them (RFC 7692).
    fn session(&self, request: &mut Request<Incoming>, taken: &Taken) -> Option<HeaderMap> {
        let is_websocket = request
            .headers()
            .get(UPGRADE)
            .is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"));
        if !is_websocket || taken.recognised.operation != Operation::Chat {
            return None;
        }
        request.headers_mut().remove(SEC_WEBSOCKET_EXTENSIONS);
        Some(request.headers().clone())
    }

    /// On a connection of its own: it becomes something else.
    async fn ask_server(
        &self,
        request: Request<Incoming>,
        taken: &Taken,
    ) -> Result<Response<Incoming>, LinkError> {
        let server = self.server(taken, None).map_err(|_| LinkError::Protocol)?;
        // HTTP/2 has another way to say it (RFC 8441), which the client did not choose.
        let offer = if server.name.is_some() { Offer::H1 } else { Offer::Silent };
        let server = Server { offer, ..Server::clone(&server) };
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().cloned();
        let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
        let (scheme, headers) = (self.scheme.clone(), &mut parts.headers);
        parts.uri = sark_head::address(Version::HTTP_11, scheme, &taken.authority, path, headers)
            .map_err(|_| LinkError::Protocol)?;
        parts.version = Version::HTTP_11;
        let request = Request::from_parts(parts, Outgoing::unread(body));
        let (trace, method) = (&taken.trace, request.method());
        let mut span = traced::exchange(trace, method, &server.target, &taken.authority);
        let answered = self.sent_alone(request, &server, &span).await;
        traced::exchanged(&mut span, &answered);
        answered
    }

    async fn sent_alone(
        &self,
        request: Request<Outgoing>,
        server: &Server,
        span: &Open,
    ) -> Result<Response<Incoming>, LinkError> {
        let link = self.proxy.upstreams.link(server, self.flow.client);
        let mut link = traced::connect(span, link).await?;
        let within = self.proxy.limits.answer_within;
        let answered = tokio::time::timeout(within, link.send(request)).await;
        answered.map_err(|_| LinkError::Late(within))?.map_err(|unsent| unsent.error)
    }

    /// Octets go both ways until both sides are done, or neither says anything for `limits.idle`. It keeps
    /// its place among the connections.
    fn tie(self: &Arc<Self>, of_client: OnUpgrade, of_server: OnUpgrade, in_session: InSession) {
        let own = Arc::clone(self);
        self.proxy.tasks.spawn(async move {
            let (client, server) = match tokio::try_join!(of_client, of_server) {
                Ok((client, server)) => (client, server),
                Err(error) => {
                    tracing::debug!(%error, "a connection did not become another protocol");
                    return;
                }
            };
            let (mut client, mut server) = (TokioIo::new(client), TokioIo::new(server));
            let (moved, idle) = (Moved::default(), own.proxy.limits.idle);
            let mut client = Counted::new(&mut client, &moved);
            let how = tokio::select! {
                // Whoever breaks off is gone.
                moved = tokio::io::copy_bidirectional(&mut client, &mut server) => {
                    if moved.is_ok() { "closed" } else { "broken" }
                }
                () = silence(&moved, idle) => "idle",
                () = own.proxy.cut.cancelled() => "stopped",
            };
            in_session.over(how, None);
        });
    }
}
