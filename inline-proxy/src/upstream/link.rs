//! One connection to a server, on which HTTP is spoken.

use std::error::Error as _;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio_rustls::client::TlsStream;

use super::heard::Heard;
use super::lease::Stay;
use super::pool::Flight;
use crate::alpn::Alpn;
use crate::body::Outgoing;
use crate::dial::DialError;

/// Octets of an answer that a server may send before we have read them; and of all together, so that one
/// client that does not read holds up no other.
const STREAM_WINDOW: u32 = 512 << 10;
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;
/// How often an idle HTTP/2 connection is asked whether it still is one.
const ASK_EVERY: Duration = Duration::from_secs(20);
/// Requests at a time that an HTTP/2 server is taken to allow before it says how many. That it says just
/// this is unlikely, and costs a connection.
const ASSUMED: usize = 97;

/// Sends requests; ends its connection when it is dropped.
#[derive(Debug)]
pub struct Link {
    sender: Sender,
    alpn: Alpn,
    /// Its place on a connection that others are on, too.
    pub(super) flight: Option<Arc<Flight>>,
}

#[derive(Debug)]
enum Sender {
    H1(http1::SendRequest<Outgoing>),
    H2(Shared),
}

/// An HTTP/2 connection, which many requests may be on at once.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    sender: http2::SendRequest<Outgoing>,
    /// How many at once, once the server has said it.
    pub(super) streams: watch::Receiver<Option<usize>>,
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

impl LinkError {
    /// Whether the server says that it did nothing of the request, so that it may be sent again: the stream
    /// was refused (RFC 9113 §8.7), or is beyond the last one that a GOAWAY names (§6.8).
    #[must_use]
    pub fn is_unprocessed(&self) -> bool {
        let Self::Http(error) = self else { return false };
        let of_h2 = error.source().and_then(|source| source.downcast_ref::<h2::Error>());
        of_h2.is_some_and(|error| {
            let is_refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
            error.is_remote() && (is_refused || error.is_go_away())
        })
    }
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
        Ok(Self { sender: Sender::H1(sender), alpn, flight: None })
    }

    async fn h2(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    ) -> Result<Self, LinkError> {
        let heard = Arc::<Notify>::default();
        let stream = Heard::new(stream, Arc::clone(&heard));
        let (sender, mut connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .initial_max_send_streams(ASSUMED)
            .keep_alive_interval(ASK_EVERY)
            .handshake(TokioIo::new(stream))
            .await?;
        let (allows, streams) = watch::channel(None);
        tokio::spawn(async move {
            let mut step = async || {
                poll_fn(|context| {
                    let done = Pin::new(&mut connection).poll(context).is_ready();
                    let streams = connection.current_max_send_streams();
                    if streams != ASSUMED {
                        allows.send_if_modified(|now| now.replace(streams) != Some(streams));
                    }
                    if done { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
            };
            loop {
                tokio::select! {
                    // As above.
                    () = step() => return,
                    () = heard.notified() => {}
                }
            }
        });
        Ok(Self { sender: Sender::H2(Shared { sender, streams }), alpn: Alpn::H2, flight: None })
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
            Sender::H2(shared) => shared.is_closed(),
        }
    }

    /// The connection, if many requests may be on it at once.
    pub(super) const fn shared(&self) -> Option<&Shared> {
        match &self.sender {
            Sender::H1(_) => None,
            Sender::H2(shared) => Some(shared),
        }
    }

    /// Whether the answer before has been read, and another request can be sent.
    pub(super) fn is_ready(&self) -> bool {
        match &self.sender {
            Sender::H1(sender) => sender.is_ready(),
            Sender::H2(shared) => shared.sender.is_ready(),
        }
    }

    /// Until the answer before has been read.
    pub async fn ready(&mut self) -> Result<(), LinkError> {
        match &mut self.sender {
            Sender::H1(sender) => Ok(sender.ready().await?),
            Sender::H2(shared) => Ok(shared.sender.ready().await?),
        }
    }

    /// Sends a request, and waits for the head of its answer. Its place on a shared connection goes with the
    /// answer, among its extensions: it is free again when the last of it is dropped.
    pub async fn send(&mut self, request: Request<Outgoing>) -> Result<Response<Incoming>, Unsent> {
        let sent = match &mut self.sender {
            Sender::H1(sender) => sender.try_send_request(request).await,
            Sender::H2(shared) => shared.sender.try_send_request(request).await,
        };
        let mut response = sent.map_err(|mut error: TrySendError<_>| Unsent {
            request: error.take_message().map(Box::new),
            error: LinkError::Http(error.into_error()),
        })?;
        if let Some(flight) = self.flight.take() {
            response.extensions_mut().insert(Stay::Shared(flight));
        }
        Ok(response)
    }
}

impl Shared {
    /// Whether no request can be sent any more.
    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// A place on it.
    pub(super) fn link(&self, flight: Option<Arc<Flight>>) -> Link {
        Link { sender: Sender::H2(self.clone()), alpn: Alpn::H2, flight }
    }
}
