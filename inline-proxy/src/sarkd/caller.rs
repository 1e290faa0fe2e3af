//! One request to `sarkd`, over its socket or HTTPS.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use sark_core::secret::Secret;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use crate::alpn::Offer;
use crate::upstream::{LinkError, Trust};

/// The most octets of an answer: a registry of a million prefixes has some 60 MB.
const MOST: usize = 256 << 20;

/// Where it is.
#[derive(Debug, Clone)]
pub enum Place {
    /// Its socket.
    Socket(PathBuf),
    /// Its HTTPS address.
    Https {
        /// `host:port`.
        authority: String,
        /// Whom we believe.
        trust: Trust,
    },
}

/// Calls it.
#[derive(Debug, Clone)]
pub struct Caller {
    place: Place,
    token: Option<Secret>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No connection.
    #[error("sarkd cannot be reached")]
    Connect(#[source] std::io::Error),
    /// No TLS.
    #[error("sarkd cannot be reached")]
    Tls(#[from] LinkError),
    /// No name.
    #[error("sarkd.https is not host:port")]
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
    #[must_use]
    pub const fn new(place: Place, token: Option<Secret>) -> Self {
        Self { place, token }
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
        match &self.place {
            Place::Socket(path) => {
                let stream = UnixStream::connect(path).await.map_err(CallError::Connect)?;
                exchange(stream, request).await
            }
            Place::Https { authority, trust } => {
                let (name, _) = authority.rsplit_once(':').ok_or(CallError::Name)?;
                let name = name.trim_start_matches('[').trim_end_matches(']').to_owned();
                let name = ServerName::try_from(name).map_err(|_| CallError::Name)?;
                let stream = TcpStream::connect(authority).await.map_err(CallError::Connect)?;
                exchange(trust.connect(name, Offer::H1, stream).await?, request).await
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
