//! The HTTP client of one server, or of a few that know the same secrets.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Method, Proxy, Response, StatusCode, Url};

use crate::reach::{Guard, Reach};
use crate::{OutboundError, SettingsError, tls};

const REDIRECTS: usize = 5;
const OTHER_SCHEME: &str = "to another scheme";
/// How long a connection may take.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);
/// Longest pause within an answer: one that drips slower than an octet in this time has ended.
pub(crate) const SILENCE: Duration = Duration::from_secs(15);

/// How a server is asked.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Which addresses its name may lead to.
    pub reach: Reach,
    /// `http://`, `https://` or `socks5://host:port`. It resolves, and is the operator's own: the
    /// address guard is its to have.
    pub proxy: Option<String>,
    /// PEM file of authorities that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// Of every request. Those marked sensitive are for this server alone: a redirect to another is
    /// refused then.
    pub headers: HeaderMap,
    /// Whether redirects are followed.
    pub redirects: Redirects,
}

/// Whether redirects are followed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Redirects {
    /// Never: the answer that redirects is the answer.
    #[default]
    Never,
    /// At most five, each checked as the first address was, and never from `https` to `http`.
    Follow,
}

/// One question.
#[derive(Clone)]
pub struct Request {
    /// `GET`, `POST`.
    pub method: Method,
    /// Where. Whether plain HTTP will do is the caller's to say.
    pub url: Url,
    /// Beside those of every request.
    pub headers: HeaderMap,
    /// Empty: none.
    pub body: Vec<u8>,
}

impl Request {
    /// A question without a body.
    #[must_use]
    pub fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: HeaderMap::new(), body: Vec::new() }
    }

    /// One with this body.
    #[must_use]
    pub fn post(url: Url, headers: HeaderMap, body: Vec<u8>) -> Self {
        Self { method: Method::POST, url, headers, body }
    }
}

/// Asks over HTTP.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    reach: Arc<Reach>,
    has_proxy: bool,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

impl Client {
    /// Of these settings.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let Settings { reach, proxy, ca_file, headers, redirects } = settings;
        let (reach, has_proxy) = (Arc::new(reach), proxy.is_some());
        let has_secret = headers.values().any(reqwest::header::HeaderValue::is_sensitive);
        let policy = match redirects {
            Redirects::Never => Policy::none(),
            Redirects::Follow => {
                let reach = Arc::clone(&reach);
                Policy::custom(move |attempt| follow(attempt, &reach, has_secret))
            }
        };
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("sark/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .no_proxy()
            .referer(false)
            .redirect(policy)
            .tls_backend_preconfigured(tls::config(ca_file.as_deref())?)
            .default_headers(headers);
        match proxy {
            Some(proxy) => {
                let proxy = Proxy::all(proxy);
                let proxy = proxy.map_err(|_| SettingsError::new("its proxy is no URL"))?;
                builder = builder.proxy(proxy);
            }
            None if *reach != Reach::Any => {
                builder = builder.dns_resolver(Arc::new(Guard(Arc::clone(&reach))));
            }
            None => {}
        }
        let http = builder.build().map_err(|error| SettingsError::new(error.to_string()))?;
        Ok(Self { http, reach, has_proxy })
    }

    /// Asks. The head of the answer is there when this returns.
    pub async fn send(&self, request: Request) -> Result<Answer, OutboundError> {
        let Request { method, url, headers, body } = request;
        if !self.has_proxy {
            let refused = self.reach.check_literal(&url);
            refused.map_err(|refused| OutboundError::NotPublic(refused.0))?;
        }
        let mut builder = self.http.request(method, url).headers(headers);
        if !body.is_empty() {
            builder = builder.body(body);
        }
        Ok(Answer(builder.send().await.map_err(OutboundError::of)?))
    }
}

/// Never from `https` to `http`, never to where we have no business, and with a secret in the
/// headers never to another server: it was given to one.
fn follow(attempt: Attempt<'_>, reach: &Reach, secret: bool) -> reqwest::redirect::Action {
    let was_tls = attempt.previous().iter().any(|url| url.scheme() == "https");
    let url = attempt.url();
    let refused = match url.scheme() {
        _ if attempt.previous().len() > REDIRECTS => Some("too often"),
        _ if secret
            && attempt.previous().iter().any(|url| url.origin() != attempt.url().origin()) =>
        {
            Some("to another server, which is not to know the secret")
        }
        "https" => None,
        "http" if !was_tls => None,
        "http" => Some("from https to http"),
        _ => Some(OTHER_SCHEME),
    };
    if let Some(why) = refused {
        return attempt.error(Refused(why));
    }
    if let Err(error) = reach.check_literal(url) {
        return attempt.error(error);
    }
    attempt.follow()
}

/// A redirect that is not followed.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("redirects {0}")]
pub(crate) struct Refused(pub(crate) &'static str);

/// An answer, its body not read yet.
#[derive(Debug)]
pub struct Answer(Response);

impl Answer {
    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// Its headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.0.headers()
    }

    /// Why a redirect is still here although those that can be followed were.
    #[must_use]
    pub fn lost(&self) -> &'static str {
        let to = self.headers().get(reqwest::header::LOCATION);
        match to.map(|to| to.to_str().unwrap_or_default()) {
            None | Some("") => "nowhere",
            Some(to)
                if to.parse::<Url>().is_ok_and(|to| !matches!(to.scheme(), "http" | "https")) =>
            {
                OTHER_SCHEME
            }
            Some(_) => "in a way we do not follow",
        }
    }

    /// The whole body, of at most this many octets.
    pub async fn body(mut self, limit: u64) -> Result<Vec<u8>, OutboundError> {
        let too_large = OutboundError::TooLarge { limit };
        if self.0.content_length().is_some_and(|length| length > limit) {
            return Err(too_large);
        }
        let mut octets = Vec::new();
        while let Some(chunk) = self.0.chunk().await.map_err(OutboundError::of)? {
            if octets.len() as u64 + chunk.len() as u64 > limit {
                return Err(too_large);
            }
            octets.extend_from_slice(&chunk);
        }
        Ok(octets)
    }

    /// What of the body comes first, at most this many octets; the rest is not read.
    pub async fn beginning(mut self, most: usize) -> Vec<u8> {
        let mut octets = Vec::new();
        while octets.len() < most
            && let Ok(Some(chunk)) = self.0.chunk().await
        {
            octets.extend_from_slice(&chunk[..chunk.len().min(most - octets.len())]);
        }
        octets
    }
}
