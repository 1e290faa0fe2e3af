//! Asks `sarkd` over its Unix socket, or over HTTPS.

mod error;
mod target;

use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use sark_api::{ErrorBody, routes};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use error::ClientError;
pub use target::Target;

use crate::exit::Failure;
use crate::output::{printable, talk};
use crate::render;

/// Every answer but a document is read whole; none is longer.
const LONGEST_ANSWER: usize = 256 << 20;

/// A connection to `sarkd`, for one command.
pub struct Client {
    http: reqwest::Client,
    runtime: tokio::runtime::Runtime,
    /// For people: the socket, or `https://name:port`.
    place: String,
    /// Before the path.
    base: String,
    timeout: Duration,
    /// The difference of versions was told.
    told: AtomicBool,
}

impl Client {
    /// Does not connect yet.
    pub fn new(target: Target, timeout: Duration) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::failed)?;
        // The HTTP client speaks TLS and wants to know which. An error says that it knows already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (place, base) = (target.place(), target.base());
        let http = target
            .onto(reqwest::ClientBuilder::new())?
            .timeout(timeout)
            .user_agent(concat!("sarkctl/", env!("CARGO_PKG_VERSION")))
            // Where we are sent on to, a token has no business.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(Failure::failed)?;
        Ok(Self { http, runtime, place, base, timeout, told: AtomicBool::new(false) })
    }

    /// The socket, or `https://name:port`.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// `GET`; `query` is appended percent-encoded.
    pub fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, ClientError> {
        self.ask(self.http.get(self.url(path, query)), path)
    }

    /// `GET` of a document that is passed on as it comes, however long it is. Its headers.
    pub fn pass_on(
        &self,
        path: &str,
        query: &[(&str, &str)],
        to: &mut impl io::Write,
    ) -> Result<HeaderMap, ClientError> {
        let request = self.http.get(self.url(path, query));
        // The request wants to find the runtime when it is sent.
        self.runtime.block_on(async {
            let mut response = request.send().await.map_err(|error| self.unanswered(error))?;
            if !response.status().is_success() {
                let read = read(response).await;
                let (status, _, body) = read.map_err(|error| self.unanswered(error))?;
                return Err(self.refusal(path, status, &body.unwrap_or_default()));
            }
            let headers = std::mem::take(response.headers_mut());
            while let Some(chunk) =
                response.chunk().await.map_err(|error| self.unanswered(error))?
            {
                to.write_all(&chunk).map_err(ClientError::Write)?;
            }
            Ok(headers)
        })
    }

    /// `DELETE`; `query` as for [`get`](Self::get).
    pub fn delete<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, ClientError> {
        self.ask(self.http.delete(self.url(path, query)), path)
    }

    /// `POST`.
    pub fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.ask(self.http.post(self.url(path, &[])).json(body), path)
    }

    /// `POST` of JSON as it is, with an idempotency key.
    pub fn post_json<T: DeserializeOwned>(
        &self,
        path: &str,
        octets: Vec<u8>,
        key: Option<&str>,
    ) -> Result<T, ClientError> {
        let request = self.http.post(self.url(path, &[])).body(octets);
        let request = request.header("content-type", "application/json");
        let keyed = match key {
            Some(key) => request.header("idempotency-key", key),
            None => request,
        };
        self.ask(keyed, path)
    }

    /// `POST` of octets of this kind.
    pub fn post_octets<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        octets: Vec<u8>,
        kind: &str,
    ) -> Result<T, ClientError> {
        let request = self.http.post(self.url(path, query)).body(octets);
        self.ask(request.header("content-type", kind), path)
    }

    /// `POST` of lines of text: the registry version that answers, and its answer as it is.
    pub fn post_lines(&self, path: &str, lines: String) -> Result<(String, Vec<u8>), ClientError> {
        let (head, body) = self.octets(self.http.post(self.url(path, &[])).body(lines), path)?;
        let version = head.get(sark_api::routes::REGISTRY_VERSION);
        let version = version.and_then(|version| version.to_str().ok());
        let missing = || self.foreign(path, "it does not say of which registry".to_owned());
        Ok((version.ok_or_else(missing)?.to_owned(), body))
    }

    /// What came is not an answer.
    pub fn foreign(&self, path: &str, what: String) -> ClientError {
        ClientError::Foreign { place: self.place.clone(), path: path.to_owned(), what }
    }

    fn ask<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
        path: &str,
    ) -> Result<T, ClientError> {
        let (_, body) = self.octets(request, path)?;
        serde_json::from_slice(&body).map_err(|error| self.foreign(path, error.to_string()))
    }

    /// Of a socket the host is never looked up: the connection is the socket.
    fn url(&self, path: &str, query: &[(&str, &str)]) -> String {
        let mut url = format!("{}{path}", self.base);
        for (index, (key, value)) in query.iter().enumerate() {
            url.push(if index == 0 { '?' } else { '&' });
            url.push_str(key);
            url.push('=');
            url.push_str(&render::percent(value));
        }
        url
    }

    /// Says it, once, if the other end is of another version.
    fn compare(&self, head: &HeaderMap) {
        let theirs = head.get(routes::SARKD_VERSION).and_then(|version| version.to_str().ok());
        let Some(theirs) = theirs else { return };
        let ours = env!("CARGO_PKG_VERSION");
        if theirs != ours && !self.told.swap(true, Ordering::Relaxed) {
            let theirs = printable(theirs);
            talk(format_args!(
                "note: this is sarkctl {ours}, and sarkd is {theirs}: what only one of them knows \
                 fails; use the sarkctl of sarkd's version"
            ));
        }
    }

    /// The body of a success.
    fn octets(
        &self,
        request: reqwest::RequestBuilder,
        path: &str,
    ) -> Result<(HeaderMap, Vec<u8>), ClientError> {
        let (status, head, body) =
            self.runtime.block_on(exchange(request)).map_err(|error| self.unanswered(error))?;
        self.compare(&head);
        let Some(body) = body else {
            return Err(self.foreign(path, "the answer is too long".to_owned()));
        };
        if status.is_success() {
            return Ok((head, body));
        }
        Err(self.refusal(path, status, &body))
    }

    /// An answer that is no success.
    fn refusal(&self, path: &str, status: StatusCode, body: &[u8]) -> ClientError {
        match serde_json::from_slice::<ErrorBody>(body) {
            Ok(body) => ClientError::Answer(Box::new(body.error)),
            Err(_) => {
                let what = format!("HTTP status {status} without sarkd's error body");
                self.foreign(path, what)
            }
        }
    }

    fn unanswered(&self, error: reqwest::Error) -> ClientError {
        let place = self.place.clone();
        if error.is_timeout() {
            return ClientError::Timeout { place, seconds: self.timeout.as_secs_f64() };
        }
        match io_kind(&error) {
            Some(io::ErrorKind::NotFound) => {
                ClientError::Absent { place, what: "there is no such socket" }
            }
            Some(io::ErrorKind::ConnectionRefused) => {
                ClientError::Absent { place, what: "nobody listens there" }
            }
            Some(io::ErrorKind::PermissionDenied) => ClientError::NotPermitted { place },
            _ => ClientError::Broken { place, source: Box::new(error) },
        }
    }
}

async fn exchange(
    request: reqwest::RequestBuilder,
) -> Result<(StatusCode, HeaderMap, Option<Vec<u8>>), reqwest::Error> {
    read(request.send().await?).await
}

/// `None` if it is too long.
async fn read(
    mut response: reqwest::Response,
) -> Result<(StatusCode, HeaderMap, Option<Vec<u8>>), reqwest::Error> {
    let head = std::mem::take(response.headers_mut());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            return Ok((response.status(), head, None));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((response.status(), head, Some(body)))
}

fn io_kind(error: &reqwest::Error) -> Option<io::ErrorKind> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        cause = error.source();
    }
    None
}
