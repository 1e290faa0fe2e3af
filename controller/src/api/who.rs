//! Who asks: a token, a client certificate, or a user of this machine.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sark_api::{ErrorBody, ErrorCode};
use sark_core::identity::{Denied, Identity};

use super::answer::Failure;
use super::source::Source;
use super::strangers::Client;
use super::{Api, Peer};
use crate::chain;
use crate::identities::Disbelieved;

/// A token, where there is one, says who asks; else the connection does.
pub(super) async fn identify(
    api: &Api,
    peer: Option<&Peer>,
    authorization: Option<&HeaderValue>,
) -> Result<Identity, NotAdmitted> {
    let Some(peer) = peer else {
        let body = ErrorBody::new(ErrorCode::Internal, "the connection has no user");
        return Err(NotAdmitted::new("nobody", "internal", body));
    };
    if let Some(authorization) = authorization {
        return bearer(api, peer, authorization).await;
    }
    match peer {
        Peer::Local { uid } => match api.users.identity(*uid).await {
            Some(identity) => Ok(identity),
            None => {
                let body =
                    ErrorBody::new(ErrorCode::Forbidden, format!("user {uid} may not use sarkd"))
                        .with_help("add the user id to api.users, or use sudo");
                Err(NotAdmitted::new(format!("uid:{uid}"), "forbidden", body))
            }
        },
        Peer::Remote { address, certificate: Some(names) } => {
            names.identity(&api.certificates).ok_or_else(|| {
                let message = format!("nobody knows the certificate of {}", names.first());
                let body = ErrorBody::new(ErrorCode::Forbidden, message)
                    .with_help("add it to api.certificates of sarkd's configuration");
                NotAdmitted::new(Source::of(*address).to_string(), "forbidden", body)
            })
        }
        Peer::Remote { address, certificate: None } => Err(NotAdmitted::unauthenticated(
            Source::of(*address).to_string(),
            "nobody says who asks",
            "send a token (Authorization: Bearer sark_…), or a client certificate",
        )),
    }
}

async fn bearer(
    api: &Api,
    peer: &Peer,
    authorization: &HeaderValue,
) -> Result<Identity, NotAdmitted> {
    let (client, from) = match peer {
        Peer::Local { uid } => (Client::User(*uid), "socket".to_owned()),
        Peer::Remote { address, .. } => (Client::Source(Source::of(*address)), address.to_string()),
    };
    if let Some(wait) = api.strangers.wait(&client) {
        return Err(NotAdmitted::too_many(client.to_string(), wait));
    }
    let text = authorization.to_str().ok().and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let Some(text) = text else {
        api.strangers.failed(&client, None);
        return Err(NotAdmitted::unauthenticated(
            client.to_string(),
            "the Authorization header is not Bearer and a token",
            "Authorization: Bearer sark_…",
        ));
    };
    let error = match api.identities.believe(text, &from).await {
        Ok(identity) => return Ok(identity),
        Err(error) => error,
    };
    let who = client.to_string();
    match &error {
        Disbelieved::Store(_) => {
            let body = ErrorBody::new(ErrorCode::Unavailable, chain(&error))
                .with_help("try again; sarkctl doctor says more");
            Err(NotAdmitted::new(who, "unavailable", body))
        }
        Disbelieved::Unknown { id } => Err(match api.strangers.failed(&client, id.as_ref()) {
            Some(wait) => NotAdmitted::too_many(who, wait),
            None => NotAdmitted::unauthenticated(
                who,
                &error.to_string(),
                "check it, or have an admin make another: sarkctl auth token create",
            ),
        }),
        Disbelieved::Ended { name, .. } => {
            api.strangers.failed(&client, None);
            Err(NotAdmitted::unauthenticated(
                format!("token:{name}"),
                &error.to_string(),
                "have an admin make another: sarkctl auth token create",
            ))
        }
    }
}

/// Who is not admitted, and what they are told.
pub(super) struct NotAdmitted {
    pub(super) who: String,
    pub(super) why: &'static str,
    pub(super) failure: Rejection,
}

/// A failure, with what HTTP wants beside it.
pub(super) struct Rejection {
    failure: Failure,
    wait: Option<Duration>,
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let mut response = self.failure.into_response();
        if response.status() == StatusCode::UNAUTHORIZED {
            let asks = HeaderValue::from_static("Bearer realm=\"sarkd\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, asks);
        }
        if let Some(wait) = self.wait {
            // Whole seconds, and never none.
            let seconds = HeaderValue::from(wait.as_secs() + 1);
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

impl NotAdmitted {
    pub(super) fn new(who: impl Into<String>, why: &'static str, body: ErrorBody) -> Self {
        let failure = Rejection { failure: Failure(body), wait: None };
        Self { who: who.into(), why, failure }
    }

    fn unauthenticated(who: impl Into<String>, message: &str, help: &str) -> Self {
        let body = ErrorBody::new(ErrorCode::Unauthenticated, message).with_help(help);
        Self::new(who, "unauthenticated", body)
    }

    fn too_many(who: impl Into<String>, wait: Duration) -> Self {
        let body = ErrorBody::new(ErrorCode::TooMany, "too many tokens that do not hold")
            .with_help("wait, and see that the token is the right one");
        let mut refused = Self::new(who, "too-many", body);
        refused.failure.wait = Some(wait);
        refused
    }
}

/// What somebody is told who is known, and may not.
pub(super) fn refusal(denied: &Denied) -> ErrorBody {
    let help = match denied {
        Denied::Role { role, .. } => format!("ask an admin for the role {role}"),
        Denied::Scope { line, .. } => {
            format!("use a token with the scope {}, or without scopes", line.as_str())
        }
        Denied::Report { kind, .. } => format!("use a token with the scope sensors:{kind}"),
        Denied::Decide(_) => "use a token with the scope decide".to_owned(),
        Denied::Proxy(_) => "use a token with the scope proxy".to_owned(),
        Denied::Enforcer(_) => "use a token with the scope enforcer".to_owned(),
    };
    ErrorBody::new(ErrorCode::Forbidden, denied.to_string()).with_help(help)
}
