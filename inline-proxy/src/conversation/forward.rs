//! To the server.

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue};
use http::request::Parts;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, Response, StatusCode};
use hyper::body::Incoming;
use sark_detect::{Asked, Dialect, Kind, UsageAsked, credentials};

use super::gate::Gate;
use super::{Conversation, Taken, reply};
use crate::body::{Outgoing, Reply};
use crate::flow::Target;
use crate::upstream::LinkError;

/// What was decided of a request that goes on.
#[derive(Default)]
pub(super) struct Going {
    /// What it asks of a model.
    pub(super) asked: Option<Asked>,
    /// Another server, of a policy.
    pub(super) instead: Option<Target>,
    /// Who decides on what the answer does.
    pub(super) gate: Option<Box<Gate>>,
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
            body = with_body(&mut parts.headers, asking);
            Some(again)
        });
        let to = (scheme, &authority);
        let mut answered = self.exchange(parts, body, &server, to.clone(), taken).await;
        let is_unknown = |response: &Response<Incoming>| {
            [StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY].contains(&response.status())
        };
        if let Some((parts, body)) = again.filter(|_| answered.as_ref().is_ok_and(is_unknown)) {
            // Its connection may be the only one, and is free when all of it was read.
            if let Ok(response) = answered {
                self.leave(Outgoing::unread(response.into_body()), false);
            }
            answered = self.exchange(parts, body, &server, to, taken).await;
            if let Some(asked) = &mut going.asked {
                asked.usage = UsageAsked::Always;
            }
        }
        match answered {
            Ok(response) => self.pass(response, taken, going).await,
            Err(error) => {
                self.unreached(taken, &server.target, &error);
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
}

/// A body instead of the client's.
pub(super) fn with_body(headers: &mut HeaderMap, octets: Bytes) -> Outgoing {
    headers.remove(CONTENT_ENCODING);
    headers.insert(CONTENT_LENGTH, octets.len().into());
    Outgoing::whole(octets)
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
