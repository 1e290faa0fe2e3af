//! One request to a server, on a connection that is there or a new one; and what is kept of it.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;

use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Version};
use hyper::body::{Body as _, Incoming};
use rustls::pki_types::ServerName;
use sark_traces::Open;
use tokio::time::Instant;

use super::{Conversation, Taken};
use crate::alpn::{Alpn, Offer};
use crate::body::Outgoing;
use crate::flow::Target;
use crate::traced;
use crate::upstream::{Link, LinkError, Server, is_of_connection};

/// How often a request is sent that no server has looked at: several connections may say goodbye at once.
const TRIES: u32 = 8;
/// The same with HTTP/1.1, where after a connection that was idle there is a new one.
const TRIES_H1: u32 = 2;

impl Conversation {
    /// The server of this request.
    pub(super) fn server(
        &self,
        taken: &Taken,
        instead: Option<&Target>,
    ) -> Result<Arc<Server>, String> {
        if let (None, Some(server)) = (instead, &self.server) {
            return Ok(Arc::clone(server));
        }
        let (target, name, offer) = match instead {
            Some(target) => {
                let name = target.name().unwrap_or_default().to_owned();
                let name = ServerName::try_from(name).map_err(|error| error.to_string())?;
                (target.clone(), Some(name), Offer::Both)
            }
            // Of an explicit client without TLS: each request names its own.
            None => {
                let port = taken.authority.port_u16().unwrap_or(80);
                (Target::Name(taken.host.clone(), port), None, Offer::Silent)
            }
        };
        let told = self.proxy.upstreams.dialer().told(&self.flow, &target);
        Ok(Arc::new(Server { target, name, offer, inner: instead.is_some(), told }))
    }

    /// Sends it, and waits until its answer begins: so long after its body
    /// has gone.
    pub(super) async fn exchange(
        &self,
        parts: Parts,
        mut body: Outgoing,
        server: &Arc<Server>,
        to: (Scheme, &Authority),
        taken: &Taken,
    ) -> Result<Response<Incoming>, LinkError> {
        let within = self.proxy.limits.answer_within;
        let mut span = traced::exchange(&taken.trace, &parts.method, &server.target, to.1);
        let (began, went) = (Instant::now(), body.going());
        let until = || went.as_ref().map_or(began + within, |went| went.until(began, within));
        let answered = {
            let sent = pin!(self.sent(parts, body, server, to, &span));
            in_time(sent, until).await.unwrap_or(Err(LinkError::Late(within)))
        };
        traced::exchanged(&mut span, &answered);
        answered
    }

    /// Sends it; again, if the server has done nothing of it.
    async fn sent(
        &self,
        mut parts: Parts,
        mut body: Outgoing,
        server: &Arc<Server>,
        (scheme, authority): (Scheme, &Authority),
        span: &Open,
    ) -> Result<Response<Incoming>, LinkError> {
        if is_of_connection(&parts.headers) {
            self.own.bind();
        }
        let mut own = self.own.hold().await;
        let (upstreams, mut left, mut was_h2) = (&self.proxy.upstreams, TRIES, true);
        loop {
            left -= 1;
            let mut link = match own.as_mut().and_then(|own| own.take(server)) {
                Some(link) => link,
                None if was_h2 && left > 0 => {
                    traced::connect(span, upstreams.link(server, self.flow.client)).await?
                }
                None => traced::connect(span, upstreams.fresh(server, self.flow.client)).await?,
            };
            was_h2 = link.alpn() == Alpn::H2;
            if !was_h2 {
                left = left.min(TRIES_H1);
            }
            // What is whole can be sent again. The connection may have been told goodbye just when the head
            // was on its way, and then the body is not: of a request that has none the server may have seen
            // all, so that has to be one that may come twice (RFC 9110 §9.2.2).
            let may_again = was_h2 && (!body.is_end_stream() || parts.method.is_idempotent());
            let again = may_again.then(|| body.copy()).flatten();
            let again = again.map(|body| (parts.clone(), body));
            let request = addressed(parts, body, &link, (scheme.clone(), authority))?;
            let error = match link.send(request).await {
                Ok(mut response) => {
                    if own.is_none() && !was_h2 && is_of_connection(response.headers()) {
                        self.own.bind();
                        own = self.own.hold().await;
                    }
                    if !was_h2 {
                        response.extensions_mut().insert(upstreams.lease(server, link, own));
                    }
                    return Ok(response);
                }
                Err(unsent) => match (unsent.request, again) {
                    // A connection that was idle may be gone when the next request comes: nothing of that
                    // was sent.
                    (Some(request), _) if left > 0 => {
                        (parts, body) = request.into_parts();
                        continue;
                    }
                    (_, Some(again)) if left > 0 && unsent.error.is_unprocessed() => {
                        (parts, body) = again;
                        continue;
                    }
                    _ => unsent.error,
                },
            };
            return Err(error);
        }
    }
}

/// What it comes to; nothing if it does not by then, whatever that has become meanwhile.
async fn in_time<T>(
    mut it: Pin<&mut impl Future<Output = T>>,
    until: impl Fn() -> Instant,
) -> Option<T> {
    loop {
        match tokio::time::timeout_at(until(), it.as_mut()).await {
            Ok(done) => return Some(done),
            Err(_) if until() > Instant::now() => {}
            Err(_) => return None,
        }
    }
}

fn addressed(
    mut parts: Parts,
    body: Outgoing,
    link: &Link,
    (scheme, authority): (Scheme, &Authority),
) -> Result<Request<Outgoing>, LinkError> {
    let is_h2 = link.alpn() == Alpn::H2;
    let version = if is_h2 { Version::HTTP_2 } else { Version::HTTP_11 };
    let path = parts.uri.path_and_query().cloned();
    let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
    parts.uri = sark_head::address(version, scheme, authority, path, &mut parts.headers)
        .map_err(|_| LinkError::Protocol)?;
    parts.version = version;
    Ok(Request::from_parts(parts, body))
}
