//! To the server, and back.

use std::sync::Arc;

use http::header::{ACCEPT_ENCODING, HeaderValue};
use http::request::Parts;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, Response};
use hyper::body::Body as _;
use sark_detect::{Asked, Kind, credentials};

use super::{Conversation, Taken, reply};
use crate::body::{Outgoing, Reply};
use crate::flow::Target;
use crate::head;
use crate::upstream::LinkError;
use crate::watch::{About, Watch};

impl Conversation {
    /// Sends a request that may go on, and gives its answer back as it comes. `instead` is another
    /// server, of a policy.
    pub(super) async fn forward(
        &self,
        mut parts: Parts,
        body: Outgoing,
        taken: &Taken,
        asked: Option<&Asked>,
        instead: Option<Target>,
    ) -> Response<Reply> {
        let server = match self.server(taken, instead.as_ref()) {
            Ok(server) => server,
            Err(message) => {
                return reply(
                    self.say(taken, Kind::Upstream, message).of_family(taken.recognised.family),
                );
            }
        };
        if asked.is_some() {
            only_what_is_read(&mut parts.headers);
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
        match self.exchange(parts, body, &server, (scheme, &authority)).await {
            Ok(mut response) => {
                let status = response.status().as_u16();
                head::strip_answer(response.headers_mut(), false);
                let watch = asked.map(|asked| {
                    let about = About {
                        correlation: self.correlation(taken),
                        provider: match &taken.endpoint {
                            Some((_, provider)) => Some(provider.clone()),
                            None => taken.recognised.provider.map(str::to_owned),
                        },
                        model: asked.model.clone(),
                        status,
                        since: taken.since,
                    };
                    let judge = Arc::clone(&self.proxy.judge);
                    let limits = &self.proxy.limits.detect;
                    let headers = response.headers();
                    Box::new(Watch::new(&taken.recognised, asked, headers, limits, about, judge))
                });
                let watch = match watch {
                    // Nobody asks for what comes after nothing.
                    Some(watch) if response.body().is_end_stream() => {
                        watch.ended();
                        None
                    }
                    watch => watch,
                };
                response.map(|body| Reply::Passing { body, watch })
            }
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
                reply(refusal.response(&taken.recognised, asked))
            }
        }
    }
}

/// Answers are read on their way: they come as they are, or packed in the one way that is opened.
fn only_what_is_read(headers: &mut HeaderMap) {
    let accepts_gzip = headers.get_all(ACCEPT_ENCODING).iter().any(|value| {
        let value = value.to_str().unwrap_or_default().to_ascii_lowercase();
        let mut codings = value.split(',').map(|coding| coding.split(';'));
        codings.any(|mut coding| {
            let is_gzip = coding.next().map(str::trim) == Some("gzip");
            let is_refused = coding.any(|weight| weight.replace(' ', "") == "q=0");
            is_gzip && !is_refused
        })
    });
    let value = if accepts_gzip { "gzip" } else { "identity" };
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
            only_what_is_read(&mut headers);
            assert_eq!(headers.get_all(ACCEPT_ENCODING).iter().count(), 1);
            assert_eq!(headers[ACCEPT_ENCODING], sent, "{accepts:?}");
        }
    }
}
