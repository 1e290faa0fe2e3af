//! To the server.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use rustls::pki_types::ServerName;
use sark_detect::{Asked, Dialect, Kind, UsageAsked, credentials};

use super::gate::Gate;
use super::{Conversation, Taken, reply};
use crate::alpn::{Alpn, Offer};
use crate::body::{Outgoing, Reply};
use crate::flow::Target;
use crate::head;
use crate::upstream::{Link, LinkError, Server};

/// What was decided of a request that goes on.
#[derive(Default)]
pub(super) struct Going {
    /// What it asks of a model.
    pub(super) asked: Option<Asked>,
    /// Another server, of a policy.
    pub(super) instead: Option<Target>,
    /// Who decides on what the answer does.
    pub(super) gate: Option<Gate>,
    /// The body to send instead: it asks for usage.
    pub(super) asking: Option<Bytes>,
}

impl Conversation {
    /// Sends a request that may go on, and gives its answer back as it comes.
    pub(super) async fn forward(
        &self,
        mut parts: Parts,
        mut body: Outgoing,
        taken: &Taken,
        mut going: Going,
    ) -> Response<Reply> {
        let instead = going.instead.take();
        let server = match self.server(taken, instead.as_ref()) {
            Ok(server) => server,
            Err(message) => {
                return reply(
                    self.say(taken, Kind::Upstream, message).of_family(taken.recognised.family),
                );
            }
        };
        if let Some(asked) = &going.asked {
            // MCP servers stream as they like.
            let may_stream = asked.stream || taken.recognised.dialect == Dialect::Mcp;
            only_what_is_read(&mut parts.headers, may_stream);
        }
        if instead.is_some() {
            // They are the other server's.
            let secret = parts.headers.keys().filter(|name| credentials::is_credential(name));
            for name in secret.cloned().collect::<Vec<_>>() {
                parts.headers.remove(name);
            }
        }
        let authority = match &instead {
            Some(target) => target.name().and_then(|name| Authority::try_from(name).ok()),
            None => Some(taken.authority.clone()),
        };
        let authority = authority.unwrap_or_else(|| taken.authority.clone());
        let scheme = if server.name.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
        // As the client wrote it, for a server that does not know the question.
        let again = going.asking.take().and_then(|asking| {
            let again = (parts.clone(), body.copy()?);
            parts.headers.remove(CONTENT_ENCODING);
            parts.headers.insert(CONTENT_LENGTH, asking.len().into());
            body = Outgoing::whole(asking);
            Some(again)
        });
        let to = (scheme, &authority);
        let mut answered = self.exchange(parts, body, &server, to.clone()).await;
        if let (Ok(response), Some((parts, body))) = (&answered, again)
            && [StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY]
                .contains(&response.status())
        {
            answered = self.exchange(parts, body, &server, to).await;
            if let Some(asked) = &mut going.asked {
                asked.usage = UsageAsked::Always;
            }
        }
        match answered {
            Ok(response) => self.pass(response, taken, going).await,
            Err(error) => {
                self.proxy.metrics.unreached();
                tracing::info!(
                    request = taken.id,
                    target = %server.target,
                    error = sark_core::chain(&error),
                    "a server could not be reached"
                );
                let (kind, message) = match &error {
                    LinkError::Dial(dial) if dial.is_refusal() => {
                        (Kind::Denied, "the address may not be reached through this proxy")
                    }
                    LinkError::Late(_) => (Kind::Upstream, "the server did not answer in time"),
                    LinkError::Tls(_) => {
                        (Kind::Upstream, "the server's certificate is not valid, or TLS failed")
                    }
                    _ => (Kind::Upstream, "the server could not be reached"),
                };
                let refusal = self.say(taken, kind, message.to_owned());
                reply(refusal.response(&taken.recognised, going.asked.as_ref()))
            }
        }
    }

    /// The server of this request.
    pub(super) fn server(&self, taken: &Taken, instead: Option<&Target>) -> Result<Server, String> {
        if let Some(target) = instead {
            let name = target.name().unwrap_or_default().to_owned();
            let name = ServerName::try_from(name).map_err(|error| error.to_string())?;
            return Ok(Server {
                target: target.clone(),
                name: Some(name),
                offer: Offer::Both,
                inner: true,
            });
        }
        if let Some(server) = &self.server {
            return Ok(server.clone());
        }
        // Of an explicit client without TLS: each request names its own.
        let port = taken.authority.port_u16().unwrap_or(80);
        let target = Target::Name(taken.host.clone(), port);
        Ok(Server { target, name: None, offer: Offer::Silent, inner: false })
    }

    async fn exchange(
        &self,
        parts: Parts,
        body: Outgoing,
        server: &Server,
        to: (Scheme, &Authority),
    ) -> Result<Response<Incoming>, LinkError> {
        let within = self.proxy.limits.answer_within;
        let answered = tokio::time::timeout(within, self.once(parts, body, server, to)).await;
        answered.unwrap_or(Err(LinkError::Late(within)))
    }

    async fn once(
        &self,
        parts: Parts,
        body: Outgoing,
        server: &Server,
        (scheme, authority): (Scheme, &Authority),
    ) -> Result<Response<Incoming>, LinkError> {
        let mut link = self.proxy.upstreams.link(server).await?;
        let request = addressed(parts, body, &link, (scheme.clone(), authority))?;
        let mut unsent = match link.send(request).await {
            Ok(response) => {
                self.keep(server, link);
                return Ok(response);
            }
            Err(unsent) => unsent,
        };
        // A connection that was idle may be gone when the next request comes; nothing of that was sent,
        // so it is sent on another.
        let Some(request) = unsent.request.take() else { return Err(unsent.error) };
        let (parts, body) = request.into_parts();
        let mut link = self.proxy.upstreams.fresh(server).await?;
        let request = addressed(parts, body, &link, (scheme, authority))?;
        let response = link.send(request).await.map_err(|unsent| unsent.error)?;
        self.keep(server, link);
        Ok(response)
    }

    /// When its answer has been read, the connection is for the next request.
    fn keep(&self, server: &Server, mut link: Link) {
        if link.alpn() == Alpn::H2 {
            return;
        }
        let (proxy, server) = (Arc::clone(&self.proxy), server.clone());
        tokio::spawn(async move {
            if link.ready().await.is_ok() {
                proxy.upstreams.back(&server, link);
            }
        });
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
    parts.uri = head::address(version, scheme, authority, path, &mut parts.headers)
        .map_err(|_| LinkError::Protocol)?;
    parts.version = version;
    Ok(Request::from_parts(parts, body))
}

/// Answers are read on their way: they come as they are, or packed in the one way that is opened; never if
/// something may have to be left out of them or said at their end.
fn only_what_is_read(headers: &mut HeaderMap, stream: bool) {
    let accepts_gzip = headers.get_all(ACCEPT_ENCODING).iter().any(|value| {
        let value = value.to_str().unwrap_or_default().to_ascii_lowercase();
        let mut codings = value.split(',').map(|coding| coding.split(';'));
        codings.any(|mut coding| {
            let is_gzip = coding.next().map(str::trim) == Some("gzip");
            let is_refused = coding.any(|weight| weight.replace(' ', "") == "q=0");
            is_gzip && !is_refused
        })
    });
    let value = if accepts_gzip && !stream { "gzip" } else { "identity" };
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_as_they_are_read() {
        for (accepts, sent) in [
            (&["gzip, deflate, br, zstd"][..], "gzip"),
            (&["br", "GZIP;q=0.5"], "gzip"),
            (&["br"], "identity"),
            (&["gzip; q=0, br"], "identity"),
            (&[], "identity"),
        ] {
            let mut headers = HeaderMap::new();
            for value in accepts {
                headers.append(ACCEPT_ENCODING, value.parse().unwrap());
            }
            let mut of_stream = headers.clone();
            only_what_is_read(&mut headers, false);
            assert_eq!(headers.get_all(ACCEPT_ENCODING).iter().count(), 1);
            assert_eq!(headers[ACCEPT_ENCODING], sent, "{accepts:?}");
            only_what_is_read(&mut of_stream, true);
            assert_eq!(of_stream[ACCEPT_ENCODING], "identity");
        }
    }
}
