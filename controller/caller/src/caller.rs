//! One request to `sarkd`, over its socket or HTTPS.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use sark_core::secret::Secret;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

/// The most octets of an answer: a registry of a million prefixes has some 60 MB.
const MOST: usize = 256 << 20;

/// Where it is.
#[derive(Clone)]
pub(crate) enum Place {
    /// Its socket.
    Socket(PathBuf),
    /// Its HTTPS address.
    Https {
        /// `host:port`.
        authority: String,
        /// By whom it has to be vouched for.
        connector: TlsConnector,
    },
}

/// Calls `sarkd`.
#[derive(Clone)]
pub struct Caller {
    place: Place,
    token: Option<Secret>,
    agent: Option<HeaderValue>,
    aside: Option<Aside>,
}

/// A header, and what it says at the time of a call.
type Aside = (HeaderName, Arc<dyn Fn() -> u64 + Send + Sync>);

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller").field("place", &self.place()).finish_non_exhaustive()
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No connection.
    #[error("sarkd cannot be reached")]
    Connect(#[source] io::Error),
    /// No TLS.
    #[error("there is no TLS with sarkd")]
    Tls(#[source] io::Error),
    /// No name.
    #[error("sarkd's HTTPS address is not host:port")]
    Name,
    /// The token cannot be sent.
    #[error("the token has characters that no token has")]
    Token,
    /// It does not speak HTTP.
    #[error("sarkd did not answer")]
    Http(#[from] hyper::Error),
    /// Its answer broke off, or is too long.
    #[error("sarkd's answer cannot be read: {0}")]
    Answer(String),
    /// It took too long.
    #[error("sarkd did not answer within {0:?}")]
    Late(Duration),
    /// It refused.
    #[error("sarkd said {status}: {message}")]
    Refused {
        /// See RFC 9110 §15.
        status: StatusCode,
        /// Its words.
        message: String,
        /// Where it says that the mark of records is, if they do not go on from there (409).
        position: Option<u64>,
    },
}

impl Caller {
    /// At this place, as who has this token.
    pub(crate) const fn new(place: Place, token: Option<Secret>) -> Self {
        Self { place, token, agent: None, aside: None }
    }

    /// The same, which says what program it is: `sark-proxy/1.2.3`.
    #[must_use]
    pub fn named(self, agent: &'static str) -> Self {
        Self { agent: Some(HeaderValue::from_static(agent)), ..self }
    }

    /// The same, which says a number in a header with each call.
    #[must_use]
    pub fn telling(
        self,
        header: &'static str,
        number: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        Self { aside: Some((HeaderName::from_static(header), Arc::new(number))), ..self }
    }

    /// The socket, or `https://host:port`.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.place {
            Place::Socket(path) => path.display().to_string(),
            Place::Https { authority, .. } => format!("https://{authority}"),
        }
    }

    /// A request; its answer, whose status is a success.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        kind: &'static str,
        body: Bytes,
        within: Duration,
    ) -> Result<(StatusCode, Bytes), CallError> {
        let answered = tokio::time::timeout(within, self.ask(method, path, kind, body)).await;
        let (status, body) = answered.map_err(|_| CallError::Late(within))??;
        if status.is_success() {
            return Ok((status, body));
        }
        let (message, position) = words(&body);
        let position = position.filter(|_| status == StatusCode::CONFLICT);
        Err(CallError::Refused { status, message, position })
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        kind: &'static str,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), CallError> {
        let host = match &self.place {
            Place::Socket(_) => "localhost",
            Place::Https { authority, .. } => authority,
        };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().map_err(|_| CallError::Name)?;
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::from_str(host).map_err(|_| CallError::Name)?);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if let Some(token) = &self.token {
            let value = HeaderValue::from_str(&format!("Bearer {}", token.reveal()));
            let mut value = value.map_err(|_| CallError::Token)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        if let Some(agent) = &self.agent {
            headers.insert(USER_AGENT, agent.clone());
        }
        if let Some((name, number)) = &self.aside {
            headers.insert(name.clone(), number().into());
        }
        match &self.place {
            Place::Socket(path) => {
                let stream = UnixStream::connect(path).await.map_err(CallError::Connect)?;
                exchange(stream, request).await
            }
            Place::Https { authority, connector } => {
                let (name, _) = authority.rsplit_once(':').ok_or(CallError::Name)?;
                let name = name.trim_start_matches('[').trim_end_matches(']').to_owned();
                let name = ServerName::try_from(name).map_err(|_| CallError::Name)?;
                let stream = TcpStream::connect(authority).await.map_err(CallError::Connect)?;
                let stream = connector.connect(name, stream).await.map_err(CallError::Tls)?;
                exchange(stream, request).await
            }
        }
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Bytes), CallError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let answered = async {
        let (parts, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, MOST).collect().await;
        let body = body.map_err(|error| CallError::Answer(error.to_string()))?;
        Ok((parts.status, body.to_bytes()))
    };
    let answered = answered.await;
    connection.abort();
    answered
}

/// Message and position of the error document, or nothing: what is no document of `sarkd` is not repeated.
fn words(body: &[u8]) -> (String, Option<u64>) {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let texts = [&value["error"]["message"], &value["message"]];
    let text = texts.into_iter().find_map(serde_json::Value::as_str).unwrap_or_default();
    (text.chars().take(300).collect(), value["error"]["position"].as_u64())
}
