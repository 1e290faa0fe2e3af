//! A connection for what is not HTTP: TCP, or TLS over it.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::client::CONNECT;
use crate::{OutboundError, Reach, SettingsError, tls};

/// Where a connection goes, and how.
#[derive(Debug, Clone)]
pub struct Target {
    /// A name or an address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Which addresses the name may lead to.
    pub reach: Reach,
    /// Whether TLS is spoken.
    pub tls: bool,
    /// PEM file of authorities that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
}

/// What is read from and written to.
pub trait Octets: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Octets for T {}

/// Connects.
#[derive(Clone)]
pub struct Stream {
    target: Target,
    tls: Option<TlsConnector>,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Stream").field(&self.target).finish()
    }
}

impl Stream {
    /// To there.
    pub fn new(target: Target) -> Result<Self, SettingsError> {
        let tls = match target.tls {
            true => Some(TlsConnector::from(Arc::new(tls::config(target.ca_file.as_deref())?))),
            false => None,
        };
        if tls.is_some() && ServerName::try_from(target.host.as_str()).is_err() {
            return Err(SettingsError::new(format!("{:?} is no name of a server", target.host)));
        }
        Ok(Self { target, tls })
    }

    /// A new connection.
    pub async fn connect(&self) -> Result<Box<dyn Octets>, OutboundError> {
        let seconds = CONNECT.as_secs();
        let connected = tokio::time::timeout(CONNECT, self.open()).await;
        connected.unwrap_or(Err(OutboundError::TooSlow { seconds }))
    }

    async fn open(&self) -> Result<Box<dyn Octets>, OutboundError> {
        let Target { host, port, reach, .. } = &self.target;
        let found = reach.resolve(host, *port).await.map_err(OutboundError::of_name)?;
        let stream = TcpStream::connect(found.as_slice()).await.map_err(OutboundError::of_io)?;
        let _ = stream.set_nodelay(true);
        let Some(tls) = &self.tls else { return Ok(Box::new(stream)) };
        let name = ServerName::try_from(host.clone())
            .map_err(|error| OutboundError::Unreachable(Box::new(error)))?;
        Ok(Box::new(tls.connect(name, stream).await.map_err(OutboundError::of_io)?))
    }
}
