//! Saying no, in words that the client's library understands: its own permission error, once, and no
//! second try.

mod bodies;
mod grpc;
mod in_stream;
mod rpc;
mod session;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::{Asked, Family, Recognised, Unreadable};

pub use in_stream::Form;

/// What is said instead of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub kind: Kind,
    /// For people and models: what is not allowed, or what went wrong. Never what was found. It is cut
    /// at 300 octets.
    pub message: String,
    /// Ours, as in the record.
    pub request_id: String,
    /// The rule that refused, if one did.
    pub rule: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Policy says no: 403.
    Denied,
    /// The request says nothing that can be relied on: 400.
    Unreadable,
    /// Headers of MCP and its body differ: 400, -32020.
    Mirror,
    /// The body is longer than is read: 413.
    TooLarge,
    /// Too many requests, now: 429, to be tried again.
    RateLimited {
        /// In seconds.
        retry_after: u32,
    },
    /// A budget is spent: 429, not to be tried again.
    Spent,
    /// The provider could not be reached, or not be believed: 502.
    Upstream,
    /// We have too much to do: 503, to be tried again.
    Overloaded {
        /// In seconds.
        retry_after: u32,
    },
}

impl From<&Unreadable> for Kind {
    fn from(why: &Unreadable) -> Self {
        match why {
            Unreadable::TooLong(_) => Self::TooLarge,
            Unreadable::Mirror(_) => Self::Mirror,
            _ => Self::Unreadable,
        }
    }
}

impl Kind {
    /// Of the HTTP response.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Denied => StatusCode::FORBIDDEN,
            Self::Unreadable | Self::Mirror => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RateLimited { .. } | Self::Spent => StatusCode::TOO_MANY_REQUESTS,
            Self::Upstream => StatusCode::BAD_GATEWAY,
            Self::Overloaded { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Our word for it, which programs may rely on.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Denied => "sark_denied",
            Self::Unreadable => "sark_unreadable",
            Self::Mirror => "sark_header_mismatch",
            Self::TooLarge => "sark_too_large",
            Self::RateLimited { .. } => "sark_rate_limited",
            Self::Spent => "sark_budget_spent",
            Self::Upstream => "sark_upstream",
            Self::Overloaded { .. } => "sark_overloaded",
        }
    }

    fn retry_after(self) -> Option<u32> {
        match self {
            Self::RateLimited { retry_after } | Self::Overloaded { retry_after } => {
                Some(retry_after)
            }
            _ => None,
        }
    }
}

/// Longer messages are cut.
const MESSAGE: usize = 300;
/// Longer ids are cut.
const ID: usize = 128;

impl Refusal {
    /// Before anything was answered; plain JSON, also where a stream was asked for.
    #[must_use]
    pub fn response(&self, recognised: &Recognised, asked: Option<&Asked>) -> Response<Bytes> {
        if recognised.family == Family::Mcp {
            return self.rpc_response(recognised, asked);
        }
        self.of_family(recognised.family)
    }

    /// Before anything is known of the request but whose host it is for; RFC 9457 if not even that.
    #[must_use]
    pub fn of_family(&self, family: Family) -> Response<Bytes> {
        if family == Family::Grpc {
            return self.grpc_response();
        }
        let body = self.body(family).to_string();
        let kind = match family {
            Family::Unknown => "application/problem+json",
            _ => "application/json",
        };
        let mut response = self.with_headers(self.kind.status(), kind, body.into());
        let headers = response.headers_mut();
        let id = value(&self.request_id);
        match family {
            Family::OpenAi => put(headers, "x-request-id", id),
            Family::Anthropic => put(headers, "request-id", id),
            Family::Bedrock => {
                put(headers, "x-amzn-requestid", id);
                let exception = HeaderValue::from_static(bodies::exception(self.kind));
                put(headers, "x-amzn-errortype", Some(exception));
            }
            _ => {}
        }
        response
    }

    fn with_headers(&self, status: StatusCode, kind: &'static str, body: Bytes) -> Response<Bytes> {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        put(headers, "cache-control", Some(HeaderValue::from_static("no-store")));
        put(headers, "x-sark-request-id", value(&self.request_id));
        put(headers, "x-sark-rule", self.rule.as_deref().and_then(value));
        match self.kind.retry_after() {
            Some(seconds) => _ = headers.insert(RETRY_AFTER, seconds.into()),
            None if self.kind == Kind::Upstream => {}
            // OpenAI's and Anthropic's libraries, and those made of the same, obey it.
            None => put(headers, "x-should-retry", Some(HeaderValue::from_static("false"))),
        }
        response
    }

    /// With the ids, for whoever asks about it; on one line.
    fn text(&self) -> String {
        let message = clean(&self.message, MESSAGE);
        let id = clean(&self.request_id, ID);
        match &self.rule {
            Some(rule) => format!("{message} (request {id}, rule {})", clean(rule, ID)),
            None => format!("{message} (request {id})"),
        }
    }
}

fn put(headers: &mut HeaderMap, name: &'static str, value: Option<HeaderValue>) {
    if let Some(value) = value {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// What of it a header may carry.
fn value(text: &str) -> Option<HeaderValue> {
    let text: String = text.chars().filter(|c| c.is_ascii_graphic()).take(ID).collect();
    HeaderValue::try_from(text).ok().filter(|value| !value.is_empty())
}

/// On one line, and no longer than this.
fn clean(text: &str, most: usize) -> String {
    let text = text.get(..text.floor_char_boundary(most)).unwrap_or(text);
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
