//! One HTTP/2 channel to gobgpd, made at the first call and made again when it breaks.

use std::error::Error;
use std::future::Future;
use std::io;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use sark_flowspec::SpeakerError;
use tokio::net::{TcpStream, UnixStream};
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Status};
use tower::service_fn;

use crate::{Address, Config};

/// What gobgpd itself takes and sends.
pub(crate) const MAX_MESSAGE: usize = 256 * 1024 * 1024;
/// HTTP/2 flow control: what gobgpd may send before we have read it.
const WINDOW: u32 = 4 * 1024 * 1024;

/// A channel, and the words for its errors.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    channel: Channel,
    address: Address,
    timeout: Duration,
}

impl Connection {
    /// Does not connect yet. Must be called inside a tokio runtime.
    //
    // No HTTP/2 keepalive: grpc-go ends a connection that pings more often than every five minutes.
    // A daemon that hangs is found by the calls' own limits.
    pub(crate) fn new(config: &Config) -> Self {
        let endpoint = Endpoint::from_static("http://localhost")
            .connect_timeout(config.timeout())
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW);
        let channel = match config.address.clone() {
            Address::Unix(path) => {
                endpoint.connect_with_connector_lazy(service_fn(move |_: Uri| {
                    let path = path.clone();
                    async move { UnixStream::connect(path).await.map(TokioIo::new) }
                }))
            }
            Address::Tcp(address) => {
                endpoint.connect_with_connector_lazy(service_fn(move |_: Uri| async move {
                    let stream = TcpStream::connect(address).await?;
                    stream.set_nodelay(true)?;
                    Ok::<_, io::Error>(TokioIo::new(stream))
                }))
            }
        };
        Self { channel, address: config.address.clone(), timeout: config.timeout() }
    }

    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Waits for an answer, no longer than the configured silence.
    pub(crate) async fn within<T>(
        &self,
        call: &'static str,
        answer: impl Future<Output = Result<T, Status>>,
    ) -> Result<T, SpeakerError> {
        match tokio::time::timeout(self.timeout, answer).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(status)) => Err(self.error(call, status)),
            Err(_) => Err(self.silence(call)),
        }
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(crate) fn silence(&self, call: &'static str) -> SpeakerError {
        SpeakerError::Timeout { call, seconds: self.timeout.as_secs() }
    }

    /// A status that gobgpd sent has no cause; one that tonic made for a broken connection has.
    pub(crate) fn error(&self, call: &'static str, status: Status) -> SpeakerError {
        if status.source().is_some() || status.code() == Code::Unavailable {
            SpeakerError::Unreachable { at: self.address.to_string(), source: Box::new(status) }
        } else {
            let message = if status.message().is_empty() {
                status.code().description().to_owned()
            } else {
                status.message().to_owned()
            };
            SpeakerError::Refused { call, message }
        }
    }
}
