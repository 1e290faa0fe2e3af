//! One connection to a server, on which HTTP is spoken.

use std::io;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::alpn::Alpn;
use crate::body::Outgoing;
use crate::dial::DialError;

/// Octets of an answer that a server may send before we have read them; and of all together, so that one
/// client that does not read holds up no other.
const STREAM_WINDOW: u32 = 512 << 10;
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;
/// How often an idle HTTP/2 connection is asked whether it still is one.
const ASK_EVERY: Duration = Duration::from_secs(20);

/// Sends requests; ends its connection when it is dropped.
#[derive(Debug)]
pub struct Link {
    sender: Sender,
    alpn: Alpn,
}

#[derive(Debug)]
enum Sender {
    H1(http1::SendRequest<Outgoing>),
    H2(http2::SendRequest<Outgoing>),
}

/// Why there is no connection, or no answer on it.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// No connection.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The handshake, or the answer, took too long.
    #[error("the server took over {0:?}")]
    Late(Duration),
    /// It is not who it should be, or does not speak TLS.
    #[error("there is no TLS with the server")]
    Tls(#[source] io::Error),
    /// It chose a protocol that was not offered.
    #[error("the server speaks another protocol than it was offered")]
    Protocol,
    /// HTTP.
    #[error("the server does not speak HTTP as it should")]
    Http(#[from] hyper::Error),
    /// It is gone.
    #[error("the server closed the connection")]
    Closed,
}

/// A request that the connection could not take, unsent: another may.
#[derive(Debug)]
pub struct Unsent {
    /// It, if nothing of it was sent.
    pub request: Option<Box<Request<Outgoing>>>,
    /// Why.
    pub error: LinkError,
}

impl Link {
    /// HTTP/1.1 without TLS.
    pub async fn plain(stream: TcpStream) -> Result<Self, LinkError> {
        Self::h1(stream, Alpn::Silent).await
    }

    /// As negotiated.
    pub async fn secure(stream: TlsStream<TcpStream>) -> Result<Self, LinkError> {
        let alpn = Alpn::of(stream.get_ref().1.alpn_protocol()).ok_or(LinkError::Protocol)?;
        match alpn {
            Alpn::H2 => Self::h2(stream).await,
            Alpn::H1 | Alpn::Silent => Self::h1(stream, alpn).await,
        }
    }

    async fn h1(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        alpn: Alpn,
    ) -> Result<Self, LinkError> {
        let (sender, connection) = http1::Builder::new()
            .preserve_header_case(true)
            .max_headers(256)
            .handshake(TokioIo::new(stream))
            .await?;
        tokio::spawn(async move {
            // Whoever waits for an answer is told by its sender.
            let _ = connection.with_upgrades().await;
        });
        Ok(Self { sender: Sender::H1(sender), alpn })
    }

    async fn h2(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    ) -> Result<Self, LinkError> {
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .keep_alive_interval(ASK_EVERY)
            .handshake(TokioIo::new(stream))
            .await?;
        tokio::spawn(async move {
            // As above.
            let _ = connection.await;
        });
        Ok(Self { sender: Sender::H2(sender), alpn: Alpn::H2 })
    }

    /// What is spoken.
    #[must_use]
    pub const fn alpn(&self) -> Alpn {
        self.alpn
    }

    /// Whether no request can be sent any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        match &self.sender {
            Sender::H1(sender) => sender.is_closed(),
            Sender::H2(sender) => sender.is_closed(),
        }
    }

    /// The same connection, if many requests may be on it at once.
    #[must_use]
    pub fn clone_shared(&self) -> Option<Self> {
        match &self.sender {
            Sender::H1(_) => None,
            Sender::H2(sender) => {
                Some(Self { sender: Sender::H2(sender.clone()), alpn: self.alpn })
            }
        }
    }

    /// Until the answer before has been read.
    pub async fn ready(&mut self) -> Result<(), LinkError> {
        match &mut self.sender {
            Sender::H1(sender) => Ok(sender.ready().await?),
            Sender::H2(sender) => Ok(sender.ready().await?),
        }
    }

    /// Sends a request, and waits for the head of its answer.
    pub async fn send(&mut self, request: Request<Outgoing>) -> Result<Response<Incoming>, Unsent> {
        let sent = match &mut self.sender {
            Sender::H1(sender) => sender.try_send_request(request).await,
            Sender::H2(sender) => sender.try_send_request(request).await,
        };
        sent.map_err(|mut error: TrySendError<_>| Unsent {
            request: error.take_message().map(Box::new),
            error: LinkError::Http(error.into_error()),
        })
    }
}
