//! Asks `sarkd` over its Unix socket.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use sark_api::{ErrorBody, ErrorCode, ErrorDetail};
use sark_core::document::Diagnostic;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::exit::{Exit, Failure};
use crate::offline::Mistakes;
use crate::render;

/// Every answer but a document is read whole; none is longer.
const LONGEST_ANSWER: usize = 256 << 20;

/// A connection to `sarkd`, for one command.
pub struct Client {
    http: reqwest::Client,
    runtime: tokio::runtime::Runtime,
    socket: PathBuf,
    timeout: Duration,
}

/// Why `sarkd` did not answer, or answered with an error.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error("sarkd does not answer at {socket}: {what}")]
    Absent {
        /// The socket.
        socket: PathBuf,
        /// Short: no such socket, nobody listens there.
        what: &'static str,
    },
    /// The socket may not be opened.
    #[error("not permitted to talk to sarkd at {socket}")]
    NotPermitted {
        /// The socket.
        socket: PathBuf,
    },
    /// No answer in time.
    #[error("sarkd at {socket} did not answer within {seconds} s")]
    Timeout {
        /// The socket.
        socket: PathBuf,
        /// The limit.
        seconds: f64,
    },
    /// The connection broke.
    #[error("the connection to sarkd at {socket} broke")]
    Broken {
        /// The socket.
        socket: PathBuf,
        /// Cause.
        source: Box<dyn Error + Send + Sync>,
    },
    /// It speaks, but not our language.
    #[error("cannot read what {socket} answered to {path}: {what}")]
    Foreign {
        /// The socket.
        socket: PathBuf,
        /// What was asked.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// It says no.
    #[error("{}", .0.message)]
    Answer(Box<ErrorDetail>),
    /// What it answered cannot be passed on.
    #[error("cannot write the answer")]
    Write(#[source] io::Error),
}

impl ClientError {
    /// The answer's error, if it was an answer.
    pub fn detail(&self) -> Option<&ErrorDetail> {
        if let Self::Answer(detail) = self { Some(detail) } else { None }
    }

    fn exit(&self) -> Exit {
        match self.detail().map(|detail| detail.code) {
            Some(ErrorCode::BadInput | ErrorCode::NotFound | ErrorCode::TooLarge) => Exit::Usage,
            Some(ErrorCode::Refused) => Exit::Refused,
            _ => Exit::Failed,
        }
    }

    /// What to do next.
    pub fn next(&self) -> String {
        match self {
            Self::Absent { .. } => "start it (`systemctl start sarkd`, or `sarkd --config FILE`), or name its socket with \
                 --socket or SARK_SOCKET; plan, simulate, registry and policy commands also work with --offline"
                .to_owned(),
            Self::NotPermitted { .. } => "run this as root, or as a user or group that sarkd's \
                 configuration allows on its socket"
                .to_owned(),
            Self::Timeout { .. } => "see `sarkctl doctor`, and sarkd's log (`journalctl -u sarkd`); \
                 allow more time with --timeout"
                .to_owned(),
            Self::Broken { .. } => "see whether sarkd still runs, and its log (`journalctl -u sarkd`); \
                 then `sarkctl flowspec revisions` says what was done"
                .to_owned(),
            Self::Foreign { .. } => "check that --socket is sarkd's, and that sarkctl and sarkd are of \
                 one version (`sarkctl version`)"
                .to_owned(),
            Self::Write(_) => "check that there is room, and that you may write there".to_owned(),
            Self::Answer(detail) => detail.help.clone().unwrap_or_else(|| {
                match detail.code {
                    ErrorCode::BadInput => "correct the input and try again",
                    ErrorCode::Unauthenticated => "see `sarkctl context show`: a token that holds is missing",
                    ErrorCode::TooMany => "wait, then try again",
                    ErrorCode::Forbidden => "ask somebody whom sarkd's configuration allows this",
                    ErrorCode::NotFound => "list what there is (`list`, `revisions`)",
                    ErrorCode::Conflict => "somebody else changed the policies: plan again",
                    ErrorCode::Refused => "change the policy as each refusal says; nothing was changed",
                    ErrorCode::TooLarge => "send fewer or smaller files",
                    _ => "see `sarkctl doctor`, and sarkd's log (`journalctl -u sarkd`)",
                }
                .to_owned()
            }),
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let diagnostics = error.detail().map_or(&[][..], |detail| &detail.diagnostics);
        if !diagnostics.is_empty() {
            return Mistakes(diagnostics.iter().cloned().map(Diagnostic::from).collect()).into();
        }
        Self { exit: error.exit(), next: Some(error.next()), error: error.into() }
    }
}

impl Client {
    /// Does not connect yet.
    pub fn new(socket: &Path, timeout: Duration) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::failed)?;
        // Built beside a program whose HTTP client speaks TLS, ours does too, and wants to know which.
        // An error says that it knows already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::ClientBuilder::new()
            .unix_socket(socket)
            .timeout(timeout)
            .user_agent(concat!("sarkctl/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(Failure::failed)?;
        Ok(Self { http, runtime, socket: socket.to_owned(), timeout })
    }

    /// The socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// `GET`; `query` is appended percent-encoded.
    pub fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, ClientError> {
        self.ask(self.http.get(url(path, query)), path)
    }

    /// `GET` of a document that is passed on as it comes, however long it is. Its headers.
    pub fn pass_on(
        &self,
        path: &str,
        query: &[(&str, &str)],
        to: &mut impl io::Write,
    ) -> Result<HeaderMap, ClientError> {
        let request = self.http.get(url(path, query));
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
        self.ask(self.http.delete(url(path, query)), path)
    }

    /// `POST`.
    pub fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.ask(self.http.post(url(path, &[])).json(body), path)
    }

    /// `POST` of lines of text: the registry version that answers, and its answer as it is.
    pub fn post_lines(&self, path: &str, lines: String) -> Result<(String, Vec<u8>), ClientError> {
        let (head, body) = self.octets(self.http.post(url(path, &[])).body(lines), path)?;
        let version = head.get(sark_api::routes::REGISTRY_VERSION);
        let version = version.and_then(|version| version.to_str().ok());
        let missing = || self.foreign(path, "it does not say of which registry".to_owned());
        Ok((version.ok_or_else(missing)?.to_owned(), body))
    }

    /// What came is not an answer.
    pub fn foreign(&self, path: &str, what: String) -> ClientError {
        ClientError::Foreign { socket: self.socket.clone(), path: path.to_owned(), what }
    }

    fn ask<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
        path: &str,
    ) -> Result<T, ClientError> {
        let (_, body) = self.octets(request, path)?;
        serde_json::from_slice(&body).map_err(|error| self.foreign(path, error.to_string()))
    }

    /// The body of a success.
    fn octets(
        &self,
        request: reqwest::RequestBuilder,
        path: &str,
    ) -> Result<(HeaderMap, Vec<u8>), ClientError> {
        let (status, head, body) =
            self.runtime.block_on(exchange(request)).map_err(|error| self.unanswered(error))?;
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
        let socket = self.socket.clone();
        if error.is_timeout() {
            return ClientError::Timeout { socket, seconds: self.timeout.as_secs_f64() };
        }
        match io_kind(&error) {
            Some(io::ErrorKind::NotFound) => {
                ClientError::Absent { socket, what: "there is no such socket" }
            }
            Some(io::ErrorKind::ConnectionRefused) => {
                ClientError::Absent { socket, what: "nobody listens there" }
            }
            Some(io::ErrorKind::PermissionDenied) => ClientError::NotPermitted { socket },
            _ => ClientError::Broken { socket, source: Box::new(error) },
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

/// The host is never looked up: the connection is the socket.
fn url(path: &str, query: &[(&str, &str)]) -> String {
    let mut url = format!("http://sarkd{path}");
    for (index, (key, value)) in query.iter().enumerate() {
        url.push(if index == 0 { '?' } else { '&' });
        url.push_str(key);
        url.push('=');
        url.push_str(&render::percent(value));
    }
    url
}
